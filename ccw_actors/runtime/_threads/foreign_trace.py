"""Has a foreign Pykka actor handle a message in the trace that it belongs to.

Pykka calls nobody before it handles a message. But it takes the message out of its
envelope then, on the actor's thread, and that much of an envelope can be ours.
"""

from collections.abc import Callable
from typing import Any

__all__ = ["ForeignTrace", "TracedInbox"]


class ForeignTrace:
    """The trace of one message; `enter` and `leave` are called on the actor's thread.

    `begin` makes it the present one and returns what ends that, None if it cannot.
    """

    __slots__ = ("_begin", "_end", "_entered")

    def __init__(self, begin: Callable[[], Callable[[], None] | None]) -> None:
        self._begin = begin
        self._end: Callable[[], None] | None = None
        self._entered = False

    def enter(self) -> None:
        """Be in the trace from now on."""
        if not self._entered:
            self._entered = True
            self._end = self._begin()

    def leave(self) -> None:
        """Be in it no more, if it was entered."""
        end, self._end = self._end, None
        if end is not None:
            end()


class TracedInbox:
    """What `pykka.ActorRef.ask` takes for the inbox of an actor."""

    def __init__(self, inbox: Any, trace: ForeignTrace) -> None:
        self._inbox = inbox
        self._trace = trace

    def put(self, envelope: Any) -> None:
        """Put an envelope there whose message is in the trace."""
        self._inbox.put(_TracedEnvelope(envelope, self._trace))


class _TracedEnvelope:
    """As much of a Pykka envelope as the loop of an actor looks at."""

    __slots__ = ("_envelope", "_trace", "reply_to")

    def __init__(self, envelope: Any, trace: ForeignTrace) -> None:
        self._envelope = envelope
        self._trace = trace
        self.reply_to = envelope.reply_to

    @property
    def message(self) -> Any:
        self._trace.enter()
        return self._envelope.message
