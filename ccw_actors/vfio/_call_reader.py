"""CallReader: reads the arguments of a client's system call once, as a message."""

import struct
from collections.abc import Callable
from typing import Final

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.runtime import Message
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._filter import SystemCallNumber
from ccw_actors.vfio._memory import read_memory
from ccw_actors.vfio._messages import (
    IoctlCalled,
    LinkRead,
    PathOpened,
    RegionRead,
    RegionWritten,
)
from ccw_actors.vfio._notifications import Notification

__all__ = ["DEVICES_FOLDER", "CallReader"]

DEVICES_FOLDER: Final = "/dev/vfio/"
"""Every path below it is ours."""

_PATH_MAX: Final = 4096
_DATA_MAX: Final = 4096
"""More than any region has: a longer write ends in EINVAL, whatever its data."""

_NAMES: Final = {uapi.request_of(one): one for one in uapi.Ioctl}
_EVENTFD_SIZE: Final = 4


class CallReader:
    """Reads the arguments of calls; `find` returns our name of a thread's descriptor.

    `paths` are our paths in addition to those below `DEVICES_FOLDER`.
    """

    def __init__(self, find: Callable[[int, int], int | None]) -> None:
        self._find = find
        self.paths: set[str] = set()

    def read(self, call: Notification) -> Message | None:
        """Return a call as a message; None if it does not concern us."""
        first, second, third, fourth, *_ = call.arguments
        match call.number:
            case SystemCallNumber.OPEN:
                return self._opened(call, first)
            case SystemCallNumber.OPENAT:
                return self._opened(call, second)
            case SystemCallNumber.READLINK:
                return self._link_read(call, first, second, third)
            case SystemCallNumber.READLINKAT:
                return self._link_read(call, second, third, fourth)
            case SystemCallNumber.IOCTL:
                return self._ioctl(call, second & 0xFFFFFFFF, third)
            case _:
                return self._region(call, second, third, fourth)

    def _opened(self, call: Notification, address: int) -> Message | None:
        path = self._path(call.thread, address)
        return None if path is None else PathOpened(call.key, path)

    def _link_read(
        self, call: Notification, address: int, buffer: int, size: int
    ) -> Message | None:
        path = self._path(call.thread, address)
        if path is None:
            return None
        size &= 0xFFFFFFFF  # it is an int
        return LinkRead(
            call.key, call.thread, path, buffer, size if size < 1 << 31 else 0
        )

    def _ioctl(self, call: Notification, request: int, address: int) -> Message | None:
        descriptor = self._find(call.thread, call.arguments[0] & 0xFFFFFFFF)
        if descriptor is None:
            return None
        argument = _argument(call.thread, request, address)
        return IoctlCalled(
            call.key, call.thread, descriptor, request, address, argument
        )

    def _region(
        self, call: Notification, address: int, size: int, offset: int
    ) -> Message | None:
        descriptor = self._find(call.thread, call.arguments[0] & 0xFFFFFFFF)
        if descriptor is None:
            return None
        if call.number == SystemCallNumber.PREAD64:
            return RegionRead(call.key, call.thread, descriptor, offset, address, size)
        data: bytes | None = b""
        if size <= _DATA_MAX:
            data = _memory(call.thread, address, size)
            if len(data) < size:
                data = None
        return RegionWritten(call.key, descriptor, offset, size, data)

    def _path(self, thread: int, address: int) -> str | None:
        """Read a path; None if it is not one of ours."""
        raw = _text(thread, address)
        if not raw.endswith(b"\0"):
            return None
        path = raw[:-1].decode(errors="replace")
        ours = path.startswith(DEVICES_FOLDER) or path in self.paths
        return path if ours else None


def _argument(thread: int, request: int, address: int) -> bytes:
    """Read the data that an ioctl's argument points to; b"" for an unknown ioctl."""
    name = _NAMES.get(request)
    if name is uapi.Ioctl.GROUP_GET_DEVICE_FD:
        return _text(thread, address)
    if name is None or name not in uapi.ARGUMENT_SIZE:
        return b""
    size = uapi.ARGUMENT_SIZE[name]
    argument = _memory(thread, address, size)
    if name is uapi.Ioctl.DEVICE_SET_IRQS and len(argument) == size:
        argument += _memory(thread, address + size, _EVENTFD_SIZE)
    return argument


def _memory(thread: int, address: int, size: int) -> bytes:
    """Read memory, as much of it as is accessible."""
    try:
        return read_memory(thread, [(address, size)])
    except OSError:
        return b""


def _text(thread: int, address: int) -> bytes:
    """Read bytes up to and including a zero, or up to the end of memory."""
    text = b""
    while len(text) < _PATH_MAX:
        at = address + len(text)
        part = _memory(thread, at, PAGE_SIZE - at % PAGE_SIZE)
        text += part
        if not part or b"\0" in part:
            break
    before, zero, _ = text[:_PATH_MAX].partition(b"\0")
    return before + zero


assert struct.calcsize("=i") == _EVENTFD_SIZE
