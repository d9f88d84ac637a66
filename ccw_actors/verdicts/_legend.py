"""The legend of a verdict table: what its signs and its invariants mean."""

import re
from collections.abc import Sequence
from typing import Final

from ccw_actors.verdicts._cell import VerdictCell
from ccw_actors.verdicts._invariants import INVARIANTS

__all__ = [
    "NO_CELL",
    "all_invariants",
    "invariants_legend",
    "sign_of",
    "signs_legend",
]

_MARKS: Final = {"verified": "✔", "refuted": "✘", "incomplete": "…", "vacuous": "○"}

NO_CELL: Final = "-"
"""What a table shows where there is no cell."""

_SIGNS: Final = {
    "✔": "verified: no schedule breaks an invariant",
    "✔+": "the scenario's own invariants hold, but another invariant is broken",
    "✘ N": "refuted: the shortest counterexample has N steps",
    "…": "incomplete: a limit was reached",
    "○": "vacuous: a condition of the scenario is never met, so nothing was tested",
    NO_CELL: "the scenario does not apply to the design",
}
_DIGITS: Final = re.compile(r"(\d+)")


def sign_of(cell: VerdictCell) -> str:
    """Return the sign of a cell, without the number of steps."""
    return _MARKS[cell.verdict] + ("+" if cell.also else "")


def signs_legend(cells: Sequence[VerdictCell]) -> dict[str, str]:
    """Return the meaning of each sign in a table of these cells."""
    shown = {sign_of(cell) for cell in cells}
    shown |= {NO_CELL} if _has_gaps(cells) else set()
    return {
        sign: text for sign, text in _SIGNS.items() if sign.removesuffix(" N") in shown
    }


def invariants_legend(cells: Sequence[VerdictCell]) -> dict[str, str]:
    """Return the meaning of each invariant that is broken in one of these cells."""
    texts = (text for cell in cells for text in (cell.why, cell.also))
    broken = {text.partition(":")[0] for text in texts}
    return {one: text for one, text in all_invariants().items() if one in broken}


def all_invariants() -> dict[str, str]:
    """Return the meaning of each invariant, in the order of their numbers."""
    return {one: INVARIANTS[one] for one in sorted(INVARIANTS, key=_order)}


def _has_gaps(cells: Sequence[VerdictCell]) -> bool:
    """Whether a row lacks a cell; cells without an emulator are a separate table."""
    for part in (True, False):
        mine = [cell for cell in cells if bool(cell.emulator) is part]
        rows = {(cell.design, cell.emulator) for cell in mine}
        if len(mine) < len(rows) * len({cell.scenario for cell in mine}):
            return True
    return False


def _order(invariant: str) -> tuple[bool, int, str]:
    """Sort I2 before I10, and the ids without a number behind them."""
    number = _DIGITS.search(invariant)
    is_numbered = invariant.startswith("I") and number is not None
    return not is_numbered, int(number[1]) if number else 0, invariant
