"""Handles messages: what happens between the mailbox and the handler's end."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from ccw_actors.runtime.cell import (
    STOP,
    TICK,
    UNBOUNDED,
    WATCH,
    Cell,
    Envelope,
    Phase,
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

    def run(self, cell: Cell, limit: int) -> int:
        """Handle at most `limit` messages of an actor; return how many it was."""
        mail = self._mail
        return self.run_on(mail.home, cell, limit)

    def run_on(self, place: Place, cell: Cell, limit: int) -> int:
        """Do so on the thread of that place."""
        outer = place.path, place.envelope, place.turn
        place.path = cell.path
        place.turn = None
        handled = 0
        try:
            if cell.held:
                handled = self._run_held(place, cell)
            mailbox = cell.mailbox
            decode, actor = cell.decode, cell.actor
            while handled < limit and mailbox and not cell.held:
                envelope = mailbox.popleft()
                handled += 1
                if envelope.kind:
                    cell.exempt_out += 1
                    if envelope.kind != UNBOUNDED:
                        if envelope.kind != TICK:
                            self._signal(cell, envelope)
                            continue
                        envelope = self._ticked(cell, envelope)
                place.envelope = envelope
                try:
                    message = decode(envelope.payload)
                except DECODE_ERRORS as error:
                    self._refused(cell, envelope, str(refusal(envelope.payload, error)))
                    continue
                handler = cell.handlers.get(type(message))
                if handler is None:
                    name = type(message).__name__
                    reason = f"{name}: not handled while {cell.behaviour or 'as it is'}"
                    self._refused(cell, envelope, reason)
                    continue
                if envelope.stamp is not None:
                    self._mail.observe_handled(cell.path, envelope)
                try:
                    answer = handler(actor, message)
                    if answer is None:
                        continue
                    if type(answer) is CoroutineType:
                        self.begin(place, cell, envelope, answer)
                    else:
                        self._mail.reply(place, envelope, answer)
                except cell.catches as error:
                    what = type(message).__name__
                    self._mail.life.fail(cell, what, error, envelope)
        finally:
            place.path, place.envelope, place.turn = outer
            cell.handled += handled
        return handled

    def signalled(self, cell: Cell, signal: Envelope) -> None:
        """Handle one signal that was taken out of the system lane."""
        with _at(self._mail.home, cell, signal):
            self._mail.life.signalled(cell, signal)

    def resume(self, cell: Cell, turn: Turn) -> None:
        """Have a suspended handler go on."""
        with _at(self._mail.home, cell, turn.envelope):
            self._resume(self._mail.home, cell, turn)

    def begin(
        self, place: Place, cell: Cell, envelope: Envelope, coroutine: Any
    ) -> None:
        """Run an async handler until it waits for the first time, or is over."""
        Turn(cell, envelope, coroutine, self._loop(), self._finished).step(place)

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
            place.envelope = signal
            self._mail.life.signalled(cell, signal)
        turn = cell.turn
        if turn is not None and turn.is_ready:
            handled = 1
            self._resume(place, cell, turn)
        cell.held = cell.turn is not None or cell.phase is not Phase.RUNNING
        return handled

    def _resume(self, place: Place, cell: Cell, turn: Turn) -> None:
        place.envelope = turn.envelope
        reply, pending = turn.reply, turn.pending
        if reply is not None and pending is not None:
            turn.reply = turn.pending = None
            if reply.stamp is not None:
                self._mail.observe_handled(cell.path, reply)
            turn.wake(*pending.outcome(reply.payload))
        turn.step(place)

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
def _at(place: Place, cell: Cell, envelope: Envelope | None) -> Iterator[None]:
    """Have a thread run an actor, on an envelope, for a while."""
    outer = place.path, place.envelope, place.turn
    place.path, place.envelope, place.turn = cell.path, envelope, None
    try:
        yield
    finally:
        place.path, place.envelope, place.turn = outer


def _was_stopped(cell: Cell, error: BaseException) -> bool:
    """Whether a handler ended because its actor is being stopped."""
    return cell.phase is not Phase.RUNNING and isinstance(error, asyncio.CancelledError)
