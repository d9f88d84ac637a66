"""What of a trace concerns the models: calls of vfio_ccw by thread, and their data.

A thread is a task, the work queue (whichever worker executes it), or the interrupts of
a CPU. Left out are calls of other regions and of other ioctls with all that they do,
the instructions inside functions that the models take as a whole, and the marks of a
client for calls that its kernel shows itself.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from ccw_actors.kernel.refinement._errors import KernelTraceError
from ccw_actors.kernel.refinement._kernel_trace import KernelEvent, KernelTrace, Value
from ccw_actors.kernel.refinement._probes import REGION_SHIFT

__all__ = ["WORK_QUEUE", "Observation", "interrupts_of", "observations"]

WORK_QUEUE: Final = "work-queue"
"""The thread of all work items; the models know it by this name."""
_RESET: Final = 0x3B6F
"""VFIO_DEVICE_RESET."""
_REGIONS_WRITTEN: Final = (0, 1)
"""The I/O region and the async region, by index."""
_REGIONS_READ: Final = (0, 3)
"""The I/O region and the CRW region."""
_WHOLE: Final = frozenset(
    {"cio_disable_subchannel", "cio_enable_subchannel", "cio_cancel_halt_clear"}
)
"""Functions that issue instructions of which the models know the result only."""
_IN_INTERRUPTS: Final = ("tsch", "fsm event")
_READS_SLOT: Final = "cp_update_scsw"
"""The function whose probe reads the slot of the IRB, word by word."""
_TIMEOUT: Final = 2.9
"""Seconds after which vfio_ccw_sch_quiesce no longer waits, a little less than 3."""
_UNUSED: Final = frozenset({"interrupt", "msch", "xsch"})
_REPORTED: Final = (0, 1)
"""The path events for which vfio_ccw adds a report: on line and off line."""
_SAYS: Final = {"io request": "fctl", "async request": "command"}
"""What these events say of the request that was written."""


class Observation(Struct, frozen=True):
    """An event of a thread; `number` is its place in the trace, from 1.

    An entry has the result of its call as well, as `ret`, if the trace has the exit.
    That of cp_prefetch has `pins`: whether it pinned pages. That of a write has the
    request, as `fctl` or `command`, if an event inside says what it was.
    """

    number: int
    cpu: int
    thread: str
    name: str
    values: dict[str, Value] = field(default_factory=dict[str, Value])


class _Call(Struct):
    """A call in progress: its function, its observation, and whether it is left out."""

    function: str
    observation: Observation | None
    inner: bool = False


def observations(trace: KernelTrace) -> list[Observation]:
    """Return the observations of a trace, in its order.

    Raises `KernelTraceError` for calls that are not nested.
    """
    return list(_Reader().read(trace.events))


class _Reader:
    """Follows the calls of each thread."""

    def __init__(self) -> None:
        self._calls: dict[str, list[_Call]] = {}
        self._timeouts: set[int] = set()
        self._torn: set[int] = set()

    def read(self, events: tuple[KernelEvent, ...]) -> Iterator[Observation]:
        """Yield what concerns the models."""
        self._note_timeouts(events)
        self._note_torn(events)
        for number, event in enumerate(events, 1):
            found = self._observe(number, event)
            if found is not None:
                yield found

    def _note_timeouts(self, events: tuple[KernelEvent, ...]) -> None:
        """Note the waits for an interruption that took as long as they may."""
        last: dict[str, tuple[int, KernelEvent]] = {}
        for number, event in enumerate(events, 1):
            thread = _thread_of(event)
            before, one = last.get(thread, (0, event))
            waits = one.event == "exit cio_cancel_halt_clear"
            if waits and event.at - one.at >= _TIMEOUT:
                self._timeouts.add(before)
            last[thread] = number, event

    def _note_torn(self, events: tuple[KernelEvent, ...]) -> None:
        """Note where an interruption may have filled the slot while a probe read it."""
        reading: set[int] = set()
        for number, event in enumerate(events, 1):
            if event.event == f"enter {_READS_SLOT}":
                reading.add(number)
            elif event.event == f"exit {_READS_SLOT}":
                reading.clear()
            elif event.interrupt and event.event == "tsch":
                self._torn |= reading

    def _observe(self, number: int, event: KernelEvent) -> Observation | None:
        thread = _thread_of(event)
        calls = self._calls.setdefault(thread, [])
        side, _, function = event.event.partition(" ")
        if event.interrupt and event.event not in _IN_INTERRUPTS:
            return None
        found = Observation(number, event.cpu, thread, event.event, _values(event))
        if number in self._timeouts:
            found.values["timeout"] = 1
        if number in self._torn:
            for part in ("word", "status"):
                found.values.pop(part, None)
        if side == "enter":
            return self._enter(calls, function, found)
        if side == "exit":
            return _exit(calls, function, found)
        if event.event in ("call", "ret"):
            return _mark(found)
        if event.event in _SAYS and calls and calls[0].observation is not None:
            said = _SAYS[event.event]
            calls[0].observation.values[said] = event.number(said)
        is_inside = bool(calls) and calls[-1].inner
        return None if is_inside or _is_unused(event) else found

    def _enter(
        self, calls: list[_Call], function: str, found: Observation
    ) -> Observation | None:
        outer = calls[-1] if calls else None
        if function == "vfio_pin_pages":
            if outer is not None and outer.observation is not None:
                outer.observation.values["pins"] = 1
            calls.append(_Call(function, None, inner=True))
            return None
        left_out = outer is not None and outer.inner
        left_out = left_out or (outer is None and function in _WHOLE)
        left_out = left_out or _is_other(function, found)
        call = _Call(function, None if left_out else found)
        call.inner = left_out or function in _WHOLE
        calls.append(call)
        return call.observation


def _exit(calls: list[_Call], function: str, found: Observation) -> Observation | None:
    if not calls:
        return None  # the trace began inside this call
    call = calls.pop()
    if call.function != function:
        raise KernelTraceError(
            f"event {found.number}: {found.thread} leaves {function} inside"
            f" {call.function}: events were lost, record the trace again"
        )
    if call.observation is None:
        return None
    if "ret" in found.values:
        call.observation.values["ret"] = found.values["ret"]
    return found


def _values(event: KernelEvent) -> dict[str, Value]:
    """Return the values; an SCSW as FC, AC and SC (`word`), and its `status`."""
    values = dict(event.values)
    if "scsw" in values:
        values["word"] = event.number("scsw") & 0xFFFF
        values["status"] = event.number("stat") >> 16
    irb = values.get("irb")
    if isinstance(irb, str):
        values["word"] = int(irb[:8], 16) & 0xFFFF
        values["status"] = int(irb[16:20], 16)
    return values


def interrupts_of(cpu: int) -> str:
    """Return the name of the thread of a CPU's interrupts."""
    return f"interrupt/{cpu}"


def _thread_of(event: KernelEvent) -> str:
    if event.interrupt:
        return interrupts_of(event.cpu)
    return WORK_QUEUE if event.task.startswith("kworker/") else event.task


def _is_other(function: str, found: Observation) -> bool:
    """Whether a call is of another region, or another ioctl."""
    values = found.values
    if function == "vfio_ccw_mdev_ioctl":
        return values.get("command") != _RESET
    offset = values.get("offset", 0)
    region = offset >> REGION_SHIFT if isinstance(offset, int) else 0
    if function == "vfio_ccw_mdev_write":
        return region not in _REGIONS_WRITTEN
    return function == "vfio_ccw_mdev_read" and region not in _REGIONS_READ


def _is_unused(event: KernelEvent) -> bool:
    if event.event == "path event":
        return event.values.get("event") not in _REPORTED
    return event.event in _UNUSED or (event.event == "tsch" and not event.interrupt)


def _mark(found: Observation) -> Observation | None:
    """Keep the marks of DMA_UNMAP, and those of a read with its IRB."""
    name = found.values.get("name")
    is_read = name == "read" and "irb" in found.values
    return found if name == "unmap" or is_read else None
