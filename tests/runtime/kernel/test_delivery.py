"""Delivery to a mailbox, the dead letters or the asker, from any thread."""

import math
from collections.abc import Callable
from functools import partial
from threading import Thread

import pytest

from ccw_actors.errors import ActorStoppedError, AskCycleError, MailboxFullError
from ccw_actors.runtime import Mailbox
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._values.envelope import (
    STOP,
    STOP_NOW,
    UNBOUNDED,
    Envelope,
)
from tests.runtime.kernel.cast import (
    Count,
    Note,
    Read,
    envelope_of,
    messages_in,
    running_as,
)
from tests.runtime.kernel.parts import Parts

ELSEWHERE = Running("thread")


class Play(Parts):
    """A keeper "a" whose mailbox has a bound of two."""

    def __init__(
        self, policy: Mailbox | None = None, *, observed: bool = False
    ) -> None:
        super().__init__(observed=observed)
        self.a = self.add("a", policy=policy or Mailbox(2))

    def fill(self) -> None:
        """Fill it."""
        for text in "01":
            self.delivery.deliver("a", envelope_of(Note(text)))

    def from_elsewhere(self, call: Callable[[], object]) -> None:
        """Call in another thread, and then make its calls."""
        thread = Thread(target=call)
        thread.start()
        thread.join()
        self.calls.drain_all()


# -- envelopes -------------------------------------------------------------------


def test_envelope() -> None:
    """It has its sender, and a stamp only with an observer."""
    play = Play()
    envelope = play.delivery.envelope(running_as("b"), Note("x"), 7, UNBOUNDED)
    assert envelope == envelope_of(Note("x"), "b", 7, UNBOUNDED)
    play.observers.add(play.told)
    stamped = play.delivery.envelope(running_as("b", envelope), Note("x"))
    assert stamped.stamp is not None
    assert stamped.stamp.message_type is Note


# -- mailboxes -------------------------------------------------------------------


def test_into_a_mailbox() -> None:
    """A message comes into the mailbox of its actor, which then is to be run."""
    play = Play()
    play.delivery.deliver("a", envelope_of(Note("x")))
    play.delivery.send(running_as(), "a", envelope_of(Note("y")))
    assert messages_in(play.a) == ["x", "y"]
    assert list(play.dispatcher.queue) == [play.a]


def test_nobody_there() -> None:
    """A message to an absent actor is a dead letter."""
    play = Play()
    play.delivery.deliver("c", envelope_of(Note("x")))
    play.delivery.deliver("a#2", envelope_of(Note("x")))
    assert play.lost.count == 2


def test_full_mailbox() -> None:
    """There it raises at the sender; replies and notices enter."""
    play = Play()
    play.fill()
    with pytest.raises(MailboxFullError):
        play.delivery.deliver("a", envelope_of(Note("x")))
    play.delivery.deliver("a", envelope_of(Note("reply"), kind=UNBOUNDED))
    assert messages_in(play.a) == ["0", "1", "reply"]


def test_what_another_thread_sends() -> None:
    """It arrives on the System's thread, and is lost if the mailbox is full."""
    play = Play()
    sends = [partial(play.delivery.send, ELSEWHERE, "a", envelope_of(Note("x")))] * 3
    play.from_elsewhere(lambda: [send() for send in sends])
    assert messages_in(play.a) == ["x", "x"]
    assert play.lost.count == 1


def test_signal() -> None:
    """It enters the system lane; to an absent actor it has no effect."""
    play = Play()
    signal = Envelope(b"", "", 0, None, STOP_NOW)
    play.delivery.signal("a", signal)
    play.delivery.signal("c", signal)
    assert list(play.a.signals or ()) == [signal]
    assert play.lost.count == 0


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("drain", [True, False])
def test_stop(*, own: bool, drain: bool) -> None:
    """One that drains keeps its place among the messages; one that does not, none."""
    play = Play()
    play.fill()
    running = running_as("b") if own else ELSEWHERE
    stop = partial(play.delivery.stop, running, "a", drain=drain)
    stop() if own else play.from_elsewhere(stop)
    signals = [one.kind for one in play.a.signals or ()]
    if drain:
        assert (messages_in(play.a), signals) == (["0", "1", f"signal {STOP}"], [])
    else:
        assert (messages_in(play.a), signals) == (["0", "1"], [STOP_NOW])


