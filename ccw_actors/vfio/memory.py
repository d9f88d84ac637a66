"""The memory of another process, by its own addresses.

What it may not read cannot be read here, nor written what it may not write: the kernel
holds these accesses to the protection of its pages.

Source: Linux man page process_vm_readv(2).
"""

import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from itertools import chain

__all__ = ["Span", "read_memory", "write_memory"]

Span = tuple[int, int]
"""An address in the process, and a length in bytes."""

_SPANS_MAX = 1024  # IOV_MAX

# PyDLL keeps the interpreter's lock: copying takes less than giving it away.
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


def read_memory(pid: int, spans: Sequence[Span]) -> bytes:
    """Read spans, one behind the other.

    Returns fewer bytes if some of the memory cannot be read: all up to there, or up to
    the beginning of the span that has it.

    Raises:
        OSError: ESRCH if the process is gone, EPERM if its memory may not be touched.
    """
    return b"".join(
        _read_some(pid, spans[at : at + _SPANS_MAX])
        for at in range(0, len(spans), _SPANS_MAX)
    )


def write_memory(pid: int, spans: Sequence[Span], data: bytes) -> int:
    """Write `data` to spans, whose lengths are that of it; return how much was written.

    That is less if some of the memory cannot be written.

    Raises:
        OSError: as `read_memory`.
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
