"""The page of a scenario of the verdict table, with a counterexample for each fault."""

from collections.abc import Sequence
from typing import Final

from ccw_actors.explore import CounterexampleError
from ccw_actors.verdicts import (
    EMULATORS,
    INVARIANTS,
    SAVED,
    VERDICT_SCENARIOS,
    EmulatorName,
    Line,
    VerdictCell,
    columns_of,
    command,
    design_row,
    lines_of,
    others,
    recall,
    sequence_diagram,
    share,
)
from tools.markdown import GENERATED, table

__all__ = ["as_markdown"]

_NEWEST: Final = "2026"
_INVARIANTS: Final = (
    "Its invariants (terms are in the [glossary](../../../glossary.md)):"
)
_SHORTEST: Final = """\
A shortest counterexample, in {}. It has {} steps. Those that only carry messages are
left out:"""


def as_markdown(name: str, cells: Sequence[VerdictCell]) -> str:
    """Render a scenario, and the cells of it that fail; each fault is shown once.

    Raises `CounterexampleError` if a counterexample is not in the saved table.
    """
    scenario = VERDICT_SCENARIOS[name]
    summary = scenario.summary[:1].upper() + scenario.summary[1:]
    text = [GENERATED, f"# {scenario.title}: `{name}`", "", f"{summary}.", ""]
    text += [_INVARIANTS, ""]
    text += [f"- {one}: {INVARIANTS[one]}" for one in scenario.invariants]
    text += ["", "Some schedule has to reach each of these, or nothing was tested:", ""]
    text += [f"- {condition}" for condition in scenario.conditions]
    mine = [cell for cell in cells if cell.scenario == name]
    text += _verified([cell for cell in mine if cell.verdict == "verified"])
    text += _refuted([cell for cell in mine if cell.verdict == "refuted"])
    return "\n".join(text) + "\n"


def _verified(cells: Sequence[VerdictCell]) -> list[str]:
    """List the verified cells; those that break another invariant apart."""
    text: list[str] = []
    whole = ", ".join(_row_of(one) for one in cells if not one.also)
    if whole:
        text += ["", f"Verified, and no other invariant is broken: {whole}."]
    rest = [one for one in cells if one.also]
    if rest:
        text += ["", "Verified, but another invariant is broken:", ""]
        rows = [(_row_of(one), one.also, f"`{others(one)}`") for one in rest]
        text += [table(("design", "what is broken", "shown by"), rows)]
    return text


def _refuted(cells: Sequence[VerdictCell]) -> list[str]:
    """Render refuted cells; those with the same fault stand together."""
    groups: dict[tuple[str, EmulatorName | None], list[VerdictCell]] = {}
    for cell in cells:
        groups.setdefault((cell.why, cell.emulator), []).append(cell)
    text: list[str] = []
    for (why, emulator), group in groups.items():
        under = f", under {EMULATORS[emulator].title}" if emulator else ""
        text += ["", f"## {why}{under}", *_group(group)]
    return text


def _group(group: Sequence[VerdictCell]) -> list[str]:
    """Render cells that have one fault: a shortest counterexample, and the designs."""
    newest = [cell for cell in group if cell.design == _NEWEST]
    first = min(newest or group, key=lambda cell: cell.steps or 0)
    (saved,) = recall([first])
    if saved.counterexample is None:
        raise CounterexampleError(
            f"{first.counterexample} is not in {SAVED}: save the table there first"
        )
    lines = lines_of(first, saved.counterexample)
    rows = [(_row_of(one), one.steps, share(one), f"`{command(one)}`") for one in group]
    return [
        "",
        _SHORTEST.format(design_row(first.design).title, first.steps),
        "",
        _interleaving(lines),
        "",
        "```mermaid",
        sequence_diagram(lines, first.why),
        "```",
        "",
        table(("design", "steps", "how many", "shown by"), rows, right=(1,)),
    ]


def _row_of(cell: VerdictCell) -> str:
    """Return the design of a cell, and its emulator if there is one."""
    row = f"{design_row(cell.design).title} (`{cell.design}`)"
    if cell.emulator is None:
        return row
    return f"{row} under {EMULATORS[cell.emulator].title}"


def _interleaving(lines: Sequence[Line]) -> str:
    """Render an interleaving as a table, one line a step, numbered from 1."""
    columns = columns_of(lines)
    rows = [
        (number, *(line.what if one == line.column else "" for one in columns))
        for number, line in enumerate(lines, 1)
    ]
    return table(("", *columns), rows, right=(0,))
