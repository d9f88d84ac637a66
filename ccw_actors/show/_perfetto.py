"""Writes a picture as Chrome's trace event JSON, which ui.perfetto.dev opens.

The format is that of "Trace Event Format" (the Chromium project). A guest is a process,
and an actor is a thread of it. Each event is a slice (`X`), the arrow from its cause is
a flow (`s`, `f`), and a fault, a failure or a lost message is an instant (`i`).

The time axis counts events: one takes 10 µs there. Times are in the arguments, since
two events can have the same.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ccw_actors._visible import visible
from ccw_actors.show._picture import Event, Picture
from ccw_actors.show._slice import lane_name, sentence_of
from ccw_actors.wording import fields_of

__all__ = ["perfetto_of"]

_STEP: Final = 10  # µs on the axis
_SLICE: Final = 8
_CATEGORY: Final = "message"
_INSTANTS: Final = frozenset(("crash", "dead letter", "failure"))

_Json = dict[str, Any]


def perfetto_of(picture: Picture) -> str:
    """Return all events of a picture as one JSON object."""
    guests = list(dict.fromkeys(lane.guest for lane in picture.lanes))
    processes = {guest: number for number, guest in enumerate(guests, 1)}
    places = [
        {"pid": processes[lane.guest], "tid": number}
        for number, lane in enumerate(picture.lanes, 1)
    ]
    found = {
        "traceEvents": [
            *_names(picture, processes, places),
            *_events(picture, places),
            *_marks(picture, places),
        ],
        "displayTimeUnit": "ms",
        "otherData": {
            "title": visible(picture.title),
            "source": picture.source,
            "axis": f"{_STEP} microseconds are one event",
        },
    }
    return msgspec.json.encode(found).decode() + "\n"


def _names(
    picture: Picture, processes: dict[str, int], places: list[_Json]
) -> Iterator[_Json]:
    """Yield the names and the order of processes and threads."""
    for guest, number in processes.items():
        at = {"pid": number, "tid": 0}
        yield _meta("process_name", at, name=visible(guest or "actors"))
        yield _meta("process_sort_index", at, sort_index=number)
    for number, at in enumerate(places):
        yield _meta("thread_name", at, name=lane_name(picture, number))
        yield _meta("thread_sort_index", at, sort_index=number)


def _meta(what: str, at: _Json, **arguments: object) -> _Json:
    return {"ph": "M", "name": what, **at, "args": arguments}


def _events(picture: Picture, places: list[_Json]) -> Iterator[_Json]:
    """Yield the slices, the flows between them, and what went wrong in them."""
    events = picture.schedules[0].events
    for number, event in enumerate(events):
        at, time = places[event.actor], number * _STEP
        name = visible(event.type)
        yield {
            "ph": "X",
            "name": name,
            "cat": _CATEGORY,
            **at,
            "ts": time,
            "dur": _SLICE,
            "args": _arguments(picture, event),
        }
        if event.kind in _INSTANTS:
            yield _instant(event.kind, at, time, "t")
        if event.cause >= 0:
            flow = {"name": _CATEGORY, "cat": _CATEGORY, "id": number}
            origin = places[events[event.cause].actor]
            sent = event.cause * _STEP + _SLICE // 2
            yield {"ph": "s", **flow, **origin, "ts": sent}
            yield {"ph": "f", "bp": "e", **flow, **at, "ts": time}


def _arguments(picture: Picture, event: Event) -> _Json:
    events = picture.schedules[0].events
    found: _Json = {"number": event.number, "kind": event.kind}
    if event.cause >= 0:
        found["cause"] = events[event.cause].number
    if event.sender >= 0:
        found["sender"] = lane_name(picture, event.sender)
    if event.time is not None:
        found["time, s"] = event.time
    if event.note:
        found["note"] = visible(event.note)
    fields = fields_of(event.body, picture.types)
    if fields:
        found["fields"] = {
            visible(name): visible(text) for name, text in fields.items()
        }
    return found


def _marks(picture: Picture, places: list[_Json]) -> Iterator[_Json]:
    """Yield the race, the point of no return, and the verdict at the end."""
    schedule = picture.schedules[0]
    for number in schedule.race or ():
        at = places[schedule.events[number].actor]
        yield _instant("race", at, number * _STEP, "t")
    if not places:
        return
    if schedule.no_return:
        time = schedule.no_return * _STEP - 1
        yield _instant("point of no return", places[0], time, "g")
    sentence = sentence_of(picture)
    if sentence:
        yield _instant(sentence, places[0], len(schedule.events) * _STEP, "g")


def _instant(name: str, at: _Json, time: int, scope: str) -> _Json:
    return {
        "ph": "i",
        "name": name,
        "cat": "mark",
        **at,
        "ts": time,
        "s": scope,
    }
