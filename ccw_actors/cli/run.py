"""`ccw-actors run`: run a machine, show it working, and say what came of it."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from ccw_actors.cli.printing import complain, new_console, say_json
from ccw_actors.cli.run_view import progress_view, result_view
from ccw_actors.errors import MachineFileError
from ccw_actors.machine import (
    SHIPPED_MACHINE,
    Machine,
    Progress,
    RunResult,
    load_machine,
    run_machine,
)

__all__ = ["run"]

TRACE = Path("ccw-actors.trace")


def run(
    machine_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="MACHINE.TOML",
            help="The machine to run; without it, one that comes with the package.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, nothing else.")
    ] = False,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace",
            metavar="FILE",
            help=f"Where to write the trace (default: {TRACE}).",
            show_default=False,
        ),
    ] = None,
    no_trace: Annotated[
        bool, typer.Option("--no-trace", help="Write no trace.")
    ] = False,
) -> None:
    """Run a machine until the programs of all its guests are over.

    Exit status: 0 if every guest finished, 1 if one did not, 2 if the machine file is
    wrong, 130 after Ctrl-C.
    """
    if no_trace and trace is not None:
        raise typer.BadParameter("--trace and --no-trace exclude each other")
    logging.getLogger("ccw_actors").addHandler(logging.NullHandler())
    target = None if no_trace else trace or TRACE
    console = new_console()
    outcome = _outcome(machine_file, target, console, quiet=as_json)
    if isinstance(outcome, signal.Signals):
        traced = f"; trace in {target}" if target else ""
        complain(f"stopped by {outcome.name}{traced}")
        raise typer.Exit(128 + outcome)
    if as_json:
        say_json(outcome)
    else:
        console.print(result_view(outcome))
    _complain_of_failures(outcome)
    if not outcome.finished:
        raise typer.Exit(1)


def _outcome(
    machine_file: Path | None, trace: Path | None, console: Console, *, quiet: bool
) -> RunResult | signal.Signals:
    """Run, or exit with 2 if the machine file or the place of the trace is wrong."""
    try:
        machine = load_machine(machine_file or SHIPPED_MACHINE)
        return _run(machine, trace, console, quiet=quiet)
    except MachineFileError as error:
        complain(str(error))
        raise typer.Exit(2) from error
    except OSError as error:
        if str(error.filename) != str(trace):
            raise
        complain(f"{trace}: {error.strerror}")
        raise typer.Exit(2) from error


def _run(
    machine: Machine, trace: Path | None, console: Console, *, quiet: bool
) -> RunResult | signal.Signals:
    if quiet or not console.is_terminal:
        return asyncio.run(_until_signal(run_machine(machine, trace=trace)))
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show(progress: Progress) -> None:
            live.update(progress_view(progress), refresh=True)

        work = run_machine(machine, trace=trace, on_progress=show)
        return asyncio.run(_until_signal(work))


async def _until_signal(
    work: Coroutine[Any, Any, RunResult],
) -> RunResult | signal.Signals:
    """Run to the end, or until SIGINT or SIGTERM, which is then returned."""
    task = asyncio.ensure_future(work)
    caught: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        caught.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not caught:
            raise
        return caught[0]


def _complain_of_failures(result: RunResult) -> None:
    if result.trace_error:
        complain(f"{result.trace}: the trace is not whole: {result.trace_error}")
    for name, guest in result.guests.items():
        if guest.error is not None:
            complain(f"guest {name}: {guest.error}")
