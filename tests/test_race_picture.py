"""The README's picture of the race, made from a counterexample."""

import pytest

from ccw_actors.verdicts import CellName, Line, lines_of, load, recall
from tools import race_picture


def interleaving() -> list[Line]:
    """Return the steps of the saved counterexample that matter."""
    cells = load().cells
    (saved,) = recall([one for one in cells if CellName.of(one) == race_picture.CELL])
    assert saved.counterexample is not None
    return lines_of(saved.cell, saved.counterexample)


def test_the_worker_frees_the_program_after_it_was_started() -> None:
    """The arrows have the order of the counterexample."""
    text = race_picture.picture(interleaving())
    shown = ("1 CLEAR", "2 interrupt", "3 START", "START is accepted", "frees", "wrong")
    places = [text.index(words) for words in shown]
    assert places == sorted(places)


def test_a_step_that_the_counterexample_lacks_is_an_error() -> None:
    """So the picture cannot show what the explorer has not found."""
    without = [line for line in interleaving() if "SSCH" not in line.what]
    with pytest.raises(ValueError, match=r"fsm_io_helper\(\): SSCH"):
        race_picture.picture(without)
