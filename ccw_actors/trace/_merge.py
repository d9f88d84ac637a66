"""Merges the traces of several Systems into one, in causal order.

| what | in the merged trace |
|---|---|
| order | a message comes after its cause, and those of one System keep their order |
| choice among several | the one that was handled first, by the clock that all share |
| numbers | the N-th message of part K of M has number (N - 1) * M + K, K from 1 |
| types | those of each part, renumbered in the same way |
| times | seconds of the clock of the first part |

So numbers are unique, and grow with the order in which each System sent its messages.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from ccw_actors.errors import StreamError
from ccw_actors.trace._records import (
    FORMAT,
    PART_FORMAT,
    VERSION,
    DeadLetterRecord,
    FailureRecord,
    HandledRecord,
    HeaderRecord,
    RemoteCauseRecord,
    TypeRecord,
)
from ccw_actors.transport import DECODE_ERRORS, Codec, ValueSplitter

__all__ = ["TracePart", "merge_traces"]

_Record: TypeAlias = (
    HeaderRecord
    | TypeRecord
    | HandledRecord
    | DeadLetterRecord
    | FailureRecord
    | RemoteCauseRecord
)
_Event: TypeAlias = HandledRecord | DeadLetterRecord | FailureRecord
_Cause: TypeAlias = tuple[str, int]

_decoder: Final[msgspec.msgpack.Decoder[_Record]] = msgspec.msgpack.Decoder(_Record)
_encode: Final = Codec().encode
_PIECE: Final = 1 << 16


class TracePart(msgspec.Struct, frozen=True):
    """The trace of one System: its name, and the file that a `TraceWriter` wrote.

    `offset` is what to add to its times for those of the first part.
    """

    system: str
    path: Path
    offset: float = 0.0


class _Target(Protocol):
    def write(self, record: bytes, /) -> object: ...


def merge_traces(parts: Sequence[TracePart], target: _Target) -> dict[str, str]:
    """Write the traces of several Systems to a target, as one.

    Each part was written with `of_part`. Returns why a part ends too early, by the name
    of its System: it is merged up to there. A part without a file counts as such.

    Raises `OSError` if the target cannot be written.
    """
    return _Merge(parts, target).run()


class _Part:
    """One part, which is read as it is written to the target."""

    def __init__(self, part: TracePart, index: int, count: int) -> None:
        self._part = part
        self._index = index
        self._count = count
        self.types: list[TypeRecord] = []
        self.cause: _Cause | None = None
        self.why_short = ""
        self._events = self._read()
        self.head: _Event | None = None

    def advance(self) -> None:
        """Read the next event into `head`, None at the end."""
        self.types, self.cause = [], None
        self.head = next(self._events, None)

    @property
    def at(self) -> float:
        """When the next event happened."""
        match self.head:
            case HandledRecord():
                return self.head.handled_at + self._part.offset
            case DeadLetterRecord():
                return self.head.lost_at + self._part.offset
            case FailureRecord():
                return self.head.failed_at + self._part.offset
            case None:
                return 0.0

    def number(self, number: int) -> int:
        """Return the number in the merged trace; 0 stays."""
        return (number - 1) * self._count + self._index + 1 if number else 0

    def renumbered(self, cause: int | None) -> _Event:
        """Return the next event for the merged trace; `cause` replaces its own."""
        head, offset = self.head, self._part.offset
        assert head is not None
        number = self.number(head.number)
        if isinstance(head, FailureRecord):
            return replace(head, number=number, failed_at=head.failed_at + offset)
        changes: dict[str, Any] = {
            "number": number,
            "cause": self.number(head.cause) if cause is None else cause,
            "sent_at": head.sent_at + offset,
            "message_type": self.number(head.message_type),
        }
        end = "handled_at" if isinstance(head, HandledRecord) else "lost_at"
        return replace(head, **changes, **{end: getattr(head, end) + offset})

    def type_record(self, record: TypeRecord) -> TypeRecord:
        """Return a type's record for the merged trace."""
        fields = tuple(
            replace(field, types=tuple(map(self.number, field.types)))
            for field in record.fields
        )
        return replace(record, number=self.number(record.number), fields=fields)

    def _read(self) -> Iterator[_Event]:
        """Yield the events; keep what comes before one for it."""
        for record in self._records():
            match record:
                case TypeRecord():
                    self.types.append(record)
                case RemoteCauseRecord():
                    self.cause = (record.system, record.cause)
                case HeaderRecord():
                    if record.format != PART_FORMAT:
                        self.why_short = f"expected a part, got {record.format!r}"
                        return
                case HandledRecord() | DeadLetterRecord() | FailureRecord():
                    yield record

    def _records(self) -> Iterator[_Record]:
        try:
            with self._part.path.open("rb") as source:
                for value in _values(source):
                    yield _decoder.decode(value)
        except OSError as error:
            self.why_short = error.strerror or str(error)
        except (StreamError, *DECODE_ERRORS) as error:
            self.why_short = str(error)

    def remote_causes(self) -> set[_Cause]:
        """Return all causes that are in other Systems."""
        return {
            (record.system, record.cause)
            for record in self._records()
            if isinstance(record, RemoteCauseRecord)
        }


class _Merge:
    """Takes the next event of one part after the other."""

    def __init__(self, parts: Sequence[TracePart], target: _Target) -> None:
        self._target = target
        self._parts = {
            part.system: _Part(part, index, len(parts))
            for index, part in enumerate(parts)
        }
        self._awaited: set[_Cause] = set()

    def run(self) -> dict[str, str]:
        """Merge; see `merge_traces`."""
        self._target.write(_encode(HeaderRecord(FORMAT, VERSION)))
        for part in self._parts.values():
            self._awaited |= part.remote_causes()
        for part in self._parts.values():
            part.advance()
        while waiting := [
            (name, part) for name, part in self._parts.items() if part.head is not None
        ]:
            name, part = self._next(waiting)
            self._take(name, part)
        short = {name: part.why_short for name, part in self._parts.items()}
        return {name: why for name, why in short.items() if why}

    def _next(self, waiting: list[tuple[str, _Part]]) -> tuple[str, _Part]:
        """Return the part that goes on: the earliest whose cause is there.

        A cause may be missing, because its part was cut. Then the earliest of all goes.
        """
        ready = [one for one in waiting if not self._waits(one[1])]
        return min(ready or waiting, key=lambda one: one[1].at)

    def _waits(self, part: _Part) -> bool:
        """Whether the cause of a part's next message may still come."""
        if part.cause is None or part.cause not in self._awaited:
            return False
        there = self._parts.get(part.cause[0])
        return there is not None and there.head is not None

    def _take(self, name: str, part: _Part) -> None:
        """Write the next event of a part."""
        event = part.head
        assert event is not None
        for record in part.types:
            self._target.write(_encode(part.type_record(record)))
        cause = None
        if part.cause is not None:
            there = self._parts.get(part.cause[0])
            cause = 0 if there is None else there.number(part.cause[1])
        self._target.write(_encode(part.renumbered(cause)))
        if not isinstance(event, FailureRecord):
            self._awaited.discard((name, event.number))
        part.advance()


def _values(source: BinaryIO) -> Iterator[bytes]:
    splitter = ValueSplitter()
    while piece := source.read(_PIECE):
        for _, value in splitter.feed(piece):
            yield value
    splitter.end()
