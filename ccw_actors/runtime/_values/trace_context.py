"""How a trace travels with messages: what a System has to be given for it."""

from typing import Any, Protocol

__all__ = ["Propagator"]


class Propagator(Protocol):
    """Takes the trace context of whoever sends a message to whoever handles it.

    As text it is the `traceparent` of W3C Trace Context; its `tracestate`, if there is
    one, follows after a space. All three are called in the context (`contextvars`) of
    the actor, task or thread that they concern, `detach` in that of `attach`.
    """

    def inject(self) -> str:
        """Return the present trace context as text, "" if there is none."""
        ...

    def attach(self, traceparent: str) -> Any:
        """Make that the present trace context; return what `detach` takes."""
        ...

    def detach(self, token: Any) -> None:
        """Make the trace context what it was before."""
        ...
