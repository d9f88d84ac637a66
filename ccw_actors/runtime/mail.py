"""What becomes of a message: delivered, handled, answered, refused, or lost."""

import logging
import threading
from functools import partial

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime.asks import Asks, Failure, Question
from ccw_actors.runtime.cell import STOP, Cell, Envelope
from ccw_actors.runtime.dispatch import Dispatcher
from ccw_actors.runtime.inbox import Inbox
from ccw_actors.runtime.observer import Observers
from ccw_actors.runtime.place import Here, Place
from ccw_actors.runtime.timers import Timer, TimerKey, Timers
from ccw_actors.transport import DECODE_ERRORS, Codec, Message, refusal, tag_of

__all__ = ["Mail"]

log = logging.getLogger("ccw_actors")


class Mail:
    """The mailboxes of one System, and what is under way between them.

    What dispatchers and threads use. Everything happens on the System's own thread
    except where a method says "on any thread": an actor's thread handles its messages
    itself and hands the rest over through `inbox`.
    """

    def __init__(self, dispatcher: Dispatcher, codec: Codec) -> None:
        dispatcher.attach(self)
        self._dispatcher = dispatcher
        self._encode = codec.encode
        self.cells: dict[str, Cell] = {}
        self.failures: list[ActorFailedError] = []
        self.asks = Asks(codec, dispatcher.now, dispatcher.call_at, self.queue_length)
        self.timers = Timers(dispatcher.call_at, self.fire)
        self.observers = Observers(dispatcher.now)
        self.here = Here(threading.get_ident())
        self.inbox = Inbox(dispatcher, self.here)

    # -- sending ----------------------------------------------------------------

    def envelope(self, place: Place, message: Message, ask: int = 0) -> Envelope:
        """Encode a message sent from a place; on any thread."""
        stamp = None
        if self.observers.present:
            stamp = self.observers.stamp(place, type(message))
        return Envelope(self._encode(message), place.path, ask, stamp)

    def tell(self, path: str, message: Message) -> None:
        """Encode a message and put it into a mailbox; on any thread."""
        place = self.here.place
        self.send(place, path, self.envelope(place, message))

    def send(self, place: Place, path: str, envelope: Envelope) -> None:
        """Put an envelope into a mailbox; on any thread, whose place is given."""
        if place.home:
            self.deliver(path, envelope)
        else:
            self.inbox.call(partial(self.deliver, path, envelope))

    def ask(self, question: Question, envelope: Envelope) -> None:
        """Wait for an answer to an envelope and put that into a mailbox."""
        self.asks.add(question)
        self.deliver(question.path, envelope)

    def answer(self, number: int, recipient: str, envelope: Envelope) -> None:
        """Settle an ask (0 for none) with the answer in an envelope."""
        if self.asks.answer(number, envelope.payload):
            self._observe_handled(recipient, envelope)
        else:
            self._observe_lost(recipient, envelope, "nobody waits for this answer")

    def arm(self, key: TimerKey, timer: Timer) -> None:
        """Arm a timer, unless its actor has stopped meanwhile."""
        if key[0] in self.cells:
            self.timers.arm(key, timer)

    def fire(self, key: TimerKey) -> None:
        """Put a timer's message into its actor's mailbox, unless it was cancelled."""
        timer = self.timers.take(key)
        if timer is not None:
            path = key[0]
            self.deliver(path, Envelope(timer.payload, path, 0, timer.stamp))

    def queue_length(self, path: str) -> int:
        """Return how many messages wait in a mailbox, 0 if there is none."""
        cell = self.cells.get(path)
        return len(cell.mailbox) if cell is not None else 0

    def deliver(self, path: str, envelope: Envelope) -> None:
        """Put an envelope into a mailbox."""
        cell = self.cells.get(path)
        if cell is None:
            self._dead_letter(path, envelope, "there is no such actor")
        elif cell.take(envelope):
            self._dispatcher.ready(cell)

    # -- handling ---------------------------------------------------------------

    def handle_next(self, cell: Cell) -> None:
        """Handle the message at the head of a mailbox, to completion."""
        self.handle(cell, cell.mailbox.popleft())

    def handle(self, cell: Cell, envelope: Envelope) -> None:
        """Handle one message of a cell, to completion; on the actor's thread."""
        payload = envelope.payload
        if payload == STOP:
            cell.closed = True
            self.inbox.note(partial(self.end, cell, "the actor has stopped"))
            return
        try:
            message = cell.decode(payload)
        except DECODE_ERRORS as error:
            reason = str(refusal(payload, error))
            self.inbox.note(partial(self._refused, cell.path, envelope, reason))
            return
        if envelope.stamp is not None:
            self._observe_handled(cell.path, envelope)
        place = self.here.place
        outer = place.path, place.envelope
        place.path, place.envelope = cell.path, envelope
        try:
            answer = cell.actor.handlers[type(message)](cell.actor, message)
            if answer is not None:
                self._reply(place, envelope, answer)
        except cell.catches as error:
            self.fail(cell, type(message).__name__, error, envelope)
        finally:
            place.path, place.envelope = outer

    def fail(
        self,
        cell: Cell,
        what: str,
        error: BaseException,
        envelope: Envelope | None = None,
    ) -> None:
        """End an actor that raised on `what`, a message type or a hook; any thread."""
        cell.closed = True
        try:
            cell.actor.on_failure(error)
        except cell.catches:
            log.exception("%s: on_failure raised, too", cell.path)
        self.inbox.note(partial(self._failed, cell, what, error, envelope))

    def thread_ended(self, cell: Cell) -> None:
        """Note that an actor's thread ends, however it came about; on that thread."""
        self.inbox.note(partial(self.end, cell, "its thread has ended"))

    def end(self, cell: Cell, reason: str, *, stopped: bool = True) -> None:
        """Take an actor out of the System; `stopped` is False when it has failed.

        Its mailbox becomes dead letters, and asks that it has not answered fail.
        """
        if self.cells.get(cell.path) is not cell:
            return
        del self.cells[cell.path]
        self.timers.forget(cell.path)
        try:
            cell.finish(stopped=stopped)
        except Exception as error:  # noqa: BLE001 - the rest has to be cleared away
            self.fail(cell, "on_stop", error)
        while cell.mailbox:
            try:
                envelope = cell.mailbox.popleft()
            except IndexError:
                break  # The actor's thread was faster.
            self._dead_letter(cell.path, envelope, reason)
        self.asks.all_stopped(cell.path, reason)

    def _reply(self, place: Place, envelope: Envelope, message: Message) -> None:
        answer = self.envelope(place, message)
        number, asker = envelope.ask, envelope.sender
        if asker and not number:
            self.send(place, asker, answer)
        elif place.home:
            self.answer(number, asker, answer)
        else:
            self.inbox.call(partial(self.answer, number, asker, answer))

    # -- what goes wrong --------------------------------------------------------

    def _refused(self, path: str, envelope: Envelope, reason: str) -> None:
        failure = Failure(path, tag_of(envelope.payload), reason, refused=True)
        self._observe_lost(path, envelope, f"refused: {reason}")
        self._send_back(envelope, failure)

    def _failed(
        self, cell: Cell, what: str, error: BaseException, envelope: Envelope | None
    ) -> None:
        ended = self.cells.get(cell.path) is not cell
        if ended and isinstance(error, ActorStoppedError):
            return  # A thread that was stopped while it waited for an answer.
        reason = f"{type(error).__name__}: {error}"
        failure = ActorFailedError(cell.path, what, reason)
        failure.__cause__ = error
        self.failures.append(failure)
        log.error("%s", failure)
        self.observers.failed(cell.path, what, error)
        if envelope is not None:
            self._send_back(envelope, Failure(cell.path, what, reason))
        self.end(cell, "the actor failed", stopped=False)

    def _dead_letter(self, path: str, envelope: Envelope, reason: str) -> None:
        if envelope.payload == STOP:
            return
        self._observe_lost(path, envelope, reason)
        if envelope.ask:
            self.asks.stopped(envelope.ask, reason)
        else:
            self._send_back(envelope, Failure(path, tag_of(envelope.payload), reason))

    def _send_back(self, envelope: Envelope, failure: Failure) -> None:
        place = Place(failure.actor, envelope)
        if envelope.ask:
            answer = self.envelope(place, failure)
            self.answer(envelope.ask, envelope.sender, answer)
        elif failure.request != Failure.__name__:
            sender = self.cells.get(envelope.sender)
            if sender is not None and Failure in sender.actor.handlers:
                self.deliver(envelope.sender, self.envelope(place, failure))

    def _observe_handled(self, path: str, envelope: Envelope) -> None:
        if envelope.stamp is not None:
            event = self.observers.event(path, envelope, envelope.stamp)
            self.inbox.note(partial(self.observers.handled, event))

    def _observe_lost(self, path: str, envelope: Envelope, reason: str) -> None:
        log.debug("%s to %r: %s", tag_of(envelope.payload), path, reason)
        if envelope.stamp is not None:
            event = self.observers.event(path, envelope, envelope.stamp)
            self.observers.dead_letter(event, reason)
