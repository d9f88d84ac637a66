"""The interface through which a System passes traces along with messages."""

from typing import Any, Protocol

__all__ = ["Propagator"]


class Propagator(Protocol):
    """Carries the trace context from the sender of a message to its handler.

    As text it is the `traceparent` of W3C Trace Context, followed by a space and the
    `tracestate` if there is one. The System calls all three in the context
    (`contextvars`) of the actor, task or thread that they concern, `detach` in that of
    `attach`.
    """

    def inject(self) -> str:
        """Return the current trace context as text, "" if there is none."""
        ...

    def attach(self, traceparent: str) -> Any:
        """Make that the current trace context; return the token for `detach`."""
        ...

    def detach(self, token: Any) -> None:
        """Restore the previous trace context."""
        ...
