"""Periodic timers: what their messages are, and are not."""

import msgspec
import pytest

from ccw_actors.errors import AskTimeoutError
from ccw_actors.runtime import (
    Actor,
    Message,
    Request,
    System,
    VirtualDispatcher,
    receive,
)


class Begin(Message, frozen=True):
    """Starts the ticking."""


class Tick(Message, frozen=True):
    """What the timer brings."""


class Count(Message, frozen=True):
    """How many ticks there were."""

    ticks: int


class Ask(Request[Count], frozen=True):
    """Asks for something that never comes."""


class ClockState(msgspec.Struct):
    """What a clock remembers."""

    ticks: int = 0


class Clock(Actor[Begin | Tick | Ask]):
    """Answers each tick, as if somebody had asked for it."""

    def __init__(self) -> None:
        self.state = ClockState()

    @receive
    def begin(self, _message: Begin) -> None:
        """Tick."""
        self.every(1.0, Tick())

    @receive
    def tick(self, _message: Tick) -> Count:
        """Count it; the answer goes to who set the timer, which refuses it."""
        self.state.ticks += 1
        return Count(self.state.ticks)

    @receive
    def ask(self, _message: Ask) -> None:
        """Answer nothing."""


def test_answer_to_a_tick_answers_no_ask() -> None:
    """What a handler returns for a tick does not end an ask of the timer's number."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    actor = Clock()
    system.spawn(actor, "clock").tell(Begin())
    with pytest.raises(AskTimeoutError):
        system.spawn(Clock(), "silent").ask(Ask(), timeout=3.5, block=True)
    assert actor.state.ticks == 3
