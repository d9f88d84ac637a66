"""Packs a picture for the page: columns of numbers, and each text and value once.

The page's data are two deflated texts. `picture` is JSON in which events are columns;
`bodies` has a line of JSON for each value. The page reads a line when it shows it.
"""

import base64
import json
import zlib
from collections.abc import Hashable, Iterable
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from ccw_actors.show._picture import Choice, Code, Event, Picture, Schedule

__all__ = ["packed"]

_NONE: Final = -1
_LEVEL: Final = 9

T = TypeVar("T", bound=Hashable)


class _Packed(Struct, frozen=True):
    """The data of a page: deflated, in base64."""

    picture: str
    bodies: str


class _Table(Generic[T]):
    """Numbers values in the order in which they occur; what is false is -1."""

    def __init__(self) -> None:
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        if not value:
            return _NONE
        return self._numbers.setdefault(value, len(self._numbers))

    def numbers(self, values: Iterable[T]) -> list[int]:
        return list(map(self.number, values))

    @property
    def values(self) -> list[T]:
        return list(self._numbers)


def packed(picture: Picture) -> bytes:
    """Return a picture as the JSON that a page holds; it contains no "<"."""
    texts, bodies = _Table[str](), _Table[bytes]()
    found = {
        "source": picture.source,
        "title": picture.title,
        "verdict": picture.verdict,
        "tone": picture.tone,
        "summary": picture.summary,
        "facts": picture.facts,
        "commands": picture.commands,
        "notes": picture.notes,
        "lanes": [{"path": one.path, "guest": one.guest} for one in picture.lanes],
        "types": picture.types,
        "schedules": [_schedule(one, texts, bodies) for one in picture.schedules],
        "choices": [_choice(one, texts, bodies) for one in picture.choices],
        "texts": texts.values,
    }
    both = _Packed(_deflated(_json(found)), _deflated(b"\n".join(bodies.values)))
    return msgspec.json.encode(both)


def _schedule(
    schedule: Schedule, texts: _Table[str], bodies: _Table[bytes]
) -> dict[str, Any]:
    events = schedule.events
    return {
        "title": schedule.title,
        "actor": [one.actor for one in events],
        "sender": [one.sender for one in events],
        "cause": [one.cause for one in events],
        "number": [one.number for one in events],
        "kind": texts.numbers(one.kind for one in events),
        "type": texts.numbers(one.type for one in events),
        "body": bodies.numbers(one.body for one in events),
        "note": texts.numbers(one.note for one in events),
        "time": _times(events),
        "states": {
            "event": [one.event for one in schedule.states],
            "actor": [one.actor for one in schedule.states],
            "body": bodies.numbers(one.state for one in schedule.states),
        },
        "race": schedule.race,
        "noReturn": schedule.no_return,
        "wayOut": schedule.way_out,
        "needed": schedule.needed,
        "code": _code(schedule.code),
    }


def _choice(
    choice: Choice, texts: _Table[str], bodies: _Table[bytes]
) -> dict[str, Any]:
    event = choice.event
    return {
        "name": choice.name,
        "actor": event.actor,
        "sender": event.sender,
        "kind": texts.number(event.kind),
        "type": texts.number(event.type),
        "body": bodies.number(event.body),
        "note": texts.number(event.note),
        "changes": [
            [one.actor, bodies.number(one.before), bodies.number(one.after)]
            for one in choice.changes
        ],
        "sent": [
            [one.actor, texts.number(one.type), bodies.number(one.body)]
            for one in choice.sent
        ],
        "violation": choice.violation,
    }


def _times(events: Iterable[Event]) -> list[int] | None:
    """Return the times in microseconds, None if there are none."""
    times = [one.time for one in events]
    if any(one is None for one in times):
        return None
    return [round((one or 0.0) * 1e6) for one in times]


def _code(code: Code | None) -> dict[str, Any] | None:
    if code is None:
        return None
    return {"columns": code.columns, "lines": code.lines}


def _json(found: dict[str, Any]) -> bytes:
    """Return JSON, also of texts that are not all characters.

    A file name that is not UTF-8 has halves of characters. They stay halves, as escapes
    of JSON, so the page shows them like all that cannot be seen.
    """
    try:
        return msgspec.json.encode(found)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(found)).encode("ascii")


def _deflated(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, _LEVEL)).decode()
