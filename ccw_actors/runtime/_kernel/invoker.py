"""Runs handlers: all steps from the mailbox to the end of the handler."""

from functools import partial
from types import CoroutineType
from typing import Any, cast

from ccw_actors.runtime._cell.cell import CLOSED, Cell
from ccw_actors.runtime._cell.handlers import why_refused
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._cell.ports import Suspended
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.contexts import Contexts
from ccw_actors.runtime._kernel.dead_letters import DeadLetters
from ccw_actors.runtime._kernel.death_watch import DeathWatch
from ccw_actors.runtime._kernel.delivery import Delivery
from ccw_actors.runtime._kernel.lost_messages import LostMessages
from ccw_actors.runtime._kernel.missing_children import MissingChildren
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.pending_asks import LATE, PendingAsks
from ccw_actors.runtime._kernel.ports import Suspend
from ccw_actors.runtime._kernel.supervisor import Supervisor
from ccw_actors.runtime._kernel.thread_calls import ThreadCalls
from ccw_actors.runtime._kernel.timers import Timers
from ccw_actors.runtime._values.answers import answer_names
from ccw_actors.runtime._values.envelope import (
    MISSED,
    MISSING,
    STOP,
    TICK,
    UNBOUNDED,
    WATCH,
    Envelope,
    Letter,
    sender_of,
    wrapped,
)
from ccw_actors.transport import (
    DECODE_ERRORS,
    ENCODE_ERRORS,
    Message,
    Request,
    tag_of,
)

__all__ = ["Invoker"]


