"""The short part of a picture that a drawing has: its events, its lanes, its labels.

Of a counterexample these are the events that its fault needs, if they are known.
"""

from typing import NamedTuple

from ccw_actors._visible import visible
from ccw_actors.show._picture import NOBODY, Event, Picture
from ccw_actors.trace import OUTSIDE
from ccw_actors.wording import brief_of

__all__ = ["Slice", "label_of", "lane_name", "race_of", "sentence_of", "slice_of"]


class Slice(NamedTuple):
    """Events to draw, by their numbers in the schedule.

    `lanes` are the numbers of the actors that take part, in the order of the picture;
    `NOBODY` comes first if a message is from no actor. `hidden` counts the events that
    are left out.
    """

    events: tuple[int, ...]
    lanes: tuple[int, ...]
    hidden: int


def slice_of(picture: Picture, events_max: int) -> Slice:
    """Return the events to draw, at most `events_max`.

    Of too many it takes the last before a fault, and else the first.
    """
    schedule = picture.schedules[0]
    wanted = tuple(sorted(schedule.needed)) or tuple(range(len(schedule.events)))
    is_fault = picture.source != "trace" and picture.tone == "bad"
    shown = wanted[-events_max:] if is_fault else wanted[:events_max]
    events = [schedule.events[number] for number in shown]
    lanes = {one.actor for one in events} | {one.sender for one in events if _came(one)}
    return Slice(shown, tuple(sorted(lanes)), len(schedule.events) - len(shown))


def _came(event: Event) -> bool:
    """Whether an arrow leads to an event: somebody has sent a message."""
    return event.kind in ("message", "arrival", "dead letter")


def lane_name(picture: Picture, number: int) -> str:
    """Return the name of a lane of a slice, in which every character can be seen."""
    return visible(OUTSIDE if number == NOBODY else picture.lanes[number].path)


def label_of(picture: Picture, event: Event) -> str:
    """Return the words about an event: number, type, the beginning of its content."""
    brief = brief_of(event.body, picture.types)
    what = {
        "crash": "crashes",
        "failure": "fails on",
        "dead letter": "lost:",
        "timer": "timer:",
        "arrival": "arrives:",
    }.get(event.kind, "")
    note = event.note if event.kind in ("failure", "dead letter") else ""
    words = (str(event.number), what, event.type, brief, note and f"({note})")
    return visible(" ".join(filter(None, words)))


def sentence_of(picture: Picture) -> str:
    """Return the verdict and the sentence about it, "" without both."""
    return visible(": ".join(filter(None, (picture.verdict, picture.summary))))


def race_of(picture: Picture, number: int) -> str:
    """Return the words about an event of the race, "" for any other event."""
    schedule = picture.schedules[0]
    if schedule.race is None or number not in schedule.race:
        return ""
    first, second = schedule.race
    when, other = ("before", second) if number == first else ("after", first)
    return f"race: here {when} {schedule.events[other].number}"
