"""`ccw-actors qemu`: starts a QEMU with disks of ours passed through to it.

Its subcommands do something to one that runs: disks come and go, CPUs pause.
"""

import contextlib
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from typer.core import TyperGroup

from ccw_actors.cli._printing import complain, say_json
from ccw_actors.cli._qemu_options import (
    read_boot,
    read_device_number,
    read_disk,
    read_disks,
    read_storage,
)
from ccw_actors.cli._run_view import ending
from ccw_actors.cli._running import (
    End,
    begin_a_trace,
    check_name,
    claim_name,
    run_shown,
)
from ccw_actors.control import ControlClient, DescribeMachine
from ccw_actors.machine import (
    AttachDisk,
    Binary,
    ConsoleTarget,
    DetachDisk,
    Machine,
    PassedThrough,
    PauseGuest,
    QemuGuest,
    ResumeGuest,
    check_machine,
)
from ccw_actors.trace import TRACE_SIZE

__all__ = ["qemu"]

_NAME = "qemu"
_ARGUMENTS = "ccw-actors qemu --"
_PATIENCE = 60.0

_MACHINE = typer.Argument(
    metavar="NAME",
    help="The machine's name, as 'ccw-actors machines' has it.",
    show_default=False,
)
_GUEST = typer.Option(
    "--guest", metavar="GUEST", help="The guest, if there is more than one."
)


