"""VfioCcw behind the regions of vfio-ccw, with threads that refuse nothing.

| scenario | threads | what they do that an emulator would not |
|---|---|---|
| raw-regions | START three times; HALT; a reader | start while busy, or unread |
| raw-regions-clear | START twice; CLEAR, START; a reader | the same, with a CLEAR |
| raw-regions-reset | START, SCHIB; RESET, START; a reader | reset amidst |
| raw-regions-close | START; HALT, CLOSE; a reader | close amidst |
| raw-regions-unmap | START twice; UNMAP; a reader | unmap what the channel uses |
| raw-regions-unmaps | START; UNMAP; RESET; a reader | unmap amidst a RESET |
| raw-regions-attention | HALT; RESET; a reader | attention comes amidst |
| raw-regions-lost | START; UNMAP; a reader | the device is lost amidst |
| raw-regions-crash | START; RESET; a reader | VfioCcwRegions or Cio crashes |
| raw-regions-crash-unmap | START; UNMAP; a reader | VfioCcwRegions crashes |

| property | |
|---|---|
| a write returns EBUSY for START exactly while FC is nonzero | always |
| an IRB that is read is of functions that were accepted | always |
| each request is answered once | always, at rest |
| each function that was accepted is in an IRB that is read | at rest |
| nothing is at work, pinned or unread when RESET or CLOSE is answered | always |
| nothing is pinned in the range when UNMAP is answered | always |
| no program is released while the subchannel may use it; nothing stays pinned | |

FC is what the regions say: a function is in it from the write that returns 0 until the
IRB with its end is read, or until a RESET returns; nobody looks at it after a CLOSE.
START meets EBUSY, too, if another request has not returned yet when it is made.
"""

import errno
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec.structs import replace

