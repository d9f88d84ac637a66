"""Prints for `ccw-actors explore` the verdicts, and what is wrong."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import JustifyMethod
from rich.table import Table

from ccw_actors.cli._explore_run import Explored
from ccw_actors.cli._interleaving_view import rows_of, steps_table
from ccw_actors.cli._printing import as_text, measured, new_console, paragraph
from ccw_actors.cli._progress import waiting
from ccw_actors.cli._scenario_names import find_scenario, replay_command
from ccw_actors.explore import Counterexample, Result, Step, explain
from ccw_actors.verdicts import CellName

__all__ = ["as_fields", "show", "show_list"]

_STYLES: Final = {
    "verified": "green",
    "refuted": "red",
    "incomplete": "yellow",
    "vacuous": "yellow",
    "error": "red",
}
_COLUMNS: Final = ("engine", "states", "classes", "schedules", "steps", "seconds")
_GIVEN_UP: Final = ("classes", "schedules", "steps", "engine", "seconds", "states")
"""Which columns go first where there is not enough width for all."""
_LETTERS_MAX: Final = 20
_OWN: Final = """\
Name your own scenarios FILE:NAME, as in
  ccw-actors explore examples/explore/first.py:two_clients
--list FILE lists the scenarios of a file."""


def show_list(summaries: Mapping[str, str], *, with_own: bool) -> None:
    """Print the names and summaries of scenarios; `with_own`, how to name others."""
    table = Table(box=None, pad_edge=False)
    table.add_column("scenario", no_wrap=True)
    table.add_column("what happens in it", overflow="fold")
    for name, summary in summaries.items():
        table.add_row(as_text(name), as_text(summary))
    console = new_console()
    console.print(table)
    if with_own:
        console.print()
        console.print(paragraph(_OWN), soft_wrap=True)


def as_fields(one: Explored) -> dict[str, Any]:
    """Return a result as the fields that `--json` prints."""
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
    """Print the table, and then each scenario's scope and fault."""
    console = new_console()
    _show_table(found)
    for one in found:
        console.print()
        if one.result is None:
            error = " ".join(one.error.split())
            console.print(as_text(f"{one.name}: cannot be explored: {error}"))
            continue
        _show_result(one.name, one.result, with_coverage=with_coverage)
        if one.name in kept:
            command = replay_command(kept[one.name], one.name)
            console.print(as_text(command), soft_wrap=True)


def _show_table(found: Sequence[Explored]) -> None:
    """Print the verdicts and counts, with as many columns as fit.

    Names are never folded, so that they can be copied: where even the verdict does not
    fit, the table is wider than the terminal.
    """
    console = new_console()
    columns = list(_COLUMNS)
    for leaves in _GIVEN_UP:
        if measured(_table(found, columns)).maximum <= console.width:
            break
        columns.remove(leaves)
    table = _table(found, columns)
    console.width = max(console.width, measured(table).maximum)
    console.print(table)


def _table(found: Sequence[Explored], columns: Sequence[str]) -> Table:
    """Return a table with the verdict on each scenario, and these columns."""
    table = Table(box=None, pad_edge=False)
    for column in ("scenario", "verdict"):
        table.add_column(column, no_wrap=True)
    for column in columns:
        justify: JustifyMethod = "left" if column == "engine" else "right"
        table.add_column(column, justify=justify, no_wrap=True)
    for one in found:
        verdict = one.result.verdict if one.result is not None else "error"
        cells = [as_text(one.name), as_text(verdict, style=_STYLES[verdict])]
        counts = {} if one.result is None else _counts(one.result)
        table.add_row(*cells, *(counts.get(column, "") for column in columns))
    return table


def _show_result(name: str, result: Result, *, with_coverage: bool) -> None:
    """Print the scope of a result, and what is wrong."""
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
    """Print the counterexample at once, and then its explanation."""
    console = new_console()
    console.print(as_text(f"{result.verdict.upper()}: {result.violation}"))
    _show_steps(name, result.counterexample)
    sys.stdout.flush()
    with waiting("explaining the counterexample"):
        explanation = explain(find_scenario(name), result)
    if explanation.steps != result.counterexample:
        is_shorter = len(explanation.steps) < len(result.counterexample)
        what = "A shorter way" if is_shorter else "The same with less overtaking"
        console.print(f"{what}:")
        _show_steps(name, explanation.steps)
    needed = [str(number + 1) for number in explanation.needed]
    if 0 < len(needed) < len(explanation.steps):
        console.print(as_text(f"Steps needed: {', '.join(needed)}."))
    for remark in explanation.remarks(_texts(name, explanation.steps)):
        console.print(as_text(remark))


def _show_steps(name: str, steps: Sequence[Step]) -> None:
    """Print steps; those of a cell of the verdict table as a table."""
    console = new_console()
    if CellName.is_one(name):
        console.print(steps_table(name, steps, console.width))
        return
    lines = [f"{number:4} {step}" for number, step in enumerate(steps, 1)]
    if lines:
        console.print(paragraph("\n".join(lines)))


def _texts(name: str, steps: Sequence[Step]) -> dict[int, str]:
    """Return what the steps of a cell of the verdict table do, by number."""
    if not CellName.is_one(name):
        return {}
    return {row.number: f"{row.who}: {row.what}" for row in rows_of(name, steps)}


def _show_letters(result: Result) -> None:
    letters = result.dead_letters
    if letters:
        shown = [f"dead letter: {one}" for one in letters[:_LETTERS_MAX]]
        if len(letters) > _LETTERS_MAX:
            shown.append(f"and {len(letters) - _LETTERS_MAX} more dead letters")
        new_console().print(paragraph("\n".join(shown)))


def _counts(result: Result) -> dict[str, str]:
    """Return what the columns of a result show."""
    return {
        "engine": result.engine,
        "states": _number(result.states),
        "classes": _number(result.classes),
        "schedules": _number(result.schedules),
        "steps": _number(result.steps),
        "seconds": f"{result.seconds:.2f}",
    }


def _number(number: int | None) -> str:
    if number is None:
        return "-"
    return f"{number:,}" if number < 10**7 else f"{number:.1e}"