class Invoker:
    """Runs the handlers of one System; on the actor's thread, in the actor's context.

    `running` is the state of the System's own thread.
    """

    def __init__(
        self,
        *,
        running: Running,
        supervisor: Supervisor,
        delivery: Delivery,
        dead_letters: DeadLetters,
        lost: LostMessages,
        asks: PendingAsks,
        timers: Timers,
        death_watch: DeathWatch,
        missing: MissingChildren,
        contexts: Contexts,
        observers: Observers,
        calls: ThreadCalls,
        suspend: Suspend,
    ) -> None:
        self._running = running
        self._supervisor = supervisor
        self._delivery = delivery
        self._dead_letters = dead_letters
        self._lost = lost
        self._asks = asks
        self._timers = timers
        self._death_watch = death_watch
        self._missing = missing
        self._contexts = contexts
        self._observers = observers
        self._calls = calls
        self._suspend = suspend
        self._encode = delivery.encode
        self._quick_encode = delivery.quick_encode
        self._answer_types: set[type] = set()

    def run(  # noqa: C901, PLR0912, PLR0915 - in one piece, for speed
        self, cell: Cell, limit: int, running: Running | None = None
    ) -> int:
        """Handle at most `limit` messages of an actor; return how many.

        Call this in the actor's `context`. `running` is that of the calling thread if
        it is not the System's own. Call `Running.leave` afterwards, unless another
        actor runs at once.
        """
        if running is None:
            running = self._running
        running.address = cell.address
        left = limit
        try:
            if cell.status >= CLOSED:
                context = cell.context
                if cell.signals:
                    self._run_signals(running, cell)
                turn = cell.turn
                if turn is not None and turn.is_ready and cell.context is context:
                    left -= 1
                    if self._observers.present:
                        self._note_reply(cell, turn)
                    turn.step(running)
                turn = None  # Its exception refers to this frame.
                if cell.turn is not None or cell.context is not context:
                    # It waits again, or begins in another context.
                    return limit - left
                self._reopen(cell)
            mailbox = cell.mailbox
            decode, actor, counts = cell.decode, cell.actor, running.counts
            # This jump avoids a comparison, which would be slow.
            while mailbox and left:
                if cell.status >= CLOSED:
                    break
                letter = mailbox.popleft()
                left -= 1
                what = type(letter)
                if what is tuple:
                    payload = letter[0]  # type: ignore[index]
                elif what is bytes:
                    payload = letter
                else:
                    if letter.kind:  # type: ignore[union-attr]
                        opened = self._opened(cell, letter)  # type: ignore[arg-type]
                        if opened is None:
                            continue
                        letter = opened
                    if letter.stamp is not None:  # type: ignore[union-attr]
                        running.letter = letter
                        self._handle_stamped(running, cell, letter)  # type: ignore[arg-type]
                        continue
                    payload = letter.payload  # type: ignore[union-attr]
                running.letter = letter
                try:
                    message = decode(payload)  # type: ignore[arg-type]
                    kind = type(message)
                    handler = cell.handlers[kind]
                except DECODE_ERRORS as error:
                    self._refused(cell, letter, error)
                    continue
                except KeyError:
                    self._unhandled(cell, letter)
                    continue
                counts[kind] += 1
                try:
                    answer = handler(actor, message)
                    if answer is None:
                        if what is Envelope and letter.ask:  # type: ignore[union-attr]
                            self._left(cell, letter, kind)  # type: ignore[arg-type]
                    elif type(answer) is CoroutineType:
                        self._begin(running, cell, letter, answer)
                    else:
                        self._answer(running, cell, letter, answer)
                except BaseException as error:  # noqa: BLE001 - a failure, whatever it is
                    envelope = wrapped(letter)
                    self._supervisor.fail(cell, kind.__name__, error, envelope)
        finally:
            cell.handled += limit - left
        return limit - left

    def signalled(self, cell: Cell, signal: Envelope) -> None:
        """Handle one signal from the system lane."""
        self._contexts.within(cell, self._supervisor.signalled, cell, signal)

    def crash(self, cell: Cell, envelope: Envelope | None, error: Exception) -> None:
        """Make an actor fail on what it would handle next or continue with.

        Without an envelope it fails between two messages, and loses only the message of
        a suspended handler.
        """
        if cell.turn is not None and cell.turn.envelope is not None:
            envelope = cell.turn.envelope
        elif envelope is not None and envelope.kind:
            self._opened(cell, envelope)
        what = "no message" if envelope is None else tag_of(envelope.payload)
        fail = self._supervisor.fail
        self._contexts.within(cell, fail, cell, what, error, envelope)

    def resume(self, cell: Cell, turn: Suspended) -> None:
        """Continue a suspended handler."""
        self._contexts.within(cell, self._resume, cell, turn)

    def _resume(self, cell: Cell, turn: Suspended) -> None:
        self._note_reply(cell, turn)
        turn.step(self._running)

    def _note_reply(self, cell: Cell, turn: Suspended) -> None:
        """Report to observers the answer with which a handler continues."""
        if turn.reply is not None:
            self._observers.handled(cell.address, turn.reply)

    def _run_signals(self, running: Running, cell: Cell) -> None:
        """Handle the signals in the system lane that are for this life."""
        context = cell.context
        while cell.signals and cell.context is context:
            signal = cell.signals.popleft()
            running.letter = None
            self._supervisor.signalled(cell, signal)

    def _reopen(self, cell: Cell) -> None:
        """Let an actor take messages again, if nothing prevents it."""
        if cell.life is State.RUNNING and not cell.signals:
            cell.status &= ~CLOSED

    def _handle_stamped(self, running: Running, cell: Cell, envelope: Envelope) -> None:
        """Handle a message that is observed or belongs to a trace."""
        try:
            message = cell.decode(envelope.payload)
            handler = cell.handlers[type(message)]
        except DECODE_ERRORS as error:
            self._refused(cell, envelope, error)
            return
        except KeyError:
            self._unhandled(cell, envelope)
            return
        running.counts[type(message)] += 1
        self._observers.handled(cell.address, envelope)
        is_over = True
        try:
            leave_trace = self._observers.enter_trace(envelope.stamp)
            if leave_trace is not None:
                cell.leave_trace = leave_trace
            answer = handler(cell.actor, message)
            if answer is None:
                if envelope.ask:
                    self._left(cell, envelope, type(message))
            elif type(answer) is CoroutineType:
                is_over = False
                self._begin(running, cell, envelope, answer)
            else:
                self._answer(running, cell, envelope, answer)
        except BaseException as error:  # noqa: BLE001 - a failure, whatever it is
            self._supervisor.fail(cell, type(message).__name__, error, envelope)
        else:
            if is_over:
                self._supervisor.leave_trace(cell)

    def _opened(self, cell: Cell, envelope: Envelope) -> Envelope | None:
        """Return the envelope of a message, None if it was for the System."""
        cell.exempt_out += 1
        if envelope.kind == TICK:
            key = cell.path, envelope.ask
            self._calls.note(partial(self._timers.handled, key))
            sender, stamp = envelope.sender, envelope.stamp
            return Envelope(envelope.payload, sender, 0, stamp, UNBOUNDED)
        if envelope.kind == UNBOUNDED:
            return envelope
        if envelope.kind == MISSING:
            return self._missing.tell(cell, envelope)
        self._signal(cell, envelope)
        return None

    def _signal(self, cell: Cell, envelope: Envelope) -> None:
        if envelope.kind == STOP:
            cell.close()
            self._calls.note(partial(self._supervisor.begin_stop, cell, drain=True))
        elif envelope.kind == MISSED:
            self._missing.told(envelope.sender)
        else:
            watch, watches = self._death_watch.watch, envelope.kind == WATCH
            self._calls.note(partial(watch, cell, envelope.sender, watches=watches))

    def _begin(
        self, running: Running, cell: Cell, letter: Letter, coroutine: Any
    ) -> None:
        """Run an async handler until it waits or ends."""
        # In no variable, because an exception refers to this frame.
        self._suspend(cell, wrapped(letter), coroutine, self._finished).step(running)

    def _answer(
        self, running: Running, cell: Cell, letter: Letter, answer: Any
    ) -> None:
        """Send the return value of a handler to the asker or sender."""
        if type(answer) not in self._answer_types:
            self._check_answer(cell, letter, answer)
        sender = sender_of(letter)
        ask = letter.ask if type(letter) is Envelope else 0
        if not running.own or self._observers.stamps or not (sender or ask):
            self._delivery.reply(running, sender, ask, answer)
            return
        try:
            payload = self._quick_encode(answer)
        except ENCODE_ERRORS:
            payload = self._encode(answer)
        reply = Envelope(payload, cell.address, ask, None, UNBOUNDED)
        if not ask:
            self._delivery.deliver(sender, reply)
        elif not self._asks.answer(ask, reply):
            self._lost.add(sender, reply, LATE)

    def _check_answer(self, cell: Cell, letter: Letter, answer: Any) -> None:
        """Raise `TypeError` unless the answer can be sent; remember its type."""
        # A look-up of the type is faster than isinstance.
        if isinstance(answer, Message):
            self._answer_types.add(type(answer))
            return
        kind = _kind_of(cell, tag_of(wrapped(letter).payload))
        raise TypeError(_no_message(kind, answer))

    def _finished(
        self, turn: Suspended, value: Any, error: BaseException | None
    ) -> None:
        """Continue after an async handler; on the System's own thread."""
        cell, envelope = turn.cell, turn.envelope
        assert envelope is not None, "every handler has a message"
        if error is None:
            try:
                if value is not None:
                    self._answer(self._running, cell, envelope, value)
                elif envelope.ask:
                    kind = _kind_of(cell, tag_of(envelope.payload))
                    self._left(cell, envelope, kind)
            except BaseException as wrong:  # noqa: BLE001 - a failure, whatever it is
                error = wrong
        if error is not None and not self._supervisor.was_stopped(cell, turn):
            self._supervisor.fail(cell, tag_of(envelope.payload), error, envelope)
            return
        if error is not None:
            self._asks.stopped(envelope.ask, self._supervisor.stop_reason)
        if envelope.stamp is not None:
            self._supervisor.leave_trace(cell)
        if cell.life is not State.RUNNING:
            self._supervisor.go_on(cell)

    def _left(self, cell: Cell, envelope: Envelope, kind: Any) -> None:
        """Fail a request that its handler has neither answered nor kept."""
        owed, stash = cell.owed, cell.stash
        if owed is not None and envelope.ask in owed:
            return
        if stash and stash[-1] is envelope:
            return
        if any(one is envelope for one in cell.mailbox or ()):
            return  # It was stashed and put back.
        if cell.life is not State.RUNNING:
            self._asks.stopped(envelope.ask, self._supervisor.stop_reason)
            return
        request = kind.__name__
        expected = _expected(kind, "an answer")
        reason = (
            f"{request}: its handler returned no answer and did not read reply_to to"
            f" answer later; expected {expected}, got None"
        )
        self._calls.note(partial(self._dead_letters.unanswered, cell, envelope, reason))

    def _refused(self, cell: Cell, letter: Letter, error: Exception) -> None:
        envelope = wrapped(letter)
        reason = why_refused(cell.actor, envelope.payload, error)
        self._calls.note(partial(self._dead_letters.refuse, cell, envelope, reason))

    def _unhandled(self, cell: Cell, letter: Letter) -> None:
        envelope = wrapped(letter)
        named = cell.behaviour
        which = f"behaviour {named!r}" if named else "the first behaviour"
        tag = tag_of(envelope.payload)
        reason = f"{tag}: no handler for it in {which}"
        self._calls.note(partial(self._dead_letters.refuse, cell, envelope, reason))


def _kind_of(cell: Cell, tag: str) -> Any:
    """Return the message type of that name, among those an actor handles."""
    for kind in cell.handlers:
        if tag in (kind.__name__, kind.__struct_config__.tag):
            return kind
    return Message


def _expected(kind: Any, otherwise: str) -> str:
    if not issubclass(kind, Request):
        return otherwise
    return answer_names(cast("type[Request[Any]]", kind))


def _no_message(kind: type[Message], answer: object) -> str:
    expected = _expected(kind, "a message")
    return (
        f"{kind.__name__} was answered with {answer!r}, which is a"
        f" {type(answer).__name__}, not a message; expected {expected}"
    )
