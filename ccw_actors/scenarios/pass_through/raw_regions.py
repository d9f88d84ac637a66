"""VfioCcw behind the regions of vfio-ccw, with threads that refuse nothing.

| scenario | threads | what they do that an emulator would not |
|---|---|---|
| raw-regions | START three times; HALT; a reader | start while busy, or unread |
| raw-regions-clear | START twice; CLEAR, START; a reader | the same, with a CLEAR |

| property | |
|---|---|
| a write returns EBUSY for START exactly while FC is nonzero | always |
| an IRB that is read is of functions that were accepted | always |
| each function that was accepted is in an IRB that is read | at rest |
| no program is released while the subchannel may use it; nothing stays pinned | |

FC is what the regions say: a function is in it from the write that returns 0 until the
IRB with its end is read.
"""

import errno
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from ccw_actors.channel import Fctl, Stctl
from ccw_actors.designs import VfioCcwRegions
from ccw_actors.designs.regions import IoRead, WriteAsync, WriteIo, Written
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


class Seen(NamedTuple):
    """What the regions have told: FC, and whether that was wrong."""

    fctl: int = 0
    wrong: Wrong = Wrong.NOTHING


def _follow(known: Seen, event: Event) -> Seen:
    if event.actor != _KERNEL:
        return known
    sent = [message for _, message in event.sent]
    match event.message:
        case WriteIo():
            if Written(0) in sent:
                wrong = Wrong.ACCEPTED if known.fctl else known.wrong
                known = Seen(known.fctl | Fctl.START, wrong)
            elif Written(errno.EBUSY) in sent and not known.fctl:
                known = known._replace(wrong=Wrong.REFUSED)
        case WriteAsync(command) if Written(0) in sent:
            is_clear = command == "CSCH"
            known = known._replace(
                fctl=Fctl.CLEAR if is_clear else known.fctl | Fctl.HALT
            )
        case _:
            pass
    for message in sent:
        if isinstance(message, IoRead):
            known = _read(known, message)
    return known


def _read(known: Seen, read: IoRead) -> Seen:
    scsw = read.irb.scsw
    if not scsw.pending or scsw.stctl == _INTERMEDIATE:
        return known
    wrong = Wrong.OTHER if scsw.fctl & ~known.fctl else known.wrong
    return Seen(known.fctl & ~scsw.fctl, wrong)


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
