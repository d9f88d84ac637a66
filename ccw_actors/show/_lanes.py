"""The lanes of a picture: actors by guest, and in a guest from the top layer down."""

import re
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from ccw_actors.show._picture import NOBODY, Lane, Schedule
from ccw_actors.trace import OUTSIDE

__all__ = ["Lanes", "arranged", "lane_of"]

_LAYERS: Final = (
    "operator",
    "writer",
    "program",
    "cpu",
    "css",
    "emulator",
    "guest-subchannel",
    "guest-",
    "region-driver",
    "reader",
    "thread",
    "CPU",
    "kernel",
    "interruptions",
    "vfio-ccw",
    "work-queue",
    "host",
    "cio",
    "subchannel",
    "path",
    "channel",
    "device",
    "volume",
    "storage",
)
"""The beginnings of actors' names, from the program of a guest down to the volume."""


class Lanes:
    """Numbers actors in the order in which they occur."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, path: str) -> int:
        """Return the number of the actor at a path; "" is the outside."""
        return self._numbers.setdefault(path, len(self._numbers))

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the actors, by number."""
        return tuple(self._numbers)


def lane_of(path: str) -> Lane:
    """Return the lane of an actor: the first part of a path with several is a guest."""
    guest, slash, _ = path.partition("/")
    if not path:
        return Lane(OUTSIDE, is_outside=True)
    return Lane(path, guest if slash else "")


def arranged(
    paths: Iterable[str], schedules: Iterable[Schedule]
) -> tuple[tuple[Lane, ...], tuple[Schedule, ...]]:
    """Return lanes in the order of the page, and schedules with their new numbers.

    Guests are sorted by their names, and the host comes after them. A guest's
    subchannel stands above its driver, the host's below.
    """
    lanes = [lane_of(path) for path in paths]
    guests = sorted({lane.guest for lane in lanes}, key=_guest)
    order = sorted(
        range(len(lanes)),
        key=lambda number: (
            guests.index(lanes[number].guest),
            _device(lanes[number].path),
            _layer(lanes[number]),
            number,
        ),
    )
    places = {old: new for new, old in enumerate(order)} | {NOBODY: NOBODY}
    moved = tuple(
        replace(
            one,
            events=tuple(
                replace(event, actor=places[event.actor], sender=places[event.sender])
                for event in one.events
            ),
            states=tuple(
                replace(state, actor=places[state.actor]) for state in one.states
            ),
        )
        for one in schedules
    )
    return tuple(lanes[old] for old in order), moved


def _guest(name: str) -> tuple[bool, list[str | tuple[int, str]], str]:
    """Return by what guests are sorted: numbers in names as numbers, the host last.

    Numbers of any length are compared by their digits. The name itself decides where
    they are equal, as in "g1" and "g01".
    """
    parts: list[str | tuple[int, str]] = list(re.split(r"(\d+)", name))
    parts[1::2] = map(_digits, re.findall(r"\d+", name))
    return name == "host", parts, name


def _digits(number: str) -> tuple[int, str]:
    shown = number.lstrip("0")
    return len(shown), shown


def _device(path: str) -> str:
    """Return the part of a path between the guest and the actor: its device, if any."""
    return "/".join(path.split("/")[1:-1])


def _layer(lane: Lane) -> int:
    """Return how far down an actor's layer is."""
    name = lane.path.rpartition("/")[2]
    if lane.is_outside:
        return -1
    if name == "subchannel" and lane.guest not in ("", "host"):
        return _LAYERS.index("guest-subchannel")
    for number, layer in enumerate(_LAYERS):
        if name.startswith(layer):
            return number
    return len(_LAYERS)
