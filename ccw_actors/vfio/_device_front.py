"""DeviceFront: one device as its client sees it: ioctls, regions, event sources.

What a region is asked for goes to the actor behind it. That one counts no system calls,
so a device has one thing changed at a time, in the order of the calls; reads go beside
it, each kind in its order. A write that comes while another waits for its answer ends
in EAGAIN, as the kernel's lock for that is taken. So does, unlike there, what comes
while more wait already than there are threads in any emulator.

The I/O region keeps an IRB until the next one is taken: by a read of the IRB's first
byte. What else is read in parts is of the same one.

Source: Linux drivers/s390/cio/vfio_ccw_ops.c, vfio_ccw_async.c, vfio_ccw_chp.c;
drivers/vfio/vfio_main.c (vfio_set_irqs_validate_and_prepare).
"""

import errno
import os
import struct
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ccw_actors.actors.protocol import (
    CloseDevice,
    IoRead,
    ReadIo,
    ReadReport,
    ReadSchib,
    ReportRead,
    ResetDevice,
    SchibRead,
    UnmapDma,
    WriteAsync,
    WriteIo,
)
from ccw_actors.vfio import _region_layouts as region_layouts
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._event_descriptors import EventDescriptors, take_event
from ccw_actors.vfio._messages import AddDevice, IoctlCalled, RegionRead, RegionWritten
from ccw_actors.vfio._region_layouts import REGIONS, AsyncCommand, Region
from ccw_actors.vfio._system_calls import SystemCalls
from ccw_actors.vfio._uapi import EventSource, Ioctl, IrqFlag

__all__ = ["Change", "Counts", "DeviceFront"]

_WAITING_MAX: Final = 256
_SOURCES: Final = {Region.IO: EventSource.IO, Region.CRW: EventSource.CRW}
_READS: Final[dict[Region, tuple[type[ReadIo | ReadSchib | ReadReport], type]]] = {
    Region.IO: (ReadIo, IoRead),
    Region.SCHIB: (ReadSchib, SchibRead),
    Region.CRW: (ReadReport, ReportRead),
}


