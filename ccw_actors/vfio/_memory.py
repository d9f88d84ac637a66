"""The memory of another process, by its own addresses.

The kernel applies the protection of the process's pages: we can read only what the
process may read, and write only what it may write.

Accesses use the process's number. Another process may have the number later, or the
process may execute another program. `ProcessMemory` ensures that neither is accessed.
"""

import ctypes
import errno
import os
import signal
import struct
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

__all__ = ["ProcessMemory", "Span", "process_of", "read_memory", "write_memory"]

Span = tuple[int, int]
"""An address in the process, and a length in bytes."""

_SPANS_MAX = 1024  # IOV_MAX
_NOWHERE = 4096
"""Below `vm.mmap_min_addr`: no process has memory at this address."""

# PyDLL keeps the interpreter's lock: copying takes less time than releasing it.
_libc = ctypes.PyDLL(None, use_errno=True)
_ARGUMENTS = (
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_ulong,
)
_readv = _libc.process_vm_readv
_readv.argtypes, _readv.restype = _ARGUMENTS, ctypes.c_ssize_t
_writev = _libc.process_vm_writev
_writev.argtypes, _writev.restype = _ARGUMENTS, ctypes.c_ssize_t


class ProcessMemory:
    """Memory of the program that a process executes now, never of a later one.

    Raises:
        OSError: ESRCH if there is no such process, EACCES or EPERM if the kernel
            forbids access to its memory.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._process = os.pidfd_open(pid)
        try:
            # The file stays with the memory that the process has now.
            self._file = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            os.close(self._process)
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
        except OSError:
            os.close(self._process)
            raise

    def close(self) -> None:
        """Close the descriptors of the process and its memory."""
        os.close(self._file)
        os.close(self._process)

    def is_there(self) -> bool:
        """Return whether the process exists, with the memory that it had."""
        try:
            signal.pidfd_send_signal(self._process, 0)
            # A read of memory that no process has any longer gives no bytes, no error.
            return bool(os.pread(self._file, 1, _NOWHERE))
        except ProcessLookupError:
            return False
        except OSError as error:
            return error.errno == errno.EIO

    def read(self, spans: Sequence[Span]) -> bytes:
        """Read spans as `read_memory` does.

        Raises:
            OSError: ESRCH if the process or its memory is gone.
        """
        self._check()
        return read_memory(self.pid, spans)

    def write(self, spans: Sequence[Span], data: bytes) -> int:
        """Write to spans as `write_memory` does.

        Raises:
            OSError: ESRCH if the process or its memory is gone.
        """
        self._check()
        return write_memory(self.pid, spans, data)

    def _check(self) -> None:
        if not self.is_there():
            raise ProcessLookupError(errno.ESRCH, "the process has ended, or executed")


def process_of(thread: int) -> int:
    """Return the pid of the process that a thread belongs to.

    Raises:
        ProcessLookupError: There is no such thread.
    """
    try:
        status = Path(f"/proc/{thread}/status").read_text(errors="replace")
    except OSError as error:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from error
    return int(next(one for one in status.splitlines() if one[:5] == "Tgid:")[5:])


def read_memory(pid: int, spans: Sequence[Span]) -> bytes:
    """Read spans, one behind the other.

    If some of the memory cannot be read, the result ends there, or at the start of the
    span that contains it.

    Raises:
        OSError: ESRCH if the process has gone, EPERM if the kernel forbids access.
    """
    data = b""
    for at in range(0, len(spans), _SPANS_MAX):
        some = spans[at : at + _SPANS_MAX]
        part = _read_some(pid, some)
        data += part
        if len(part) < sum(length for _, length in some):
            break
    return data


def write_memory(pid: int, spans: Sequence[Span], data: bytes) -> int:
    """Write `data` to spans of the same total length; return the bytes written.

    They are fewer if some of the memory cannot be written.

    Raises:
        OSError: As for `read_memory`.
    """
    done = 0
    for at in range(0, len(spans), _SPANS_MAX):
        some = spans[at : at + _SPANS_MAX]
        length = sum(length for _, length in some)
        part = data[done : done + length]
        local = struct.pack("QQ", _address_of(part), length)
        count = _writev(pid, local, 1, _packed(some), len(some), 0)
        written = _checked(count)
        done += written
        if written < length:
            break
    return done


def _read_some(pid: int, spans: Sequence[Span]) -> bytes:
    length = sum(length for _, length in spans)
    if not length:
        return b""
    data = ctypes.create_string_buffer(length)
    local = struct.pack("QQ", ctypes.addressof(data), length)
    count = _readv(pid, local, 1, _packed(spans), len(spans), 0)
    return data.raw[: _checked(count)]


def _packed(spans: Sequence[Span]) -> bytes:
    return struct.pack(f"{2 * len(spans)}Q", *chain.from_iterable(spans))


def _address_of(data: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def _checked(count: int) -> int:
    if count >= 0:
        return count
    reason = ctypes.get_errno()
    if reason == errno.EFAULT:
        return 0
    raise OSError(reason, os.strerror(reason))
