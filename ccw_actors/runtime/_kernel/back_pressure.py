"""Full mailboxes: how they get room, and the offers and asks that wait for it."""

import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from ccw_actors.errors import MailboxFullError, OfferCycleError, OfferTimeoutError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.parking import Parking
from ccw_actors.runtime._cell.ports import Suspended
from ccw_actors.runtime._kernel.alarms import Alarm
from ccw_actors.runtime._kernel.wait_graph import WaitGraph
from ccw_actors.runtime._values.envelope import Envelope, wrapped
from ccw_actors.transport import tag_of

__all__ = ["BackPressure", "Offer", "Offers"]


class _Waiter(Protocol):
    """An offer or ask that waits for room; `ask` is the number of the ask, or 0."""

    ask: int

    def enter(self) -> bool:
        """Send the message; return False if the sender has given up."""
        ...


class _DeadLetter(Protocol):
    """Takes a message that found no room."""

    def __call__(
        self, address: str, envelope: Envelope, reason: str, *, quiet: bool = False
    ) -> None: ...


class BackPressure:
    """Keeps the bounds of all mailboxes of a System.

    Waiting messages enter when half of a mailbox is free, in the order in which they
    came: entering one by one would cost a turn of the loop each. `dropped` and
    `refused` count messages. A message that an actor tells to a full mailbox is dropped
    like one that another thread sends, unless the System is `strict`: a publisher does
    not fail because a subscriber is slow. `may_wait` says whether messages can wait for
    room.
    """

    def __init__(
        self,
        find: Callable[[str], Cell | None],
        dead_letter: _DeadLetter,
        *,
        may_wait: bool,
        strict: bool = False,
    ) -> None:
        self._find = find
        self._dead_letter = dead_letter
        self._may_wait = may_wait
        self._strict = strict
        self.waiting: dict[str, deque[_Waiter]] = {}
        self.dropped = 0
        self.refused = 0

    def make_room(self, cell: Cell, envelope: Envelope) -> bool:
        """Make room for one more envelope as the policy says; return whether it fits.

        Returns False if the envelope itself was dropped. Raises `MailboxFullError`.
        """
        if not cell.is_full():
            return True
        policy = cell.policy.when_full
        if policy == "drop newest":
            self._drop(cell, envelope)
            return False
        if policy == "drop oldest":
            oldest = _oldest(cell)
            if oldest is not None:
                self._drop(cell, oldest)
            return True
        self.refused += 1
        if envelope.sender and not envelope.ask and not self._strict:
            self._dead_letter(cell.address, envelope, _full(cell))
            return False
        raise MailboxFullError(
            f"{tag_of(envelope.payload)} to {cell.path}: its mailbox has reached its"
            f" bound of {cell.policy.bound} messages"
        )

    def lacks_room(self, address: str) -> bool:
        """Whether a sender that can wait has to wait before sending to that actor."""
        cell = self._find(address)
        return (
            cell is not None
            and cell.policy.when_full == "wait"
            and self._may_wait
            and (address in self.waiting or cell.is_full())
        )

    def queue(self, address: str, waiter: _Waiter) -> None:
        """Let a waiter enter as soon as there is room, or when the actor has ended."""
        self.waiting.setdefault(address, deque()).append(waiter)
        cell = self._find(address)
        if cell is not None:
            self.freed(cell)  # An actor's thread may have made room.

    def freed(self, cell: Cell) -> None:
        """Let waiters enter a mailbox, if half of it is free."""
        waiting = self.waiting.get(cell.address)
        if waiting is None:
            return
        bound = cell.policy.bound
        room = bound - cell.waiting()
        if room * 2 < bound:
            return
        while waiting and room > 0:
            if waiting.popleft().enter():
                room -= 1
        if not waiting:
            self.waiting.pop(cell.address, None)

    def ended(self, address: str) -> None:
        """End all waits for room in a mailbox, because its actor has ended."""
        for waiter in self.waiting.pop(address, ()):
            waiter.enter()

    def asks(self, address: str) -> set[int]:
        """Return the numbers of the asks that wait for room in a mailbox."""
        return {waiter.ask for waiter in self.waiting.get(address, ())}

    def _drop(self, cell: Cell, envelope: Envelope) -> None:
        self.dropped += 1
        self._dead_letter(cell.address, envelope, _full(cell), quiet=True)


