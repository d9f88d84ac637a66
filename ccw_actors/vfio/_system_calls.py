"""SystemCalls: takes a client's system calls, and gives their answers.

A call is ours if its path is one of ours, or if its descriptor is one that we handed
out: the file behind a descriptor decides, whatever its number. All of a call's
arguments in memory are read once. Then we ask the kernel whether the call still waits,
so we know that the memory read was the caller's. All other calls go to the kernel,
which reads the arguments again. That is safe, as none of our paths and devices exists
in the kernel.

A descriptor is the reading end of a pipe. The other end, which we keep, signals when
the last copy is closed, whichever process has it then. Nothing else that a client does
with its end has an effect on us.

On such a descriptor, the kernel's own answers differ from those on a VFIO descriptor:

| call | here | Linux |
|---|---|---|
| pread, preadv, pwrite at an offset that is in no region | ESPIPE | EINVAL |
| read, readv | EAGAIN | EINVAL |
| write, writev | EBADF | EINVAL |
| poll | never ready | always ready |
| ioctl of another type than ";" | what a pipe has | ENOTTY, or EINVAL |
| calls of io_uring, and of 32-bit programs | all as on a pipe | as other calls |

exec(2) closes all of them, also if open(2) was called without O_CLOEXEC.

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
"""The most descriptors of one client, in addition to those that its devices add."""


class SystemCalls:
    """The system calls of one process and its children, from `listener`.

    `begin` starts to pass our calls on as messages, `end` stops that. `count` is the
    number of calls taken, `descriptors_max` the most descriptors handed out at once.
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
        """Take calls from now on; `tell` gets each as a message, on the event loop."""
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener.descriptor, self._take)

    def end(self) -> None:
        """Stop taking calls, and close the listener and all descriptors."""
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
        """Add paths to ours, in addition to those below `DEVICES_FOLDER`."""
        self._reader.paths.update(paths)

    def hide(self, paths: Iterable[str]) -> None:
        """Leave these paths to the kernel again."""
        self._reader.paths.difference_update(paths)

    # -- answers -----------------------------------------------------------------------

    def answer(self, key: int, value: int = 0) -> None:
        """Make a call return `value`; negative for an errno."""
        if self._loop is not None:
            self._listener.answer(key, value)

    def store(
        self, call: IoctlCalled | LinkRead | RegionRead, data: bytes, value: int = 0
    ) -> int:
        """Store data at a call's address; return `value`, or a negative EFAULT.

        Pass the result to `answer`.
        """
        # The thread may have ended, and another one may have its number.
        if self._loop is None or not self._listener.is_valid(call.key):
            return -errno.EFAULT
        written = -1
        with contextlib.suppress(OSError):
            written = write_memory(call.thread, [(call.address, len(data))], data)
        return value if written == len(data) else -errno.EFAULT

    def hand_out(self, key: int) -> int | None:
        """Make a call return a new descriptor; return our name for it.

        If that fails, the call returns an errno, and the result is None.
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
        """Make a call return a descriptor of a read-only file with this content."""
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
        """Return our name for a thread's descriptor, or None if it is not ours.

        This reads the name of the descriptor's file, not the file: its file system may
        be slow, or use the same inode number as our pipe.
        """
        try:
            name = os.readlink(f"/proc/{thread}/fd/{number}")  # noqa: PTH115 - pace
        except OSError:
            return None
        return self._names.get(name)

    def has(self, thread: int, number: int) -> bool:
        """Return whether a thread has any descriptor of that number."""
        return os.path.lexists(f"/proc/{thread}/fd/{number}")

    def is_waiting(self, key: int) -> bool:
        """Return whether a call still waits: see `Listener.is_valid`."""
        return self._loop is not None and self._listener.is_valid(key)

    # -- inside ------------------------------------------------------------------------

    def _take(self) -> None:
        """Take one call, and pass it on as a message or leave it to the kernel."""
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
            self.answer(call.key, -errno.EIO)  # a defect, but no caller waits forever
            raise

    def _closed(self, descriptor: int) -> None:
        """Report the last close: a pipe without a reading end is in error."""
        if self._loop is not None:
            self._forget(self._loop, descriptor)
            self._tell(DescriptorClosed(descriptor))


def _name_of(descriptor: int) -> str:
    return f"pipe:[{descriptor}]"


assert OFFSET_MAGIC < 1 << 31, "an offset is not negative"
