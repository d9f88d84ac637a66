"""Cells as text: what a table shows of one, and the commands that show it again."""

from ccw_actors.explore import Counterexample
from ccw_actors.verdicts._cell import VerdictCell
from ccw_actors.verdicts._explore import cell_scenario
from ccw_actors.verdicts._interleaving import Line, interleaving
from ccw_actors.verdicts._legend import NO_CELL, sign_of
from ccw_actors.verdicts._names import CellName

__all__ = ["cell_text", "command", "lines_of", "others", "share"]


def cell_text(cell: VerdictCell | None) -> str:
    """Return what a table shows of a cell: its sign, and its steps if it is refuted."""
    if cell is None:
        return NO_CELL
    sign = sign_of(cell)
    return f"{sign} {cell.steps}" if cell.steps is not None else sign


def share(cell: VerdictCell) -> str:
    """Return how many schedules fail, in words."""
    if cell.violating is None:
        return ""
    if cell.classes == 1:
        return "the only class fails" if cell.violating else "the only class passes"
    if cell.classes is not None:
        return f"{cell.violating:,} of {cell.classes:,} classes fail"
    return f"{cell.violating * 1000:,.0f} of 1,000 random schedules fail"


def command(cell: VerdictCell) -> str:
    """Return the command that explores a cell again."""
    under = f" --emulator {cell.emulator}" if cell.emulator else ""
    return (
        f"ccw-actors verdicts --design {cell.design}{under}"
        f" --scenario {cell.scenario} --again"
    )


def others(cell: VerdictCell) -> str:
    """Return the command that shows what else is broken in a verified cell."""
    return f"ccw-actors explore {CellName.of(cell).scenario_name('others')}"


def lines_of(cell: VerdictCell, known: Counterexample) -> list[Line]:
    """Take the steps of a cell's counterexample again; return those that matter."""
    again = known.replay(cell_scenario(CellName.of(cell)))
    assert again.violation, f"{cell.counterexample} no longer leads to a fault"
    return interleaving(again.steps)
