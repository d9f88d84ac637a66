"""EventSources: the events of a device, and those its client has still to receive.

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
"""Bytes of each kind of data for one interrupt."""

_KNOWN: Final = int(IrqFlag.DATA | IrqFlag.ACTION)


class EventSources:
    """The event sources of one device, each with a descriptor if its client gave one.

    `read_for_nobody` reads an IRB into the I/O region for an interrupt that the client
    has not read, and that will not be signalled again.
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
        # Events that the actor has signalled once, and the client has not read.
        self._owed: set[EventSource] = set()

    def forget(self) -> None:
        """Close all event descriptors."""
        for event in self._events.values():
            os.close(event)
        self._events.clear()

    def signalled(self, source: EventSource) -> None:
        """Signal an event of the actor behind the regions.

        The actor signals once until the client reads. So a client that gives a
        descriptor later gets reports and requests then. The IRB of an interrupt without
        a descriptor goes to the region, as in the kernel.
        """
        self._owed.add(source)
        self._signal(source)
        if source is EventSource.IO and source not in self._events:
            self.drop_interrupt()

    def was_read(self, source: EventSource) -> None:
        """Note that the client reads the region of an event."""
        self._owed.discard(source)

    def drop_interrupt(self) -> None:
        """Read the IRB of an interrupt that will not be signalled again."""
        if EventSource.IO in self._owed:
            self._owed.discard(EventSource.IO)
            self._read_for_nobody()

    def _signal(self, source: EventSource) -> None:
        """Count an event up, if the client has given a descriptor for it."""
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
        """Give a source another descriptor of the caller, or none if it is -1."""
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
        """Return our own copy of an eventfd of the caller.

        Raises:
            OSError: The caller has no descriptor of that number, or not an eventfd.
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
    """Return whether all flags are known and match source, number and size."""
    if wanted.flags & ~_KNOWN or not wanted.flags & IrqFlag.ACTION_TRIGGER:
        return False
    size = _DATA_SIZES.get(_kind_of(wanted))
    if size is None or not _is_of_one_event(wanted):
        return False
    return wanted.argsz >= uapi.IRQ_SET_SIZE + wanted.number * size


def _is_of_one_event(wanted: uapi.IrqSet) -> bool:
    """Return whether the source exists and at most one event of it is named."""
    is_within = wanted.start < 1 and wanted.start + wanted.number <= 1
    return is_within and wanted.source < uapi.EVENT_SOURCES
