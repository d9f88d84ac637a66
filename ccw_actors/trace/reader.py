"""Reads a trace file back, record by record."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from ccw_actors.errors import StreamError
from ccw_actors.trace.records import (
    FORMAT,
    VERSION,
    DeadLetterRecord,
    Event,
    FailureRecord,
    HandledRecord,
    HeaderRecord,
    TypeRecord,
)
from ccw_actors.transport import read_stream

__all__ = ["TraceReader"]

_Record = TypeRecord | HandledRecord | DeadLetterRecord | FailureRecord


class TraceReader:
    """Iterates over the events of a trace, in the order written.

    `types` has the type records read so far, by number: every event's type is there
    when the event is yielded.

    The constructor raises `StreamError` for what is not a trace, and for a version
    newer than this one. Iteration raises it for damage and for a trace that was cut
    short, after it has yielded what comes before.
    """

    def __init__(self, source: BinaryIO) -> None:
        self.types: dict[int, TypeRecord] = {}
        self._records = read_stream(source)
        self._count = 1
        try:
            first = next(self._records, None)
            header = msgspec.convert(first, HeaderRecord)
        except (StreamError, msgspec.ValidationError) as error:
            raise StreamError(f"not a trace: {error}") from error
        if header.format != FORMAT:
            raise StreamError(f"not a trace of {FORMAT}: one of {header.format!r}")
        if not 1 <= header.version <= VERSION:
            raise StreamError(
                f"the trace has version {header.version}; expected at most {VERSION}"
            )

    def __iter__(self) -> Iterator[Event]:
        for value in self._records:
            self._count += 1
            try:
                record = msgspec.convert(value, _Record)
            except msgspec.ValidationError as error:
                raise StreamError(f"record {self._count}: {error}") from error
            if isinstance(record, TypeRecord):
                self.types[record.number] = record
            elif isinstance(record, FailureRecord) or record.message_type in self.types:
                yield record
            else:
                number = record.message_type
                raise StreamError(f"record {self._count}: no type {number} before it")
