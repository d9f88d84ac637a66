"""VfioCcw behind the regions of vfio-ccw, with threads that refuse nothing.

| scenario | threads | what they do that an emulator would not |
|---|---|---|
| raw-regions | START three times; HALT; a reader | start while busy, or unread |
| raw-regions-clear | START twice; CLEAR, START; a reader | the same, with a CLEAR |

| property | |
|---|---|
| a write returns EBUSY for START exactly while FC is nonzero | always |
| an IRB that is read is of functions that were accepted | always |
| each write is answered once | always, at rest |
| each function that was accepted is in an IRB that is read | at rest |
| no program is released while the subchannel may use it; nothing stays pinned | |

FC is what the regions say: a function is in it from the write that returns 0 until the
IRB with its end is read. START meets EBUSY, too, if another write has not returned yet
when it is made.
"""

import errno
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from ccw_actors.actors import VfioCcwRegions
from ccw_actors.actors.protocol import IoRead, WriteAsync, WriteIo, Written
from ccw_actors.channel import Fctl, Stctl
from ccw_actors.designs.writers import RawReader, RawWriter
from ccw_actors.designs.writers import Request as RegionRequest
from ccw_actors.explore import Event, Scenario, View, World
from ccw_actors.scenarios.pass_through.house import Layers, read_orb
from ccw_actors.scenarios.pass_through.properties import is_held
from ccw_actors.scenarios.pass_through.raw import another_runs, raw_host
from ccw_actors.scenarios.pass_through.windows import Maker

__all__ = ["RAW_REGIONS"]

_KERNEL: Final = "vfio-ccw"
_INTERMEDIATE: Final = Stctl.INTERMEDIATE | Stctl.PENDING

_START: Final = WriteIo(read_orb(1), Fctl.START)
_HALT: Final = WriteAsync("HSCH")
_CLEAR: Final = WriteAsync("CSCH")


class Wrong(StrEnum):
    """What may not be seen through the regions."""

    NOTHING = ""
    ACCEPTED = "a START accepted while FC is nonzero"
    REFUSED = "a START refused with EBUSY while FC is zero"
    OTHER = "an IRB of functions that were not accepted"
    TWICE = "a write answered that was not made"


class Asked(NamedTuple):
    """A function that `writer` has asked for, and whether one was in progress then."""

    writer: str
    function: int
    busy: bool


class Seen(NamedTuple):
    """What the regions have told: FC, what is not answered, whether it was wrong."""

    fctl: int = 0
    asked: tuple[Asked, ...] = ()
    wrong: Wrong = Wrong.NOTHING


def _follow(known: Seen, event: Event) -> Seen:
    if event.actor != _KERNEL:
        return known
    function = _function(event.message)
    if function:
        busy = bool(known.fctl or known.asked)
        asked = Asked(event.sender, function, busy)
        known = known._replace(asked=(*known.asked, asked))
    answered = {
        to: message.errno for to, message in event.sent if isinstance(message, Written)
    }
    for asked in known.asked:
        if asked.writer in answered:
            known = _answered(known, asked, answered.pop(asked.writer))
    if answered:
        known = known._replace(wrong=Wrong.TWICE)
    for _, message in event.sent:
        if isinstance(message, IoRead):
            known = _read(known, message)
    return known


def _function(message: object) -> int:
    match message:
        case WriteIo(fctl=fctl):
            return fctl
        case WriteAsync(command):
            return Fctl.CLEAR if command == "CSCH" else Fctl.HALT
        case _:
            return 0


def _answered(known: Seen, asked: Asked, reason: int) -> Seen:
    rest = tuple(one for one in known.asked if one != asked)
    function, fctl, wrong = asked.function, known.fctl, known.wrong
    if reason == errno.EBUSY and function == Fctl.START and not asked.busy:
        wrong = Wrong.REFUSED
    if reason == 0 and function == Fctl.START and fctl:
        wrong = Wrong.ACCEPTED
    if reason == 0:
        fctl = function if function == Fctl.CLEAR else fctl | function
    return Seen(fctl, rest, wrong)


def _read(known: Seen, read: IoRead) -> Seen:
    scsw = read.irb.scsw
    if not scsw.pending or scsw.stctl == _INTERMEDIATE:
        return known
    wrong = Wrong.OTHER if scsw.fctl & ~known.fctl else known.wrong
    return known._replace(fctl=known.fctl & ~scsw.fctl, wrong=wrong)


def _never(wrong: Wrong) -> Callable[[View], bool]:
    return lambda view: view.monitor.wrong != wrong


def _regions(summary: str, *threads: Sequence[RegionRequest]) -> Maker:
    """Return what makes a scenario of these threads, and of one that reads."""

    def maker(layers: Layers | None = None) -> Scenario:
        kind = (layers or Layers()).vfio_ccw
        front = kind if issubclass(kind, VfioCcwRegions) else VfioCcwRegions

        def scenario(world: World) -> None:
            system = world.system
            kernel = system.ref(_KERNEL)
            raw_host(system, RawReader(kernel), vfio_ccw=front)
            for number, requests in enumerate(threads):
                writer = RawWriter(kernel, tuple(requests))
                system.spawn(writer, f"writer{number}")
            world.monitor(Seen(), _follow)
            for wrong in Wrong:
                if wrong:
                    world.system_invariant(f"never {wrong}", _never(wrong))
            world.system_invariant(
                "no program is released while the subchannel may use it", is_held
            )
            world.final("each function is in an IRB", lambda view: not view.monitor[0])
            world.final("each write is answered", lambda view: not view.monitor.asked)
            world.final("nothing stays pinned", lambda view: not view["storage"].pins)
            world.sometimes("another program runs at the host", another_runs)
            world.sometimes("a START is refused", _is_refused)

        scenario.__doc__ = summary
        return scenario

    return maker


def _is_refused(view: View) -> bool:
    return errno.EBUSY in view["writer0"].returned


RAW_REGIONS: Final[dict[str, Maker]] = {
    "raw-regions": _regions(
        "STARTs through regions, of threads that refuse none, and a HALT.",
        (_START, _START, _START),
        (_HALT,),
    ),
    "raw-regions-clear": _regions(
        "STARTs through regions, of threads that refuse none, and a CLEAR.",
        (_START, _START),
        (_CLEAR, _START),
    ),
}
"""What makes each scenario, given the classes that take the parts of the layers."""
