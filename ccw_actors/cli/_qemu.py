"""`ccw-actors qemu`: starts a QEMU with our disks passed through to it.

Its subcommands act on a QEMU that is running: they attach and detach disks, and pause
and resume its CPUs. Another one tests a QEMU.
"""

import contextlib
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from ccw_actors.cli._completion import running_machines
from ccw_actors.cli._printing import complain, say_json
from ccw_actors.cli._progress import waiting
from ccw_actors.cli._qemu_options import (
    read_boot,
    read_device_number,
    read_disk,
    read_disks,
    read_storage,
)
from ccw_actors.cli._qemu_test import qemu_test
from ccw_actors.cli._run_view import ending
from ccw_actors.cli._running import (
    End,
    TakesFaults,
    begin_a_trace,
    check_name,
    claim_name,
    run_shown,
)
from ccw_actors.cli._usage import PlainCommand, PlainGroup
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
    help="The machine's name, as 'ccw-actors machines' prints it.",
    autocompletion=running_machines,
    show_default=False,
)
_GUEST = typer.Option(
    "--guest",
    metavar="GUEST",
    help="The guest; needed if the machine has more than one.",
)


class _QemuGroup(PlainGroup):
    """Commands that pass everything after "--" to QEMU."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep that part for the callback."""
        at = args.index("--") if "--" in args else len(args)
        for word in args[:at]:
            if word.startswith("-") and not word.startswith("--"):
                raise typer.BadParameter(f"{word}: QEMU's own arguments come after --")
        ctx.meta[_ARGUMENTS] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Show that part in the usage line."""
        return ["[OPTIONS]", "[-- QEMU-ARGUMENT...]"]


qemu = typer.Typer(cls=_QemuGroup, invoke_without_command=True)
qemu.command("test", cls=PlainCommand)(qemu_test)


_Disks: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--disk",
        metavar="DEVNO=IMAGE[,OPTION...]",
        help="Pass a disk through. May be repeated. Options: type=TYPE, for an image of"
        " raw blocks only, as in 3370; control-unit=UNIT, for a 3390 or"
        " 3380 2107 (the default), 3990-2 or 3990-6; read-only.",
        show_default=False,
    ),
]
_Program: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--qemu",
        metavar="PROGRAM",
        help="The qemu-system-s390x to start, or the folder where it was built"
        " (default: the one on PATH).",
        show_default=False,
    ),
]
_Memory: TypeAlias = Annotated[
    str, typer.Option(metavar="SIZE", help="The guest's main storage, in whole MiB.")
]
_Cpus: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, max=248, help="The number of CPUs.")
]
_Boot: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="DEVNO", help="IPL from this disk.", show_default=False),
]
_Console: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="The guest's console: 'terminal', or a file for its output.",
    ),
]
_LineMode: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--line-mode",
        help="Use the SCLP's line-mode console, for a kernel that knows no other.",
    ),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON.")
]
_Trace: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Write a trace to this file.",
        show_default=False,
    ),
]
_Name: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The name of the machine for other commands (default: qemu, with a number"
        " if that is taken).",
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
    faults: TakesFaults = False,
) -> None:
    """Start a QEMU with disks passed through to it.

    Its console is on this terminal, unless --console names a file. Arguments after --
    go to QEMU: -kernel, -initrd, -append and so on. The guest drives the disks with its
    own drivers, through QEMU's vfio-ccw. Ctrl-C shuts the guest down; a second Ctrl-C
    ends it at once. On a terminal, the guest gets a Ctrl-C from Ctrl-A c, and Ctrl-A x
    shuts it down. At the end, prints the number of I/Os and interrupts, and the
    condition codes of the I/O instructions.

    Exit status: 0 QEMU ended with 0 and left no I/O in progress; 1 it did not; 2 usage
    error, or an image cannot be used; 129 SIGHUP; 130 Ctrl-C; 143 SIGTERM or
    'ccw-actors stop'.
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
    end = _run(machine, name, trace, as_json=as_json, takes_faults=faults)
    _report(end, as_json=as_json)
    if end.status:
        raise typer.Exit(end.status)


