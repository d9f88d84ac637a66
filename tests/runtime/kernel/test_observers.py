"""The observers of a System, their events, and the stamps of messages."""

import logging

import pytest

from ccw_actors.runtime import Handled, Observer
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._values.envelope import Stamp
from tests.runtime.kernel.cast import (
    ByHand,
    Note,
    Told,
    calls_of,
    envelope_of,
    running_as,
)


class Play:
    """Observers at 5 s; `changes` counts how often one came or went."""

    def __init__(self) -> None:
        self.changes = 0
        self.dispatcher = ByHand()
        self.dispatcher.time = 5.0
        self.observers = Observers(
            self.dispatcher.now, self._changed, calls_of(self.dispatcher)
        )

    def _changed(self) -> None:
        self.changes += 1


class Breaking(Told):
    """Raises at every event, after noting it."""

    def handled(self, event: Handled) -> None:
        """Raise."""
        super().handled(event)
        raise KeyError(event.number)

    def stopped(self, actor: str, reason: str) -> None:
        """Raise."""
        super().stopped(actor, reason)
        raise KeyError(actor)


class Traces:
    """A propagator whose current trace is always the same."""

    def inject(self) -> str:
        """Return it."""
        return "00-the-trace"

    def attach(self, traceparent: str) -> object:
        """Do nothing."""
        return traceparent

    def detach(self, token: object) -> None:
        """Do nothing."""


def test_coming_and_going() -> None:
    """Messages are stamped for observers or a propagator; each change is reported."""
    play = Play()
    observers, told = play.observers, Told()
    assert (observers.present, observers.stamps) == (False, False)
    observers.add(told)
    assert (observers.present, observers.stamps, play.changes) == (True, True, 1)
    observers.propagate(Traces())
    observers.remove(told)
    assert (observers.present, observers.stamps, play.changes) == (False, True, 3)
    observers.propagate(None)
    assert (observers.present, observers.stamps, play.changes) == (False, False, 4)


def test_stamp() -> None:
    """A message has a number, that of its cause, the time and its type; no trace."""
    play = Play()
    first = play.observers.stamp(running_as(), Note)
    assert (first.number, first.cause, first.sent_at) == (1, 0, 5.0)
    assert (first.message_type, first.traceparent) == (Note, "")
    cause = envelope_of(Note("x"), number=7)
    for caused, handled in ((7, cause), (0, envelope_of(Note("x")))):
        stamp = play.observers.stamp(running_as("a", handled), Note)
        assert stamp.cause == caused
    assert stamp.number == 3


def test_stamp_with_a_trace() -> None:
    """With a propagator, it has the trace that the sender is in."""
    play = Play()
    play.observers.propagate(Traces())
    assert play.observers.stamp(running_as(), Note).traceparent == "00-the-trace"


def test_each_is_told_everything() -> None:
    """All observers get the events, in order."""
    play = Play()
    both = Told(), Told()
    for told in both:
        play.observers.add(told)
    message = envelope_of(Note("x"), "b#2", number=3)
    play.observers.spawned("a")
    play.observers.handled("a#4", message)
    play.observers.dead_letter("a#4", message, "why not")
    play.observers.failed("a", "Note", KeyError("k"))
    play.observers.restarted("a")
    play.observers.stopped("a", "enough")
    for told in both:
        assert told.lines == [
            "spawned a",
            "handled 3 Note at a",
            "lost Note: why not",
            "failed a on Note: KeyError('k')",
            "restarted a",
            "stopped a: enough",
        ]


def test_event() -> None:
    """An event has paths for addresses, and when the message was sent and handled."""

    class Keeping(Observer):
        def handled(self, event: Handled) -> None:
            """Keep it."""
            events.append(event)

    play, events = Play(), list[Handled]()
    play.observers.add(Keeping())
    message = envelope_of(Note("x"), "b#2", number=3)
    play.observers.handled("a#4", message)
    (event,) = events
    assert (event.sender, event.recipient) == ("b", "a")
    assert (event.sent_at, event.handled_at) == (0.0, 5.0)
    assert event.payload == message.payload


