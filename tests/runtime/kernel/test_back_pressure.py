"""Full mailboxes: each policy, and the waits for room."""

import math

import pytest

from ccw_actors.errors import MailboxFullError, OfferCycleError, OfferTimeoutError
from ccw_actors.runtime import Mailbox
from ccw_actors.runtime._kernel.back_pressure import BackPressure, Offer, Offers
from ccw_actors.runtime._kernel.wait_graph import WaitGraph
from ccw_actors.runtime._values.envelope import UNBOUNDED, Envelope
from ccw_actors.runtime._values.mailbox import WhenFull
from tests.runtime.kernel.cast import (
    ByHand,
    Note,
    Steps,
    envelope_of,
    make_cell,
    messages_in,
)


class Play:
    """The mailboxes of two actors "a" and "b", and offers to them.

    `lost` are the texts of the notes that became dead letters, `ended` the result of
    each offer.
    """

    def __init__(
        self,
        when_full: WhenFull = "wait",
        *,
        bound: int = 2,
        may_wait: bool = True,
        strict: bool = False,
    ) -> None:
        self.dispatcher = ByHand()
        self.lost: list[str] = []
        self.quiet: list[bool] = []
        self.ended: dict[str, Exception | None] = {}
        self.made: dict[str, Offer] = {}
        policy = Mailbox(bound, when_full)
        self.cells = {path: make_cell(path, policy=policy) for path in ("a", "b")}
        self.cell = self.cells["a"]
        self.pressure = BackPressure(
            self.cells.get, self._lose, may_wait=may_wait, strict=strict
        )
        self.graph = WaitGraph()
        self.offers = Offers(
            self.pressure,
            self.graph,
            self.dispatcher.clock,
            self.dispatcher.call_at_clock,
        )

    def _lose(
        self, address: str, envelope: Envelope, reason: str, *, quiet: bool = False
    ) -> None:
        self.quiet.append(quiet)
        cell = make_cell()
        cell.put(envelope)
        self.lost.append(f"{messages_in(cell)[0]} to {address}: {reason}")

    def send(self, text: str, sender: str = "", ask: int = 0) -> bool:
        """Put a message into the mailbox of "a" as `Delivery` does it."""
        envelope = envelope_of(Note(text), sender, ask)
        if not self.pressure.make_room(self.cell, envelope):
            return False
        self.cell.put(envelope)
        return True

    def fill(self) -> None:
        """Fill the mailbox of "a" with "0", "1", ..."""
        for number in range(self.cell.bound):
            assert self.send(str(number))

    def take(self) -> str:
        """Take the first message out of the mailbox of "a", as its handler would."""
        text = messages_in(self.cell)[0]
        assert self.cell.mailbox is not None
        self.cell.mailbox.popleft()
        self.pressure.freed(self.cell)
        return text

    def offer(
        self, text: str, asker: str = "", timeout: float = math.inf, to: str = "a"
    ) -> None:
        """Offer a note; `made` are all offers, by the text."""

        def deliver() -> None:
            cell = self.cells.get(to)
            envelope = envelope_of(Note(text), asker)
            if cell is None:
                self._lose(to, envelope, "gone")
            elif self.pressure.make_room(cell, envelope):
                cell.put(envelope)

        def settle(error: Exception | None) -> None:
            assert text not in self.ended, "told once"
            self.ended[text] = error

        offer = self.offers.make(to, asker, "Note", deliver, settle=settle)
        self.made[text] = offer
        self.offers.add(offer, timeout)


# -- policies --------------------------------------------------------------------


@pytest.mark.parametrize("when_full", ["refuse", "wait"])
def test_refuse(when_full: WhenFull) -> None:
    """One message more raises outside actors, and names message, recipient and bound.

    The same for the policy "wait", because a `tell` cannot wait.
    """
    play = Play(when_full)
    play.fill()
    text = "Note to a: its mailbox has reached its bound of 2 messages"
    with pytest.raises(MailboxFullError, match=text):
        play.send("more")
    assert (play.pressure.refused, play.pressure.dropped) == (1, 0)
    assert (messages_in(play.cell), play.lost) == (["0", "1"], [])


def test_refuse_what_an_actor_tells() -> None:
    """It becomes a dead letter: a slow subscriber does not fail the publisher."""
    play = Play("refuse")
    play.fill()
    assert not play.send("more", sender="publisher")
    assert play.lost == ["more to a: the mailbox was full with 2 messages"]
    assert (play.pressure.refused, play.quiet) == (1, [False])


def test_refuse_what_an_actor_asks() -> None:
    """It raises at the asker, which can react."""
    play = Play("refuse")
    play.fill()
    with pytest.raises(MailboxFullError):
        play.send("more", sender="asker", ask=7)
    assert play.lost == []


