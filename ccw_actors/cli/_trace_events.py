"""Which events of a trace `ccw-actors trace` prints."""

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from ccw_actors.errors import CcwActorsError
from ccw_actors.trace import (
    OUTSIDE,
    EventRecord,
    FailureRecord,
    HandledRecord,
    TraceReader,
    type_name,
)

__all__ = ["NoSuchStartError", "Wanted", "paths_of", "wanted_events"]

_START: Final = "StartSubchannel"
_HOST: Final = "host/"


class NoSuchStartError(CcwActorsError):
    """A trace has fewer STARTs of guests; the text says how many."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What an event must be: its actors, type, number, text, and what caused it.

    `actor` is a pattern for a path. `type` is "" for any type. `io` is the number of a
    START, 0 for all events.
    """

    actor: str = "*"
    type: str = ""
    first: int = 0
    text: re.Pattern[str] | None = None
    io: int = 0


def wanted_events(
    reader: TraceReader, wanted: Wanted, text_of: Callable[[EventRecord], str]
) -> Iterator[EventRecord]:
    """Yield the events of a trace that are wanted.

    `text_of` returns the text of an event in which `wanted.text` is searched.

    Raises:
        NoSuchStartError: The trace ends before that START.
    """
    caused = _Caused(wanted.io) if wanted.io else None
    for event in reader:
        if caused is not None and not caused.has(event, reader):
            continue
        if _is_wanted(event, reader, wanted) and (
            wanted.text is None or wanted.text.search(text_of(event))
        ):
            yield event
    if caused is not None and caused.starts < wanted.io:
        raise NoSuchStartError(
            f"no START number {wanted.io} of a guest; the trace has {caused.starts}"
        )


def _is_wanted(event: EventRecord, reader: TraceReader, wanted: Wanted) -> bool:
    if event.number < wanted.first:
        return False
    if wanted.type and wanted.type != type_name(event, reader.types):
        return False
    return any(fnmatchcase(path, wanted.actor) for path in paths_of(event))


def paths_of(event: EventRecord) -> tuple[str, ...]:
    """Return the paths of the sender and the recipient, or of the actor that failed."""
    if isinstance(event, FailureRecord):
        return (event.actor,)
    return (event.sender or OUTSIDE, event.recipient or OUTSIDE)


class _Caused:
    """Finds a START of a guest and all that it causes, until the next START.

    A START of a guest is a StartSubchannel that a subchannel handles, but none of the
    host's: those are caused by a guest's. What the guest does after its I/O is caused
    by it also, so the next START begins another I/O, with all that this one causes.
    """

    def __init__(self, number: int) -> None:
        self.starts = 0
        self._number = number
        self._members: set[int] = set()

    def has(self, event: EventRecord, reader: TraceReader) -> bool:
        """Whether an event belongs to the I/O; call it for each event in order."""
        if isinstance(event, FailureRecord):
            return event.number in self._members
        if self._is_start(event, reader):
            self.starts += 1
            belongs = self.starts == self._number
        else:
            belongs = event.cause in self._members
        if belongs:
            self._members.add(event.number)
        return belongs

    def _is_start(self, event: EventRecord, reader: TraceReader) -> bool:
        return (
            isinstance(event, HandledRecord)
            and not event.recipient.startswith(_HOST)
            and type_name(event, reader.types) == _START
        )
