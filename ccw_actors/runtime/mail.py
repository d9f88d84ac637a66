"""Where a message goes: into a mailbox, back to who asked, or to the dead letters."""

import logging
from collections.abc import Callable
from functools import partial
from threading import get_ident

from ccw_actors.errors import ActorFailedError, MailboxFullError
from ccw_actors.runtime.asking import Asking
from ccw_actors.runtime.asks import LATE, Asks, Pending
from ccw_actors.runtime.cell import (
    IDLE,
    NOBODY,
    QUEUED,
    SIGNAL,
    STOP,
    STOP_NOW,
    TICK,
    UNBOUNDED,
    WATCH,
    Cell,
    Envelope,
    Phase,
)
from ccw_actors.runtime.dispatch import Dispatcher
from ccw_actors.runtime.inbox import Inbox
from ccw_actors.runtime.life import Life
from ccw_actors.runtime.notices import Failure, Terminated
from ccw_actors.runtime.observer import Observers
from ccw_actors.runtime.place import Here, Place
from ccw_actors.runtime.ref import ActorRef
from ccw_actors.runtime.room import Room
from ccw_actors.runtime.runner import Runner
from ccw_actors.runtime.shutdown import Shutdown
from ccw_actors.runtime.timers import SLEEP, Timer, TimerKey, Timers
from ccw_actors.transport import Codec, Message, tag_of

__all__ = ["Mail"]

log = logging.getLogger("ccw_actors")


