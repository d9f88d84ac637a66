"""Handles messages: what happens between the mailbox and the handler's end."""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, cast

from ccw_actors.runtime.asks import LATE
from ccw_actors.runtime.cell import (
    STOP,
    TICK,
    UNBOUNDED,
    WATCH,
    Cell,
    Envelope,
    Letter,
    Phase,
    wrapped,
)
from ccw_actors.runtime.notices import Failure
from ccw_actors.runtime.place import Place
from ccw_actors.runtime.turn import Turn
from ccw_actors.transport import DECODE_ERRORS, refusal, tag_of

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["Runner"]


class Runner:
    """Runs the handlers of one System; on the actor's thread."""

    def __init__(self, mail: "Mail") -> None:
        self._mail = mail
        self._home = mail.home
        self._observers = mail.observers

    def run(  # noqa: C901, PLR0912 - in one piece: this is where time is spent
        self, cell: Cell, limit: int, place: Place | None = None
    ) -> int:
        """Handle at most `limit` messages of an actor; return how many it was.

        `place` is that of the calling thread if it is not the System's own. Afterwards
        `Place.leave` is to be called, when no other actor is run at once.
        """
        if place is None:
            place = self._home
        place.path = cell.path
        handled = 0
        try:
            if cell.held:
                handled = self._run_held(place, cell)
            mailbox = cell.mailbox
            decode, actor = cell.decode, cell.actor
            observers = self._observers
            while mailbox and handled < limit and not cell.held:
                letter = mailbox.popleft()
                handled += 1
                if isinstance(letter, bytes):
                    payload = letter
                    place.letter = letter
                else:
                    if letter.kind:
                        opened = self._opened(cell, letter)
                        if opened is None:
                            continue
                        letter = opened
                    payload = letter.payload
                    place.letter = letter
                try:
                    message = decode(payload)
                    handler = cell.handlers[type(message)]
                except DECODE_ERRORS as error:
                    self._refused(cell, wrapped(letter), str(refusal(payload, error)))
                    continue
                except KeyError:
                    self._refused(cell, wrapped(letter), _unhandled(cell, payload))
                    continue
                if observers.present:
                    self._mail.observe_handled(cell.path, wrapped(letter))
                try:
                    answer = handler(actor, message)
                    if answer is not None:
                        self._answered(place, cell, letter, answer)
                except cell.catches as error:
                    what = type(message).__name__
                    self._mail.life.fail(cell, what, error, wrapped(letter))
        finally:
            cell.handled += handled
        return handled

    def signalled(self, cell: Cell, signal: Envelope) -> None:
        """Handle one signal that was taken out of the system lane."""
        with _at(self._mail.home, cell, None):
            self._mail.life.signalled(cell, signal)

    def crash(self, cell: Cell, envelope: Envelope | None, error: Exception) -> None:
        """Have an actor fail on what it would handle next, or go on with.

        Without an envelope it fails between two messages, and loses none but the one
        that a suspended handler has in hand.
        """
        if cell.turn is not None and cell.turn.envelope is not None:
            envelope = cell.turn.envelope
        elif envelope is not None and envelope.kind:
            self._opened(cell, envelope)
        what = "no message" if envelope is None else tag_of(envelope.payload)
        with _at(self._home, cell, envelope):
            self._mail.life.fail(cell, what, error, envelope)

    def resume(self, cell: Cell, turn: Turn) -> None:
        """Have a suspended handler go on."""
        with _at(self._mail.home, cell, turn.envelope):
            if turn.reply is not None:
                self._mail.observe_handled(cell.path, turn.reply)
            turn.step(self._mail.home)

    def _opened(self, cell: Cell, envelope: Envelope) -> Envelope | None:
        """Return the envelope of a message; None if it was for the System."""
        cell.exempt_out += 1
        if envelope.kind == TICK:
            return self._ticked(cell, envelope)
        if envelope.kind == UNBOUNDED:
            return envelope
        self._signal(cell, envelope)
        return None

    def _answered(self, place: Place, cell: Cell, letter: Letter, answer: Any) -> None:
        """Send an answer, or run an async handler until it waits or is over."""
        envelope = wrapped(letter) if isinstance(letter, bytes) else letter
        if type(answer) is CoroutineType:
            coroutine = cast("Coroutine[Any, Any, Any]", answer)
            Turn(cell, envelope, coroutine, self._loop(), self._finished).step(place)
        elif envelope.ask and place.home and not self._observers.present:
            payload = self._mail.encode(answer)
            reply = Envelope(payload, cell.path, envelope.ask, None, UNBOUNDED)
            if not self._mail.asks.answer(envelope.ask, reply):
                self._mail.observe_lost(envelope.sender, reply, LATE)
        else:
            self._mail.reply(place, envelope, answer)

    def hook(self, cell: Cell, coroutine: Any, what: str) -> None:
        """Have an async hook of an actor run as soon as it is its turn."""
        finished = partial(self._hook_finished, what)
        cell.turn = Turn(cell, None, coroutine, self._loop(), finished)
        cell.held = True
        cell.turn.wake()

    def _run_held(self, place: Place, cell: Cell) -> int:
        """Handle signals, and let a suspended handler go on if it can."""
        handled = 0
        while cell.signals:
            signal = cell.signals.popleft()
            place.letter = None
            self._mail.life.signalled(cell, signal)
        turn = cell.turn
        if turn is not None and turn.is_ready:
            handled = 1
            place.letter = turn.envelope
            if turn.reply is not None and turn.reply.stamp is not None:
                self._mail.observe_handled(cell.path, turn.reply)
            turn.step(place)
        cell.held = cell.turn is not None or cell.phase is not Phase.RUNNING
        return handled

    def _finished(self, turn: Turn, value: Any, error: BaseException | None) -> None:
        mail, cell, envelope = self._mail, turn.cell, turn.envelope
        assert envelope is not None, "a handler has a message"
        if error is None and value is not None:
            try:
                mail.reply(mail.home, envelope, value)
            except cell.catches as wrong:
                error = wrong
        if error is not None and not _was_stopped(cell, error):
            mail.life.fail(cell, tag_of(envelope.payload), error, envelope)
        elif cell.phase is not Phase.RUNNING:
            mail.life.go_on(cell)

    def _hook_finished(
        self, what: str, turn: Turn, value: Any, error: BaseException | None
    ) -> None:
        del value
        cell, life = turn.cell, self._mail.life
        if what == "on_stop":
            life.stopped(cell, error)
        elif error is not None and not _was_stopped(cell, error):
            life.fail(cell, what, error)
        elif cell.phase is not Phase.RUNNING:
            life.go_on(cell)

    def _signal(self, cell: Cell, envelope: Envelope) -> None:
        life, sender = self._mail.life, envelope.sender
        if envelope.kind == STOP:
            cell.held = True
            self._mail.inbox.note(partial(life.begin_stop, cell, drain=True))
        else:
            watches = envelope.kind == WATCH
            self._mail.inbox.note(partial(life.watch, cell, sender, watches=watches))

    def _ticked(self, cell: Cell, envelope: Envelope) -> Envelope:
        key = cell.path, envelope.ask
        self._mail.inbox.note(partial(self._mail.timers.handled, key))
        stamp = envelope.stamp
        return Envelope(envelope.payload, envelope.sender, 0, stamp, UNBOUNDED)

    def _refused(self, cell: Cell, envelope: Envelope, reason: str) -> None:
        def refuse() -> None:
            failure = Failure(cell.path, tag_of(envelope.payload), reason, refused=True)
            self._mail.observe_lost(cell.path, envelope, f"refused: {reason}")
            self._mail.send_back(envelope, failure)

        self._mail.inbox.note(refuse)

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        return self._mail.dispatcher.loop


@contextmanager
def _at(place: Place, cell: Cell, envelope: Envelope | None) -> Generator[None]:
    """Have a thread run an actor, on an envelope, for a while."""
    outer = place.path, place.letter, place.turn
    place.path, place.letter, place.turn = cell.path, envelope, None
    try:
        yield
    finally:
        place.path, place.letter, place.turn = outer


def _unhandled(cell: Cell, payload: bytes) -> str:
    behaviour = f"as {cell.behaviour!r}" if cell.behaviour else "as it began"
    return f"{tag_of(payload)}: not handled by an actor that behaves {behaviour}"


def _was_stopped(cell: Cell, error: BaseException) -> bool:
    """Whether a handler ended because its actor is being stopped."""
    return cell.phase is not Phase.RUNNING and isinstance(error, asyncio.CancelledError)
