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
from collections.abc import Callable, Iterable
from typing import Final

from ccw_actors.runtime import Message
from ccw_actors.vfio._call_reader import CallReader
from ccw_actors.vfio._filter import OFFSET_MAGIC
from ccw_actors.vfio._memory import write_memory
from ccw_actors.vfio._messages import (
    DescriptorClosed,
    IoctlCalled,
    LinkRead,
    RegionRead,
)
from ccw_actors.vfio._notifications import Listener

__all__ = ["DESCRIPTORS_MAX", "SystemCalls"]

DESCRIPTORS_MAX: Final = 64
"""Of one client, besides those that its devices add."""


class SystemCalls:
    """The calls of one process and all that it starts, over `listener`.

    `tell` is given each call that is ours, as a message, on the event loop. `paths` are
    ours besides those below `DEVICES_FOLDER`.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._tell: Callable[[Message], None] = lambda _message: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._kept: dict[int, int] = {}
        self._names: dict[str, int] = {}
        self._reader = CallReader(self.find)
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
        self._reader.paths.update(paths)

    def hide(self, paths: Iterable[str]) -> None:
        """Leave these paths to the kernel again."""
        self._reader.paths.difference_update(paths)

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
        self._keep(self._loop, descriptor, ours)
        return descriptor

    def _keep(
        self, loop: asyncio.AbstractEventLoop, descriptor: int, ours: int
    ) -> None:
        self._kept[descriptor] = ours
        self._names[_name_of(descriptor)] = descriptor
        loop.add_reader(ours, self._closed, descriptor)

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
            message = self._reader.read(call)
            if message is None:
                self._listener.proceed(call.key)
            elif self._listener.is_valid(call.key):
                self._tell(message)
        except BaseException:
            self.answer(call.key, -errno.EIO)  # a defect, but nobody waits for ever
            raise

    def _closed(self, descriptor: int) -> None:
        """Hear of the last close: a pipe that nobody reads from is in error."""
        if self._loop is not None:
            self._forget(self._loop, descriptor)
            self._tell(DescriptorClosed(descriptor))


def _name_of(descriptor: int) -> str:
    return f"pipe:[{descriptor}]"


assert OFFSET_MAGIC < 1 << 31, "an offset is not negative"