class _QemuGroup(TyperGroup):
    """Commands that leave alone what comes after "--": it is QEMU's."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep that part for the callback."""
        at = args.index("--") if "--" in args else len(args)
        for word in args[:at]:
            if word.startswith("-") and not word.startswith("--"):
                raise typer.BadParameter(f"{word}: what is QEMU's own comes after --")
        ctx.meta[_ARGUMENTS] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Show it in the help."""
        return ["[OPTIONS]", "[-- QEMU-ARGUMENT...]"]


qemu = typer.Typer(cls=_QemuGroup, invoke_without_command=True)


_Disks: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--disk",
        metavar="DEVNO=IMAGE[,OPTION...]",
        help="Pass a disk through; may be given several times. Options are"
        " type=TYPE, which an image of a 3390 or 3380 says itself and raw blocks"
        " need, as in 3370; control-unit=UNIT, which for a 3390 is 2107 unless it"
        " is 3990-2 or 3990-6; and read-only.",
        show_default=False,
    ),
]
_Program: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--qemu",
        metavar="PROGRAM",
        help="A qemu-system-s390x, or the folder where one was built (default: the"
        " one on PATH).",
        show_default=False,
    ),
]
_Memory: TypeAlias = Annotated[
    str, typer.Option(metavar="SIZE", help="Main storage, in whole MiB.")
]
_Cpus: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, max=248, help="CPUs.")
]
_Boot: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="DEVNO", help="IPL from this disk.", show_default=False),
]
_Console: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Where the guest's console is: 'terminal', or a file.",
    ),
]
_LineMode: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--line-mode",
        help="For a kernel that knows the SCLP's line-mode console only.",
    ),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, nothing else.")
]
_Trace: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--trace", metavar="FILE", help="Write a trace there.", show_default=False
    ),
]
_Name: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The name by which other commands know the machine (default: qemu,"
        " and a number if that is taken).",
        show_default=False,
    ),
]


@qemu.callback()
def start(
    context: typer.Context,
    *,
    disks: _Disks = None,
    program: _Program = None,
    memory: _Memory = "512 MiB",
    cpus: _Cpus = 1,
    boot: _Boot = None,
    console: _Console = "terminal",
    line_mode: _LineMode = False,
    as_json: _AsJson = False,
    trace: _Trace = None,
    name: _Name = None,
) -> None:
    """Start a QEMU with disks passed through to it, its console on this terminal.

    What comes after -- is QEMU's own: -kernel, -initrd, -append and whatever else it
    takes. The guest drives the disks with its own drivers, through QEMU's vfio-ccw.
    Ctrl-C shuts the guest down in order; a second one ends it at once. At a terminal
    Ctrl-A c types a Ctrl-C, Ctrl-A x ends the guest as Ctrl-C does.

    Exit status: 0 if QEMU ended with 0 and nothing of the disks was left at work, 1 if
    not, 2 for usage, 130 after Ctrl-C.
    """
    if context.invoked_subcommand is not None:
        return
    check_name(name)
    devices = read_disks(disks or ())
    guest = QemuGuest(
        _NAME,
        read_storage(memory),
        binary=None if program is None else Binary.read(program, Path()),
        cpus=cpus,
        arguments=tuple(context.meta[_ARGUMENTS]),
        console=ConsoleTarget.read(console, Path()),
        line_mode=line_mode,
        boot=None if boot is None else read_boot(boot, devices),
        devices=tuple(PassedThrough(one.number, one.number) for one in devices),
    )
    machine = Machine(devices, (guest,))
    check_machine(machine, "ccw-actors qemu")
    end = _run(machine, name, trace, as_json=as_json)
    _report(end, as_json=as_json)
    if end.status:
        raise typer.Exit(end.status)


def _report(end: End, *, as_json: bool) -> None:
    """Say how the guest ended."""
    if as_json:
        say_json(end.result)
    result = end.result.guests[_NAME]
    complain(ending(result) if result.error is None else result.error)


def _run(
    machine: Machine, name: str | None, trace: Path | None, *, as_json: bool
) -> End:
    """Run the machine under its name, with a trace if one is wanted."""
    with contextlib.ExitStack() as stack:
        control = claim_name(name, _NAME)
        if control is not None:
            stack.callback(control.close)
        target = None
        if trace is not None:
            target = begin_a_trace(machine, trace, [], TRACE_SIZE)
        return run_shown(machine, target, control, as_json=as_json)


@qemu.command()
def attach(
    name: Annotated[str, _MACHINE],
    disk: Annotated[
        str,
        typer.Argument(
            metavar="DEVNO=IMAGE[,OPTION...]",
            help="The disk, as for --disk.",
            show_default=False,
        ),
    ],
    *,
    guest: Annotated[str, _GUEST] = "",
) -> None:
    """Plug a disk into a QEMU that runs.

    Exit status: 0 if the guest has it, 1 if it cannot have it, 2 for usage.
    """
    device = read_disk(disk)
    assert device.image is not None, "a disk has an image"
    with ControlClient(_checked(name)) as client:
        request = AttachDisk(
            guest or _only_guest(client),
            str(device.number),
            device.device_type,
            str(device.image.absolute()),
            device.read_only,
            device.control_unit,
        )
        client.ask(request, timeout=_PATIENCE)


@qemu.command()
def detach(
    name: Annotated[str, _MACHINE],
    number: Annotated[
        str,
        typer.Argument(
            metavar="DEVNO", help="The guest's number for it.", show_default=False
        ),
    ],
    *,
    guest: Annotated[str, _GUEST] = "",
) -> None:
    """Unplug a disk of a QEMU that runs; its image is closed then.

    Exit status: 0 if that is done, 1 if the guest keeps it, 2 for usage.
    """
    wanted = str(read_device_number(number, "DEVNO"))
    with ControlClient(_checked(name)) as client:
        request = DetachDisk(guest or _only_guest(client), wanted)
        client.ask(request, timeout=_PATIENCE)


@qemu.command()
def pause(
    name: Annotated[str, _MACHINE], *, guest: Annotated[str, _GUEST] = ""
) -> None:
    """Stop the virtual CPUs of a QEMU that runs; I/O that has begun goes on."""
    with ControlClient(_checked(name)) as client:
        client.ask(PauseGuest(guest or _only_guest(client)), timeout=_PATIENCE)


@qemu.command()
def resume(
    name: Annotated[str, _MACHINE], *, guest: Annotated[str, _GUEST] = ""
) -> None:
    """Let the virtual CPUs of a QEMU go on."""
    with ControlClient(_checked(name)) as client:
        client.ask(ResumeGuest(guest or _only_guest(client)), timeout=_PATIENCE)


def _checked(name: str) -> str:
    check_name(name, "NAME")
    return name


def _only_guest(client: ControlClient) -> str:
    """Return the one guest of a machine; of several, somebody has to choose."""
    guests = [one.name for one in client.ask(DescribeMachine()).guests]
    if len(guests) != 1:
        raise typer.BadParameter(
            f"machine {client.name} has {len(guests)}: {', '.join(guests)}",
            param_hint="--guest",
        )
    return guests[0]
