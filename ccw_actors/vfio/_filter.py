"""The seccomp filter of a client: it selects the system calls that come to us.

| system call | comes to us |
|---|---|
| open, openat | always: the path decides, and the filter cannot read it |
| readlink, readlinkat | always, for the same reason |
| ioctl | if it is VFIO's, whose type is ";" |
| pread64, pwrite64 | at offsets that start with `OFFSET_MAGIC`: those of regions |
| userfaultfd | EPERM: a client that withholds memory would make our side wait |
| any other, or of another instruction set | never |

Source: Linux Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/
filter.h and seccomp.h; numbers of x86-64, arch/x86/entry/syscalls/syscall_64.tbl.
"""

import errno
import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

__all__ = ["OFFSET_MAGIC", "SystemCallNumber", "filter_program", "forbidding"]

OFFSET_MAGIC: Final = 0x7CC0
"""The high word of the offset of each of our regions."""

_VFIO_TYPE: Final = ord(";")
_AUDIT_ARCH_X86_64: Final = 0xC000003E
_RET_ALLOW: Final = 0x7FFF0000
_RET_USER_NOTIF: Final = 0x7FC00000
_RET_ERRNO: Final = 0x00050000
_LOAD: Final = 0x20
_AND: Final = 0x54
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_INSTRUCTION: Final = struct.Struct("=HBBI")

# Offsets in struct seccomp_data.
_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_ARGUMENTS: Final = 16


class SystemCallNumber(IntEnum):
    """The system calls that the filter knows, by their numbers on x86-64."""

    OPEN = 2
    IOCTL = 16
    PREAD64 = 17
    PWRITE64 = 18
    READLINK = 89
    OPENAT = 257
    READLINKAT = 267
    USERFAULTFD = 323


class _Do(NamedTuple):
    code: int
    operand: int


class _IfEqual(NamedTuple):
    """Jump to `then` or `otherwise`; an empty label is the next instruction."""

    operand: int
    then: str
    otherwise: str = ""


_Line: TypeAlias = "_Do | _IfEqual | str"


def filter_program() -> bytes:
    """Return the filter as an array of `struct sock_filter`, 8 bytes each."""
    calls = SystemCallNumber
    return _assembled(
        _Do(_LOAD, _ARCHITECTURE),
        _IfEqual(_AUDIT_ARCH_X86_64, "", "allow"),
        _Do(_LOAD, _NUMBER),
        _IfEqual(calls.PREAD64, "offset"),
        _IfEqual(calls.PWRITE64, "offset"),
        _IfEqual(calls.IOCTL, "request"),
        _IfEqual(calls.OPENAT, "notify"),
        _IfEqual(calls.OPEN, "notify"),
        _IfEqual(calls.READLINK, "notify"),
        _IfEqual(calls.READLINKAT, "notify"),
        _IfEqual(calls.USERFAULTFD, "forbid", "allow"),
        "request",
        _Do(_LOAD, _ARGUMENTS + 1 * 8),
        _Do(_AND, 0xFF00),
        _IfEqual(_VFIO_TYPE << 8, "notify", "allow"),
        "offset",
        _Do(_LOAD, _ARGUMENTS + 3 * 8 + 4),
        _IfEqual(OFFSET_MAGIC, "notify", "allow"),
        "allow",
        _Do(_RETURN, _RET_ALLOW),
        "notify",
        _Do(_RETURN, _RET_USER_NOTIF),
        "forbid",
        _Do(_RETURN, _RET_ERRNO | errno.EPERM),
    )


def forbidding(number: int, reason: int) -> bytes:
    """Return a filter that ends a system call with an errno, as a sandbox does."""
    return _assembled(
        _Do(_LOAD, _NUMBER),
        _IfEqual(number, "forbid"),
        _Do(_RETURN, _RET_ALLOW),
        "forbid",
        _Do(_RETURN, _RET_ERRNO | reason),
    )


def _assembled(*lines: _Line) -> bytes:
    """Replace labels by the number of instructions that a jump skips."""
    labels: dict[str, int] = {}
    instructions: list[_Do | _IfEqual] = []
    for line in lines:
        if isinstance(line, str):
            labels[line] = len(instructions)
        else:
            instructions.append(line)
    return b"".join(_packed(one, at, labels) for at, one in enumerate(instructions))


def _packed(one: _Do | _IfEqual, at: int, labels: Mapping[str, int]) -> bytes:
    """Return an instruction as a `struct sock_filter`; `at` is its place."""

    def distance(label: str) -> int:
        return labels[label] - at - 1 if label else 0

    if isinstance(one, _Do):
        return _INSTRUCTION.pack(one.code, 0, 0, one.operand)
    return _INSTRUCTION.pack(
        _JUMP_IF_EQUAL, distance(one.then), distance(one.otherwise), one.operand
    )