@dataclass(slots=True)
class Counts:
    """STARTs accepted, interrupts signalled, and STARTs refused, by errno."""

    starts: int = 0
    signals: int = 0
    refusals: Counter[int] = field(default_factory=Counter[int])

    def add(self, other: "Counts") -> None:
        """Count another device's, too."""
        self.starts += other.starts
        self.signals += other.signals
        self.refusals += other.refusals


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is done to a device before the next, and what to do then.

    `done` is called with 0 or an errno. Without a `request` it is called at once.
    """

    request: WriteIo | WriteAsync | ResetDevice | CloseDevice | UnmapDma | None
    done: Callable[[int], None]


class DeviceFront:
    """A device that is `shown`, at `index` among those of its client."""

    def __init__(
        self,
        index: int,
        shown: AddDevice,
        calls: SystemCalls,
        descriptors: EventDescriptors,
    ) -> None:
        self.index = index
        self.shown = shown
        self.opened = 0
        self._then: list[Callable[[], None]] = []
        self._regions = shown.regions
        self._calls = calls
        self._descriptors = descriptors
        self._events: dict[int, int] = {}
        self._changes: deque[Change] = deque()
        self._is_under_way = False
        self._holds = 0
        # What the actor has said that the client has not read, nor will hear of again.
        self._owed: set[EventSource] = set()
        # None is a read that no call has made.
        self._reads: dict[type, deque[RegionRead | None]] = {
            answer: deque() for _, answer in _READS.values()
        }
        self._io = bytearray(REGIONS[Region.IO].size)
        self._async = bytearray(REGIONS[Region.ASYNC].size)
        self.counts = Counts()

    # -- one change after the other ----------------------------------------------------

    def change(self, change: Change) -> None:
        """Do it when those before it are done."""
        self._changes.append(change)
        self._go_on()

    def changed(self, reason: int) -> None:
        """Take the answer to the change that is being made."""
        if self._is_under_way:
            self._is_under_way = False
            self._changes.popleft().done(reason)
            self._go_on()
            self._closed()

    def hold(self) -> None:
        """Begin no change before as many releases."""
        self._holds += 1

    def release(self) -> None:
        """Go on, if nobody else holds it."""
        self._holds -= 1
        self._go_on()

    def _go_on(self) -> None:
        while self._changes and not self._is_under_way and not self._holds:
            change = self._changes[0]
            if change.request is not None:
                self._is_under_way = True
                self._regions.tell(change.request)
                return
            self._changes.popleft()
            change.done(0)

    @property
    def is_busy(self) -> bool:
        """Whether as many wait already as ever will."""
        return len(self._changes) >= _WAITING_MAX

    @property
    def _is_writing(self) -> bool:
        return any(
            isinstance(one.request, WriteIo | WriteAsync) for one in self._changes
        )

    # -- open and closed ---------------------------------------------------------------

    @property
    def is_at_work(self) -> bool:
        """Whether it is open, or something of it is on its way."""
        return bool(self.opened or self._changes)

    def close(self) -> None:
        """Note a close; after the last one nothing of the device is at work."""
        self.opened -= 1
        if self.opened:
            return
        self.forget_events()
        self.change(Change(CloseDevice(), lambda _reason: self._closed()))

    def forget_events(self) -> None:
        """Give all event descriptors up."""
        for event in self._events.values():
            os.close(event)
        self._events.clear()

    def when_closed(self, then: Callable[[], None]) -> None:
        """Call it when nobody has the device open, and nothing of it is at work."""
        self._then.append(then)
        self._closed()

    def _closed(self) -> None:
        if not self.is_at_work:
            waiting, self._then = self._then, []
            for then in waiting:
                then()

    # -- event sources -----------------------------------------------------------------

    def signalled(self, source: EventSource) -> None:
        """Signal what the actor behind the regions has to say.

        It says so once until that is read. So who gives a descriptor later hears of
        reports and requests then; what an interrupt was about is in the region, as it
        is where nobody listens to the kernel.
        """
        self._owed.add(source)
        self.signal(source)
        if source is EventSource.IO and source not in self._events:
            self._read_for_nobody()

    def _read_for_nobody(self) -> None:
        """Take an event that the client has not read, and will not hear of again."""
        if EventSource.IO in self._owed:
            self._owed.discard(EventSource.IO)
            self._reads[IoRead].append(None)
            self._regions.tell(ReadIo())

    def signal(self, source: EventSource) -> None:
        """Count an event up, if somebody has given a descriptor for it."""
        event = self._events.get(source)
        if event is None:
            return
        self.counts.signals += source is EventSource.IO
        self._descriptors.signal(event)

    def set_irqs(self, call: IoctlCalled) -> int:
        """VFIO_DEVICE_SET_IRQS; return 0 or a negative errno."""
        if len(call.argument) < uapi.IRQ_SET_SIZE:
            return -errno.EFAULT
        wanted = uapi.IrqSet.read(call.argument)
        flags, data = wanted.flags, call.argument[uapi.IRQ_SET_SIZE :]
        kind = flags & IrqFlag.DATA
        size = {IrqFlag.DATA_NONE: 0, IrqFlag.DATA_BOOL: 1, IrqFlag.DATA_EVENTFD: 4}
        if (
            wanted.argsz < uapi.IRQ_SET_SIZE
            or wanted.source >= uapi.EVENT_SOURCES
            or flags
            & ~int(IrqFlag.DATA | IrqFlag.ACTION)  # of an IrqFlag: known flags only
            or wanted.start + wanted.number > 1
            or wanted.start >= 1
            or kind not in size
            or wanted.argsz - uapi.IRQ_SET_SIZE < wanted.number * size[IrqFlag(kind)]
            or not flags & IrqFlag.ACTION_TRIGGER
        ):
            return -errno.EINVAL
        if len(data) < size[IrqFlag(kind)]:
            return -errno.EFAULT
        source = EventSource(wanted.source)
        if kind == IrqFlag.DATA_EVENTFD:
            number: int = struct.unpack_from("=i", data)[0]
            return self._set_event(source, call, number)
        if kind == IrqFlag.DATA_NONE or data[0]:
            self.signal(source)
        return 0

    def _set_event(self, source: EventSource, call: IoctlCalled, number: int) -> int:
        if number < -1:
            return -errno.EINVAL
        new = None
        if number >= 0:
            try:
                new = take_event(call.thread, number)
            except OSError as error:
                return -(error.errno or errno.EBADF)
            if not self._calls.is_waiting(call.key):
                os.close(new)  # the number may be that of another thread by now
                return -errno.EBADF
        old = self._events.pop(source, None)
        if old is not None:
            os.close(old)
        if new is not None:
            self._events[source] = new
        if source is EventSource.IO:
            self._read_for_nobody()
        elif source in self._owed:
            self.signal(source)
        return 0

    def _was_reset(self, key: int, reason: int) -> None:
        """Answer a RESET, which has dropped what was not read."""
        self._read_for_nobody()
        self._calls.answer(key, -reason)

    # -- ioctls ------------------------------------------------------------------------

    def ioctl(self, call: IoctlCalled) -> None:
        """Answer an ioctl on the device's descriptor."""
        argument = call.argument
        match call.request - uapi.request_of(Ioctl(0)):
            case Ioctl.DEVICE_RESET if self.is_busy:
                self._calls.answer(call.key, -errno.EAGAIN)
            case Ioctl.DEVICE_RESET:
                self.change(
                    Change(
                        ResetDevice(), lambda reason: self._was_reset(call.key, reason)
                    )
                )
            case Ioctl.DEVICE_SET_IRQS:
                self._calls.answer(call.key, self.set_irqs(call))
            case Ioctl.DEVICE_FEATURE:
                answer = -errno.EFAULT
                if len(argument) == uapi.FEATURE_SIZE:
                    is_one = uapi.is_feature(argument)
                    answer = -(errno.ENOTTY if is_one else errno.EINVAL)
                self._calls.answer(call.key, answer)
            case (
                Ioctl.DEVICE_GET_INFO
                | Ioctl.DEVICE_GET_REGION_INFO
                | Ioctl.DEVICE_GET_IRQ_INFO
            ) as number:
                size = uapi.ARGUMENT_SIZE[Ioctl(number)]
                if len(argument) < size:
                    self._calls.answer(call.key, -errno.EFAULT)
                    return
                argsz, _, index = struct.unpack_from("=III", argument)
                info = None
                if argsz >= size:
                    info = self._info(Ioctl(number), argsz, index)
                if info is None:
                    self._calls.answer(call.key, -errno.EINVAL)
                else:
                    self._calls.answer(call.key, self._calls.store(call, info))
            case _:
                self._calls.answer(call.key, -errno.ENOTTY)

    def _info(self, ioctl: Ioctl, argsz: int, index: int) -> bytes | None:
        if ioctl is Ioctl.DEVICE_GET_INFO:
            return uapi.device_info(argsz, len(REGIONS))
        if ioctl is Ioctl.DEVICE_GET_IRQ_INFO:
            return uapi.irq_info(argsz, index) if index < len(EventSource) else None
        if index >= len(REGIONS):
            return None
        region = Region(index)
        layout = REGIONS[region]
        offset = region_layouts.offset_of(self.index, region)
        return uapi.region_info(
            argsz, index, layout.subtype, layout.flags, layout.size, offset
        )

    # -- regions -----------------------------------------------------------------------

    def write(self, call: RegionWritten) -> None:
        """Answer a write to a region: when what it asks for is accepted, or refused."""
        region, at = self._place(call.offset, call.size)
        if region is not Region.IO and region is not Region.ASYNC:
            self._calls.answer(call.key, -errno.EINVAL)
        elif self._is_writing:
            self._calls.answer(call.key, -errno.EAGAIN)
        elif call.data is None:
            self._calls.answer(call.key, -errno.EFAULT)
        else:
            image = self._io if region is Region.IO else self._async
            image[at : at + call.size] = call.data
            request = self._request(region, bytes(image))
            if request is None:
                self._written(image, call, errno.EINVAL)
            else:
                self.change(
                    Change(request, lambda reason: self._written(image, call, reason))
                )

    def _request(self, region: Region, image: bytes) -> WriteIo | WriteAsync | None:
        if region is Region.IO:
            orb, fctl = region_layouts.orb_in(image), region_layouts.fctl_in(image)
            return WriteIo(orb, fctl, -region_layouts.ret_code_in(image))
        try:
            command = AsyncCommand(region_layouts.command_in(image))
        except ValueError:
            return None
        return WriteAsync("HSCH" if command is AsyncCommand.HSCH else "CSCH")

    def _written(self, image: bytearray, call: RegionWritten, reason: int) -> None:
        region_layouts.ret_code_put(image, reason)
        self._calls.answer(call.key, -reason if reason else call.size)
        if image is self._io:
            if reason:
                self.counts.refusals[reason] += 1
            else:
                self.counts.starts += 1

    def read(self, call: RegionRead) -> None:
        """Answer a read of a region with what it has when the read's turn comes."""
        region, at = self._place(call.offset, call.size)
        if region is None:
            self._calls.answer(call.key, -errno.EINVAL)
        elif region is Region.ASYNC:
            self._give(call, bytes(self._async), at)
        elif region is Region.IO and not region_layouts.takes_irb(at, call.size):
            self._give(call, bytes(self._io), at)
        else:
            request, answer = _READS[region]
            if len(self._reads[answer]) >= _WAITING_MAX:
                self._calls.answer(call.key, -errno.EAGAIN)
                return
            if region in _SOURCES:
                self._owed.discard(_SOURCES[region])
            self._reads[answer].append(call)
            self._regions.tell(request())

    def was_read(self, answer: IoRead | SchibRead | ReportRead) -> None:
        """Give what a region has to the read that has waited longest for it."""
        waiting = self._reads[type(answer)]
        if not waiting:
            return
        call = waiting.popleft()
        if call is None:
            if isinstance(answer, IoRead) and not answer.errno:
                region_layouts.irb_put(self._io, answer.irb)
            return
        _, at = self._place(call.offset, call.size)
        match answer:
            case IoRead(errno=reason) | SchibRead(errno=reason) if reason:
                self._calls.answer(call.key, -reason)
            case IoRead(irb=irb):
                region_layouts.irb_put(self._io, irb)
                self._give(call, bytes(self._io), at)
            case SchibRead(schib=schib):
                self._give(call, schib.to_bytes(), at)
            case ReportRead(crw=crw):
                self._give(call, crw.to_bytes(4, "big") + bytes(4), at)

    def failed(self, request: str) -> None:
        """Answer what has made the actor fail, or did not reach it, with EIO.

        `request` is its type. Of reads it is not known which one of them it was: one of
        those that wait is answered so, and the others get what the actor has for them.
        """
        for asked, answer in _READS.values():
            if asked.__name__ == request and self._reads[answer]:
                self._fail_read(self._reads[answer].popleft())
        if self._is_under_way and type(self._changes[0].request).__name__ == request:
            self.changed(errno.EIO)

    def fail(self) -> None:
        """Answer all that waits with EIO: who was asked is no more."""
        for waiting in self._reads.values():
            while waiting:
                self._fail_read(waiting.popleft())
        self._is_under_way = False
        while self._changes:
            self._changes.popleft().done(errno.EIO)

    def _fail_read(self, call: RegionRead | None) -> None:
        if call is not None:
            self._calls.answer(call.key, -errno.EIO)

    def _place(self, offset: int, size: int) -> tuple[Region | None, int]:
        """Return region and position; None for what is not wholly in one."""
        device, index, at = region_layouts.place_of(offset)
        if device != self.index or index >= len(REGIONS):
            return None, at
        region = Region(index)
        return (region if at + size <= REGIONS[region].size else None), at

    def _give(self, call: RegionRead, image: bytes, at: int) -> None:
        data = image[at : at + call.size]
        self._calls.answer(call.key, self._calls.store(call, data, call.size))
