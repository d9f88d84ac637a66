"""`ccw-actors fault`: makes the devices of a running machine fail, as asked for."""

from typing import Annotated, Any, Literal, TypeAlias

import typer
from rich import box
from rich.table import Table

from ccw_actors.cli._completion import effects, running_machines, sense_names
from ccw_actors.cli._printing import as_text, print_table, say, say_json
from ccw_actors.cli._qemu_options import read_device_number
from ccw_actors.cli._running import check_name
from ccw_actors.cli._usage import PlainCommand, PlainGroup
from ccw_actors.control import ControlClient
from ccw_actors.errors import FaultError
from ccw_actors.faults import (
    EFFECTS,
    FAULT_EXPECTED,
    STATUSES,
    Fault,
    PlannedFault,
    check_fault,
)
from ccw_actors.machine import AddFault, ClearFaults, DeviceFaults, ListFaults

__all__ = ["fault"]

_ALWAYS: Literal["always"] = "always"

fault = typer.Typer(
    cls=PlainGroup,
    help="Make the devices of a running machine fail.\n\n"
    "The machine has to run with --faults, or the machine file has takes_faults for the"
    " device.\n\n"
    "Exit status: 0 the command succeeded; 1 the machine or the device refuses; 2 usage"
    " error.",
    no_args_is_help=True,
)

_Machine: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MACHINE",
        help="The machine's name, as 'ccw-actors machines' prints it.",
        autocompletion=running_machines,
        show_default=False,
    ),
]
_Device: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="DEVICE", help="The host's number for the device.", show_default=False
    ),
]
_Effect: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="EFFECT",
        help=f"What happens: {', '.join(EFFECTS)}.",
        autocompletion=effects,
        show_default=False,
    ),
]
_Sense: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SENSE",
        help="Of a unit check: the name of sense data, or bytes in hexadecimal.",
        autocompletion=sense_names,
        show_default=False,
    ),
]
_Seconds: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="How long a stall, a late interrupt, busy or 'path off' lasts.",
        show_default=False,
    ),
]
_Status: TypeAlias = Annotated[
    str,
    typer.Option(metavar="STATUS", help=f"Unsolicited status: {', '.join(STATUSES)}."),
]
_Command: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE",
        help="Only commands with this code, in hexadecimal. May be repeated.",
        show_default=False,
    ),
]
_Track: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="CYLINDER,HEAD",
        help="Only commands that read or write this track.",
        show_default=False,
    ),
]
_Record: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        max=255,
        help="Only commands that read or write a record with this number.",
        show_default=False,
    ),
]
_Block: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Only commands that read or write this block of a disk of blocks.",
        show_default=False,
    ),
]
_Nth: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, help="At the N-th of these commands, ...")
]
_Every: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, help="... and at every N-th after it.")
]
_Probability: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="P", min=0, max=1, help="At each of them with this probability."
    ),
]
_Seed: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=0, help="Where the random numbers start.")
]
_Times: TypeAlias = Annotated[
    str, typer.Option(metavar="N", help=f"How often it happens; or '{_ALWAYS}'.")
]
_After: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="Without a command, this many seconds from now.",
        show_default=False,
    ),
]


@fault.command(cls=PlainCommand)
def add(
    machine: _Machine,
    device: _Device,
    effect: _Effect,
    *,
    sense: _Sense = "",
    seconds: _Seconds = 0.0,
    status: _Status = "attention",
    command: _Command = None,
    track: _Track = None,
    record: _Record = None,
    block: _Block = None,
    nth: _Nth = 1,
    every: _Every = 1,
    probability: _Probability = 1.0,
    seed: _Seed = 0,
    times: _Times = "1",
    after: _After = None,
) -> None:
    """Have a device fail from now on.

    Prints the number of the fault, for 'ccw-actors fault rm'.

    Exit status: 0 the device has the fault; 1 it takes no faults, or no such machine is
    running; 2 usage error.
    """
    wanted: Any = {
        "effect": effect,
        "sense": sense,
        "seconds": seconds,
        "status": status,
        "commands": tuple(map(_code, command or ())),
        "track": None if track is None else _track(track),
        "record": record,
        "block": block,
        "nth": nth,
        "every": every,
        "probability": probability,
        "seed": seed,
        "times": _times(times),
        "after": after,
    }
    request = AddFault(_number(device), _checked(Fault(**wanted)))
    with _client(machine) as client:
        say(client.ask(request).number)


