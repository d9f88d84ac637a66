"""DeviceFront: one device as its client sees it: ioctls and regions.

Requests for a region go to the actor behind it. That actor knows no system calls, so a
device has only one change in progress, in the order of the calls. Reads run alongside,
each kind in its order. A write that comes while another waits for its answer ends in
EAGAIN, as in the kernel, whose lock is taken then. Unlike in the kernel, any call ends
in EAGAIN while `WAITING_MAX` of its kind wait.

The I/O region keeps an IRB until a read of the IRB's first byte takes the next one.
Reads of other parts return the same IRB.

Source: Linux drivers/s390/cio/vfio_ccw_ops.c, vfio_ccw_async.c, vfio_ccw_chp.c;
drivers/vfio/vfio_main.c.
"""

import errno
import struct
from collections import deque
from collections.abc import Callable
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
    WriteAsync,
    WriteIo,
)
from ccw_actors.vfio import _region_layouts as region_layouts
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._changes import WAITING_MAX, Change, ChangeRequest, Changes
from ccw_actors.vfio._counts import Counts
from ccw_actors.vfio._event_descriptors import EventDescriptors
from ccw_actors.vfio._event_sources import EventSources
from ccw_actors.vfio._messages import AddDevice, IoctlCalled, RegionRead, RegionWritten
from ccw_actors.vfio._region_layouts import REGIONS, AsyncCommand, Region, crw_put
from ccw_actors.vfio._system_calls import SystemCalls
from ccw_actors.vfio._uapi import EventSource, Ioctl

__all__ = ["DeviceFront"]

_SOURCES: Final = {Region.IO: EventSource.IO, Region.CRW: EventSource.CRW}
_READS: Final[dict[Region, tuple[type[ReadIo | ReadSchib | ReadReport], type]]] = {
    Region.IO: (ReadIo, IoRead),
    Region.SCHIB: (ReadSchib, SchibRead),
    Region.CRW: (ReadReport, ReportRead),
}


