"""Delivers messages to mailboxes or to the dead letters."""

from collections.abc import Callable, Mapping
from functools import partial

from ccw_actors.errors import MailboxFullError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.answers import Answers
from ccw_actors.runtime._kernel.back_pressure import BackPressure
from ccw_actors.runtime._kernel.dead_letters import DeadLetters
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.pending_asks import Pending, PendingAsks
from ccw_actors.runtime._kernel.thread_calls import ThreadCalls
from ccw_actors.runtime._values.address import is_remote
from ccw_actors.runtime._values.envelope import STOP, STOP_NOW, UNBOUNDED, Envelope
from ccw_actors.transport import Message

__all__ = ["Delivery"]


class Delivery:
    """Delivers messages, asks and answers.

    `absent` takes each envelope for an address at which no actor is.

    Call methods on the System's own thread, except where one says "on any thread" and
    takes the `Running` of that thread.
    """

    def __init__(
        self,
        *,
        cells: Mapping[str, Cell],
        pressure: BackPressure,
        dead_letters: DeadLetters,
        answers: Answers,
        asks: PendingAsks,
        observers: Observers,
        calls: ThreadCalls,
        encode: Callable[[object], bytes],
        quick_encode: Callable[[object], bytes],
        absent: Callable[[str, Envelope], None],
    ) -> None:
        self._cells = cells
        self._pressure = pressure
        self._dead_letters = dead_letters
        self._answers = answers
        self._asks = asks
        self._observers = observers
        self._calls = calls
        self.encode = encode
        self.quick_encode = quick_encode
        self._absent = absent

    def envelope(
        self, running: Running, message: Message, ask: int = 0, kind: int = 0
    ) -> Envelope:
        """Encode a message sent by the running actor; on any thread."""
        stamp = None
        if self._observers.stamps:
            stamp = self._observers.stamp(running, type(message))
        return Envelope(self.encode(message), running.address, ask, stamp, kind)

    def send(self, running: Running, address: str, envelope: Envelope) -> None:
        """Put an envelope into a mailbox; on any thread."""
        if running.own:
            self.deliver(address, envelope)
        else:
            self._calls.call(partial(self.deliver_late, address, envelope))

    def deliver(self, address: str, envelope: Envelope) -> None:
        """Put an envelope into a mailbox. Raises `MailboxFullError`."""
        cell = self._cells.get(address)
        if cell is None:
            self._absent(address, envelope)
        elif envelope.kind or (
            not cell.accept(envelope) and self._pressure.make_room(cell, envelope)
        ):
            cell.put(envelope)

    def deliver_late(self, address: str, envelope: Envelope) -> None:
        """Deliver an envelope; without room it becomes a dead letter."""
        try:
            self.deliver(address, envelope)
        except MailboxFullError as error:
            self._dead_letters.add(address, envelope, str(error), full=True)

    def signal(self, address: str, envelope: Envelope) -> None:
        """Put a signal into the system lane of an actor, if it exists."""
        cell = self._cells.get(address)
        if cell is not None:
            cell.signal(envelope)
        elif is_remote(address):
            self._absent(address, envelope)

    def stop(self, running: Running, address: str, *, drain: bool) -> None:
        """Ask an actor to stop; on any thread. See `ActorRef.stop`."""
        if drain:
            envelope = Envelope(b"", running.address, 0, None, STOP)
            self.send(running, address, envelope)
        else:
            envelope = Envelope(b"", running.address, 0, None, STOP_NOW)
            self._calls.call(partial(self.signal, address, envelope))

    # -- asks and answers ---------------------------------------------------------

    def ask(self, pending: Pending, envelope: Envelope) -> None:
        """Register an ask and put its envelope into a mailbox.

        Raises `MailboxFullError`.
        """
        self._asks.add(pending)
        try:
            self.put_ask(pending, envelope)
        except MailboxFullError:
            self._asks.forget(pending.number)
            raise

    def put_ask(self, pending: Pending, envelope: Envelope) -> None:
        """Put the envelope of a registered ask into a mailbox; raises likewise."""
        cell = self._cells.get(pending.target)
        if cell is not None and not self._pressure.waiting and cell.accept(envelope):
            return
        if self._pressure.lacks_room(pending.target):
            self._pressure.queue(pending.target, _WaitingAsk(self, pending, envelope))
        else:
            self.deliver(pending.target, envelope)

    def ask_late(self, pending: Pending, envelope: Envelope, *, block: bool) -> None:
        """Do the same for an ask from another thread; errors end the ask.

        `block` says whether the asker is an actor whose thread blocks.
        """
        try:
            if block:
                self._asks.block(pending)
            self.ask(pending, envelope)
        except Exception as error:  # noqa: BLE001 - for the thread that waits
            pending.end(error)

    def may_enter(self, pending: Pending) -> bool:
        """Whether an ask that waited for room still waits for an answer."""
        return self._asks.is_pending(pending.number)

    def reply(
        self, running: Running, asker: str, number: int, message: Message
    ) -> None:
        """Answer an ask, or for number 0 a told request; on any thread."""
        envelope = self.envelope(running, message, kind=UNBOUNDED)
        self.route(running, asker, number, envelope)

    def route(
        self, running: Running, asker: str, number: int, answer: Envelope
    ) -> None:
        """Deliver an encoded answer to the asker or the sender; on any thread."""
        if asker and not number:
            self.send(running, asker, answer)
        elif running.own:
            self._answers.settle(number, asker, answer)
        else:
            self._calls.call(partial(self._answers.settle, number, asker, answer))


class _WaitingAsk:
    """An ask that waits for room in the mailbox of its target."""

    def __init__(
        self, delivery: Delivery, pending: Pending, envelope: Envelope
    ) -> None:
        self._delivery = delivery
        self._pending = pending
        self._envelope = envelope
        self.ask = pending.number

    def enter(self) -> bool:
        """Send it, unless its asker no longer waits."""
        if not self._delivery.may_enter(self._pending):
            return False
        self._delivery.deliver(self._pending.target, self._envelope)
        return True
