"""`ccw-actors replay`: takes the steps of a counterexample again, and shows them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from ccw_actors.cli._printing import as_text, new_console, say, say_json
from ccw_actors.cli._scenario_names import (
    Explored,
    ScenarioNameError,
    find_scenario,
    shipped_scenario,
)
from ccw_actors.explore import (
    Counterexample,
    CounterexampleError,
    Replayed,
    ReplayError,
    Step,
)

__all__ = ["replay"]

_GONE, _THERE, _LOST = 0, 1, 3


def replay(
    file: Annotated[
        Path, typer.Argument(help="A counterexample.", dir_okay=False, exists=True)
    ],
    scenario: Annotated[
        str,
        typer.Option(
            metavar="FILE:NAME",
            help="The scenario to take the steps in, as `explore` knows it: one that"
            " does not come with this package has to be named.",
        ),
    ] = "",
    *,
    step: Annotated[
        bool, typer.Option("--step", help="Wait for Enter after each step.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, and nothing else.")
    ] = False,
) -> None:
    """Take the steps of a counterexample again.

    The table has a row for each step and a column for each actor: what it handled, and
    from whom. No code is run that the counterexample names. Ends with 1 if a fault is
    met, 0 if none is any more, 3 if a step cannot be taken any more, 2 for usage or a
    file that is no counterexample.
    """
    try:
        known = Counterexample.load(file)
        found = find_scenario(scenario) if scenario else _shipped(known)
    except (CounterexampleError, ScenarioNameError) as error:
        raise typer.BadParameter(str(error)) from error
    try:
        again = known.replay(found)
    except ReplayError as lost:
        _say_lost(file, lost, as_json=as_json)
        raise typer.Exit(_LOST) from lost
    if as_json:
        say_json(_as_json(again))
    else:
        _show(known, scenario or known.scenario, again, waits=step)
    raise typer.Exit(_THERE if again.violation else _GONE)


def _say_lost(file: Path, lost: ReplayError, *, as_json: bool) -> None:
    """Say which step cannot be taken any more."""
    if as_json:
        say_json({"violation": None, "steps": lost.number - 1, "lost": str(lost)})
    else:
        say(f"{file}: {lost}")


def _shipped(known: Counterexample) -> Explored:
    found = shipped_scenario(known.scenario)
    if found is None:
        raise ScenarioNameError(
            f"the counterexample is of {known.scenario!r}, which does not come with"
            " this package: if you trust that code, name it with --scenario FILE:NAME"
        )
    return found


def _as_json(again: Replayed) -> dict[str, Any]:
    steps = [step._asdict() | {"name": step.name} for step in again.steps]
    return {
        "violation": again.violation or None,
        "steps": msgspec.to_builtins(steps),
        "lost": None,
    }


def _show(known: Counterexample, name: str, again: Replayed, *, waits: bool) -> None:
    console = new_console()
    how = ", ".join(filter(None, (known.delivery, known.time)))
    console.print(as_text(f"{name} ({how})"))
    _show_steps(console, again.steps, waits=waits)
    if again.violation:
        console.print(as_text(f"then: {again.violation}", style="red"))
        if again.violation != known.violation:
            console.print(as_text(f"the file says: {known.violation}"))
    else:
        console.print(as_text(f"nothing is wrong; the file says: {known.violation}"))


def _show_steps(console: Console, steps: Sequence[Step], *, waits: bool) -> None:
    """Print all steps, or each when somebody wants to see the next."""
    actors = list(dict.fromkeys(step.actor for step in steps))
    if not waits:
        console.print(_table(actors, list(enumerate(steps, 1)), shows_head=True))
        return
    for number, step in enumerate(steps, 1):
        console.print(_table(actors, [(number, step)], shows_head=number == 1))
        if number < len(steps) and sys.stdin.isatty():
            input()


def _table(
    actors: list[str], steps: list[tuple[int, Step]], *, shows_head: bool
) -> Table:
    table = Table(box=None, pad_edge=False, show_header=shows_head)
    table.add_column("", justify="right")
    for actor in actors:
        table.add_column(as_text(actor or "action"), overflow="fold", ratio=1)
    for number, step in steps:
        cells = [
            as_text(_cell(step)) if actor == step.actor else "" for actor in actors
        ]
        table.add_row(str(number), *cells)
    return table


def _cell(step: Step) -> str:
    if not step.actor:
        return step.message
    what = f"crash on {step.message}" if step.crash else step.message
    if step.timer:
        return f"timer {step.timer}: {what}"
    return f"{step.sender or 'outside'}: {what}"