def _report(end: End, *, as_json: bool) -> None:
    """Print how the guest ended."""
    if as_json:
        say_json(end.result)
    result = end.result.guests[_NAME]
    complain(ending(result) if result.error is None else result.error)


def _run(
    machine: Machine,
    name: str | None,
    trace: Path | None,
    *,
    as_json: bool,
    takes_faults: bool,
) -> End:
    """Run the machine under its name, with a trace if one is wanted."""
    with contextlib.ExitStack() as stack:
        control = claim_name(name, _NAME)
        if control is not None:
            stack.callback(control.close)
        target = None
        if trace is not None:
            target = begin_a_trace(machine, trace, [], TRACE_SIZE)
        return run_shown(
            machine, target, control, as_json=as_json, takes_faults=takes_faults
        )


@qemu.command(cls=PlainCommand)
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
    """Plug a disk into a running QEMU.

    Prints nothing.

    Exit status: 0 the guest has the disk; 1 it cannot have it, or no such machine is
    running; 2 usage error, or the image cannot be used.
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
        _wait(client, request, f"attaching {device.number}")


@qemu.command(cls=PlainCommand)
def detach(
    name: Annotated[str, _MACHINE],
    number: Annotated[
        str,
        typer.Argument(
            metavar="DEVNO",
            help="The guest's number for the disk.",
            show_default=False,
        ),
    ],
    *,
    guest: Annotated[str, _GUEST] = "",
) -> None:
    """Unplug a disk of a running QEMU, and close its image.

    Prints nothing.

    Exit status: 0 the disk is detached; 1 the guest keeps it, or no such machine is
    running; 2 usage error.
    """
    wanted = str(read_device_number(number, "DEVNO"))
    with ControlClient(_checked(name)) as client:
        request = DetachDisk(guest or _only_guest(client), wanted)
        _wait(client, request, f"detaching {wanted}")


@qemu.command(cls=PlainCommand)
def pause(
    name: Annotated[str, _MACHINE], *, guest: Annotated[str, _GUEST] = ""
) -> None:
    """Stop the virtual CPUs of a running QEMU; I/O in progress goes on.

    Prints nothing.

    Exit status: 0 the CPUs are stopped; 1 QEMU refuses, or no such machine is running;
    2 usage error.
    """
    with ControlClient(_checked(name)) as client:
        client.ask(PauseGuest(guest or _only_guest(client)), timeout=_PATIENCE)


@qemu.command(cls=PlainCommand)
def resume(
    name: Annotated[str, _MACHINE], *, guest: Annotated[str, _GUEST] = ""
) -> None:
    """Let the virtual CPUs of a paused QEMU run again.

    Prints nothing.

    Exit status: 0 the CPUs run; 1 QEMU refuses, or no such machine is running; 2 usage
    error.
    """
    with ControlClient(_checked(name)) as client:
        client.ask(ResumeGuest(guest or _only_guest(client)), timeout=_PATIENCE)


def _wait(client: ControlClient, request: AttachDisk | DetachDisk, what: str) -> None:
    """Make a request for which the guest may take its time."""
    with waiting(what):
        client.ask(request, timeout=_PATIENCE)


def _checked(name: str) -> str:
    check_name(name, "NAME")
    return name


def _only_guest(client: ControlClient) -> str:
    """Return the only guest of a machine.

    Raises:
        typer.BadParameter: There is none, or the user has to choose.
    """
    guests = [one.name for one in client.ask(DescribeMachine()).guests]
    if len(guests) != 1:
        raise typer.BadParameter(
            f"expected a guest of {client.name}: {', '.join(guests) or 'none'}",
            param_hint="--guest",
        )
    return guests[0]
