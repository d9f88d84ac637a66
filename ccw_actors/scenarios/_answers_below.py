"""A layer below a GuestSubchannel that answers on two lines, each in order."""

import errno
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from ccw_actors.actors import Storage
from ccw_actors.actors.protocol import (
    ClearRequest,
    Found,
    HaltRequest,
    IoEvent,
    IoRequest,
    LookRequest,
    Operation,
    Refused,
)
from ccw_actors.channel import Actl, Cstat, Dstat, Fctl, Irb, Orb, Schib, Scsw, Stctl
from ccw_actors.machine import GuestPaths, Layers, add_guest_subchannel
from ccw_actors.runtime import Actor, ActorRef, System, receive
from ccw_actors.scenarios._machine import ENABLED, PATHS, PROGRAM, add_cpus

__all__ = [
    "BOTH",
    "NEW",
    "ORB",
    "PCI",
    "Answers",
    "again",
    "controlled",
    "ended",
    "failed",
    "in_any_order",
    "refused",
    "spawn_guest",
    "suspended",
]

Answer: TypeAlias = IoEvent | Refused | Found
Request: TypeAlias = IoRequest | HaltRequest | ClearRequest | LookRequest
Answers: TypeAlias = Callable[[Request], tuple[tuple[int, Answer], ...]]
"""The answers to a request, each with the line that it goes out on."""

_STORAGE: Final = 0x1000
PCI: Final = Cstat.PROGRAM_CONTROLLED_INTERRUPTION
BOTH: Final = Fctl.START | Fctl.HALT
_OLD, NEW = PROGRAM + 8, PROGRAM + 16

ORB: Final = Orb.command(PROGRAM, suspend=True)


class Line(Actor):
    """Passes answers on to `guest`, in order."""

    def __init__(self, guest: ActorRef[Any]) -> None:
        self._guest = guest

    @receive
    def answer(self, message: Answer) -> None:
        """Pass an answer on."""
        self._guest.tell(message)


class Below(Actor):
    """Replaces all layers below: sends the answers to requests on `lines`."""

    def __init__(self, lines: Sequence[ActorRef[Any]], answers: Answers) -> None:
        self._lines = lines
        self._answers = answers

    @receive
    def request(self, message: Request) -> None:
        """Send the answers to a request."""
        for line, answer in self._answers(message):
            self._lines[line].tell(answer)


def spawn_guest(
    system: System,
    programs: Sequence[Sequence[Operation]],
    answers: Answers,
    layers: Layers,
) -> None:
    """Spawn CPUs and their subchannel; a `Below` with two lines replaces the rest."""
    css = system.ref(GuestPaths().css)
    add_guest_subchannel(system, PATHS, 0, ENABLED, sink=css, layers=layers)
    storage = system.spawn(Storage(_STORAGE), "storage")
    add_cpus(system, programs, system.ref(PATHS.emulated), storage)
    lines = [system.ref("line0"), system.ref("line1")]
    system.spawn(Below(lines, answers), PATHS.vfio_ccw)
    for line in lines:
        system.spawn(Line(system.ref(PATHS.emulated)), line.path)


def _started(number: int) -> IoEvent:
    scsw = Scsw(
        flags=ORB.flags & 0xF8F8,
        fctl=Fctl.START,
        stctl=Stctl.FINAL_STATUS,
        cpa=NEW,
        dstat=Dstat.CHANNEL_AND_DEVICE_END,
    )
    return IoEvent((number,), (number,), number, Irb(scsw))


def _signalled(number: int, fctl: int) -> IoEvent:
    scsw = Scsw(fctl=fctl, stctl=Stctl.PENDING)
    return IoEvent((number,), (number,), number, Irb(scsw))


def _intermediate(after: int, **fields: int) -> IoEvent:
    scsw = Scsw(fctl=Fctl.START, stctl=Stctl.INTERMEDIATE_STATUS, **fields)
    return IoEvent((1,), (), after, Irb(scsw))


def in_any_order(request: Request) -> tuple[tuple[int, Answer], ...]:
    """End START on its own, then HALT or CLEAR."""
    number = request.number
    match request:
        case IoRequest():
            return ()
        case HaltRequest():
            return (0, _started(1)), (1, _signalled(number, Fctl.HALT))
        case LookRequest():
            running = Scsw(fctl=Fctl.START, actl=Actl.ACTIVE)
            return ((0, Found(number, Schib(ENABLED, running))),)
        case ClearRequest():
            return (0, _started(number - 1)), (1, _signalled(number, Fctl.CLEAR))


def again(request: Request) -> tuple[tuple[int, Answer], ...]:
    """End the first START on its own, the second with a HALT."""
    number = request.number
    match request:
        case IoRequest() if number == 1:
            return ((1, _started(number)),)
        case HaltRequest():
            return (0, _started(number - 1)), (1, _signalled(number, Fctl.HALT))
        case _:
            return ()


def refused(request: Request) -> tuple[tuple[int, Answer], ...]:
    """End START on its own, and refuse HALT."""
    number = request.number
    if isinstance(request, IoRequest):
        return ()
    return (0, _started(number - 1)), (1, Refused(number, errno.EACCES))


def ended(request: Request) -> tuple[tuple[int, Answer], ...]:
    """End START on its own."""
    return ((0, _started(request.number)),) if isinstance(request, IoRequest) else ()


def failed(reason: int) -> Answers:
    """Refuse START for a reason."""

    def answers(request: Request) -> tuple[tuple[int, Answer], ...]:
        return ((1, Refused(request.number, reason)),)

    return answers


def controlled(request: Request) -> tuple[tuple[int, Answer], ...]:
    """Show a PCI from before HALT and one from after it, then the end of both."""
    if not isinstance(request, HaltRequest):
        return ()
    number = request.number
    ended = Scsw(
        fctl=BOTH,
        stctl=Stctl.FINAL_STATUS,
        cpa=NEW,
        dstat=Dstat.CHANNEL_AND_DEVICE_END,
    )
    return (
        (1, _intermediate(number - 1, actl=Actl.ACTIVE, cpa=_OLD, cstat=PCI)),
        (0, _intermediate(number, actl=Actl.ACTIVE, cpa=NEW, cstat=PCI)),
        (0, IoEvent((1, number), (1, number), number, Irb(ended))),
    )


def suspended(request: Request) -> tuple[tuple[int, Answer], ...]:
    """Show a suspension from before HALT, then the end of both."""
    if not isinstance(request, HaltRequest):
        return ()
    number = request.number
    ended = Scsw(fctl=BOTH, actl=Actl.SUSPENDED, stctl=Stctl.PENDING, cpa=NEW)
    return (
        (0, _intermediate(number - 1, actl=Actl.SUSPENDED, cpa=NEW)),
        (0, IoEvent((1, number), (1, number), number, Irb(ended))),
    )
