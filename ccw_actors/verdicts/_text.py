"""Cells in words: what a table shows of one, and the commands that show it again."""

from typing import Final

from ccw_actors.explore import Counterexample
from ccw_actors.verdicts._cell import CellName, cell_scenario
from ccw_actors.verdicts._interleaving import Line, interleaving
from ccw_actors.verdicts._verdict import Cell

__all__ = ["cell_text", "command", "lines_of", "others", "share"]

_MARKS: Final = {"verified": "✔", "refuted": "✘", "incomplete": "…", "vacuous": "○"}


def cell_text(cell: Cell | None) -> str:
    """Return a cell in a few signs."""
    if cell is None:
        return "-"
    mark = _MARKS[cell.verdict] + ("+" if cell.also else "")
    return f"{mark} {cell.steps}" if cell.steps is not None else mark


def share(cell: Cell) -> str:
    """Return how many orders are wrong, in words."""
    if cell.violating is None:
        return ""
    if cell.classes is not None:
        return f"{cell.violating:,} of {cell.classes:,} classes are wrong"
    rate = float(cell.violating)
    found = f"{rate:.1%}" if rate else "none"
    return f"{found} of 1,000 orders by lot are wrong"


def command(cell: Cell) -> str:
    """Return the command that explores a cell again."""
    return (
        f"ccw-actors verdicts --design {cell.design} --emulator {cell.emulator}"
        f" --scenario {cell.scenario} --again"
    )


def others(cell: Cell) -> str:
    """Return the command that shows what else is broken in a verified cell."""
    name = CellName.of(cell).scenario_name("others")
    return f"ccw-actors explore {name}"


def lines_of(cell: Cell, known: Counterexample) -> list[Line]:
    """Take the steps of a counterexample again, and return those that matter."""
    name, look = CellName.parse(known.scenario)
    again = known.replay(cell_scenario(name, look))
    assert again.violation, f"{cell.counterexample} leads to no fault any more"
    return interleaving(again.steps)
