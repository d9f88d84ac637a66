"""Dead letters: who receives a `Failure` for them, and what is logged."""

import logging
from collections.abc import Callable
from typing import Final

from ccw_actors.errors import MailboxFullError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.answers import Answers
from ccw_actors.runtime._kernel.lost_messages import LostMessages
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.once import Once
from ccw_actors.runtime._kernel.pending_asks import PendingAsks
from ccw_actors.runtime._values.address import is_remote, path_of
from ccw_actors.runtime._values.envelope import SIGNAL, TICK, UNBOUNDED, WATCH, Envelope
from ccw_actors.runtime._values.notices import Failure
from ccw_actors.transport import Message, message_id, tag_of

__all__ = ["NOBODY_THERE", "NOT_SPAWNED", "DeadLetters"]

log = logging.getLogger("ccw_actors")

NOBODY_THERE: Final = "there is no such actor"
NOT_SPAWNED: Final = "there is no such actor, and its parent has not spawned it"


class DeadLetters:
    """Reports lost messages to the asks and senders that wait for an answer.

    `encode` returns the bytes of a message, `find` returns the actor of an address, and
    `deliver` puts an envelope into its mailbox. `refuse_watch` tells a watcher that the
    actor does not exist. While it `is_quiet`, it logs nothing. With `with_payload` a
    `Failure` contains the message itself.
    """

    def __init__(
        self,
        *,
        lost: LostMessages,
        answers: Answers,
        asks: PendingAsks,
        observers: Observers,
        encode: Callable[[object], bytes],
        find: Callable[[str], Cell | None],
        deliver: Callable[[str, Envelope], None],
        refuse_watch: Callable[[str, str, str], None],
        with_payload: bool = False,
    ) -> None:
        self._lost = lost
        self._answers = answers
        self._asks = asks
        self._observers = observers
        self._encode = encode
        self._find = find
        self._deliver = deliver
        self._refuse_watch = refuse_watch
        self._with_payload = with_payload
        self._warned = Once()
        self.is_quiet = False

    def add(
        self,
        address: str,
        envelope: Envelope,
        reason: str,
        *,
        full: bool = False,
        quiet: bool = False,
    ) -> None:
        """Note that an envelope will not be handled, and notify its sender.

        `quiet` says that a mailbox's policy demands the loss.
        """
        if envelope.kind == WATCH:
            self._refuse_watch(envelope.sender, address, reason)
            return
        if envelope.kind >= SIGNAL:
            return
        self._lost.add(address, envelope, reason)
        is_quiet = quiet or self.is_quiet
        if not is_quiet and (full or reason in (NOBODY_THERE, NOT_SPAWNED)):
            self._warn(address, envelope, reason)
        self._tell(address, envelope, reason, full=full)

    def _tell(
        self, address: str, envelope: Envelope, reason: str, *, full: bool
    ) -> None:
        """Notify the sender of an envelope that it will not be handled."""
        ask = envelope.ask if envelope.kind != TICK else 0
        if ask and not full:
            self._asks.stopped(ask, reason)
            return
        kind = MailboxFullError.__name__ if full else "ActorStoppedError"
        self.send_back(
            envelope, self.failure(address, envelope, reason, kind, full=full)
        )

    def refuse(self, cell: Cell, envelope: Envelope, reason: str) -> None:
        """Note that an actor refuses a message, and warn once for each type."""
        tag = tag_of(envelope.payload)
        warned = cell.warned
        if warned is None:
            cell.warned = warned = set[str]()
        if tag not in warned:
            warned.add(tag)
            sender = path_of(envelope.sender) or "the outside"
            log.warning("%s refused %s (sent by %s)", cell.path, reason, sender)
        self._lost.add(cell.address, envelope, f"refused: {reason}")
        failure = self.failure(
            cell.address, envelope, reason, "MessageError", refused=True
        )
        self.send_back(envelope, failure)

    def unanswered(self, cell: Cell, envelope: Envelope, reason: str) -> None:
        """Notify the asker that an actor will not answer."""
        log.warning("%s does not answer %s", cell.path, reason)
        failure = self.failure(cell.address, envelope, reason, "NoAnswerError")
        self.send_back(envelope, failure)

    def failure(
        self,
        address: str,
        envelope: Envelope,
        reason: str,
        kind: str,
        *,
        request: str = "",
        refused: bool = False,
        full: bool = False,
    ) -> Failure:
        """Return the `Failure` for the sender of a message."""
        payload = envelope.payload
        return Failure(
            path_of(address),
            request or tag_of(payload),
            reason,
            refused,
            full,
            kind,
            message_id(payload),
            payload if self._with_payload else None,
        )

    def send_back(
        self, envelope: Envelope, failure: Failure, error: Exception | None = None
    ) -> None:
        """Send a `Failure` to the sender of an envelope; see `Answers.settle`."""
        if envelope.kind == TICK:
            return
        if envelope.ask:
            back = self._envelope(failure.actor, envelope, failure)
            self._answers.settle(envelope.ask, envelope.sender, back, error)
        elif failure.request != Failure.__name__:
            sender = self._find(envelope.sender)
            # The System of a remote sender knows whether that handles it.
            handles = sender is not None and Failure in sender.handlers
            if handles or is_remote(envelope.sender):
                back = self._envelope(failure.actor, envelope, failure)
                self._deliver(envelope.sender, back)

    def _warn(self, address: str, envelope: Envelope, reason: str) -> None:
        tag = tag_of(envelope.payload)
        if self._warned.is_first((address, tag)):
            sender = path_of(envelope.sender) or "the outside"
            log.warning("%s from %s to %s is lost: %s", tag, sender, address, reason)

    def _envelope(self, path: str, envelope: Envelope, message: Message) -> Envelope:
        stamp = None
        if self._observers.stamps:
            trace = "" if envelope.stamp is None else envelope.stamp.traceparent
            running = Running(path, envelope)
            stamp = self._observers.stamp(running, type(message), trace)
        return Envelope(self._encode(message), path, 0, stamp, UNBOUNDED)
