"""System calls of a client that wait for their answer: the listener of a filter.

A call that has been taken waits until it is answered or its thread is killed; signals
do not interrupt it (WAIT_KILLABLE_RECV). An answer to a call that has gone is dropped.

Source: Linux man page seccomp_unotify(2), include/uapi/linux/seccomp.h.
"""

import contextlib
import errno
import fcntl
import os
import select
import struct
from typing import Final, NamedTuple

__all__ = ["Listener", "Notification"]

_RECV: Final = 0xC0502100
_SEND: Final = 0xC0182101
_ID_VALID: Final = 0x40082102
_ADDFD: Final = 0x40182103
_NOTIFICATION: Final = struct.Struct("=QIIiIQ6Q")
_RESPONSE: Final = struct.Struct("=QqiI")
_ADD: Final = struct.Struct("=QIIII")
_CONTINUE: Final = 1
_AND_SEND: Final = 2


class Notification(NamedTuple):
    """A system call: the thread that makes it, its number and arguments.

    `key` is the kernel's id of the call.
    """

    key: int
    thread: int
    number: int
    arguments: tuple[int, ...]


class Listener:
    """Owns the filter's descriptor, from which it takes system calls."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def take(self) -> Notification | None:
        """Take a call; None if none waits, or the one that waited has gone.

        Raises:
            EOFError: Every process under the filter has ended.
        """
        # Before Linux 6.11, RECV waits forever when no process is under the filter.
        ready = self._poll.poll(0)
        if not ready:
            return None
        if not ready[0][1] & select.POLLIN:
            raise EOFError("every process under the filter has ended")
        raw = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self.descriptor, _RECV, raw)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return None
            raise
        key, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(raw)
        return Notification(key, thread, number, tuple(arguments))

    def is_valid(self, key: int) -> bool:
        """Return whether the call still waits: then its thread is the one that made it.

        Then everything read before by that thread's number was this thread's own.
        """
        try:
            fcntl.ioctl(self.descriptor, _ID_VALID, struct.pack("=Q", key))
        except OSError:
            return False
        return True

    def answer(self, key: int, value: int) -> None:
        """Make the call return `value`; negative for an errno."""
        error = min(value, 0)
        self._respond(_RESPONSE.pack(key, max(value, 0), error, 0))

    def proceed(self, key: int) -> None:
        """Let the kernel execute the call."""
        self._respond(_RESPONSE.pack(key, 0, 0, _CONTINUE))

    def hand_out(self, key: int, descriptor: int) -> bool:
        """Make the call return a new descriptor of the file behind our `descriptor`.

        Return False if that fails: the call has gone, or its process may have no more
        descriptors.
        """
        # ioctl returns the new number only for a buffer that it may write to.
        request = bytearray(_ADD.pack(key, _AND_SEND, descriptor, 0, os.O_CLOEXEC))
        try:
            fcntl.ioctl(self.descriptor, _ADDFD, request)
        except OSError as error:
            if error.errno != errno.ENOENT:
                self.answer(key, -(error.errno or errno.EIO))
            return False
        return True

    def close(self) -> None:
        """Close the descriptor: all calls from now on end in ENOSYS."""
        os.close(self.descriptor)

    def _respond(self, raw: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):  # the call has gone
            fcntl.ioctl(self.descriptor, _SEND, raw)
