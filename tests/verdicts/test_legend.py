"""The legend of a verdict table has what the table shows, and nothing else."""

from typing import Any

import pytest

from ccw_actors.verdicts import (
    INVARIANTS,
    VerdictCell,
    all_invariants,
    cell_text,
    invariants_legend,
    load,
    signs_legend,
)


def cell(scenario: str, verdict: Any, **fields: Any) -> VerdictCell:
    """Return a cell of the design 2026 under QEMU's emulator."""
    return VerdictCell(
        design=fields.pop("design", "2026"),
        emulator=fields.pop("emulator", "qemu"),
        scenario=scenario,
        verdict=verdict,
        **fields,
    )


@pytest.mark.parametrize(
    ("one", "sign"),
    [
        (cell("seed", "verified"), "✔"),
        (cell("seed", "verified", also="I3: lost"), "✔+"),
        (cell("seed", "refuted", steps=90, why="I1: freed"), "✘ N"),
        (cell("seed", "incomplete"), "…"),
        (cell("seed", "vacuous"), "○"),
    ],
)
def test_each_sign_has_a_meaning(one: VerdictCell, sign: str) -> None:
    """A table of one cell has the meaning of its sign alone."""
    assert list(signs_legend([one])) == [sign]
    assert cell_text(one).startswith(sign.removesuffix(" N"))


def test_a_gap_has_a_meaning() -> None:
    """The sign of no cell is explained where a row lacks one."""
    seed, halt = cell("seed", "verified"), cell("halt", "verified")
    other = cell("seed", "verified", design="v5.12")
    raw = cell("mail", "verified", emulator=None)
    assert "-" not in signs_legend([seed, halt, raw])
    assert "-" in signs_legend([seed, halt, other])


def test_invariants_are_those_that_are_broken() -> None:
    """Own ones and others, by their numbers."""
    cells = [
        cell("seed", "refuted", steps=90, why="I12: elsewhere"),
        cell("halt", "verified", also="I3: lost"),
        cell("torn", "refuted", steps=9, why="torn: half"),
        cell("chains", "incomplete", why="states: 1,000,000 of them"),
    ]
    assert invariants_legend(cells) == {
        one: INVARIANTS[one] for one in ("I3", "I12", "torn")
    }
    assert list(invariants_legend(cells)) == ["I3", "I12", "torn"]


def test_all_invariants_are_listed_by_number() -> None:
    """I2 is before I10, and those without a number come last."""
    assert all_invariants() == INVARIANTS
    ids = list(all_invariants())
    numbers = [int(one[1:]) for one in ids if one[1:].isdigit()]
    assert numbers == sorted(numbers)
    assert all(one[1:].isdigit() for one in ids[: len(numbers)])


def test_the_saved_table_has_no_unknown_fault() -> None:
    """Each fault of a saved cell has its invariant in the legend."""
    cells = load().cells
    known = invariants_legend(cells)
    for one in cells:
        if one.verdict == "refuted":
            assert one.why.partition(":")[0] in known
