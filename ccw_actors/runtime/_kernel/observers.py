"""The observers of a System, and the stamps on messages for them."""

import itertools
import logging
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Final

from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.thread_calls import ThreadCalls
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.envelope import Envelope, Stamp
from ccw_actors.runtime._values.observer import Handled, Observer
from ccw_actors.runtime._values.trace_context import Propagator
from ccw_actors.transport import Message

__all__ = ["Observers"]

log = logging.getLogger("ccw_actors")

_NOTHING: Final = (Observer.handled, Observer.dead_letter)
"""The methods of an observer that does not observe messages."""


class _Watching:
    """One observer, and the context for its calls: that of `observe`.

    Events that the observer itself causes are reported after its current call.
    """

    __slots__ = ("_busy", "_context", "_later", "observer", "watches_messages")

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        # A stamp on every message is slow: only observers of messages need it.
        self.watches_messages = any(
            getattr(method, "__func__", None) not in _NOTHING
            for method in (observer.handled, observer.dead_letter)
        )
        self._context = copy_context()
        self._busy = False
        self._later: deque[Callable[[Observer], None]] = deque()

    def tell(self, call: Callable[[Observer], None]) -> BaseException | None:
        """Make a call, and those that it causes; return the exception of one."""
        if self._busy:
            self._later.append(call)
            return None
        self._busy = True
        try:
            self._context.run(call, self.observer)
            while self._later:
                self._context.run(self._later.popleft(), self.observer)
        except BaseException as error:
            log.exception("%r raised and no longer observes", self.observer)
            return error
        finally:
            self._busy = False
        return None


class Observers:
    """All observers of one System.

    `present` says whether there are any, and `stamps` whether messages are stamped: for
    observers of messages, or for a `propagator` of trace contexts. `changed` is called
    whenever one is added or removed, `raised` with the exception of an observer.
    """

    def __init__(
        self,
        now: Callable[[], float],
        changed: Callable[[], None],
        calls: ThreadCalls,
    ) -> None:
        self._now = now
        self._calls = calls
        self._changed = changed
        self._numbers = itertools.count(1)
        self._all: tuple[_Watching, ...] = ()
        self.raised: Callable[[BaseException], None] = _ignore
        self.propagator: Propagator | None = None
        self.present = False
        self.stamps = False

    def add(self, observer: Observer) -> None:
        """Report also to this observer from now on."""
        self._all = (*self._all, _Watching(observer))
        self._note()

    def remove(self, observer: Observer) -> None:
        """Stop reporting to the observer."""
        self._all = tuple(one for one in self._all if one.observer is not observer)
        self._note()

    def propagate(self, propagator: Propagator | None) -> None:
        """Begin or stop sending trace contexts along with messages."""
        self.propagator = propagator
        self._note()

    def _note(self) -> None:
        self.present = bool(self._all)
        watched = any(one.watches_messages for one in self._all)
        self.stamps = watched or self.propagator is not None
        self._changed()

    def stamp(
        self, running: Running, message_type: type[Message], trace: str | None = None
    ) -> Stamp:
        """Number a message that is sent now.

        It belongs to the current trace, unless another is given ("" for none).
        """
        handled = running.envelope
        cause = handled.stamp if handled is not None else None
        number = cause.number if cause is not None else 0
        if trace is None:
            trace = self.trace()
        return Stamp(next(self._numbers), number, self._now(), message_type, trace)

    def received(
        self, message_type: type[Message], cause: int, system: str, trace: str
    ) -> Stamp:
        """Number a message that comes over a link now, sent in that System."""
        number, now = next(self._numbers), self._now()
        return Stamp(number, cause, now, message_type, trace, system)

    def trace(self) -> str:
        """Return the current trace context, "" without one or without a propagator."""
        return "" if self.propagator is None else self.propagator.inject()

    def enter_trace(self, stamp: Stamp | None) -> Callable[[], None] | None:
        """Enter the trace of a message; return the function that leaves it, or None."""
        propagator = self.propagator
        if propagator is None or stamp is None or not stamp.traceparent:
            return None
        return partial(propagator.detach, propagator.attach(stamp.traceparent))

    def handled(self, address: str, envelope: Envelope) -> None:
        """Report a message that is about to be handled; on any thread."""
        if envelope.stamp is not None and self.present:
            event = self._event(address, envelope, envelope.stamp)
            self._calls.note(lambda: self._tell(lambda one: one.handled(event)))

    def dead_letter(self, address: str, envelope: Envelope, reason: str) -> None:
        """Report a message that will never be handled."""
        if envelope.stamp is not None and self.present:
            event = self._event(address, envelope, envelope.stamp)
            self._tell(lambda observer: observer.dead_letter(event, reason))

    def spawned(self, actor: str) -> None:
        """Report a new actor."""
        self._tell(lambda observer: observer.spawned(actor))

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Report a failed actor."""
        self._tell(lambda observer: observer.failed(actor, message, error))

    def restarted(self, actor: str) -> None:
        """Report a restart."""
        self._tell(lambda observer: observer.restarted(actor))

    def stopped(self, actor: str, reason: str) -> None:
        """Report an actor that has ended."""
        self._tell(lambda observer: observer.stopped(actor, reason))

    def _tell(self, call: Callable[[Observer], None]) -> None:
        for one in self._all:
            error = one.tell(call)
            if error is not None:
                self.remove(one.observer)
                self.raised(error)

    def _event(self, address: str, envelope: Envelope, stamp: Stamp) -> Handled:
        """Return the event for a message that is handled, or lost, now."""
        return Handled(
            stamp.number,
            stamp.cause,
            stamp.sent_at,
            self._now(),
            path_of(envelope.sender),
            path_of(address),
            envelope.payload,
            stamp.message_type,
            stamp.cause_system,
        )


def _ignore(_error: BaseException) -> None:
    """Do nothing."""
