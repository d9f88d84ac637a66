"""What a message is, and in words."""

from collections.abc import Mapping
from typing import Any

from ccw_actors.runtime.cell import Cell, Envelope
from ccw_actors.transport import DECODE_ERRORS, tag_of

__all__ = ["Words"]


class Words:
    """Decodes messages as the actors at their paths do."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells = cells

    def message(self, path: str, envelope: Envelope) -> Any:
        """Return the message for the actor at a path; None if it cannot take it."""
        try:
            return self._cells[path].decode(envelope.payload)
        except DECODE_ERRORS:
            return None

    def text(self, path: str, envelope: Envelope) -> str:
        """Return the message in words."""
        message = self.message(path, envelope)
        if message is None:
            return tag_of(envelope.payload) or "(a signal)"
        return repr(message)
