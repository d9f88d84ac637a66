"""`ccw-actors replay`: takes the steps of a counterexample again."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from ccw_actors.cli._inputs import reading
from ccw_actors.cli._interleaving_view import Row, row_table, rows_of, steps_table
from ccw_actors.cli._own_code import why_failed
from ccw_actors.cli._printing import as_text, new_console, say, say_json
from ccw_actors.cli._progress import waiting
from ccw_actors.cli._scenario_names import (
    Explored,
    ScenarioNameError,
    scenario_of,
)
from ccw_actors.explore import (
    Counterexample,
    CounterexampleError,
    Replayed,
    ReplayError,
)

__all__ = ["replay"]

_GONE, _THERE, _LOST = 0, 1, 3


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A counterexample, as explore --save and verdicts write them.",
            show_default=False,
        ),
    ],
    scenario: Annotated[
        str,
        typer.Option(
            metavar="FILE:NAME",
            help="The scenario to take the steps in, named as for explore. Required"
            " if it does not come with the package.",
            show_default=False,
        ),
    ] = "",
    *,
    step: Annotated[
        bool, typer.Option("--step", help="Wait for Enter after each step.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
) -> None:
    """Replay a counterexample: take its steps again.

    Prints a row for each step, with who takes it and what it is, and the fault that the
    steps lead to. Runs no code that the file names, only that of --scenario.

    Exit status: 0 the steps lead to no fault; 1 they lead to a fault; 2 usage error, or
    the file cannot be used; 3 a step is not possible, so the code has changed.
    """
    try:
        with reading(file, "a counterexample"):
            known = Counterexample.load(file)
        found = scenario_of(file, known, scenario)
    except (CounterexampleError, ScenarioNameError) as error:
        raise typer.BadParameter(str(error)) from error
    try:
        again = _taken(known, scenario or known.scenario, found)
    except ReplayError as lost:
        _say_lost(file, lost, as_json=as_json)
        raise typer.Exit(_LOST) from lost
    if as_json:
        say_json(_as_json(again))
    else:
        _show(known, scenario or known.scenario, again, waits=step)
    raise typer.Exit(_THERE if again.violation else _GONE)


def _taken(known: Counterexample, name: str, scenario: Explored) -> Replayed:
    """Take the steps of a counterexample in a scenario with that name.

    Raises:
        ReplayError: A step is not possible.
        typer.BadParameter: The scenario cannot be explored, or its code fails.
    """
    try:
        with waiting("replaying"):
            return known.replay(scenario)
    except ReplayError:
        raise
    except (Exception, SystemExit) as error:  # it is the scenario's own
        raise typer.BadParameter(f"{name}: {why_failed(error)}") from error


def _say_lost(file: Path, lost: ReplayError, *, as_json: bool) -> None:
    """Print which step is not possible."""
    if as_json:
        say_json({"violation": None, "steps": lost.number - 1, "lost": str(lost)})
    else:
        say(f"{file}: {lost}")


def _as_json(again: Replayed) -> dict[str, Any]:
    steps = [step._asdict() | {"name": step.name} for step in again.steps]
    return {
        "violation": again.violation or None,
        "steps": msgspec.to_builtins(steps),
        "lost": None,
    }


def _show(known: Counterexample, name: str, again: Replayed, *, waits: bool) -> None:
    """Print the steps, and the fault that they lead to, if there is one."""
    console = new_console()
    how = ", ".join(filter(None, (known.delivery, known.time)))
    console.print(as_text(f"{name} ({how})"))
    if waits:
        _show_one_by_one(console, rows_of(name, again.steps))
    else:
        console.print(steps_table(name, again.steps, console.width))
    if not again.violation:
        console.print(as_text(f"No fault. The file says: {known.violation}"))
        return
    console.print(as_text(f"REFUTED: {again.violation}", style="red"))
    if again.violation != known.violation:
        console.print(as_text(f"The file says: {known.violation}"))


def _show_one_by_one(console: Console, rows: Sequence[Row]) -> None:
    """Print each step when the user presses Enter."""
    for row in rows:
        console.print(row_table(row, rows))
        if row is not rows[-1] and sys.stdin.isatty():
            input()
