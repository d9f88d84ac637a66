"""Event descriptors of a client: taken over, and counted up without waiting.

A write to an eventfd waits while its count is at the maximum, unless the file is
non-blocking. The client can change that at any moment, as it shares the file. So this
module never writes to one. It reads /dev/null asynchronously and has the kernel signal
the end by the eventfd: the kernel counts that up as for an interrupt, without waiting.

Source: Linux man pages eventfd(2), io_submit(2), pidfd_getfd(2); fs/aio.c, include/
uapi/linux/aio_abi.h.
"""

import contextlib
import ctypes
import errno
import os
import struct
from typing import Final

from ccw_actors.errors import UnsupportedHostError
from ccw_actors.vfio._memory import process_of

__all__ = ["EventDescriptors", "take_descriptor", "take_event"]

_SYS_IO_SETUP, _SYS_IO_DESTROY, _SYS_IO_SUBMIT = 206, 207, 209
_SYS_IO_GETEVENTS: Final = 208
_SYS_PIDFD_GETFD: Final = 438
_PIDFD_THREAD: Final = os.O_EXCL
_IOCB: Final = struct.Struct("=QIIHhIQQqQII")
_READ, _TELL_EVENTFD = 0, 1
_AT_ONCE: Final = 8
_EVENT_SIZE: Final = 32
_EVENTFD: Final = "anon_inode:[eventfd]"

_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class EventDescriptors:
    """Counts event descriptors up.

    Raises:
        UnsupportedHostError: The kernel has no asynchronous I/O, or forbids it.
    """

    def __init__(self) -> None:
        self._context = ctypes.c_ulong(0)
        if _libc.syscall(_SYS_IO_SETUP, _AT_ONCE, ctypes.byref(self._context)):
            raise _unsupported(ctypes.get_errno())
        self._null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._iocb = ctypes.create_string_buffer(_IOCB.size)
        self._pointer = ctypes.c_void_p(ctypes.addressof(self._iocb))
        self._done = ctypes.create_string_buffer(_AT_ONCE * _EVENT_SIZE)
        self._no_time = ctypes.create_string_buffer(16)

    def signal(self, event: int) -> None:
        """Add 1 to the count of an eventfd, unless the count is at the maximum.

        Raises:
            OSError: The kernel does not take the asynchronous read.
        """
        self._iocb.raw = _IOCB.pack(
            *(0, 0, 0, _READ, 0, self._null, 0, 0, 0, 0, _TELL_EVENTFD, event)
        )
        submitted = _libc.syscall(
            _SYS_IO_SUBMIT, self._context, 1, ctypes.byref(self._pointer)
        )
        if submitted != 1:
            reason = ctypes.get_errno()
            raise OSError(reason, os.strerror(reason))
        _libc.syscall(
            *(_SYS_IO_GETEVENTS, self._context, 0, _AT_ONCE),
            *(ctypes.byref(self._done), ctypes.byref(self._no_time)),
        )

    @staticmethod
    def check() -> None:
        """Check that this kernel can count event descriptors up.

        Raises:
            UnsupportedHostError: The kernel has no asynchronous I/O, or forbids it.
        """
        none = ctypes.c_ulong(0)
        _libc.syscall(_SYS_IO_SETUP, 0, ctypes.byref(none))  # for no events: EINVAL
        if ctypes.get_errno() != errno.EINVAL:
            raise _unsupported(ctypes.get_errno())

    def close(self) -> None:
        """Release the kernel's resources, which takes some 30 ms."""
        if self._null >= 0:
            os.close(self._null)
            self._null = -1
            _libc.syscall(_SYS_IO_DESTROY, self._context)


def _unsupported(reason: int) -> UnsupportedHostError:
    return UnsupportedHostError(
        f"asynchronous I/O (io_setup(2)) is not available: {os.strerror(reason)}"
    )


def take_event(thread: int, number: int) -> int:
    """Return our own copy of a thread's eventfd.

    Raises:
        OSError: EBADF if the thread has no descriptor of that number, EINVAL if the
            descriptor is not an eventfd.
    """
    found = take_descriptor(thread, number)
    if os.readlink(f"/proc/self/fd/{found}") != _EVENTFD:  # noqa: PTH115 - pace
        os.close(found)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return found


def take_descriptor(thread: int, number: int) -> int:
    """Return our own copy of a thread's descriptor.

    Raises:
        OSError: EBADF if the thread has no descriptor of that number, EPERM if the
            kernel forbids the access.
    """
    with contextlib.ExitStack() as stack:
        pidfd = _pidfd_of(thread)
        stack.callback(os.close, pidfd)
        found: int = _libc.syscall(_SYS_PIDFD_GETFD, pidfd, number, 0)
        if found < 0:
            reason = ctypes.get_errno()
            raise OSError(reason, os.strerror(reason))
    return found


def _pidfd_of(thread: int) -> int:
    """Return a pidfd of a thread, which may have its own table of descriptors.

    Before Linux 6.9 there are only pidfds of processes: then return its process's.
    """
    try:
        return os.pidfd_open(thread, _PIDFD_THREAD)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return os.pidfd_open(process_of(thread))
