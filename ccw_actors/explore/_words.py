"""Decodes messages, and says in words what they are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from ccw_actors.runtime import Message
from ccw_actors.runtime.stepping import (
    CHILD_ENDED,
    ESCALATED,
    EXPIRY,
    RESTART,
    SLEEP,
    STOP,
    STOP_NOW,
    UNWATCH,
    WATCH,
    Cell,
    Envelope,
)
from ccw_actors.transport import DECODE_ERRORS, tag_of

__all__ = ["Words"]

_SIGNALS: Final[Mapping[int, str]] = {
    EXPIRY: "its ask expires",
    SLEEP: "its sleep ends",
    STOP: "is to stop, after its messages",
    WATCH: "is watched",
    UNWATCH: "is no longer watched",
    STOP_NOW: "is to stop",
    RESTART: "restarts",
    CHILD_ENDED: "its child has ended",
    ESCALATED: "its child has failed",
}
"""The signals in words, by the kind of envelope."""


class Words:
    """Decodes messages as the actors at their paths do, whichever of them can."""

    def __init__(self, cells: Mapping[str, Sequence[Cell]]) -> None:
        self._cells = cells

    def message(self, path: str, envelope: Envelope) -> Any:
        """Return the message for the actor at a path; None if it cannot take it."""
        for cell in self._cells[path]:
            try:
                return cell.decode(envelope.payload)
            except DECODE_ERRORS:
                continue
        return None

    def text(self, path: str, envelope: Envelope) -> str:
        """Return a message in words; for a signal, what happens.

        A handler may wait for an answer of a type that its actor has no handler for, so
        the type is looked up among all types of messages.
        """
        signal = _SIGNALS.get(envelope.kind)
        if signal is not None:
            return signal
        message = self.message(path, envelope)
        if message is not None:
            return repr(message)
        tag = tag_of(envelope.payload)
        if not tag:
            return "continues"
        return self._answer(path, tag, envelope.payload)

    def _answer(self, path: str, tag: str, payload: bytes) -> str:
        """Return a message in words if its actor has no handler for its type."""
        codec = self._cells[path][0].actor.system.codec
        for kind in _types(tag):
            try:
                return repr(codec.raw_decoder(kind)(payload))
            except DECODE_ERRORS:
                continue
        _, *fields = msgspec.msgpack.decode(payload)
        return f"{tag}({', '.join(map(repr, fields))})"


def _types(tag: str) -> Iterator[type[Message]]:
    """Yield the types of messages with that name."""
    known: list[type[Message]] = [Message]
    while known:
        kind = known.pop()
        known += kind.__subclasses__()
        if kind.__name__ == tag:
            yield kind