def test_strict() -> None:
    """If every schedule is explored, a full mailbox is an error of the sender."""
    play = Play("refuse", strict=True)
    play.fill()
    with pytest.raises(MailboxFullError):
        play.send("more", sender="publisher")
    assert play.lost == []


def test_drop_newest() -> None:
    """The message is dropped for any sender, without a warning."""
    play = Play("drop newest", strict=True)
    play.fill()
    assert not play.send("x")
    assert not play.send("y", sender="b", ask=1)
    assert messages_in(play.cell) == ["0", "1"]
    assert [one[0] for one in play.lost] == ["x", "y"]
    assert (play.pressure.refused, play.pressure.dropped) == (0, 2)
    assert play.quiet == [True, True]


def test_drop_oldest() -> None:
    """The oldest message that counts is dropped, and the new one is the last."""
    play = Play("drop oldest", bound=3)
    play.cell.put(envelope_of(Note("a reply"), kind=UNBOUNDED))
    play.fill()
    assert play.send("x")
    assert play.send("y")
    assert messages_in(play.cell) == ["a reply", "2", "x", "y"]
    assert play.lost[0] == "0 to a: the mailbox was full with 3 messages"
    assert play.pressure.dropped == 2


def test_drop_oldest_of_what_was_told_unobserved() -> None:
    """The oldest entry may be bytes, or bytes and a sender."""
    play = Play("drop oldest")
    first, second = envelope_of(Note("0")).payload, envelope_of(Note("1")).payload
    play.cell.put(envelope_of(Note("a reply"), kind=UNBOUNDED))
    assert play.cell.mailbox is not None
    play.cell.mailbox.extend((first, (second, "b")))
    assert play.send("x")
    assert play.send("y")
    assert messages_in(play.cell) == ["a reply", "x", "y"]
    assert [one[0] for one in play.lost] == ["0", "1"]


def test_what_does_not_count() -> None:
    """Replies, notices and timer messages take no room from messages."""
    play = Play("refuse")
    for number in range(5):
        play.cell.put(envelope_of(Note(f"reply {number}"), kind=UNBOUNDED))
    play.fill()
    with pytest.raises(MailboxFullError):
        play.send("more")


# -- waiting ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when_full", "may_wait", "fill", "lacks"),
    [
        ("wait", True, True, True),
        ("wait", True, False, False),
        ("wait", False, True, False),
        ("refuse", True, True, False),
        ("drop oldest", True, True, False),
    ],
)
def test_who_has_to_wait(
    when_full: WhenFull, *, may_wait: bool, fill: bool, lacks: bool
) -> None:
    """Only for a full mailbox whose policy is "wait", if waiting is possible."""
    play = Play(when_full, may_wait=may_wait)
    if fill:
        play.fill()
    assert play.pressure.lacks_room("a") is lacks
    assert not play.pressure.lacks_room("nobody")


def test_who_comes_later_waits_behind() -> None:
    """While an offer waits there is no room for a new one, even if a place is free."""
    play = Play(bound=4)
    play.fill()
    play.offer("early")
    assert play.take() == "0"
    assert not play.cell.is_full()
    assert play.pressure.lacks_room("a")


def test_half_of_it_is_free() -> None:
    """Waiting offers enter the mailbox in their order, when half of it is free."""
    play = Play(bound=4)
    play.fill()
    for text in "xyz":
        play.offer(text)
    play.take()
    assert play.ended == {}
    play.take()
    assert list(play.ended) == ["x", "y"]
    assert messages_in(play.cell) == ["2", "3", "x", "y"]
    play.take()
    play.take()
    assert play.ended == {"x": None, "y": None, "z": None}
    assert play.pressure.waiting == {}


def test_room_that_was_made_meanwhile() -> None:
    """A new waiter enters at once if there is room by then."""
    play = Play()
    play.offer("x")
    assert (play.ended, messages_in(play.cell)) == ({"x": None}, ["x"])


def test_who_has_given_up_takes_no_room() -> None:
    """An abandoned offer is skipped and not notified."""
    play = Play()
    play.fill()
    play.offer("x")
    play.made["x"].leave()
    play.offer("y")
    play.take()
    assert play.ended == {"y": None}


def test_end_of_the_actor() -> None:
    """Waiters for an ended actor continue, and find that it has ended."""
    play = Play()
    play.fill()
    for text in "xy":
        play.offer(text)
    del play.cells["a"]
    play.pressure.ended("a")
    play.pressure.ended("a")
    assert play.lost == ["x to a: gone", "y to a: gone"]
    assert play.ended == {"x": None, "y": None}
    assert play.pressure.waiting == {}


