"""An observer that writes the events of a System to a trace file."""

from typing import Protocol

import msgspec

from ccw_actors.runtime import Handled, Message, Observer
from ccw_actors.trace._records import (
    FORMAT,
    PART_FORMAT,
    VERSION,
    DeadLetterRecord,
    FailureRecord,
    HandledRecord,
    HeaderRecord,
    RemoteCauseRecord,
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

    The cause of a message that came over a link is not in this System's trace, so it is
    written as 0. With `of_part` the trace is a part of a larger one: it has these
    causes in records of their own, and `merge_traces` reads it.
    """

    def __init__(self, target: _Target, *, of_part: bool = False) -> None:
        self._of_part = of_part
        self._target = target
        self._encode = Codec().encode
        self._schema = Schema()
        self._last_at = 0.0
        self._last_numbers: dict[str, int] = {}
        self.error: Exception | None = None
        self._write(HeaderRecord(PART_FORMAT if of_part else FORMAT, VERSION))

    def handled(self, event: Handled) -> None:
        """Write a message that is about to be handled."""
        self._last_at = event.handled_at
        self._last_numbers[event.recipient] = event.number
        record = HandledRecord(
            event.number,
            self._cause(event),
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
            self._cause(event),
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

    def _cause(self, event: Handled) -> int:
        """Return the cause, 0 for one in another System."""
        if not event.cause_system or not event.cause:
            return event.cause
        if self._of_part:
            there = RemoteCauseRecord(event.number, event.cause_system, event.cause)
            self._write(there)
        return 0

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
