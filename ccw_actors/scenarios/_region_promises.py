"""The promises of VfioCcwRegions to its client, as a monitor of its answers.

| property | |
|---|---|
| a write returns EBUSY for START exactly while FC is nonzero | always |
| an IRB that is read is of functions that were accepted | always |
| each request is answered once | always, at rest |
| each function that was accepted is in an IRB that is read | at rest |
| nothing is at work, pinned or unread when RESET or CLOSE is answered | always |
| nothing is pinned in the range when UNMAP is answered | always |
| no program is released while the subchannel may use it; nothing stays pinned | |

FC is as the regions show it: a function is in it from the write that returns 0 until
the IRB with its end is read, or until a RESET returns. After a CLOSE it is not checked.
START also gets EBUSY if another request has not returned yet.
"""

import errno
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.actors.protocol import (
    CloseDevice,
    DeviceRequested,
    IoRead,
    ReadIo,
    ReadSchib,
    ResetDevice,
    SchibRead,
    UnmapDma,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import Fctl
from ccw_actors.explore import Event, View, World
from ccw_actors.runtime import Message
from ccw_actors.scenarios._machine import BUFFER
from ccw_actors.scenarios._properties import is_held

__all__ = ["KERNEL", "keeps_region_promises"]

KERNEL: Final = "vfio-ccw"
"""The path of VfioCcwRegions."""

_RESETS: Final = frozenset({ResetDevice.__name__, CloseDevice.__name__})
_PAGE: Final = BUFFER // PAGE_SIZE


class Wrong(StrEnum):
    """Faults that a client could see through the regions."""

    NOTHING = ""
    ACCEPTED = "a START accepted while FC is nonzero"
    REFUSED = "a START refused with EBUSY while FC is zero"
    OTHER = "an IRB of functions that were not accepted"
    TWICE = "an answer without a request"
    ERRNO = "an errno that the request cannot have"


class Asked(NamedTuple):
    """A request of `thread`, and whether anything was in progress when it came."""

    thread: str
    request: str
    function: int
    busy: bool


class Seen(NamedTuple):
    """What the answers of the regions tell.

    FC, the requests without an answer, those answered in the last step, whether the
    device is no longer checked, and the fault.
    """

    fctl: int = 0
    asked: tuple[Asked, ...] = ()
    answered: tuple[str, ...] = ()
    over: bool = False
    wrong: Wrong = Wrong.NOTHING


_ERRNOS: Final = frozenset({0, errno.ENODEV})
_ERRNOS_OF: Final = {
    Fctl.START: _ERRNOS | {errno.EBUSY, errno.EACCES},
    Fctl.HALT: _ERRNOS | {errno.EBUSY},
}


_REQUESTS: Final = (
    WriteIo,
    WriteAsync,
    ReadIo,
    ReadSchib,
    ResetDevice,
    CloseDevice,
    UnmapDma,
)


def keeps_region_promises(world: World) -> None:
    """Check that the regions keep the promises of their interface."""
    world.monitor(Seen(), _follow)
    for wrong in Wrong:
        if wrong:
            world.system_invariant(f"never {wrong}", _never(wrong))
    world.system_invariant(
        "no program is released while the subchannel may use it", is_held
    )
    world.system_invariant("after RESET or CLOSE nothing is at work", _is_quiet)
    world.system_invariant("an unmapped page is not pinned", _is_free)
    world.final("each function is in an IRB", _is_over)
    world.final("each request is answered", lambda view: not view.monitor.asked)
    world.final("nothing stays pinned", lambda view: not view["storage"].pins)


def _follow(known: Seen, event: Event) -> Seen:
    if known.answered:
        known = known._replace(answered=())
    if event.actor != KERNEL:
        return known
    if isinstance(event.message, _REQUESTS) and not event.crash:
        known = _ask(known, event.sender, event.message)
    known = _take_answers(known, event.sent)
    requested = any(isinstance(message, DeviceRequested) for _, message in event.sent)
    closed = CloseDevice.__name__ in known.answered
    return known._replace(over=known.over or requested or closed)


def _ask(known: Seen, thread: str, message: object) -> Seen:
    match message:
        case WriteIo(fctl=fctl):
            function = fctl
        case WriteAsync(command):
            function = Fctl.CLEAR if command == "CSCH" else Fctl.HALT
        case _:
            function = 0
    busy = bool(known.fctl or known.asked)
    asked = Asked(thread, type(message).__name__, function, busy)
    return known._replace(asked=(*known.asked, asked))


def _take_answers(known: Seen, sent: Sequence[tuple[str, Message]]) -> Seen:
    """Note the answers; one without a request is a fault."""
    answers = {
        to: message
        for to, message in sent
        if isinstance(message, Written | IoRead | SchibRead)
    }
    for asked in known.asked:
        if asked.thread in answers:
            known = _answer(known, asked, answers.pop(asked.thread))
    return known._replace(wrong=Wrong.TWICE) if answers else known


def _answer(known: Seen, asked: Asked, answer: Message) -> Seen:
    rest = tuple(one for one in known.asked if one != asked)
    known = known._replace(asked=rest)
    match answer:
        case IoRead(errno=0):
            return _read(known, answer)
        case Written(reason):
            return _written(_returned(known, asked, reason), asked, reason)
        case _:
            return known


def _written(known: Seen, asked: Asked, reason: int) -> Seen:
    if not reason:
        known = known._replace(answered=(*known.answered, asked.request))
    if asked.function == Fctl.START:
        return _started(known, asked, reason)
    if reason:
        return known
    if asked.function:
        before = 0 if asked.function == Fctl.CLEAR else known.fctl
        return known._replace(fctl=asked.function | before)
    return known._replace(fctl=0) if asked.request in _RESETS else known


def _returned(known: Seen, asked: Asked, reason: int) -> Seen:
    wrong = reason not in _ERRNOS_OF.get(asked.function, _ERRNOS)
    return known._replace(wrong=Wrong.ERRNO) if wrong else known


def _started(known: Seen, asked: Asked, reason: int) -> Seen:
    wrong = known.wrong
    if reason == errno.EBUSY and not asked.busy:
        wrong = Wrong.REFUSED
    if reason == 0 and known.fctl and not known.over:
        wrong = Wrong.ACCEPTED
    fctl = known.fctl | (0 if reason else Fctl.START)
    return known._replace(fctl=fctl, wrong=wrong)


def _read(known: Seen, read: IoRead) -> Seen:
    scsw = read.irb.scsw
    if not scsw.pending or scsw.is_intermediate:
        return known
    other = scsw.fctl & ~known.fctl and not known.over
    wrong = Wrong.OTHER if other else known.wrong
    return known._replace(fctl=known.fctl & ~scsw.fctl, wrong=wrong)


def _never(wrong: Wrong) -> Callable[[View], bool]:
    return lambda view: view.monitor.wrong != wrong


def _is_quiet(view: View) -> bool:
    """Whether nothing is at work, pinned or unread when RESET or CLOSE is answered.

    A HALT that has waited for the RESET is answered in the same step.
    """
    if not _RESETS.intersection(view.monitor.answered):
        return True
    host = view["subchannel"]
    works = host.execution is not None or host.work.awaited in ("storage", "device")
    events = view[KERNEL].unread.events
    unread = any(event.irb.scsw.fctl != Fctl.HALT for event in events)
    return not (works or view["storage"].pins or unread)


def _is_free(view: View) -> bool:
    """Whether the page is not pinned when its UNMAP is answered."""
    if UnmapDma.__name__ not in view.monitor.answered:
        return True
    held = view["storage"].pins.get(KERNEL, {})
    return all(_PAGE not in pages for pages in held.values())


def _is_over(view: View) -> bool:
    return not view.monitor.fctl or view.monitor.over
