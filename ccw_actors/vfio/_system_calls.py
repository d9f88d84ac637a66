"""SystemCalls: takes a client's system calls, and gives their answers.

A call is ours if its path is one of ours, or if its descriptor is one that was handed
out: whatever the number, the file behind it decides. All of a call's arguments in
memory are read once, here; then the kernel is asked whether the call still waits, so
that what was read was its own. All else is left to the kernel, which looks at it anew:
nothing that is ours is ever left to it, as there is nothing of it in the kernel.

A descriptor is the end of a pipe that is read from. The other end, which is kept here,
tells when the last copy is closed, whoever has it by then. Whatever a client does with
its end besides, it says nothing to us, and changes nothing here.

What the kernel answers itself on such a descriptor is not what it is on one of VFIO's:

| call | here | Linux |
|---|---|---|
| pread, preadv, pwrite at an offset that is in no region | ESPIPE | EINVAL |
| read, readv | EAGAIN | EINVAL |
| write, writev | EBADF | EINVAL |
| poll | never ready | always ready |
| ioctl of another type than ";" | what a pipe has | ENOTTY, or EINVAL |
| calls of io_uring, and of 32-bit programs | all as on a pipe | as other calls |

All are closed by exec(2), also if open(2) was called without O_CLOEXEC.

Source: Linux man pages seccomp_unotify(2), proc(5), pipe(7).
"""

import asyncio
import contextlib
import errno
import os
import struct
from collections.abc import Callable, Iterable
from typing import Final

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.runtime import Message
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._filter import OFFSET_MAGIC, SystemCallNumber
from ccw_actors.vfio._memory import read_memory, write_memory
from ccw_actors.vfio._messages import (
    DescriptorClosed,
    IoctlCalled,
    LinkRead,
    PathOpened,
    RegionRead,
    RegionWritten,
)
from ccw_actors.vfio._notifications import Listener, Notification

__all__ = ["DESCRIPTORS_MAX", "DEVICES_FOLDER", "SystemCalls"]

DEVICES_FOLDER: Final = "/dev/vfio/"
"""Every path below it is ours."""

_PATH_MAX: Final = 4096
_DATA_MAX: Final = 4096
"""More than any region has: a write of more ends in EINVAL whatever its data."""

DESCRIPTORS_MAX: Final = 64
"""Of one client, besides those that its devices add."""

_NAMES: Final = {uapi.request_of(one): one for one in uapi.Ioctl}
_EVENTFD_SIZE: Final = 4


