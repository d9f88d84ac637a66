r"""Writes a picture as a log for ShiViz: each event has a vector clock.

ShiViz (https://bestchai.bitbucket.io/shiviz/) asks for the regular expression by which
it takes a log apart. For this one it is

    (?<host>\S*) (?<clock>{.*})\n(?<event>.*)

An event is two lines: the actor and its clock, then what happened. The clock of an
event counts the events of each actor that come before it, and itself. Answers to the
outside have no order among themselves, so each has a host of its own.
"""

from typing import Final

import msgspec

from ccw_actors.show._picture import Picture
from ccw_actors.show._size import TooLongError
from ccw_actors.show._slice import label_of, lane_name

__all__ = ["CLOCKS_MAX", "shiviz_of"]

CLOCKS_MAX: Final = 20_000
"""How many events a log has at most: each has a clock of all actors."""


def shiviz_of(picture: Picture) -> str:
    """Return the events of a picture with their vector clocks.

    Raises:
        TooLongError: There are more than 20,000 events.
    """
    events = picture.schedules[0].events
    if len(events) > CLOCKS_MAX:
        raise TooLongError(
            f"{len(events):,} events are too many for ShiViz; expected at most"
            f" {CLOCKS_MAX:,}. Use --format perfetto, or --events {CLOCKS_MAX} for the"
            " first of a trace"
        )
    names = [_host(lane_name(picture, number)) for number in range(len(picture.lanes))]
    clocks: list[dict[str, int]] = []
    last: dict[str, dict[str, int]] = {}
    lines: list[str] = []
    for event in events:
        host = names[event.actor]
        if picture.lanes[event.actor].is_outside:
            host = f"{host}:{event.number}"
        clock = {**last.get(host, {})}
        if event.cause >= 0:
            for other, count in clocks[event.cause].items():
                clock[other] = max(count, clock.get(other, 0))
        clock[host] = clock.get(host, 0) + 1
        clocks.append(clock)
        last[host] = clock
        lines += (
            f"{host} {msgspec.json.encode(clock).decode()}",
            label_of(picture, event),
        )
    return "".join(f"{line}\n" for line in lines)


def _host(name: str) -> str:
    """Return a name without spaces; different names stay different."""
    return "".join(
        f"\\x{ord(char):02x}" if char.isspace() or char == "\\" else char
        for char in name
    )
