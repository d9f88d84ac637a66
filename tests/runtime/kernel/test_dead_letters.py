"""Dead letters: who is notified, and what is logged."""

import logging

import pytest

from ccw_actors.errors import ActorStoppedError, MailboxFullError, MessageError
from ccw_actors.runtime import Actor, Failure, Message, Terminated, receive
from ccw_actors.runtime._kernel import once as module
from ccw_actors.runtime._kernel.dead_letters import NOBODY_THERE
from ccw_actors.runtime._values.envelope import (
    STOP,
    TICK,
    UNWATCH,
    WATCH,
    Envelope,
)
from ccw_actors.transport import message_id
from tests.runtime.kernel.cast import Count, Note, Read, envelope_of, ref_of
from tests.runtime.kernel.parts import Parts


class Careful(Actor[Note | Failure]):
    """An actor that handles `Failure`."""

    @receive
    def failure(self, message: Failure) -> None:
        """Keep the note."""

    @receive
    def note(self, message: Note) -> None:
        """Keep the note."""


class Play(Parts):
    """A keeper "a", and "b", which handles `Failure` in one behaviour."""

    def __init__(self, *, with_payload: bool = False) -> None:
        super().__init__(with_payload=with_payload)
        self.a = self.add("a")
        self.b = self.add("b", Careful())

    def lose(
        self, message: Message, *, ask: int = 0, sender: str = "b", full: bool = False
    ) -> None:
        """Lose a message to "a"."""
        envelope = envelope_of(message, sender, ask)
        self.dead_letters.add("a", envelope, "why not", full=full)


def test_sender_is_told() -> None:
    """An actor that handles `Failure` gets one, which says what was lost and why."""
    play = Play()
    play.lose(Note("x"))
    (failure,) = play.failures_told(play.b)
    assert failure == Failure(
        "a",
        "Note",
        "why not",
        kind="ActorStoppedError",
        message_id=message_id(envelope_of(Note("x")).payload),
    )
    assert play.lost.count == 1


def test_sender_is_told_of_a_full_mailbox() -> None:
    """The failure then says that it was full, and that no handler has seen it."""
    play = Play()
    play.lose(Note("x"), full=True)
    (failure,) = play.failures_told(play.b)
    assert (failure.full, failure.kind) == (True, "MailboxFullError")
    assert isinstance(failure.error(), MailboxFullError)


@pytest.mark.parametrize("with_payload", [False, True])
def test_message_itself(*, with_payload: bool) -> None:
    """A failure has the message in it if the System is to send it along."""
    play = Play(with_payload=with_payload)
    play.lose(Note("x"))
    (failure,) = play.failures_told(play.b)
    if with_payload:
        assert failure.message(Note) == Note("x")
    else:
        with pytest.raises(LookupError, match="failures_with_payload"):
            failure.message(Note)


@pytest.mark.parametrize("sender", ["", "a", "gone"])
def test_sender_who_does_not_care(sender: str) -> None:
    """Code outside, actors without a handler, and ended actors are not notified."""
    play = Play()
    play.lose(Note("x"), sender=sender)
    assert play.a.mailbox is play.b.mailbox is None
    assert play.lost.count == 1


def test_failure_that_is_lost() -> None:
    """A lost `Failure` causes no other: two actors would go on forever."""
    play = Play()
    play.lose(Failure("c", "Note", "why not"))
    assert play.failures_told(play.b) == []
    assert play.lost.count == 1


def test_lost_ask() -> None:
    """The ask raises an error with the reason, and sends no `Failure`."""
    play = Play()
    number = play.put_ask()
    play.lose(Read(), ask=number)
    error = play.outcomes[number]
    assert isinstance(error, ActorStoppedError)
    assert str(error) == "a was asked Read: why not"
    assert (play.b.mailbox, play.asks.late) == (None, 0)


def test_ask_that_a_full_mailbox_drops() -> None:
    """Its error says that there was no room."""
    play = Play()
    number = play.put_ask()
    play.lose(Read(), ask=number, full=True)
    assert isinstance(play.outcomes[number], MailboxFullError)


def test_tick_is_no_ask() -> None:
    """The number in a periodic timer's message is that of the timer."""
    play = Play()
    number = play.put_ask()
    play.dead_letters.add("a", envelope_of(Note("x"), "b", number, TICK), "why not")
    assert play.outcomes == {}
    assert play.b.mailbox is None
    assert play.lost.count == 1


def test_watch_that_reaches_nobody() -> None:
    """A watcher receives the notice; the watch is not a lost message."""
    play = Play()
    play.dead_letters.add("c#2", Envelope(b"", "b", 0, None, WATCH), "why not")
    assert play.notices == [("b", Terminated(ref_of("c#2"), "why not"))]
    assert play.lost.count == 0