class Mail:
    """The mailboxes of one System, and what is under way between them.

    What dispatchers and threads use. Everything happens on the System's own thread
    except where a method says "on any thread": an actor's thread handles its messages
    itself and hands the rest over through `inbox`. `lost` is told of every dead letter:
    the path it was for, the envelope, and the reason.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        codec: Codec,
        ref: Callable[[str], ActorRef[Message]],
        ask_timeout: float,
    ) -> None:
        self.dispatcher = dispatcher
        self.ref = ref
        self.encode = codec.encode
        self.cells: dict[str, Cell] = {}
        self.failures: list[ActorFailedError] = []
        self.dead_letters = 0
        self.lost: Callable[[str, Envelope, str], object] = _ignore
        self.home = Place(home=True)
        self.home_thread = self.quick_thread = get_ident()
        self._here = Here()
        dispatcher.begin()
        self.observers = Observers(dispatcher.now, self.observed)
        self.inbox = Inbox(dispatcher, self.home_thread)
        self.asks = Asks(
            codec, dispatcher.clock, dispatcher.call_at_clock, self.queue_length
        )
        self.timers = Timers(dispatcher.call_at, self.fire)
        self.room = Room(self)
        self.asking = Asking(self, ask_timeout)
        self.life = Life(self)
        self.shutdown = Shutdown(self)
        self.runner = Runner(self)
        dispatcher.attach(self)

    def observed(self, present: bool) -> None:  # noqa: FBT001
        """Note whether anybody observes: then no thread tells the quick way."""
        self.quick_thread = 0 if present else self.home_thread

    def place(self) -> Place:
        """Return what the calling thread is doing."""
        return self.home if get_ident() == self.home_thread else self._here.place

    # -- sending ----------------------------------------------------------------

    def envelope(
        self, place: Place, message: Message, ask: int = 0, kind: int = 0
    ) -> Envelope:
        """Encode a message sent from a place; on any thread."""
        stamp = None
        if self.observers.present:
            stamp = self.observers.stamp(place, type(message))
        return Envelope(self.encode(message), place.path, ask, stamp, kind)

    def tell(self, path: str, message: Message) -> Cell:
        """Encode a message and put it into a mailbox; on any thread.

        Returns the place of its actor, for a reference that will tell it more, or
        `NOBODY`.
        """
        nobody: Cell = NOBODY
        place = self.place()
        self.send(place, path, self.envelope(place, message))
        if place.home and self.dispatcher.loop is not None:
            return self.cells.get(path) or nobody
        return nobody

    def send(self, place: Place, path: str, envelope: Envelope) -> None:
        """Put an envelope into a mailbox; on any thread, whose place is given."""
        if place.home:
            self.deliver(path, envelope)
        else:
            self.inbox.call(partial(self.deliver_late, path, envelope))

    def deliver(self, path: str, envelope: Envelope) -> None:
        """Put an envelope into a mailbox. Raises `MailboxFullError`."""
        cell = self.cells.get(path)
        if cell is None:
            self.dead_letter(path, envelope, "there is no such actor")
        elif (
            envelope.kind
            or cell.waiting() < cell.bound
            or self.room.make(cell, envelope)
        ):
            cell.put(envelope)

    def signal(self, path: str, envelope: Envelope) -> None:
        """Put a signal into the system lane of an actor, if it is there."""
        cell = self.cells.get(path)
        if cell is not None:
            cell.signal(envelope)

    def stop(self, path: str, *, drain: bool) -> None:
        """Ask an actor to stop; on any thread. See `ActorRef.stop`."""
        place = self.place()
        if drain:
            self.send(place, path, Envelope(b"", place.path, 0, None, STOP))
        else:
            envelope = Envelope(b"", place.path, 0, None, STOP_NOW)
            self.inbox.call(lambda: self.signal(path, envelope))

    def ask(self, pending: Pending, envelope: Envelope) -> None:
        """Wait for an answer to an envelope and put that into a mailbox.

        Raises `MailboxFullError`.
        """
        self.asks.add(pending)
        try:
            self.put_ask(pending, envelope)
        except MailboxFullError:
            self.asks.forget(pending.number)
            raise

    def put_ask(self, pending: Pending, envelope: Envelope) -> None:
        """Put the envelope of an ask that waits into a mailbox; raises likewise."""
        cell = self.cells.get(pending.path)
        if cell is not None and cell.mailbox is not None:
            mailbox = cell.mailbox
            if len(mailbox) < cell.bound and not self.room.waiting:
                mailbox.append(envelope)
                if cell.status == IDLE:
                    cell.status = QUEUED
                    cell.ready(cell)
                return
        if self.room.lacks(pending.path):
            enter = partial(self._enter, pending, envelope)
            self.room.queue(pending.path, enter, pending.number)
        else:
            self.deliver(pending.path, envelope)

    def _enter(self, pending: Pending, envelope: Envelope) -> bool:
        """Send an ask that has waited for room, if it still waits for an answer."""
        if pending.number not in self.asks.pending:
            return False
        self.deliver(pending.path, envelope)
        return True

    def ask_late(self, pending: Pending, envelope: Envelope, *, block: bool) -> None:
        """Do the same for an ask from another thread; errors end the ask.

        `block` says whether the asker is an actor that now does nothing else.
        """
        try:
            if block:
                self.asks.block(pending)
            self.ask(pending, envelope)
        except Exception as error:  # noqa: BLE001 - for the thread that waits
            pending.end(error)

    def reply(self, place: Place, asked: Envelope, message: Message) -> None:
        """Answer the message in an envelope; on any thread."""
        self.reply_to(place, asked.sender, asked.ask, message)

    def reply_to(self, place: Place, asker: str, number: int, message: Message) -> None:
        """Answer an ask, or for number 0 what that actor has told; on any thread."""
        self.route(place, asker, number, self.envelope(place, message, kind=UNBOUNDED))

    def route(self, place: Place, asker: str, number: int, answer: Envelope) -> None:
        """Take an encoded answer to who asked, or told; on any thread."""
        if asker and not number:
            self.send(place, asker, answer)
        elif place.home:
            self.answer(number, asker, answer)
        else:
            self.inbox.call(partial(self.answer, number, asker, answer))

    def answer(
        self,
        number: int,
        recipient: str,
        envelope: Envelope,
        error: Exception | None = None,
    ) -> None:
        """Settle an ask (0 for none) with the answer in an envelope.

        An `error` is what somebody outside gets in its place.
        """
        stamp = envelope.stamp
        pending = self.asks.pending.get(number) if stamp is not None else None
        if not number:
            self.observe_lost(recipient, envelope, "nobody asked for this answer")
        elif not self.asks.answer(number, envelope, error):
            self.observe_lost(recipient, envelope, LATE)
        elif pending is not None and pending.turn is None:
            self.observe_handled(recipient, envelope)

    def arm(self, key: TimerKey, timer: Timer) -> None:
        """Arm a timer, unless its actor has stopped meanwhile."""
        if key[0] in self.cells:
            self.timers.arm(key, timer)

    def fire(self, key: TimerKey) -> None:
        """Put a timer's message into its actor's mailbox, unless it was cancelled."""
        timer = self.timers.take(key)
        cell = self.cells.get(key[0])
        if timer is None or cell is None:
            return
        envelope = self.timer_envelope(key, timer)
        if envelope is None:
            return
        if envelope.kind > SIGNAL:
            cell.signal(envelope)
        else:
            cell.put(envelope)

    def timer_envelope(self, key: TimerKey, timer: Timer) -> Envelope | None:
        """Return what a timer that fires now puts into the mailbox, if anything.

        A sleeping handler is woken here, and a periodic timer armed again.
        """
        path, number = key
        if timer.kind == SLEEP:
            cell = self.cells[path]
            if cell.turn is not None:
                cell.turn.wake()
            return None
        if timer.kind != TICK:
            return Envelope(timer.payload, path, 0, timer.stamp, timer.kind)
        self.timers.again(key, timer)
        if timer.waiting:
            return None
        return Envelope(timer.payload, path, number, timer.stamp, TICK)

    def queue_length(self, path: str) -> int:
        """Return how many messages wait in a mailbox, 0 if there is none."""
        cell = self.cells.get(path)
        return cell.waiting() if cell is not None else 0

    # -- what becomes of the others ---------------------------------------------

    def dead_letter(
        self, path: str, envelope: Envelope, reason: str, *, full: bool = False
    ) -> None:
        """Note that an envelope will not be handled, and tell who waits for it."""
        if envelope.kind == WATCH:
            self.notify(envelope.sender, path, reason)
            return
        if envelope.kind >= SIGNAL:
            return
        self.observe_lost(path, envelope, reason)
        ask = envelope.ask if envelope.kind != TICK else 0
        if ask and not full:
            self.asks.stopped(ask, reason)
            return
        failure = Failure(path, tag_of(envelope.payload), reason, full=full)
        self.send_back(envelope, failure)

    def send_back(
        self, envelope: Envelope, failure: Failure, error: Exception | None = None
    ) -> None:
        """Tell the sender of an envelope what became of it; see `answer`."""
        place = Place(failure.actor, envelope)
        back = partial(self.envelope, place, failure, kind=UNBOUNDED)
        if envelope.kind == TICK:
            return
        if envelope.ask:
            self.answer(envelope.ask, envelope.sender, back(), error)
        elif failure.request != Failure.__name__:
            sender = self.cells.get(envelope.sender)
            if sender is not None and Failure in sender.handlers:
                self.deliver(envelope.sender, back())

    def notify(self, watcher: str, path: str, reason: str) -> None:
        """Tell a watcher that an actor is not there any more."""
        notice = Terminated(self.ref(path), reason)
        self.deliver(watcher, self.envelope(Place(path), notice, kind=UNBOUNDED))

    def observe_handled(self, path: str, envelope: Envelope) -> None:
        """Report that a message is about to be handled; on any thread."""
        if envelope.stamp is None:
            return
        event = self.observers.event(path, envelope, envelope.stamp)
        if get_ident() == self.home_thread:
            self.observers.handled(event)
        else:
            self.inbox.note(partial(self.observers.handled, event))

    def observe_lost(self, path: str, envelope: Envelope, reason: str) -> None:
        """Report a dead letter."""
        self.dead_letters += 1
        self.lost(path, envelope, reason)
        log.debug("%s to %r: %s", tag_of(envelope.payload), path, reason)
        if envelope.stamp is not None:
            event = self.observers.event(path, envelope, envelope.stamp)
            self.observers.dead_letter(event, reason)

    def is_running(self, path: str) -> bool:
        """Whether there is an actor at that path that has not ended."""
        cell = self.cells.get(path)
        return cell is not None and cell.phase is not Phase.ENDED

    def deliver_late(self, path: str, envelope: Envelope) -> None:
        """Deliver an envelope; if there is no room for it, it is a dead letter."""
        try:
            self.deliver(path, envelope)
        except MailboxFullError as error:
            self.dead_letter(path, envelope, str(error), full=True)


def _ignore(_path: str, _envelope: Envelope, _reason: str) -> None:
    """Nobody listens."""
