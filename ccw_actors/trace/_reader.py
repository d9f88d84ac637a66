"""Reads a trace file, record by record."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from ccw_actors.errors import StreamError
from ccw_actors.trace._records import (
    FORMAT,
    VERSION,
    DeadLetterRecord,
    EventRecord,
    FailureRecord,
    HandledRecord,
    HeaderRecord,
    TypeRecord,
)
from ccw_actors.transport import (
    DECODE_ERRORS,
    OBJECTS_MAX,
    SIZE_MAX,
    read_stream,
)

__all__ = ["TraceReader"]

_TYPES_MAX = 1 << 16

_Record = TypeRecord | HandledRecord | DeadLetterRecord | FailureRecord


class TraceReader:
    """Iterates over the events of a trace, in the order written.

    `types` has the type records read so far, by number. It has the type of an event
    when the event is yielded.

    `value_size_max` bounds the bytes of one record; see `read_stream`. A trace has at
    most 65,536 types.

    The constructor raises `StreamError` for a file that is not a trace, and for a
    version newer than this one. Iteration raises it for damage and for a truncated
    trace, after yielding all events before that.
    """

    def __init__(self, source: BinaryIO, *, value_size_max: int = SIZE_MAX) -> None:
        self.types: dict[int, TypeRecord] = {}
        objects_max = max(OBJECTS_MAX, value_size_max // (SIZE_MAX // OBJECTS_MAX))
        self._records = read_stream(
            source, value_size_max=value_size_max, objects_max=objects_max
        )
        self._count = 1
        try:
            first = next(self._records, None)
            header = msgspec.convert(first, HeaderRecord)
        except (StreamError, *DECODE_ERRORS) as error:
            raise StreamError(f"not a trace: {error}") from error
        if header.format != FORMAT:
            raise StreamError(f"not a trace of {FORMAT}: one of {header.format!r}")
        if not 1 <= header.version <= VERSION:
            raise StreamError(
                f"the trace has version {header.version}; expected at most {VERSION}"
            )

    def __iter__(self) -> Iterator[EventRecord]:
        for value in self._records:
            self._count += 1
            try:
                record = msgspec.convert(value, _Record)
            except DECODE_ERRORS as error:
                raise StreamError(f"record {self._count}: {error}") from error
            if isinstance(record, TypeRecord):
                self.types[record.number] = record
                if len(self.types) > _TYPES_MAX:
                    raise StreamError(f"record {self._count}: too many types")
            elif isinstance(record, FailureRecord) or record.message_type in self.types:
                yield record
            else:
                number = record.message_type
                raise StreamError(f"record {self._count}: no type {number} before it")