@pytest.mark.parametrize("kind", [UNWATCH, STOP])
def test_signal_that_reaches_nobody(kind: int) -> None:
    """Nothing has to be done then."""
    play = Play()
    play.dead_letters.add("c", Envelope(b"", "b", 0, None, kind), "why not")
    assert (play.lost.count, play.notices) == (0, [])


# -- how loudly ------------------------------------------------------------------


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the logged warnings."""
    found = [one.message for one in caplog.records if one.levelno == logging.WARNING]
    caplog.clear()
    return found


def test_warning_once(caplog: pytest.LogCaptureFixture) -> None:
    """A message to an absent actor is a warning, once for each actor and type."""
    play = Play()
    for message in (Note("x"), Note("y"), Read()):
        for address in ("c", "d#2"):
            envelope = envelope_of(message, "b#7")
            play.dead_letters.add(address, envelope, NOBODY_THERE)
    assert warnings(caplog) == [
        f"{what} from b to {address} is lost: there is no such actor"
        for what in ("Note", "Read")
        for address in ("c", "d#2")
    ]


def test_warning_of_a_full_mailbox(caplog: pytest.LogCaptureFixture) -> None:
    """So is one that was dropped, which may be from outside."""
    play = Play()
    for _ in range(3):
        play.lose(Note("x"), sender="", full=True)
    assert warnings(caplog) == ["Note from the outside to a is lost: why not"]


def test_mailbox_that_is_to_drop(caplog: pytest.LogCaptureFixture) -> None:
    """A drop by the policy is no warning, but the sender is notified."""
    play = Play()
    envelope = envelope_of(Note("x"), "b")
    play.dead_letters.add("a", envelope, "why not", full=True, quiet=True)
    assert warnings(caplog) == []
    assert [one.full for one in play.failures_told(play.b)] == [True]


def test_end_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Messages in the mailbox of a stopped actor are lost without a warning."""
    Play().lose(Note("x"))
    assert warnings(caplog) == []


def test_memory_of_warnings_is_bounded(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many actors that are not there, the first are warned of again in the end."""
    monkeypatch.setattr(module, "_KEPT_MAX", 2)
    play = Play()
    for address in ("c", "d", "c", "e", "c", "d"):
        play.dead_letters.add(address, envelope_of(Note("x")), NOBODY_THERE)
    assert [text.split()[5] for text in warnings(caplog)] == ["c", "d", "e", "c", "d"]


# -- what an actor refuses, or leaves unanswered ---------------------------------


def test_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A warning once for each actor and type; each is lost, and notified."""
    play = Play()
    for text in "xy":
        play.dead_letters.refuse(play.a, envelope_of(Note(text), "b"), "Note: no")
    assert warnings(caplog) == ["a refused Note: no (sent by b)"]
    failures = play.failures_told(play.b)
    assert [(one.refused, one.kind) for one in failures] == [(True, "MessageError")] * 2
    assert play.lost.count == 2
    play.dead_letters.refuse(play.b, envelope_of(Note("x")), "Note: no")
    assert warnings(caplog) == ["b refused Note: no (sent by the outside)"]


def test_refused_ask() -> None:
    """The ask raises `MessageError`, and the actor does not fail."""
    play = Play()
    number = play.put_ask()
    play.dead_letters.refuse(play.a, envelope_of(Read(), "", number), "Read: no")
    error = play.outcomes[number]
    assert type(error) is MessageError
    assert str(error) == "a refused Read: no"


def test_unanswered(caplog: pytest.LogCaptureFixture) -> None:
    """The ask raises `NoAnswerError`; each time is a warning."""
    play = Play()
    for _ in range(2):
        number = play.put_ask()
        play.dead_letters.unanswered(
            play.a, envelope_of(Read(), "", number), "Read: None"
        )
        assert type(play.outcomes[number]).__name__ == "NoAnswerError"
        assert str(play.outcomes[number]) == "a does not answer Read: None"
    assert warnings(caplog) == ["a does not answer Read: None"] * 2
    assert play.lost.count == 0


def test_failure_has_a_number_of_its_own() -> None:
    """With an observer, a `Failure` is a message with a cause."""
    play = Play()
    play.observers.add(play.told)
    play.dead_letters.add("c", envelope_of(Note("x"), "b", number=41), "why not")
    assert play.b.mailbox is not None
    (back,) = play.b.mailbox
    assert isinstance(back, Envelope)
    assert back.stamp is not None
    assert (back.stamp.cause, back.stamp.message_type) == (41, Failure)
    assert back.sender == "c"
    assert Count.__name__ not in play.told.lines
