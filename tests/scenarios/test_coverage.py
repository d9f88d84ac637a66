"""The page on what the scenarios reach tells what they reach."""

from pathlib import Path
from typing import Final

import pytest

from ccw_actors.explore import Combination
from ccw_actors.scenarios import MAKERS
from tools.coverage_page import LAYERS, as_markdown, explored, reason_for
from tools.unreached import REASONS

PAGE: Final = (
    Path(__file__).parents[2] / "docs" / "generated" / "coverage.md"
).read_text()
QUICK: Final = ("busy", "disable", "raw-starts", "answers", "bare-in-start", "reset")


def cells() -> dict[Combination, str]:
    """Read the tables of the page."""
    found: dict[Combination, str] = {}
    for section in PAGE.split("\n## ")[1 : 1 + len(LAYERS)]:
        actor, _, table = section.partition("\n\n")
        head, _, *rows = [line.strip("| ").split(" | ") for line in table.split("\n")]
        for state, *marks in filter(any, rows):
            for message, mark in zip(head[1:], marks, strict=True):
                found[Combination(actor, state, message)] = mark
    return found


def test_each_cell_is_reached_or_has_its_reason() -> None:
    """A number is that of a reason that fits, and each reason has a cell."""
    numbers: set[int] = set()
    for cell, mark in cells().items():
        if mark != "✔":
            assert int(mark) == reason_for(cell)
            numbers.add(int(mark))
    assert numbers == set(range(1, len(REASONS) + 1))


def test_what_is_reached_is_on_the_page() -> None:
    """A few scenarios reach nothing that the page does not know."""
    table = explored({name: MAKERS[name](None) for name in QUICK})
    known = cells()
    assert {known[cell] for cell in table.handled} == {"✔"}


@pytest.mark.slow
def test_the_page_is_made_of_all_scenarios() -> None:
    """It is what its command prints."""
    table = explored({name: maker(None) for name, maker in MAKERS.items()})
    assert as_markdown(table) == PAGE