class DeviceFront:
    """A device that a client was `shown`, and its index among that client's."""

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
        self.counts = Counts()
        self.events = EventSources(
            calls, descriptors, self.counts, self._read_for_nobody
        )
        self.changes = Changes(self._begin)
        # None stands for a read that no call has made.
        self._reads: dict[type, deque[RegionRead | None]] = {
            answer: deque() for _, answer in _READS.values()
        }
        self._io = bytearray(REGIONS[Region.IO].size)
        self._async = bytearray(REGIONS[Region.ASYNC].size)

    # -- one change after the other ----------------------------------------------------

    def _begin(self, request: ChangeRequest) -> None:
        self._regions.tell(request)

    def changed(self, reason: int) -> None:
        """Take the answer to the change in progress: 0 or an errno."""
        if self.changes.in_progress:
            self.changes.end(reason)
            self._closed()

    # -- open and closed ---------------------------------------------------------------

    @property
    def is_at_work(self) -> bool:
        """Whether the device is open, or has changes that wait."""
        return bool(self.opened or self.changes.count)

    def close(self) -> None:
        """Note a close; after the last one, close the device's I/O."""
        self.opened -= 1
        if self.opened:
            return
        self.events.forget()
        self.changes.add(Change(CloseDevice(), lambda _reason: self._closed()))

    def when_closed(self, then: Callable[[], None]) -> None:
        """Call `then` when the device is closed and has no changes that wait."""
        self._then.append(then)
        self._closed()

    def _closed(self) -> None:
        if not self.is_at_work:
            waiting, self._then = self._then, []
            for then in waiting:
                then()

    # -- ioctls ------------------------------------------------------------------------

    def ioctl(self, call: IoctlCalled) -> None:
        """Answer an ioctl on the device's descriptor."""
        match call.request - uapi.request_of(Ioctl(0)):
            case Ioctl.DEVICE_RESET:
                self._reset(call)
                return
            case Ioctl.DEVICE_SET_IRQS:
                answer = self.events.set_irqs(call)
            case Ioctl.DEVICE_FEATURE:
                answer = _feature(call.argument)
            case (
                Ioctl.DEVICE_GET_INFO
                | Ioctl.DEVICE_GET_REGION_INFO
                | Ioctl.DEVICE_GET_IRQ_INFO
            ) as number:
                answer = self._give_info(call, Ioctl(number))
            case _:
                answer = -errno.ENOTTY
        self._calls.answer(call.key, answer)

    def _reset(self, call: IoctlCalled) -> None:
        """VFIO_DEVICE_RESET; an interrupt that was not read before is dropped."""

        def was_reset(reason: int) -> None:
            self.events.drop_interrupt()
            self._calls.answer(call.key, -reason)

        if self.changes.is_busy:
            self._calls.answer(call.key, -errno.EAGAIN)
        else:
            self.changes.add(Change(ResetDevice(), was_reset))

    def _give_info(self, call: IoctlCalled, ioctl: Ioctl) -> int:
        """Store the structure that an ioctl asks for; return 0 or a negative errno."""
        size = uapi.ARGUMENT_SIZE[ioctl]
        if len(call.argument) < size:
            return -errno.EFAULT
        argsz, _, index = struct.unpack_from("=III", call.argument)
        info = self._info(ioctl, argsz, index) if argsz >= size else None
        return -errno.EINVAL if info is None else self._calls.store(call, info)

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
        """Answer a write to a region when its request is accepted or refused."""
        region, at = self._place(call.offset, call.size)
        if region is not Region.IO and region is not Region.ASYNC:
            self._calls.answer(call.key, -errno.EINVAL)
        elif self.changes.is_writing:
            self._calls.answer(call.key, -errno.EAGAIN)
        elif call.data is None:
            self._calls.answer(call.key, -errno.EFAULT)
        else:
            image = self._io if region is Region.IO else self._async
            image[at : at + call.size] = call.data
            self._ask(region, image, call)

    def _ask(self, region: Region, image: bytearray, call: RegionWritten) -> None:
        """Send the request that is written in a region."""
        request = self._request(region, bytes(image))
        if request is None:
            self._written(image, call, errno.EINVAL)
        else:
            self.changes.add(
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
        """Answer a read of a region with its content when the read's turn comes."""
        region, at = self._place(call.offset, call.size)
        if region is None:
            self._calls.answer(call.key, -errno.EINVAL)
        elif region is Region.ASYNC:
            self._give(call, bytes(self._async), at)
        elif region is Region.IO and not region_layouts.takes_irb(at, call.size):
            self._give(call, bytes(self._io), at)
        else:
            request, answer = _READS[region]
            if len(self._reads[answer]) >= WAITING_MAX:
                self._calls.answer(call.key, -errno.EAGAIN)
                return
            if region in _SOURCES:
                self.events.was_read(_SOURCES[region])
            self._reads[answer].append(call)
            self._regions.tell(request())

    def _read_for_nobody(self) -> None:
        """Ask for an IRB that goes to the region, and to no call."""
        self._reads[IoRead].append(None)
        self._regions.tell(ReadIo())

    def was_read(self, answer: IoRead | SchibRead | ReportRead) -> None:
        """Answer the oldest waiting read with the content of its region."""
        waiting = self._reads[type(answer)]
        if not waiting:
            return
        call = waiting.popleft()
        if call is not None:
            self._answer_read(call, answer)
        elif isinstance(answer, IoRead) and not answer.errno:
            region_layouts.irb_put(self._io, answer.irb)

    def _answer_read(
        self, call: RegionRead, answer: IoRead | SchibRead | ReportRead
    ) -> None:
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
                self._give(call, crw_put(crw), at)

    def failed(self, request: str) -> None:
        """Answer a request that made the actor fail, or did not reach it, with EIO.

        `request` is the name of its type. For reads it is not known which one failed:
        the oldest waiting one gets EIO, and the others get the actor's answers.
        """
        for asked, answer in _READS.values():
            if asked.__name__ == request and self._reads[answer]:
                self._fail_read(self._reads[answer].popleft())
        if type(self.changes.request_in_progress).__name__ == request:
            self.changed(errno.EIO)

    def fail(self) -> None:
        """Answer all waiting calls with EIO: the actor has ended."""
        for waiting in self._reads.values():
            while waiting:
                self._fail_read(waiting.popleft())
        self.changes.fail()

    def _fail_read(self, call: RegionRead | None) -> None:
        if call is not None:
            self._calls.answer(call.key, -errno.EIO)

    def _place(self, offset: int, size: int) -> tuple[Region | None, int]:
        """Return region and position; None if the area is not within one region."""
        device, index, at = region_layouts.place_of(offset)
        if device != self.index or index >= len(REGIONS):
            return None, at
        region = Region(index)
        return (region if at + size <= REGIONS[region].size else None), at

    def _give(self, call: RegionRead, image: bytes, at: int) -> None:
        data = image[at : at + call.size]
        self._calls.answer(call.key, self._calls.store(call, data, call.size))


def _feature(argument: bytes) -> int:
    """VFIO_DEVICE_FEATURE: return a negative errno, as there is no feature."""
    if len(argument) != uapi.FEATURE_SIZE:
        return -errno.EFAULT
    return -(errno.ENOTTY if uapi.is_feature(argument) else errno.EINVAL)
