"""EventSources: what a device tells its client by, and what it still owes it.

Source: Linux drivers/s390/cio/vfio_ccw_ops.c; drivers/vfio/vfio_main.c
(vfio_set_irqs_validate_and_prepare).
"""

import errno
import os
import struct
from collections.abc import Callable
from typing import Final

from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._counts import Counts
from ccw_actors.vfio._event_descriptors import EventDescriptors, take_event
from ccw_actors.vfio._messages import IoctlCalled
from ccw_actors.vfio._system_calls import SystemCalls
from ccw_actors.vfio._uapi import EventSource, IrqFlag

__all__ = ["EventSources"]

_DATA_SIZES: Final = {
    IrqFlag.DATA_NONE: 0,
    IrqFlag.DATA_BOOL: 1,
    IrqFlag.DATA_EVENTFD: 4,
}
"""Bytes that each kind of data has for one interrupt."""

_KNOWN: Final = int(IrqFlag.DATA | IrqFlag.ACTION)


class EventSources:
    """The event sources of one device, each with a descriptor if its client gave one.

    `read_for_nobody` takes what the I/O region has for an event that the client has not
    read, and will not hear of again.
    """

    def __init__(
        self,
        calls: SystemCalls,
        descriptors: EventDescriptors,
        counts: Counts,
        read_for_nobody: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._descriptors = descriptors
        self._counts = counts
        self._read_for_nobody = read_for_nobody
        self._events: dict[int, int] = {}
        # What the actor has said that the client has not read, nor will hear of again.
        self._owed: set[EventSource] = set()

    def forget(self) -> None:
        """Give all event descriptors up."""
        for event in self._events.values():
            os.close(event)
        self._events.clear()

    def signalled(self, source: EventSource) -> None:
        """Signal what the actor behind the regions has to say.

        It says so once until that is read. So who gives a descriptor later hears of
        reports and requests then; what an interrupt was about is in the region, as it
        is where nobody listens to the kernel.
        """
        self._owed.add(source)
        self._signal(source)
        if source is EventSource.IO and source not in self._events:
            self.drop_interrupt()

    def was_read(self, source: EventSource) -> None:
        """Note that the client reads what it was told of."""
        self._owed.discard(source)

    def drop_interrupt(self) -> None:
        """Have an interrupt read that the client will not hear of again."""
        if EventSource.IO in self._owed:
            self._owed.discard(EventSource.IO)
            self._read_for_nobody()

    def _signal(self, source: EventSource) -> None:
        """Count an event up, if somebody has given a descriptor for it."""
        event = self._events.get(source)
        if event is None:
            return
        self._counts.signals += source is EventSource.IO
        self._descriptors.signal(event)

    # -- VFIO_DEVICE_SET_IRQS ----------------------------------------------------------

    def set_irqs(self, call: IoctlCalled) -> int:
        """VFIO_DEVICE_SET_IRQS; return 0 or a negative errno."""
        if len(call.argument) < uapi.IRQ_SET_SIZE:
            return -errno.EFAULT
        wanted = uapi.IrqSet.read(call.argument)
        if not _is_valid(wanted):
            return -errno.EINVAL
        kind, data = _kind_of(wanted), call.argument[uapi.IRQ_SET_SIZE :]
        if len(data) < _DATA_SIZES[kind]:
            return -errno.EFAULT
        source = EventSource(wanted.source)
        if kind == IrqFlag.DATA_EVENTFD:
            number: int = struct.unpack_from("=i", data)[0]
            return self._set_event(source, call, number)
        if kind == IrqFlag.DATA_NONE or data[0]:
            self._signal(source)
        return 0

    def _set_event(self, source: EventSource, call: IoctlCalled, number: int) -> int:
        """Have a source signal another descriptor of the caller, none if it is -1."""
        if number < -1:
            return -errno.EINVAL
        new = None
        if number >= 0:
            try:
                new = self._taken(call, number)
            except OSError as error:
                return -(error.errno or errno.EBADF)
        self._replace(source, new)
        if source is EventSource.IO:
            self.drop_interrupt()
        elif source in self._owed:
            self._signal(source)
        return 0

    def _taken(self, call: IoctlCalled, number: int) -> int:
        """Take a descriptor of the caller over.

        Raises:
            OSError: It has none of that number, or the descriptor is no eventfd.
        """
        new = take_event(call.thread, number)
        if not self._calls.is_waiting(call.key):
            os.close(new)  # the number may be that of another thread by now
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return new

    def _replace(self, source: EventSource, new: int | None) -> None:
        old = self._events.pop(source, None)
        if old is not None:
            os.close(old)
        if new is not None:
            self._events[source] = new


def _kind_of(wanted: uapi.IrqSet) -> IrqFlag:
    return IrqFlag(wanted.flags & IrqFlag.DATA)


def _is_valid(wanted: uapi.IrqSet) -> bool:
    """Whether all flags are known, and go with the rest."""
    if wanted.flags & ~_KNOWN or not wanted.flags & IrqFlag.ACTION_TRIGGER:
        return False
    size = _DATA_SIZES.get(_kind_of(wanted))
    if size is None or not _is_of_one_event(wanted):
        return False
    return wanted.argsz >= uapi.IRQ_SET_SIZE + wanted.number * size


def _is_of_one_event(wanted: uapi.IrqSet) -> bool:
    """Whether it is about a source that there is, which has one event at most."""
    is_within = wanted.start < 1 and wanted.start + wanted.number <= 1
    return is_within and wanted.source < uapi.EVENT_SOURCES
