"""Event descriptors of a client: taken over, and counted up without waiting.

A write to an eventfd waits while its count is as high as it can be, unless the file is
non-blocking; but that is the client's to change at any moment, as the file is its own.
So nothing is written here. An asynchronous read of /dev/null says that it is done by an
eventfd, and for that the kernel counts as it does for an interrupt: it never waits.

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
        """Add 1 to the count of an eventfd; one that is full stays so."""
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
        """Find out whether they can be counted up here.

        Raises:
            UnsupportedHostError: The kernel has no asynchronous I/O, or forbids it.
        """
        none = ctypes.c_ulong(0)
        _libc.syscall(_SYS_IO_SETUP, 0, ctypes.byref(none))  # room for nothing: EINVAL
        if ctypes.get_errno() != errno.EINVAL:
            raise _unsupported(ctypes.get_errno())

    def close(self) -> None:
        """Give up what it has of the kernel's, which takes that some 30 ms."""
        if self._null >= 0:
            os.close(self._null)
            self._null = -1
            _libc.syscall(_SYS_IO_DESTROY, self._context)


def _unsupported(reason: int) -> UnsupportedHostError:
    return UnsupportedHostError(
        f"asynchronous I/O (io_setup(2)) cannot be had here: {os.strerror(reason)}"
    )


def take_event(thread: int, number: int) -> int:
    """Return our own copy of a thread's eventfd.

    Raises:
        OSError: EBADF if it has none of that number, EINVAL if that is no eventfd.
    """
    found = take_descriptor(thread, number)
    if os.readlink(f"/proc/self/fd/{found}") != _EVENTFD:  # noqa: PTH115 - pace
        os.close(found)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return found


def take_descriptor(thread: int, number: int) -> int:
    """Return our own copy of a thread's descriptor.

    Raises:
        OSError: EBADF if it has none of that number, EPERM if it may not be had.
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
    """Return a descriptor of a thread, which may have descriptors of its own.

    Before Linux 6.9 there are descriptors of processes only: then of the process.
    """
    try:
        return os.pidfd_open(thread, _PIDFD_THREAD)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return os.pidfd_open(process_of(thread))
