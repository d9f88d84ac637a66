"""Makes the picture of a trace: what each actor handled, and what caused it."""

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ccw_actors.errors import StreamError
from ccw_actors.show._lanes import Lanes, arranged
from ccw_actors.show._picture import NOBODY, Event, Picture, Schedule
from ccw_actors.trace import (
    DeadLetterRecord,
    EventRecord,
    FailureRecord,
    HandledRecord,
    TraceReader,
    message_of,
)
from ccw_actors.wording import Values

__all__ = ["EVENTS_MAX", "picture_of_trace"]

EVENTS_MAX: Final = 200_000
"""The default number of events that a page shows at most."""


class _Builder:
    """Makes events of records; `numbers` has the event that handled each message.

    `outside` is the lane of answers to the outside, `NOBODY` without one.
    """

    def __init__(self, reader: TraceReader) -> None:
        self._types = reader.types
        self._numbers: dict[int, int] = {}
        self._outside = NOBODY
        self.lanes = Lanes()
        self.values = Values()
        self.events: list[Event] = []

    def add(self, record: EventRecord) -> None:
        """Add one record."""
        if isinstance(record, FailureRecord):
            self.events.append(self._failure(record))
        else:
            self.events.append(self._handled(record))
            self._numbers[record.number] = len(self.events) - 1

    def events_in_lanes(self) -> tuple[Event, ...]:
        """Return the events; if the outside has a lane, its messages come from there.

        So there is one outside, and not two.
        """
        if self._outside == NOBODY:
            return tuple(self.events)
        return tuple(
            replace(one, sender=self._outside)
            if one.sender == NOBODY and one.kind != "failure"
            else one
            for one in self.events
        )

    def _failure(self, record: FailureRecord) -> Event:
        return Event(
            actor=self.lanes.number(record.actor),
            number=record.number,
            type=record.message,
            cause=self._numbers.get(record.number, -1),
            kind="failure",
            time=_finite(record.failed_at),
            note=record.reason,
        )

    def _handled(self, record: HandledRecord | DeadLetterRecord) -> Event:
        try:
            body = self.values.write(message_of(record, self._types))
        except RecursionError as error:
            raise StreamError(
                f"message {record.number}: it is nested too deeply to be shown"
            ) from error
        actor = self.lanes.number(record.recipient)
        if not record.recipient:
            self._outside = actor
        event = Event(
            actor=actor,
            sender=self.lanes.number(record.sender) if record.sender else NOBODY,
            number=record.number,
            type=self._types[record.message_type].name,
            cause=self._numbers.get(record.cause, -1),
            body=body,
            time=_time(record),
        )
        if isinstance(record, DeadLetterRecord):
            return replace(event, kind="dead letter", note=record.reason)
        return event


def _time(record: HandledRecord | DeadLetterRecord) -> float | None:
    """Return when a message was handled or lost."""
    if isinstance(record, DeadLetterRecord):
        return _finite(record.lost_at)
    return _finite(record.handled_at)


def _finite(seconds: float) -> float | None:
    """Return a time, None for one that has no number of microseconds."""
    return seconds if math.isfinite(seconds * 1e6) else None


def picture_of_trace(
    reader: TraceReader, name: str, *, file: str = "", events_max: int = EVENTS_MAX
) -> Picture:
    """Return the picture of the first `events_max` events of a trace.

    `name` is what the page calls it. `file` is where it is, for the commands, if that
    is not the name. Raises `StreamError` for a damaged trace.
    """
    builder = _Builder(reader)
    notes: tuple[str, ...] = ()
    for record in reader:
        if len(builder.events) == events_max:
            notes = (f"Only the first {events_max:,} events are shown.",)
            break
        builder.add(record)
    schedule = Schedule(title="as recorded", events=builder.events_in_lanes())
    lanes, schedules = arranged(builder.lanes.paths, (schedule,))
    return Picture(
        source="trace",
        title=name,
        summary=_summary(builder.events),
        facts=_facts(builder.events),
        commands=(shlex.join(["ccw-actors", "trace", file or name]),),
        notes=notes,
        lanes=lanes,
        types=builder.values.types,
        schedules=schedules,
    )


def _summary(events: Sequence[Event]) -> str:
    """Return what went wrong in a trace, "" for nothing."""
    counts = Counter(event.kind for event in events)
    found = (
        _counted(counts["failure"], "failure of an actor", "failures of actors"),
        _counted(counts["dead letter"], "dead letter", "dead letters"),
    )
    return ", ".join(filter(None, found))


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""


def _facts(events: Sequence[Event]) -> tuple[tuple[str, str], ...]:
    if not events:
        return ()
    begin, end = events[0].time, events[-1].time
    if begin is None or end is None:
        return ()
    return (("time", f"{begin:.6f} to {end:.6f} s"),)