def test_asks_that_wait_take_no_more_room_than_there_is() -> None:
    """As many enter as there are places."""
    play = Play(Mailbox(2, "wait"))
    play.fill()
    for _ in range(5):
        play.asked()
    play.a.mailbox = None
    play.pressure.freed(play.a)
    assert messages_in(play.a) == ["Read", "Read"]


# -- asks ------------------------------------------------------------------------


def test_ask() -> None:
    """It waits for its answer, and its message is in the mailbox."""
    play = Play()
    number = play.asked()
    assert list(play.asks.pending) == [number]
    assert messages_in(play.a) == ["Read"]


def test_ask_of_nobody() -> None:
    """It ends at once with an error."""
    play = Play()
    number = play.asked("c")
    assert isinstance(play.outcomes[number], ActorStoppedError)
    assert len(play.asks) == 0


def test_ask_that_is_refused() -> None:
    """It raises at the asker, and the ask does not wait."""
    play = Play()
    play.fill()
    with pytest.raises(MailboxFullError):
        play.asked()
    assert (len(play.asks), play.outcomes) == (0, {})


def test_ask_that_waits_for_room() -> None:
    """It enters the mailbox when there is room, behind earlier ones."""
    play = Play(Mailbox(2, "wait"))
    play.fill()
    first, second = play.asked(), play.asked()
    assert messages_in(play.a) == ["0", "1"]
    assert play.pressure.asks("a") == {first, second}
    play.run()
    assert play.pressure.waiting == {}
    assert play.outcomes == {first: Count(2), second: Count(2)}


def test_ask_that_gives_up_waiting_for_room() -> None:
    """Its message is never sent, and the next one takes its place."""
    play = Play(Mailbox(2, "wait"))
    play.fill()
    first, second = play.asked(), play.asked()
    play.asks.forget(first)
    play.run()
    assert list(play.outcomes) == [second]
    assert (play.a.handled, play.asks.late) == (3, 0)


def test_blocking_ask_of_another_thread() -> None:
    """Its asker waits from then on; one that closes a cycle ends with the error."""
    play = Play()
    play.add("b")

    def ask(target: str, asker: str) -> Pending:
        pending = play.ask(target, asker, math.inf)
        envelope = envelope_of(Read(), asker, pending.number)
        play.delivery.ask_late(pending, envelope, block=True)
        return pending

    first, second = ask("b", "a"), ask("a", "b")
    assert play.graph.of("a") == "b to answer Read"
    assert isinstance(play.outcomes[second.number], AskCycleError)
    assert list(play.asks.pending) == [first.number]


def test_ask_from_elsewhere_that_finds_no_room() -> None:
    """It also ends with the error: no code could catch it."""
    play = Play()
    play.fill()
    pending = play.ask()
    envelope = envelope_of(Read(), "", pending.number)
    play.delivery.ask_late(pending, envelope, block=False)
    assert isinstance(play.outcomes[pending.number], MailboxFullError)


# -- answers ---------------------------------------------------------------------


def test_reply_to_an_ask() -> None:
    """It settles the ask."""
    play = Play()
    number = play.asked()
    play.delivery.reply(running_as("a"), "", number, Count(3))
    assert play.outcomes == {number: Count(3)}


def test_reply_to_what_an_actor_has_told() -> None:
    """It is a message to that actor, which no bound refuses."""
    play = Play()
    play.fill()
    play.delivery.reply(running_as("b"), "a", 0, Note("reply"))
    assert messages_in(play.a) == ["0", "1", "reply"]


def test_reply_that_nobody_wants() -> None:
    """The reply to a message told from outside is lost."""
    play = Play()
    play.delivery.reply(running_as("a"), "", 0, Count(1))
    assert play.lost.count == 1


@pytest.mark.parametrize("asks", [True, False])
def test_reply_of_another_thread(*, asks: bool) -> None:
    """It takes the same way, on the System's thread."""
    play = Play()
    number = play.asked("a", "b") if asks else 0
    play.add("b")
    reply = partial(play.delivery.reply, ELSEWHERE, "b", number, Count(3))
    play.from_elsewhere(reply)
    assert (play.outcomes == {number: Count(3)}) is asks
    assert (messages_in(play.registry.cells["b"]) == ["Count"]) is not asks
