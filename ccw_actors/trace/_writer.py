"""An observer that writes the events of a System to a trace file."""

from typing import Protocol

import msgspec

from ccw_actors.runtime import Handled, Message, Observer
from ccw_actors.trace._records import (
    FORMAT,
    VERSION,
    DeadLetterRecord,
    FailureRecord,
    HandledRecord,
    HeaderRecord,
)
from ccw_actors.trace._schema import Schema
from ccw_actors.transport import Codec

__all__ = ["TraceWriter"]


class _Target(Protocol):
    def write(self, record: bytes, /) -> object: ...


class TraceWriter(Observer):
    """An observer that writes a trace: `system.observe(TraceWriter(file))`.

    It writes to `target` (a binary file, or the result of `open_trace`) a record at a
    time and never closes it. The target may buffer. An exception of the target, such as
    `OSError` for a full disk, ends the trace but not the System: it is logged and kept
    in `error`.
    """

    def __init__(self, target: _Target) -> None:
        self._target = target
        self._encode = Codec().encode
        self._schema = Schema()
        self._last_at = 0.0
        self._last_numbers: dict[str, int] = {}
        self.error: Exception | None = None
        self._write(HeaderRecord(FORMAT, VERSION))

    def handled(self, event: Handled) -> None:
        """Write a message that is about to be handled."""
        self._last_at = event.handled_at
        self._last_numbers[event.recipient] = event.number
        record = HandledRecord(
            event.number,
            event.cause,
            event.sent_at,
            event.handled_at,
            event.sender,
            event.recipient,
            self._type(event.message_type),
            msgspec.Raw(event.payload),
        )
        self._write(record)

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Write a dead letter."""
        record = DeadLetterRecord(
            event.number,
            event.cause,
            event.sent_at,
            event.handled_at,
            event.sender,
            event.recipient,
            self._type(event.message_type),
            msgspec.Raw(event.payload),
            reason,
        )
        self._write(record)

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Write a failure."""
        number = self._last_numbers.get(actor, 0)
        reason = f"{type(error).__name__}: {error}"
        self._write(FailureRecord(number, self._last_at, actor, message, reason))

    def _type(self, message_type: type[Message]) -> int:
        number, new = self._schema.describe(message_type)
        for record in new:
            self._write(record)
        return number

    def _write(self, record: Message) -> None:
        try:
            self._target.write(self._encode(record))
        except Exception as error:
            self.error = error
            raise
