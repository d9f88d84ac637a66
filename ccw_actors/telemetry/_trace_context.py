"""Carries the trace of OpenTelemetry from the sender of a message to its handler."""

from contextvars import Token

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["TraceContextPropagator"]

_PARENT, _STATE = "traceparent", "tracestate"


class TraceContextPropagator:
    """Makes the spans of a handler children of the span that sent its message.

    Pass it to `System.propagate`. The two headers of W3C Trace Context,
    https://www.w3.org/TR/trace-context/, travel in one text. Baggage does not travel.
    """

    def __init__(self) -> None:
        self._w3c = TraceContextTextMapPropagator()

    def inject(self) -> str:
        """Return the context of the current span as text, "" if there is none."""
        headers: dict[str, str] = {}
        self._w3c.inject(headers)
        return " ".join(headers[name] for name in (_PARENT, _STATE) if name in headers)

    def attach(self, traceparent: str) -> Token[Context]:
        """Make `traceparent` the parent of the spans that start from now on."""
        parent, _, state = traceparent.partition(" ")
        headers = {_PARENT: parent, _STATE: state} if state else {_PARENT: parent}
        return attach(self._w3c.extract(headers, get_current()))

    def detach(self, token: Token[Context]) -> None:
        """Make the previous span current again."""
        detach(token)