@fault.command("ls", cls=PlainCommand)
def list_faults(
    machine: _Machine,
    device: Annotated[
        str | None,
        typer.Argument(
            metavar="DEVICE",
            help="The host's number for a device (default: all that take faults).",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, an object per fault.")
    ] = False,
) -> None:
    """List the faults of a machine's devices.

    Prints a line per fault: device, number, fault, how many commands could meet it, and
    how often it has happened.

    Exit status: 0 listed, also if there are none; 1 the device takes no faults, or no
    such machine is running; 2 usage error.
    """
    number = "" if device is None else _number(device)
    with _client(machine) as client:
        found = client.ask(ListFaults(number)).devices
    if as_json:
        say_json([{"device": one.device, **_plain(its)} for one, its in _rows(found)])
    elif any(one.faults for one in found):
        print_table(_view(found))
    else:
        say("no device has a fault")


@fault.command("rm", cls=PlainCommand)
def remove(
    machine: _Machine,
    device: _Device,
    numbers: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="N...",
            help="The numbers of the faults (default: all).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Have a device no longer fail.

    Prints nothing. A stall or a busy condition that has begun comes to its end.

    Exit status: 0 the device no longer has the faults; 1 it never had one of them, or
    no such machine is running; 2 usage error.
    """
    wanted = tuple(numbers or ())
    with _client(machine) as client:
        gone = client.ask(ClearFaults(_number(device), wanted)).numbers
    for number in wanted:
        if number not in gone:
            raise FaultError(f"device {_number(device)} has no fault {number}")


def _client(machine: str) -> ControlClient:
    check_name(machine, "MACHINE")
    return ControlClient(machine)


def _number(device: str) -> str:
    return str(read_device_number(device, "DEVICE"))


def _checked(made: Fault) -> Fault:
    """Return the fault.

    Raises:
        typer.BadParameter: It cannot be.
    """
    try:
        check_fault(made)
    except FaultError as error:
        raise typer.BadParameter(str(error)) from error
    return made


def _code(text: str) -> int:
    """Read a value of --command."""
    try:
        return int(text, 16)
    except ValueError:
        expected = f"expected a command code in hexadecimal, as in 06, got {text!r}"
        raise typer.BadParameter(expected, param_hint="--command") from None


def _track(text: str) -> tuple[int, int]:
    """Read the value of --track."""
    cylinder, _, head = text.partition(",")
    try:
        return int(cylinder), int(head)
    except ValueError:
        expected = f"{FAULT_EXPECTED['track'].replace('[3, 14]', '3,14')}"
        text = f"expected {expected}, got {text!r}"
        raise typer.BadParameter(text, param_hint="--track") from None


def _times(text: str) -> int | Literal["always"]:
    """Read the value of --times."""
    if text == _ALWAYS:
        return _ALWAYS
    try:
        return int(text)
    except ValueError:
        text = f"expected {FAULT_EXPECTED['times']}, got {text!r}"
        raise typer.BadParameter(text, param_hint="--times") from None


def _rows(found: tuple[DeviceFaults, ...]) -> list[tuple[DeviceFaults, PlannedFault]]:
    return [(one, its) for one in found for its in one.faults]


def _plain(its: PlannedFault) -> dict[str, Any]:
    return {
        "number": its.number,
        "fault": its.fault.chosen,
        "seen": its.seen,
        "happened": its.happened,
    }


def _view(found: tuple[DeviceFaults, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("device", no_wrap=True)
    table.add_column("number", justify="right", no_wrap=True)
    table.add_column("fault", overflow="fold")
    for name in ("commands", "happened"):
        table.add_column(name, justify="right", no_wrap=True)
    for device, its in _rows(found):
        table.add_row(
            device.device,
            str(its.number),
            as_text(_in_words(its.fault)),
            f"{its.seen:,}",
            f"{its.happened:,}",
        )
    return table


def _in_words(its: Fault) -> str:
    """Return a fault as text: its effect, then what is not as by default."""
    chosen = its.chosen
    words = [chosen.pop("effect")]
    if "commands" in chosen:
        chosen["commands"] = " ".join(f"{code:02x}" for code in its.commands)
    if its.track is not None:
        chosen["track"] = f"{its.track[0]},{its.track[1]}"
    words += (f"{key} {value}" for key, value in chosen.items())
    return ", ".join(words)