class Offer(msgspec.Struct, Parking, eq=False):
    """One message that waits for room, with its sender ("" for the outside).

    At its end it calls `settle`, with None or an error, or resumes the `turn` of the
    async handler that offers.
    """

    target: str
    asker: str
    what: str
    deliver: Callable[[], None]
    clock: Callable[[], float]
    graph: WaitGraph
    settle: Callable[[Exception | None], None] | None = None
    turn: Suspended | None = None
    since: float = 0.0
    alarm: Alarm | None = None
    is_over: bool = False
    ask: int = 0

    def enter(self) -> bool:
        """Send the message; return False if the sender has given up."""
        if self.is_over:
            return False
        self.leave()
        try:
            self.deliver()
        except MailboxFullError as error:
            self._end(error)
            return False
        self._end(None)
        return True

    def leave(self) -> None:
        """Stop waiting for room."""
        self.is_over = True
        self.graph.end(self.asker, self)
        if self.alarm is not None:
            self.alarm.cancel()

    def summary(self) -> str:
        """Return in whose mailbox it waits for room."""
        return f"room in the mailbox of {self.target}"

    def describe(self) -> str:
        """Return the same, and for how long."""
        return f"{self.summary()}, for {self.clock() - self.since:.3f} s"

    def cycle_error(self, cycle: tuple[str, ...]) -> OfferCycleError:
        """Return the error for an offer that would wait forever."""
        return OfferCycleError(cycle, self.what)

    def expire(self) -> None:
        """End the offer with `OfferTimeoutError`."""
        if not self.is_over:
            self.leave()
            age = self.clock() - self.since
            waits_for = self.graph.of(self.target)
            self._end(OfferTimeoutError(self.target, self.what, age, waits_for))

    def _end(self, error: Exception | None) -> None:
        if self.turn is not None:
            self.turn.wake(error=error)
        elif self.settle is not None:
            self.settle(error)


class Offers:
    """Every offer that waits for room, each with its own deadline."""

    def __init__(
        self,
        pressure: BackPressure,
        graph: WaitGraph,
        clock: Callable[[], float],
        call_at: Callable[[float, Callable[[], None]], Alarm],
    ) -> None:
        self._pressure = pressure
        self._graph = graph
        self._clock = clock
        self._call_at = call_at

    def make(
        self,
        target: str,
        asker: str,
        what: str,
        deliver: Callable[[], None],
        *,
        settle: Callable[[Exception | None], None] | None = None,
        turn: Suspended | None = None,
    ) -> Offer:
        """Return an offer that does not wait yet; on any thread."""
        return Offer(
            target, asker, what, deliver, self._clock, self._graph, settle, turn
        )

    def add(self, offer: Offer, timeout: float) -> None:
        """Let an offer wait for room, for at most that many seconds.

        Raises `OfferCycleError` if the actor that has to make room waits for the
        sender.
        """
        if offer.asker:
            self._graph.begin(offer.asker, offer)
        offer.since = self._clock()
        if timeout != math.inf:
            offer.alarm = self._call_at(offer.since + timeout, offer.expire)
        self._pressure.queue(offer.target, offer)


def _full(cell: Cell) -> str:
    return f"the mailbox was full with {cell.policy.bound} messages"


def _oldest(cell: Cell) -> Envelope | None:
    """Remove from a mailbox the oldest message that counts."""
    mailbox = cell.mailbox
    while mailbox:
        try:
            found = next((one for one in mailbox if not wrapped(one).kind), None)
            if found is not None:
                mailbox.remove(found)
        except (RuntimeError, ValueError):
            continue  # The actor's thread took a message.
        return None if found is None else wrapped(found)
    return None