def test_asks_that_wait() -> None:
    """The numbers of waiting asks are known; an offer has none."""

    class Waiting:
        ask = 7

        def enter(self) -> bool:
            """Enter."""
            return True

    play = Play()
    play.fill()
    play.pressure.queue("a", Waiting())
    play.offer("x")
    assert play.pressure.asks("a") == {7, 0}
    assert play.pressure.asks("b") == set()


def test_room_that_is_gone_again() -> None:
    """An offer whose message is refused in the end has failed, and takes no room."""
    play = Play()
    play.fill()
    play.offer("x")
    cell = play.cells["a"]
    play.cells["a"] = full = make_cell("a", policy=Mailbox(1, "refuse"))
    full.put(envelope_of(Note("there")))
    cell.mailbox = None
    play.pressure.freed(cell)
    assert isinstance(play.ended["x"], MailboxFullError)


# -- offers ----------------------------------------------------------------------


def test_offer_has_a_deadline() -> None:
    """Without room in time it fails, with recipient, message, time and wait.

    The message is then not sent.
    """
    play = Play()
    play.fill()
    play.dispatcher.go_to(1.0)
    play.offer("x", timeout=2.0)
    for number in range(2):
        play.cells["b"].put(envelope_of(Note(str(number))))
    play.offer("y", asker="a", to="b", timeout=9.0)
    play.dispatcher.go_to(2.9)
    assert play.ended == {}
    play.dispatcher.go_to(3.0)
    error = play.ended["x"]
    assert isinstance(error, OfferTimeoutError)
    assert isinstance(error, MailboxFullError | TimeoutError)
    assert (error.target, error.message, error.age) == ("a", "Note", 2.0)
    assert error.waits_for == "room in the mailbox of b"
    play.take()
    play.take()
    assert messages_in(play.cell) == []


def test_offer_that_was_let_in_does_not_expire() -> None:
    """Its deadline is cancelled."""
    play = Play()
    play.fill()
    play.offer("x", timeout=2.0)
    play.take()
    assert play.dispatcher.alarms.next_due() is None
    play.dispatcher.go_to(9.0)
    assert play.ended == {"x": None}


def test_offer_without_end() -> None:
    """With `math.inf` no alarm is set."""
    play = Play()
    play.fill()
    play.offer("x")
    assert play.dispatcher.alarms.next_due() is None


def test_what_an_offer_waits_for() -> None:
    """It names the mailbox and the waiting time."""
    play = Play()
    play.fill()
    play.dispatcher.go_to(1.0)
    play.offer("x", asker="b")
    play.dispatcher.go_to(1.5)
    assert play.made["x"].describe() == "room in the mailbox of a, for 0.500 s"
    assert play.graph.of("b") == "room in the mailbox of a"
    play.take()
    assert play.graph.of("b") == ""


@pytest.mark.parametrize("asker", ["a", "b"])
def test_circle_of_offers(asker: str) -> None:
    """The offer that would close one raises at once, and does not wait."""
    play = Play()
    play.fill()
    for number in range(2):
        play.cells["b"].put(envelope_of(Note(str(number))))
    if asker == "b":
        play.offer("x", asker="a", to="b")
    with pytest.raises(OfferCycleError) as caught:
        play.offer("y", asker=asker)
    assert caught.value.cycle == (("a", "a") if asker == "a" else ("b", "a", "b"))
    assert caught.value.message == "Note"
    assert "a" not in play.pressure.waiting


def test_offers_from_outside_close_no_circle() -> None:
    """An offer from outside closes no cycle."""
    play = Play()
    play.fill()
    play.offer("x")
    assert play.graph.waits == {}


def test_offer_of_a_handler() -> None:
    """Its turn continues when the offer has ended, with the error if any."""
    play = Play()
    play.fill()

    async def nothing() -> None:
        """Do nothing."""

    def finished(*_: object) -> None:
        """Do nothing."""

    def deliver() -> None:
        assert play.send("x", sender="b")

    turns = [Steps(play.cells["b"], None, nothing(), finished) for _ in range(2)]
    for turn, timeout in zip(turns, (1.0, 9.0), strict=True):
        offer = play.offers.make("a", "b", "Note", deliver, turn=turn)
        play.offers.add(offer, timeout)
        play.dispatcher.go_to(2.0)
    assert isinstance(turns[0].error, OfferTimeoutError)
    assert not turns[1].is_ready
    play.take()
    assert (turns[1].is_ready, turns[1].error) == (True, None)
    assert messages_in(play.cell) == ["1", "x"]
    for turn in turns:
        turn.close()
