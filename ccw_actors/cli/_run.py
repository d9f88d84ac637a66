"""`ccw-actors run`: runs a machine, shows it working, and prints the result."""

import contextlib
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ccw_actors.cli._loops import UseUvloop, loop_factory
from ccw_actors.cli._printing import complain
from ccw_actors.cli._running import (
    TRACE,
    Processes,
    TakesFaults,
    begin_a_trace,
    check_name,
    claim_name,
    print_result,
    run_shown,
)
from ccw_actors.cli._sizes import size_option
from ccw_actors.machine import SHIPPED_MACHINE, MachineSource, Placement, RunResult
from ccw_actors.trace import TRACE_SIZE

__all__ = ["run"]

_ALL = "all"


_MachineFile: TypeAlias = Annotated[
    Path | None,
    typer.Argument(
        metavar="MACHINE.TOML",
        help="The machine to run (default: the one that comes with the package).",
        show_default=False,
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
        help=f"Write the trace to this file (default: {TRACE}). An older trace there is"
        " replaced; any other file is refused.",
        show_default=False,
    ),
]
_TraceSize: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="Keep this much of the trace, the newest part: bytes, a size as in"
        f" '1 GiB', or '{_ALL}'.",
    ),
]
_NoTrace: TypeAlias = Annotated[
    bool, typer.Option("--no-trace", help="Write no trace.")
]
_Name: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The name of the machine for 'ccw-actors machines' and 'stop' (default:"
        " that of its file, with a number if the name is taken).",
        show_default=False,
    ),
]
_NoControl: TypeAlias = Annotated[
    bool,
    typer.Option("--no-control", help="Do not listen to other commands."),
]
_Processes: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--processes",
        metavar="N",
        min=1,
        help="Deal the guests out to N processes, except those that name one in the"
        " machine file.",
        show_default=False,
    ),
]


_Placement: TypeAlias = Annotated[
    Placement | None,
    typer.Option(
        "--placement",
        help="Where subchannels, devices and volumes are if guests have several"
        " processes: all in that of this command, or each in that of its guest"
        " (default: as the machine file says, or with-guest).",
        show_default=False,
    ),
]


def run(
    machine_file: _MachineFile = None,
    *,
    as_json: _AsJson = False,
    trace: _Trace = None,
    trace_size: _TraceSize = f"{TRACE_SIZE >> 20} MiB",
    no_trace: _NoTrace = False,
    name: _Name = None,
    no_control: _NoControl = False,
    processes: _Processes = None,
    placement: _Placement = None,
    faults: TakesFaults = False,
    uvloop: UseUvloop = False,
) -> None:
    """Run a machine until the programs of all its guests have ended.

    Prints what each guest did and found, how many messages of each type were handled,
    and where the trace is. A signal stops the machine, and the command prints the
    results of guests that have ended. A second signal ends the process at once.

    Exit status: 0 every guest finished; 1 a guest did not; 2 usage error, or the
    machine file, the name or the place of the trace cannot be used; 130 Ctrl-C; 143
    SIGTERM or 'ccw-actors stop'; 129 SIGHUP.
    """
    _exclude("--trace", trace, "--no-trace", given=no_trace)
    _exclude("--name", name, "--no-control", given=no_control)
    check_name(name)
    size_max = _size_max(trace_size)
    new_loop = loop_factory(uvloop=uvloop)
    file = machine_file or SHIPPED_MACHINE
    source = MachineSource.read(file)
    machine = source.machine()
    several = Processes.of(source, machine, processes, size_max, placement)
    with contextlib.ExitStack() as stack:
        control = None if no_control else claim_name(name, file.stem)
        if control is not None:
            stack.callback(control.close)
        inputs = [] if machine_file is None else [machine_file]
        end = run_shown(
            machine,
            None if no_trace else begin_a_trace(machine, trace, inputs, size_max),
            control,
            as_json=as_json,
            takes_faults=faults,
            new_loop=new_loop,
            processes=several,
        )
    _print(end.result, end.why, as_json=as_json)
    if end.status:
        raise typer.Exit(end.status)


def _exclude(option: str, value: object, other: str, *, given: bool) -> None:
    """Refuse an option that has a value if the other one is given."""
    if given and value is not None:
        raise typer.BadParameter(f"{option} and {other} exclude each other")


def _size_max(text: str) -> int | None:
    """Read the value of --trace-size; None for all."""
    if text == _ALL:
        return None
    return size_option(text, "--trace-size", least=1 << 16)


def _print(result: RunResult, why: str, *, as_json: bool) -> None:
    """Print a result; `why` is what stopped the run, "" if nothing did."""
    if why:
        traced = f"; trace in {result.trace}" if result.trace else ""
        complain(f"{why}{traced}")
    ended = _ended(result, why)
    if as_json or not why or ended:
        print_result(result, as_json=as_json)
    if result.trace_error:
        complain(f"{result.trace}: the trace is incomplete: {result.trace_error}")
    for name, error in ended.items():
        if error is not None:
            complain(f"guest {name}: {error}")


def _ended(result: RunResult, why: str) -> dict[str, str | None]:
    """Return the error, if any, of each guest that ended before the run stopped."""
    return {
        name: guest.error for name, guest in result.guests.items() if guest.error != why
    }