class SystemCalls:
    """The calls of one process and all that it starts, over `listener`.

    `tell` is given each call that is ours, as a message, on the event loop. `paths` are
    ours besides those below `DEVICES_FOLDER`.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._tell: Callable[[Message], None] = lambda _message: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._paths: set[str] = set()
        self._kept: dict[int, int] = {}
        self._names: dict[str, int] = {}
        self.descriptors_max = DESCRIPTORS_MAX
        self.count = 0

    # -- life --------------------------------------------------------------------------

    def begin(self, tell: Callable[[Message], None]) -> None:
        """Take calls from now on; on the event loop."""
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener.descriptor, self._take)

    def end(self) -> None:
        """Take no more calls, and give all descriptors up."""
        if self._loop is None:
            return
        loop, self._loop = self._loop, None
        loop.remove_reader(self._listener.descriptor)
        self._listener.close()
        for descriptor in tuple(self._kept):
            self._forget(loop, descriptor)

    def _forget(self, loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
        kept = self._kept.pop(descriptor)
        del self._names[_name_of(descriptor)]
        loop.remove_reader(kept)
        os.close(kept)

    def show(self, paths: Iterable[str]) -> None:
        """Take these paths for ours, too."""
        self._paths.update(paths)

    def hide(self, paths: Iterable[str]) -> None:
        """Leave these paths to the kernel again."""
        self._paths.difference_update(paths)

    # -- answers -----------------------------------------------------------------------

    def answer(self, key: int, value: int = 0) -> None:
        """Have a call return `value`; negative for an errno."""
        if self._loop is not None:
            self._listener.answer(key, value)

    def store(
        self, call: IoctlCalled | LinkRead | RegionRead, data: bytes, value: int = 0
    ) -> int:
        """Store what a call wants at its address; return what the call is to return.

        That is `value`, or a negative EFAULT.
        """
        # The thread may be gone since, and its number may be another's.
        if self._loop is None or not self._listener.is_valid(call.key):
            return -errno.EFAULT
        written = -1
        with contextlib.suppress(OSError):
            written = write_memory(call.thread, [(call.address, len(data))], data)
        return value if written == len(data) else -errno.EFAULT

    def hand_out(self, key: int) -> int | None:
        """Have a call return a new descriptor; return what it is known by.

        None if the caller cannot have one: the call returns why, then.
        """
        if self._loop is None:
            return None
        if len(self._kept) >= self.descriptors_max:
            self.answer(key, -errno.EMFILE)
            return None
        try:
            theirs, ours = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            self.answer(key, -(error.errno or errno.ENFILE))
            return None
        try:
            descriptor = os.fstat(theirs).st_ino
            is_handed_out = self._listener.hand_out(key, theirs)
        finally:
            os.close(theirs)
        if not is_handed_out:
            os.close(ours)
            return None
        self._kept[descriptor] = ours
        self._names[_name_of(descriptor)] = descriptor
        self._loop.add_reader(ours, self._closed, descriptor)
        return descriptor

    def give_file(self, key: int, content: bytes) -> None:
        """Have a call return a descriptor of a file that can only be read."""
        if self._loop is None:
            return
        with contextlib.ExitStack() as stack:
            try:
                file = os.memfd_create("sysfs", os.MFD_CLOEXEC)
                stack.callback(os.close, file)
                again = os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
                stack.callback(os.close, again)
            except OSError as error:
                self.answer(key, -(error.errno or errno.ENFILE))
                return
            os.write(file, content)
            self._listener.hand_out(key, again)

    def find(self, thread: int, number: int) -> int | None:
        """Return what a thread's descriptor of that number is, if it is one of ours.

        The name of its file is looked at, not the file: that might be of a file system
        that takes its time, or has another one's inode number.
        """
        try:
            name = os.readlink(f"/proc/{thread}/fd/{number}")  # noqa: PTH115 - pace
        except OSError:
            return None
        return self._names.get(name)

    def has(self, thread: int, number: int) -> bool:
        """Whether a thread has a descriptor of that number, whatever it is."""
        return os.path.lexists(f"/proc/{thread}/fd/{number}")

    def is_waiting(self, key: int) -> bool:
        """Whether a call still waits: see `Listener.is_valid`."""
        return self._loop is not None and self._listener.is_valid(key)

    # -- inside ------------------------------------------------------------------------

    def _take(self) -> None:
        """Take one call; tell it, or leave it to the kernel."""
        try:
            call = self._listener.take()
        except EOFError:
            if self._loop is not None:
                self._loop.remove_reader(self._listener.descriptor)
            return
        if call is None:
            return
        self.count += 1
        try:
            message = self._message(call)
            if message is None:
                self._listener.proceed(call.key)
            elif self._listener.is_valid(call.key):
                self._tell(message)
        except BaseException:
            self.answer(call.key, -errno.EIO)  # a defect, but nobody waits for ever
            raise

    def _message(self, call: Notification) -> Message | None:
        """Read what a call is about; None if it is none of ours."""
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
        descriptor = self.find(call.thread, call.arguments[0] & 0xFFFFFFFF)
        if descriptor is None:
            return None
        argument = b""
        name = _NAMES.get(request)
        if name is uapi.Ioctl.GROUP_GET_DEVICE_FD:
            argument = _text(call.thread, address)
        elif name is not None and name in uapi.ARGUMENT_SIZE:
            size = uapi.ARGUMENT_SIZE[name]
            argument = _memory(call.thread, address, size)
            if name is uapi.Ioctl.DEVICE_SET_IRQS and len(argument) == size:
                argument += _memory(call.thread, address + size, _EVENTFD_SIZE)
        return IoctlCalled(
            call.key, call.thread, descriptor, request, address, argument
        )

    def _region(
        self, call: Notification, address: int, size: int, offset: int
    ) -> Message | None:
        descriptor = self.find(call.thread, call.arguments[0] & 0xFFFFFFFF)
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
        """Read a path; None if it is none of ours."""
        raw = _text(thread, address)
        if not raw.endswith(b"\0"):
            return None
        path = raw[:-1].decode(errors="replace")
        ours = path.startswith(DEVICES_FOLDER) or path in self._paths
        return path if ours else None

    def _closed(self, descriptor: int) -> None:
        """Hear of the last close: a pipe that nobody reads from is in error."""
        if self._loop is not None:
            self._forget(self._loop, descriptor)
            self._tell(DescriptorClosed(descriptor))


def _name_of(descriptor: int) -> str:
    return f"pipe:[{descriptor}]"


def _memory(thread: int, address: int, size: int) -> bytes:
    """Read memory, or as much as there is."""
    try:
        return read_memory(thread, [(address, size)])
    except OSError:
        return b""


def _text(thread: int, address: int) -> bytes:
    """Read bytes up to a zero, which is included, or to where memory ends."""
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
assert OFFSET_MAGIC < 1 << 31, "an offset is not negative"
