"""Calls of an actor's own code, in its context and as that actor."""

import contextvars

import pytest

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._kernel.contexts import Contexts
from tests.runtime.kernel.cast import (
    Note,
    envelope_of,
    make_cell,
    running_as,
)

role = contextvars.ContextVar("role", default="nobody")


class Play:
    """Two actors, each in its role; this thread runs "b", on a message, in a turn."""

    def __init__(self) -> None:
        self.running = running_as("b", envelope_of(Note("x")))
        self.running.turn = object()
        self.contexts = Contexts(lambda: self.running)
        self.a, self.b = (self.make(path) for path in "ab")

    def make(self, path: str) -> Cell:
        """Make a cell in whose context that role is played."""
        cell = make_cell(path)
        cell.context = contextvars.Context()
        cell.context.run(role.set, path)
        return cell

    def look(self, what: str = "") -> tuple[str, str, str, bool, bool]:
        """Return the argument, the role, and what this thread runs."""
        running = self.running
        has_letter, has_turn = running.letter is not None, running.turn is not None
        return what, role.get(), running.address, has_letter, has_turn


def test_within() -> None:
    """A call runs as that actor, in its context, without a message."""
    play = Play()
    before = play.look()
    assert play.contexts.within(play.a, play.look, "x") == ("x", "a", "a", False, False)
    assert play.look() == before == ("", "nobody", "b", True, True)


def test_within_who_runs() -> None:
    """Its context is already entered: the call is made directly."""
    play = Play()
    assert play.contexts.within(play.b, play.look) == play.look()
    entered = play.b.context.run(play.contexts.within, play.b, play.look)
    assert entered == ("", "b", "b", True, True)


def test_enter_another_context_of_who_runs() -> None:
    """A new life has its own context, while the old one is still entered."""
    play = Play()
    old = play.b.context
    play.b.context = contextvars.Context()
    assert old.run(play.contexts.enter, play.b, play.look) == (
        "",
        "nobody",
        "b",
        False,
        False,
    )


def test_call_that_raises() -> None:
    """Everything is restored then as well."""
    play = Play()
    before = play.look()
    with pytest.raises(ZeroDivisionError):
        play.contexts.within(play.a, lambda: 1 // 0)
    assert play.look() == before


def test_one_within_another() -> None:
    """An actor's code may call another actor, and the first continues after it."""
    play = Play()
    c = play.make("c")

    def call() -> tuple[str, str]:
        inner = play.contexts.within(c, play.look)
        return inner[1], play.look()[1] + play.running.address

    assert play.contexts.within(play.a, call) == ("c", "aa")