def test_what_was_sent_before_is_not_told() -> None:
    """A message without a number was sent without observers."""
    play, told = Play(), Told()
    play.observers.add(told)
    play.observers.handled("a", envelope_of(Note("x")))
    play.observers.dead_letter("a", envelope_of(Note("x")), "why not")
    assert told.lines == []


def test_who_was_removed_is_told_nothing() -> None:
    """The others continue."""
    play, left, stays = Play(), Told(), Told()
    for told in (left, stays):
        play.observers.add(told)
    play.observers.remove(left)
    play.observers.spawned("a")
    assert (left.lines, stays.lines) == ([], ["spawned a"])


def test_observer_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged and not called again; the others get every event."""
    play, breaking, stays = Play(), Breaking(), Told()
    for told in (breaking, stays):
        play.observers.add(told)
    play.observers.handled("a", envelope_of(Note("x"), number=1))
    play.observers.handled("a", envelope_of(Note("y"), number=2))
    assert breaking.lines == ["handled 1 Note at a"]
    assert stays.lines == ["handled 1 Note at a", "handled 2 Note at a"]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "raised and no longer observes" in record.message
    assert "KeyError" in caplog.text


def test_what_an_observer_raises_is_passed_on() -> None:
    """A callback decides whether the error is also raised elsewhere."""
    play, raised = Play(), list[BaseException]()
    play.observers.raised = raised.append
    play.observers.add(Breaking())
    play.observers.stopped("a", "enough")
    (error,) = raised
    assert isinstance(error, KeyError)


def test_observer_that_makes_things_happen() -> None:
    """An observer gets events that it causes after its current call."""

    class Stopping(Told):
        def spawned(self, actor: str) -> None:
            """End it at once."""
            play.observers.stopped(actor, "unwanted")
            super().spawned(actor)

    play, stopping = Play(), Stopping()
    play.observers.add(stopping)
    play.observers.spawned("a")
    assert stopping.lines == ["spawned a", "stopped a: unwanted"]


class Counting(Traces):
    """Counts the traces that are entered and not left."""

    inside = 0

    def attach(self, traceparent: str) -> object:
        """Count."""
        self.inside += 1
        return super().attach(traceparent)

    def detach(self, token: object) -> None:
        """Count down."""
        assert token == "the trace"  # noqa: S105 - it is no password
        self.inside -= 1


def test_trace_of_a_message() -> None:
    """Entering a trace returns its end; without a propagator or a trace, None."""
    play, traces = Play(), Counting()
    stamp = Stamp(1, 0, 0.0, Note, "the trace")
    assert play.observers.enter_trace(stamp) is None
    play.observers.propagate(traces)
    assert play.observers.enter_trace(None) is None
    assert play.observers.enter_trace(Stamp(1, 0, 0.0, Note)) is None
    leave = play.observers.enter_trace(stamp)
    assert leave is not None
    assert traces.inside == 1
    leave()
    assert traces.inside == 0


def test_last_observer_that_raises() -> None:
    """Without observers messages are no longer stamped."""
    play = Play()
    play.observers.add(Breaking())
    play.observers.stopped("a", "enough")
    assert (play.observers.stamps, play.changes) == (False, 2)


def test_observers_that_come_and_go_while_all_are_told() -> None:
    """An observer added during an event does not get it; a removed one may."""

    class Changing(Told):
        def spawned(self, actor: str) -> None:
            """Make room for another one."""
            super().spawned(actor)
            play.observers.remove(self)
            play.observers.add(newcomer)

    play, changing, newcomer = Play(), Changing(), Told()
    play.observers.add(changing)
    for actor in ("a", "b"):
        play.observers.spawned(actor)
    assert (changing.lines, newcomer.lines) == (["spawned a"], ["spawned b"])