from ccw_actors.actors import VfioCcwRegions
from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.actors.protocol import (
    Attend,
    CloseDevice,
    DetachDevice,
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
from ccw_actors.channel import Cstat, Fctl, Stctl
from ccw_actors.designs import RawReader, RawWriter, RegionRequest
from ccw_actors.explore import Event, Scenario, View, World
from ccw_actors.machine import OURS, Layers
from ccw_actors.runtime import Message, Restart
from ccw_actors.scenarios._machine import BUFFER, PATHS, HostMachine, read_orb
from ccw_actors.scenarios._overlaps import Maker
from ccw_actors.scenarios._properties import is_held
from ccw_actors.scenarios._raw import another_runs

__all__ = ["RAW_REGIONS"]

_KERNEL: Final = "vfio-ccw"

_RESETS: Final = frozenset({ResetDevice.__name__, CloseDevice.__name__})
_PAGE: Final = BUFFER // PAGE_SIZE
_CUT: Final = Cstat.INTERFACE_CONTROL_CHECK

_START: Final = WriteIo(read_orb(1), Fctl.START)
_UNMAP: Final = UnmapDma(BUFFER, PAGE_SIZE)
_HALT: Final = WriteAsync("HSCH")
_CLEAR: Final = WriteAsync("CSCH")


class Wrong(StrEnum):
    """What may not be seen through the regions."""

    NOTHING = ""
    ACCEPTED = "a START accepted while FC is nonzero"
    REFUSED = "a START refused with EBUSY while FC is zero"
    OTHER = "an IRB of functions that were not accepted"
    TWICE = "an answer to what was not asked"
    ERRNO = "an errno that does not go with the request"


class Asked(NamedTuple):
    """What `thread` has asked for, and whether something was in progress then."""

    thread: str
    request: str
    function: int
    busy: bool


class Seen(NamedTuple):
    """What the regions have told.

    FC, what is not answered, what has been answered in the last step, whether the
    device is not to be looked at any more, and what was wrong.
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


def _follow(known: Seen, event: Event) -> Seen:
    if event.actor != _KERNEL:
        return known._replace(answered=()) if known.answered else known
    known = known._replace(answered=())
    if isinstance(event.message, _REQUESTS) and not event.crash:
        known = _ask(known, event.sender, event.message)
    answers = {
        to: message
        for to, message in event.sent
        if isinstance(message, Written | IoRead | SchibRead)
    }
    for asked in known.asked:
        if asked.thread in answers:
            known = _answer(known, asked, answers.pop(asked.thread))
    if answers:
        known = known._replace(wrong=Wrong.TWICE)
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


def _answer(known: Seen, asked: Asked, answer: Message) -> Seen:
    rest = tuple(one for one in known.asked if one != asked)
    known = known._replace(asked=rest)
    if isinstance(answer, Written):
        known = _returned(known, asked, answer.errno)
    if isinstance(answer, Written) and not answer.errno:
        known = known._replace(answered=(*known.answered, asked.request))
    match answer:
        case IoRead(errno=0):
            return _read(known, answer)
        case Written(reason) if asked.function == Fctl.START:
            return _started(known, asked, reason)
        case Written(errno=0) if asked.function:
            is_clear = asked.function == Fctl.CLEAR
            fctl = asked.function | (0 if is_clear else known.fctl)
            return known._replace(fctl=fctl)
        case Written(errno=0) if asked.request in _RESETS:
            return known._replace(fctl=0)
        case _:
            return known


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
    if not scsw.pending or scsw.stctl == Stctl.INTERMEDIATE_STATUS:
        return known
    other = scsw.fctl & ~known.fctl and not known.over
    wrong = Wrong.OTHER if other else known.wrong
    return known._replace(fctl=known.fctl & ~scsw.fctl, wrong=wrong)


def _never(wrong: Wrong) -> Callable[[View], bool]:
    return lambda view: view.monitor.wrong != wrong


def _is_quiet(view: View) -> bool:
    """Whether nothing is at work, pinned or unread when RESET or CLOSE is answered.

    A HALT that has waited for that is answered in the same step.
    """
    if not _RESETS.intersection(view.monitor.answered):
        return True
    host = view["subchannel"]
    works = host.execution is not None or host.work.awaited in ("storage", "device")
    events = view[_KERNEL].unread.events
    unread = any(event.irb.scsw.fctl != Fctl.HALT for event in events)
    return not (works or view["storage"].pins or unread)


def _is_free(view: View) -> bool:
    """Whether the page is not pinned when its UNMAP is answered."""
    if UnmapDma.__name__ not in view.monitor.answered:
        return True
    held = view["storage"].pins.get(_KERNEL, {})
    return all(_PAGE not in pages for pages in held.values())


def _is_over(view: View) -> bool:
    return not view.monitor.fctl or view.monitor.over


def _regions(
    summary: str,
    *threads: Sequence[RegionRequest],
    attention: bool = False,
    lost: bool = False,
    crashes: Sequence[str] = (),
    **conditions: Callable[[View], bool],
) -> Maker:
    """Return what makes a scenario of these threads, and of one that reads.

    The device wants attention, or is lost, at any time, if `attention` or `lost` say
    so; one of the layers `crashes` at any message.
    """

    def maker(layers: Layers | None = None) -> Scenario:
        behind = layers or replace(OURS, vfio_ccw=VfioCcwRegions)

        def scenario(world: World) -> None:
            system = world.system
            kernel = system.ref(_KERNEL)
            HostMachine(system, layers=behind)
            reader = RawReader(kernel)
            system.spawn(reader, PATHS.emulated, supervision=Restart())
            for number, requests in enumerate(threads):
                writer = RawWriter(kernel, tuple(requests))
                system.spawn(writer, f"writer{number}")
            if attention:
                system.ref("device").tell(Attend())
            if lost:
                system.ref("subchannel").tell(DetachDevice())
            if crashes:
                world.may_crash(*map(system.ref, crashes))
            world.monitor(Seen(), _follow)
            for wrong in Wrong:
                if wrong:
                    world.system_invariant(f"never {wrong}", _never(wrong))
            world.system_invariant(
                "no program is released while the subchannel may use it", is_held
            )
            world.system_invariant("what is reset is quiet", _is_quiet)
            world.system_invariant("what is unmapped is not pinned", _is_free)
            world.final("each function is in an IRB", _is_over)
            world.final("each request is answered", lambda view: not view.monitor.asked)
            world.final("nothing stays pinned", lambda view: not view["storage"].pins)
            for name, is_met in conditions.items():
                world.sometimes(name.replace("_", " "), is_met)

        scenario.__doc__ = summary
        return scenario

    return maker


def _is_refused(view: View) -> bool:
    return errno.EBUSY in view["writer0"].returned


def _is_amidst(view: View) -> bool:
    runs = view["subchannel"].execution is not None
    return runs and bool(view[_KERNEL].quiescing.clearing)


def _is_cut(view: View) -> bool:
    events = view[_KERNEL].unread.events
    return any(one.irb.scsw.cstat & _CUT for one in events)


def _is_attention(view: View) -> bool:
    events = view[_KERNEL].unread.events
    return any(not event.answers for event in events)


def _is_lost(view: View) -> bool:
    return errno.ENODEV in view["writer0"].returned


def _is_well(view: View) -> bool:
    return all(view[writer].returned == (0,) for writer in ("writer0", "writer1"))


RAW_REGIONS: Final[dict[str, Maker]] = {
    "raw-regions": _regions(
        "STARTs through regions, of threads that refuse none, and a HALT.",
        (_START, _START, _START),
        (_HALT,),
        another_program_runs_at_the_host=another_runs,
        a_START_is_refused=_is_refused,
    ),
    "raw-regions-clear": _regions(
        "STARTs through regions, of threads that refuse none, and a CLEAR.",
        (_START, _START),
        (_CLEAR, _START),
        another_program_runs_at_the_host=another_runs,
        a_START_is_refused=_is_refused,
    ),
    "raw-regions-reset": _regions(
        "START and SCHIB through regions, and a RESET with a START behind it.",
        (_START, ReadSchib()),
        (ResetDevice(), _START),
        another_program_runs_at_the_host=another_runs,
        it_is_reset_while_a_program_runs=_is_amidst,
    ),
    "raw-regions-close": _regions(
        "START through regions, HALT, and CLOSE.",
        (_START,),
        (_HALT, CloseDevice()),
        it_is_closed_while_a_program_runs=_is_amidst,
    ),
    "raw-regions-unmap": _regions(
        "STARTs through regions, and an UNMAP of the page that they use.",
        (_START, _START),
        (_UNMAP,),
        it_is_unmapped_while_a_program_runs=_is_amidst,
        a_program_is_cut_short=_is_cut,
    ),
    "raw-regions-unmaps": _regions(
        "START through regions, an UNMAP and a RESET.",
        (_START,),
        (_UNMAP,),
        (ResetDevice(),),
        a_program_is_cut_short=_is_cut,
    ),
    "raw-regions-attention": _regions(
        "HALT and RESET through regions of a device that wants attention.",
        (_HALT,),
        (ResetDevice(),),
        attention=True,
        attention_is_not_read=_is_attention,
    ),
    "raw-regions-lost": _regions(
        "START and UNMAP through regions of a device that is lost at any time.",
        (_START,),
        (_UNMAP,),
        lost=True,
        a_request_is_refused=_is_lost,
    ),
    "raw-regions-crash": _regions(
        "START and RESET through regions, while a layer crashes.",
        (_START,),
        (ResetDevice(),),
        crashes=(_KERNEL, "cio"),
        all_goes_well=_is_well,
        a_request_is_refused=_is_lost,
    ),
    "raw-regions-crash-unmap": _regions(
        "START and UNMAP through regions, while VfioCcwRegions crashes.",
        (_START,),
        (_UNMAP,),
        crashes=(_KERNEL,),
        a_request_is_refused=_is_lost,
    ),
}
"""What makes each scenario, given the classes that take the parts of the layers."""
