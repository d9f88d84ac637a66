"""Makes a foreign Pykka actor handle a message in the message's trace.

Pykka has no hook before it handles a message. But it then takes the message out of its
envelope, on the actor's thread, and we can replace that part of the envelope.
"""

from collections.abc import Callable
from typing import Any

__all__ = ["ForeignTrace", "TracedInbox"]


class ForeignTrace:
    """The trace of one message; `enter` and `leave` are called on the actor's thread.

    `begin` makes it the current trace and returns a function that ends that, None if it
    cannot.
    """

    __slots__ = ("_begin", "_end", "_entered")

    def __init__(self, begin: Callable[[], Callable[[], None] | None]) -> None:
        self._begin = begin
        self._end: Callable[[], None] | None = None
        self._entered = False

    def enter(self) -> None:
        """Make the trace current."""
        if not self._entered:
            self._entered = True
            self._end = self._begin()

    def leave(self) -> None:
        """Restore the previous trace, if this one was entered."""
        end, self._end = self._end, None
        if end is not None:
            end()


class TracedInbox:
    """Passes for the inbox of an actor to `pykka.ActorRef.ask`."""

    def __init__(self, inbox: Any, trace: ForeignTrace) -> None:
        self._inbox = inbox
        self._trace = trace

    def put(self, envelope: Any) -> None:
        """Put an envelope there whose message belongs to the trace."""
        self._inbox.put(_TracedEnvelope(envelope, self._trace))


class _TracedEnvelope:
    """The part of a Pykka envelope that the loop of an actor uses."""

    __slots__ = ("_envelope", "_trace", "reply_to")

    def __init__(self, envelope: Any, trace: ForeignTrace) -> None:
        self._envelope = envelope
        self._trace = trace
        self.reply_to = envelope.reply_to

    @property
    def message(self) -> Any:
        self._trace.enter()
        return self._envelope.message
