"""Who watches a System, and what goes with each message for them."""

import itertools
import logging
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.thread_calls import ThreadCalls
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.envelope import Envelope, Stamp
from ccw_actors.runtime._values.observer import Handled, Observer
from ccw_actors.runtime._values.trace_context import Propagator
from ccw_actors.transport import Message

__all__ = ["Observers"]

log = logging.getLogger("ccw_actors")


class _Watching:
    """One observer, and the context in which it is called: that of `observe`.

    What it hears of because of what it does itself, it hears when that is done.
    """

    __slots__ = ("_busy", "_context", "_later", "observer")

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self._context = copy_context()
        self._busy = False
        self._later: deque[Callable[[Observer], None]] = deque()

    def tell(self, call: Callable[[Observer], None]) -> BaseException | None:
        """Make a call, and those that it leads to; return what one has raised."""
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
    """All that watch one System.

    `present` says whether there are any, and `stamps` whether messages are stamped:
    for observers, or for a `propagator` of trace contexts. `changed` is called whenever
    one comes or goes, `raised` with what an observer raises.
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
        """Report to the observer, too, from now on."""
        self._all = (*self._all, _Watching(observer))
        self._note()

    def remove(self, observer: Observer) -> None:
        """Report to the observer no more."""
        self._all = tuple(one for one in self._all if one.observer is not observer)
        self._note()

    def propagate(self, propagator: Propagator | None) -> None:
        """Have trace contexts travel with messages from now on, or no more."""
        self.propagator = propagator
        self._note()

    def _note(self) -> None:
        self.present = bool(self._all)
        self.stamps = self.present or self.propagator is not None
        self._changed()

    def stamp(
        self, running: Running, message_type: type[Message], trace: str | None = None
    ) -> Stamp:
        """Number a message that is sent now.

        It belongs to the present trace, unless another is given ("" for none).
        """
        handled = running.envelope
        cause = handled.stamp if handled is not None else None
        number = cause.number if cause is not None else 0
        if trace is None:
            trace = self.trace()
        return Stamp(next(self._numbers), number, self._now(), message_type, trace)

    def trace(self) -> str:
        """Return the present trace context, "" if there is none or nobody traces."""
        return "" if self.propagator is None else self.propagator.inject()

    def enter_trace(self, stamp: Stamp | None) -> Callable[[], None] | None:
        """Be in the trace of a message; return what ends that, None for no trace."""
        propagator = self.propagator
        if propagator is None or stamp is None or not stamp.traceparent:
            return None
        return partial(propagator.detach, propagator.attach(stamp.traceparent))

    def handled(self, address: str, envelope: Envelope) -> None:
        """Tell all of a message that is about to be handled; on any thread."""
        if envelope.stamp is not None and self.present:
            event = self._event(address, envelope, envelope.stamp)
            self._calls.note(lambda: self._tell(lambda one: one.handled(event)))

    def dead_letter(self, address: str, envelope: Envelope, reason: str) -> None:
        """Tell all of a message that will never be handled."""
        if envelope.stamp is not None and self.present:
            event = self._event(address, envelope, envelope.stamp)
            self._tell(lambda observer: observer.dead_letter(event, reason))

    def spawned(self, actor: str) -> None:
        """Tell all of a new actor."""
        self._tell(lambda observer: observer.spawned(actor))

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
        for one in self._all:
            error = one.tell(call)
            if error is not None:
                self.remove(one.observer)
                self.raised(error)

    def _event(self, address: str, envelope: Envelope, stamp: Stamp) -> Handled:
        """Return what is told of a message that is handled, or lost, now."""
        return Handled(
            stamp.number,
            stamp.cause,
            stamp.sent_at,
            self._now(),
            path_of(envelope.sender),
            path_of(address),
            envelope.payload,
            stamp.message_type,
        )


def _ignore(_error: BaseException) -> None:
    """Nobody listens."""
