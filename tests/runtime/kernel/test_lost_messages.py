"""Lost messages are counted, logged, observed and reported."""

import logging

import pytest

from ccw_actors.runtime._kernel.lost_messages import LostMessages
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._values.envelope import Envelope
from tests.runtime.kernel.cast import ByHand, Note, Told, calls_of, envelope_of


def test_all_hear_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """Observers, a listener and the log get the message, for whom it was, and why."""
    caplog.set_level(logging.DEBUG, "ccw_actors")
    dispatcher, told = ByHand(), Told()
    observers = Observers(dispatcher.now, lambda: None, calls_of(dispatcher))
    observers.add(told)
    lost, heard = LostMessages(observers), list[tuple[str, Envelope, str]]()
    lost.told = lambda path, envelope, reason: heard.append((path, envelope, reason))
    message = envelope_of(Note("x"), number=1)
    lost.add("a#2", message, "why not")
    assert lost.count == 1
    assert heard == [("a", message, "why not")]
    assert told.lines == ["lost Note: why not"]
    assert caplog.messages == ["Note to 'a#2': why not"]


def test_nobody_listens() -> None:
    """Then it is still counted."""
    dispatcher = ByHand()
    lost = LostMessages(Observers(dispatcher.now, lambda: None, calls_of(dispatcher)))
    for _ in range(2):
        lost.add("a", envelope_of(Note("x")), "why not")
    assert lost.count == 2
