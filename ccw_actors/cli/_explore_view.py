"""What `ccw-actors explore` prints of what it has found."""

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from ccw_actors.cli._explore_run import Explored
from ccw_actors.cli._interleaving_view import interleaving
from ccw_actors.cli._printing import as_text, new_console, paragraph, visible
from ccw_actors.cli._scenario_names import find_scenario, replay_command
from ccw_actors.explore import Counterexample, Result, Step, explain
from ccw_actors.explore import Progress as Reached
from ccw_actors.verdicts import CellName
from ccw_actors.verdicts import interleaving as lines_of

__all__ = ["as_fields", "progress_bar", "show", "show_list"]

_STYLES: Final = {
    "verified": "green",
    "refuted": "red",
    "incomplete": "yellow",
    "vacuous": "yellow",
    "error": "red",
}
_COUNTS: Final = ("states", "classes", "schedules", "steps", "seconds")
_FOUND: Final = {"states": "states", "orders": "classes"}
_LETTERS_MAX: Final = 20
_SHOW_AFTER: Final = 2.0
_OWN: Final = (
    "Name a scenario of your own FILE:NAME, as in `ccw-actors explore"
    " examples/explore/first.py:two_clients`; `--list FILE` lists those of a file."
)


def show_list(summaries: Mapping[str, str], *, with_own: bool) -> None:
    """Print names of scenarios, and what they are; `with_own`, how to name others."""
    table = Table(box=None, pad_edge=False)
    table.add_column("scenario", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for name, summary in summaries.items():
        table.add_row(as_text(name), as_text(summary))
    console = new_console()
    console.print(table)
    if with_own:
        console.print()
        console.print(as_text(_OWN))


def as_fields(one: Explored) -> dict[str, Any]:
    """Return what was found as JSON has it."""
    result = one.result
    if result is None:
        return {"error": one.error}
    refuted = result.verdict == "refuted"
    known = Counterexample.of(one.name, result) if refuted else None
    return {
        "verdict": result.verdict,
        "scope": result.scope,
        "delivery": result.delivery,
        "noops": result.noops,
        "time": result.time,
        "engine": result.engine,
        "schedules": result.schedules,
        "classes": result.classes,
        "states": result.states,
        "steps": result.steps,
        "seconds": round(result.seconds, 3),
        "violation": result.violation,
        "dead_letters": list(map(str, result.dead_letters)),
        "coverage": msgspec.to_builtins(result.coverage),
        "counterexample": msgspec.to_builtins(known),
    }


def show(
    found: Sequence[Explored], kept: Mapping[str, Path], *, with_coverage: bool
) -> None:
    """Print a table, and what is to be said of each scenario."""
    console = new_console()
    console.print(_table(found))
    for one in found:
        console.print()
        if one.result is None:
            console.print(as_text(f"{one.name}: {' '.join(one.error.split())}"))
            continue
        _show_result(one.name, one.result, with_coverage=with_coverage)
        if one.name in kept:
            command = replay_command(kept[one.name], one.name)
            console.print(as_text(command), soft_wrap=True)


def _table(found: Sequence[Explored]) -> Table:
    """Return a table with the verdict on each scenario, and what it has taken."""
    table = Table(box=None, pad_edge=False)
    table.add_column("scenario", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("engine", no_wrap=True)
    for column in _COUNTS:
        table.add_column(column, justify="right", no_wrap=True)
    for one in found:
        verdict = one.result.verdict if one.result is not None else "error"
        cells = [as_text(one.name), as_text(verdict, style=_STYLES[verdict])]
        table.add_row(*cells, *(_counts(one.result) if one.result is not None else ()))
    return table


def _show_result(name: str, result: Result, *, with_coverage: bool) -> None:
    """Print what is to be said of a scenario that has been explored."""
    console = new_console()
    console.print(as_text(f"{name}: {result.scope}"))
    _show_letters(result)
    if result.verdict == "refuted":
        _show_fault(name, result)
    elif result.verdict == "vacuous":
        console.print(paragraph(result))
    if with_coverage and result.coverage is not None:
        console.print(paragraph(result.coverage), soft_wrap=True)


def _show_fault(name: str, result: Result) -> None:
    """Print the steps to a fault at once, and then what is found out about them."""
    console = new_console()
    console.print(as_text(f"{result.verdict.upper()}: {result.violation}"))
    _show_steps(name, result.counterexample)
    sys.stdout.flush()
    told = explain(find_scenario(name), result)
    if told.steps != result.counterexample:
        is_shorter = len(told.steps) < len(result.counterexample)
        head = "a shorter way:" if is_shorter else "the same, with less overtaking:"
        console.print(head)
        _show_steps(name, told.steps)
    needed = [str(number + 1) for number in told.needed]
    if 0 < len(needed) < len(told.steps):
        console.print(as_text(f"needed are the steps {', '.join(needed)}"))
    for remark in told.remarks():
        console.print(as_text(remark))


def _show_steps(name: str, steps: Sequence[Step]) -> None:
    """Print steps; of a cell of the verdict table as `ccw-actors verdicts` does."""
    console = new_console()
    if CellName.is_one(name):
        console.print(interleaving(lines_of(steps), console.width, by_step=True))
        return
    lines = [f"{number:4} {step}" for number, step in enumerate(steps, 1)]
    if lines:
        console.print(paragraph("\n".join(lines)))


def _show_letters(result: Result) -> None:
    letters = result.dead_letters
    if letters:
        shown = [f"dead letter: {one}" for one in letters[:_LETTERS_MAX]]
        if len(letters) > _LETTERS_MAX:
            shown.append(f"and {len(letters) - _LETTERS_MAX} dead letters more")
        new_console().print(paragraph("\n".join(shown)))


def _counts(result: Result) -> tuple[str, ...]:
    counts = result.states, result.classes, result.schedules, result.steps
    return (result.engine, *map(_number, counts), f"{result.seconds:.2f}")


def _number(number: int | None) -> str:
    if number is None:
        return "-"
    return f"{number:,}" if number < 10**7 else f"{number:.1e}"


class _Tick:
    """Shows how far an exploration has come, once it has taken a while."""

    def __init__(self, progress: Progress, count: int) -> None:
        self._progress = progress
        self._count = count
        self._task = progress.add_task("", total=None, rate="", visible=False)
        self._names: list[str] = []
        self._began = 0.0

    def __call__(self, name: str, reached: Reached) -> None:
        progress = self._progress
        now = progress.get_time()
        if name not in self._names:
            self._names.append(name)
            self._began = now
            progress.reset(self._task, visible=False)
        if now - self._began < _SHOW_AFTER:
            return
        rate = reached.steps / (now - self._began)
        what = _FOUND.get(reached.engine, "schedules")
        progress.update(
            self._task,
            visible=True,
            description=visible(f"{len(self._names)}/{self._count} {name}"),
            completed=reached.found,
            total=reached.found + reached.left,
            rate=f"{reached.found:,} {what}, {reached.left:,} known to be left,"
            f" {rate:,.0f} steps/s",
        )

    def done(self, count: int) -> None:
        """Show how many scenarios are done, where they are explored side by side."""
        self._progress.update(
            self._task,
            visible=True,
            description=f"{count}/{self._count} scenarios",
            completed=count,
            total=self._count,
            rate="",
        )


@contextmanager
def progress_bar(count: int) -> Generator[_Tick]:
    """Show progress on a terminal, beside what is printed."""
    console = new_console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        yield _Tick(progress, count)
