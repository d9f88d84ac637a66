"""What can be watched in a System, and what one watched message looks like."""

import itertools
import logging
from collections.abc import Callable
from typing import NamedTuple

from ccw_actors.runtime.cell import Envelope, Stamp
from ccw_actors.runtime.place import Place
from ccw_actors.transport import Message

__all__ = ["Handled", "Observer", "Observers"]

log = logging.getLogger("ccw_actors")

_RAISED = "%r raised and observes no more"


class Handled(NamedTuple):
    """One message at the moment its recipient handles it.

    `number` counts messages in the order sent, from 1; a timer's message counts as
    sent when the timer is set. `cause` is the number of the message whose handling
    sent this one, 0 if it came from outside. `sent_at` and `handled_at` are seconds
    of the System's clock. `sender` is "" for the outside; so is `recipient` where
    an answer goes there. `message_type` is the type that the sender encoded.
    """

    number: int
    cause: int
    sent_at: float
    handled_at: float
    sender: str
    recipient: str
    payload: bytes
    message_type: type[Message]


class Observer:
    """Watches a System; every method is called on the System's own thread.

    Override what is of interest; the rest does nothing. An observer that raises is
    logged and not called again. Messages sent while nobody observed are not reported.
    """

    def spawned(self, actor: str) -> None:
        """Note that there is an actor at a path."""

    def handled(self, event: Handled) -> None:
        """Note that a message is about to be handled, or an answer to be taken."""

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Note that a message will never be handled, and why."""

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Note that an actor raised on a message (or in a hook)."""

    def restarted(self, actor: str) -> None:
        """Note that an actor begins again."""

    def stopped(self, actor: str, reason: str) -> None:
        """Note that there is no actor at a path any more, and why."""


class Observers:
    """All that watch one System; `present` says whether there are any.

    `changed` is called with it whenever an observer comes or goes.
    """

    def __init__(
        self, now: Callable[[], float], changed: Callable[[bool], None]
    ) -> None:
        self._now = now
        self._changed = changed
        self._numbers = itertools.count(1)
        self._all: tuple[Observer, ...] = ()
        self.present = False

    def add(self, observer: Observer) -> None:
        """Report to the observer, too, from now on."""
        self._all = (*self._all, observer)
        self.present = True
        self._changed(True)  # noqa: FBT003

    def remove(self, observer: Observer) -> None:
        """Report to the observer no more."""
        self._all = tuple(one for one in self._all if one is not observer)
        self.present = bool(self._all)
        self._changed(self.present)

    def stamp(self, place: Place, message_type: type[Message]) -> Stamp:
        """Number a message that is sent now."""
        handled = place.envelope
        cause = handled.stamp if handled is not None else None
        number = cause.number if cause is not None else 0
        return Stamp(next(self._numbers), number, self._now(), message_type)

    def event(self, path: str, envelope: Envelope, stamp: Stamp) -> Handled:
        """Return what is told of a message that is handled, or lost, now."""
        return Handled(
            stamp.number,
            stamp.cause,
            stamp.sent_at,
            self._now(),
            envelope.sender,
            path,
            envelope.payload,
            stamp.message_type,
        )

    def spawned(self, actor: str) -> None:
        """Tell all of a new actor."""
        self._tell(lambda observer: observer.spawned(actor))

    def handled(self, event: Handled) -> None:
        """Tell all of a message that is about to be handled."""
        for observer in self._all:
            try:
                observer.handled(event)
            except Exception:
                log.exception(_RAISED, observer)
                self.remove(observer)

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Tell all of a message that will never be handled."""
        self._tell(lambda observer: observer.dead_letter(event, reason))

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Tell all of a failed actor."""
        self._tell(lambda observer: observer.failed(actor, message, error))

    def restarted(self, actor: str) -> None:
        """Tell all of an actor that begins again."""
        self._tell(lambda observer: observer.restarted(actor))

    def stopped(self, actor: str, reason: str) -> None:
        """Tell all of an actor that has ended."""
        self._tell(lambda observer: observer.stopped(actor, reason))

    def _tell(self, call: Callable[[Observer], None]) -> None:
        for observer in self._all:
            try:
                call(observer)
            except Exception:
                log.exception(_RAISED, observer)
                self.remove(observer)
