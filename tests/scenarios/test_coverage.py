"""The page of what the scenarios reach is true."""

from typing import Final

import pytest

from ccw_actors.explore import Combination
from ccw_actors.scenarios import MAKERS
from tools.coverage_page import LAYERS, explored, reason_for
from tools.pages import PAGES, differing
from tools.unreached import REASONS

PAGE: Final = PAGES["coverage"]
QUICK: Final = ("busy", "disable", "raw-starts", "answers", "bare-in-start", "reset")


def cells() -> dict[Combination, str]:
    """Read the tables of the page."""
    found: dict[Combination, str] = {}
    for section in PAGE.text.split("\n## ")[1 : 1 + len(LAYERS)]:
        actor, _, table = section.partition("\n\n")
        head, _, *rows = [line.strip("| ").split(" | ") for line in table.split("\n")]
        for state, *marks in filter(any, rows):
            for message, mark in zip(head[1:], marks, strict=True):
                found[Combination(actor, state, message)] = mark
    return found


def test_each_cell_is_reached_or_has_its_reason() -> None:
    """Each number is that of a reason that applies, and each reason has a cell."""
    numbers: set[int] = set()
    for cell, mark in cells().items():
        if mark != "✔":
            assert int(mark) == reason_for(cell)
            numbers.add(int(mark))
    assert numbers == set(range(1, len(REASONS) + 1))


def test_what_is_reached_is_on_the_page() -> None:
    """Every combination that a few scenarios reach has a ✔ on the page."""
    table = explored({name: MAKERS[name](None) for name in QUICK})
    known = cells()
    assert {known[cell] for cell in table.handled} == {"✔"}


@pytest.mark.slow
def test_the_page_is_made_of_all_scenarios() -> None:
    """It is what `python -m tools.pages coverage` writes."""
    assert not differing([PAGE])
