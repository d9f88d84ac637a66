"""How a thread begins a call, an interruption or a work item."""

from collections.abc import Callable, Iterator
from typing import Final

from ccw_actors.actors.protocol import (
    ReadIo,
    ReadReport,
    ResetDevice,
    UnmapDma,
    WriteAsync,
    WriteIo,
)
from ccw_actors.channel import Fctl
from ccw_actors.designs import (
    DeviceLost,
    HostState,
    IoInterruption,
    PathReport,
    Section,
)
from ccw_actors.kernel.refinement._observations import Observation
from ccw_actors.kernel.refinement._plans import interruption, losing, plans
from ccw_actors.kernel.refinement._probes import NOT_OPER_EVENT, REGION_SHIFT
from ccw_actors.kernel.refinement._threads import Item, Thread, bit_of, item
from ccw_actors.scenarios import read_orb

__all__ = ["begun", "planned"]

_ORB: Final = read_orb(1)
_HALT: Final = 1
_UNMAP: Final = "vfio_ccw_dma_unmap"


def planned(
    thread: Thread,
    following: Section,
    inside: tuple[str, ...],
    events: tuple[Item, ...],
) -> Iterator[Thread]:
    """Yield the ways in which a thread goes on with a section, after these events."""
    base = thread.base
    if following.step == "check_pinned":
        base = (_UNMAP,)
    if following.step == "unmap" and not inside:
        base = ()
    for plan in plans(thread._replace(base=base), following, inside):
        yield thread._replace(
            pending=following,
            kind=plan.kind,
            expect=(*events, *plan.expect),
            after=plan.after,
            inside=plan.inside,
            base=base,
            inputs=thread.inputs if following.step == "copy_idal" else (),
        )


def begun(found: Observation, state: HostState, *, marked: bool) -> Iterator[Thread]:
    """Yield the ways in which a thread begins with an event.

    `marked` says that the thread's client writes a mark at the end of a read.
    """
    inputs = tuple(sorted(found.values.items()))
    start = Thread(None, seen=bit_of(state), inputs=inputs, marked=marked)
    begins = _BEGINS.get(found.name)
    if begins is not None:
        yield from begins(found, start)


def _write(_found: Observation, start: Thread) -> Iterator[Thread]:
    """Begin a write of the I/O region, or of the async region."""
    function = "vfio_ccw_mdev_write"
    start = start._replace(marked=False)
    if start.get("offset") >> REGION_SHIFT:
        is_halt = start.get("command") == _HALT
        inner = "vfio_ccw_async_region_write"
        yield start._replace(
            pending=WriteAsync("HSCH" if is_halt else "CSCH"),
            expect=(item(f"enter {inner}"),),
            inside=(function, inner),
        )
        return
    fctl = start.get("fctl", Fctl.START)
    yield start._replace(pending=WriteIo(_ORB, fctl), inside=(function,))


def _read(_found: Observation, start: Thread) -> Iterator[Thread]:
    """Begin a read of the I/O region, or of the CRW region."""
    inside = ("vfio_ccw_mdev_read",)
    if start.get("offset") >> REGION_SHIFT:
        yield start._replace(pending=ReadReport(), inside=inside, marked=False)
    else:
        yield start._replace(pending=ReadIo(), inside=inside)


def _reset(found: Observation, start: Thread) -> Iterator[Thread]:
    base = (found.name.removeprefix("enter "),)
    yield start._replace(pending=ResetDevice(), inside=base, base=base, marked=False)


def _unmap(found: Observation, start: Thread) -> Iterator[Thread]:
    """Begin DMA_UNMAP, as the client's mark says."""
    if found.values.get("name") == "unmap":
        yield start._replace(pending=UnmapDma(0, 0), inputs=(), marked=True)


def _with(section: Section) -> Callable[[Observation, Thread], Iterator[Thread]]:
    """Return the beginning of a call whose first section is this one."""

    def begins(found: Observation, start: Thread) -> Iterator[Thread]:
        base = (found.name.removeprefix("enter "),)
        entered = start._replace(inside=base, base=base, marked=False)
        yield from planned(entered, section, base, ())

    return begins


def _interruption(found: Observation, start: Thread) -> Iterator[Thread]:
    """Begin an interruption; without status it is nothing."""
    taken = start._replace(pending=None, marked=False)
    if found.values.get("cc") == 0:
        taken = taken._replace(pending=IoInterruption(), expect=interruption())
    yield taken


def _path_report(found: Observation, start: Thread) -> Iterator[Thread]:
    yield start._replace(pending=PathReport(found.number), marked=False)


def _lost(found: Observation, start: Thread) -> Iterator[Thread]:
    """Begin the loss of the device, outside any call."""
    if found.values.get("event") != NOT_OPER_EVENT:
        return
    for plan in losing("", (), ()):
        yield start._replace(
            pending=DeviceLost(),
            kind=plan.kind,
            expect=plan.expect,
            after=plan.after,
            marked=False,
        )


_BEGINS: Final[dict[str, Callable[[Observation, Thread], Iterator[Thread]]]] = {
    "enter vfio_ccw_mdev_write": _write,
    "enter vfio_ccw_mdev_read": _read,
    "enter vfio_ccw_mdev_ioctl": _reset,
    f"enter {_UNMAP}": _with(Section("check_pinned")),
    "enter vfio_ccw_mdev_open_device": _with(Section("open")),
    "enter vfio_ccw_mdev_close_device": _with(Section("disable", then="closed")),
    "call": _unmap,
    "tsch": _interruption,
    "path event": _path_report,
    "fsm event": _lost,
}
"""By the event that is the first of a thread outside any call."""
