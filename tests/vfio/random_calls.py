"""Random calls of a client: many of them valid, most of them almost valid."""

import struct
from collections.abc import Sequence
from random import Random  # noqa: TID251 - calls are random, with a known seed
from typing import Any, Final

from ccw_actors.vfio._region_layouts import REGIONS, Region, offset_of
from ccw_actors.vfio._shown_files import uuid_of
from tests.vfio.rig import PAGE

__all__ = ["Calls"]

_BASE: Final = 0x3B64
_SIZES: Final = {
    3: 8,
    4: 4,
    7: 16,
    8: 32,
    9: 16,
    10: 20,
    12: 16,
    13: 32,
    14: 24,
    17: 8,
}
_REQUESTS: Final = (*range(18), 18, 19, 40)
_RIGHT: Final = {
    "Container": (0, 1, 2, 2, 2, 12, 13, 13, 13, 13, 14, 14),
    "Group": (3, 4, 4, 4, 4, 5, 6, 6, 6, 6, 6, 6),
    "Device": (7, 8, 9, 10, 10, 10, 11, 17),
}
"""Requests for a descriptor, by its kind."""

_ODD: Final = (0, 1, 2, 3, 4, 5, 7, 8, 9, 0x7F, 0x80, 0xFFF, PAGE, 0xFFFF_FFFF)
_WIDE: Final = (0, PAGE, 2 * PAGE, 1 << 32, 1 << 63, (1 << 64) - PAGE, (1 << 64) - 1)


class Calls:
    """Makes calls for a client that has `size` bytes of memory at `memory`."""

    def __init__(self, seed: int, memory: int, size: int, devices: int) -> None:
        self.pick = Random(seed)  # noqa: S311 - no secret
        self._memory = memory
        self._size = size
        self._devices = devices

    # -- ioctl -------------------------------------------------------------------------

    def ioctl(
        self,
        kind: str,
        numbers: Sequence[int],
        containers: Sequence[int],
        events: Sequence[int],
    ) -> tuple[int, Any]:
        """Return a request and an argument: a number, or bytes; -1 for a bad address.

        `kind` is that of the descriptor. `numbers` are descriptors that an argument may
        name; `containers` and `events` are those of them that fit.
        """
        pick = self.pick
        nr = pick.choice(_REQUESTS if pick.random() < 0.2 else _RIGHT.get(kind, (0, 7)))
        request = _BASE + nr
        if pick.random() < 0.02:
            request |= pick.choice((1 << 30, 1 << 16, 1 << 31))
        if nr in (1, 2):
            return request, pick.choice((1, 3, 3, 3, 4, 5, 7, 8, 9, 10, 1 << 40))
        if pick.random() < 0.05:
            return request, -1
        better = containers if nr == 4 else events
        return request, self.argument(
            nr, better if better and pick.random() < 0.7 else numbers
        )

    def argument(  # noqa: PLR0911 - a table
        self, nr: int, numbers: Sequence[int] = ()
    ) -> bytes:
        """Return a request's argument; `numbers` are descriptors that it may name."""
        pick = self.pick
        if nr == 6:
            return self._name()
        if nr == 4:
            return struct.pack("=i", pick.choice([*numbers, *numbers, -1, 999]))
        size = _SIZES.get(nr, 16)
        argsz = size
        if pick.random() < 0.15:
            argsz = pick.choice((0, size - 1, size + 1, size + 64, 0xFFFF_FFFF))
        if nr == 10:
            return self._irqs(argsz, [*numbers, *numbers, -1, -2, 999])
        if nr == 13:
            return struct.pack("=IIQQQ", argsz, self._flags((1, 2, 3)), *self._range())
        if nr == 14:
            flags = self._flags((0, 0, 0, 2))
            _, iova, length = self._range()
            if pick.random() < 0.2:
                length = pick.choice(_WIDE)
            if flags == 2 and pick.random() < 0.8:
                iova = length = 0
            return struct.pack("=IIQQ", argsz, flags, iova, length)
        if nr == 17:
            flags = pick.choice((0, 1 << 16, 1 << 17, 3 << 16, 7 << 16, 1 << 19)) | 2
            return struct.pack("=II", argsz, flags)
        index = pick.choice((0, 1, 2, 3, 4, 5, 0xFFFF_FFFF))
        return struct.pack("=III", argsz, 0, index).ljust(max(size, 12) + 32, b"\0")

    def _flags(self, right: Sequence[int]) -> int:
        pick = self.pick
        return pick.choice(_ODD) if pick.random() < 0.1 else pick.choice(right)

    def _range(self) -> tuple[int, int, int]:
        """Return vaddr, iova and size; a range that is accepted is memory."""
        pick = self.pick
        pages = self._size // PAGE
        first = pick.randrange(pages)
        size = min(pick.choice((1, 1, 2, 4, pages)), pages - first) * PAGE
        vaddr, iova = self._memory + first * PAGE, pick.randrange(32) * PAGE
        if pick.random() < 0.2:
            iova = pick.choice(_WIDE)
        if pick.random() < 0.1:
            size = pick.choice((0, PAGE + 8, (1 << 64) - PAGE, (1 << 64) - 1))
        if pick.random() < 0.05:
            vaddr += 8
        return vaddr, iova, size

    def _name(self) -> bytes:
        pick = self.pick
        name = uuid_of(pick.randrange(self._devices)).encode() + b"\0"
        if pick.random() < 0.2:
            name = pick.choice((b"\0", name[:-2] + b"\0", b"x" * 5000, b"\xff\xfe\0"))
        return name

    def _irqs(self, argsz: int, numbers: Sequence[int]) -> bytes:
        pick = self.pick
        kind = pick.choice((1, 2, 4, 4, 4))
        flags = kind | pick.choice((0x20, 0x20, 0x20, 0x20, 0x28, 0x60, 0x10, 0x8020))
        data = struct.pack("=i", pick.choice(numbers))
        argsz += 4 if pick.random() < 0.9 else 0
        index = pick.choice((0, 0, 0, 1, 2, 3, 0xFFFF_FFFF))
        start = 0 if pick.random() < 0.9 else pick.choice(_ODD)
        count = 1 if pick.random() < 0.9 else pick.choice(_ODD)
        return struct.pack("=IIIII", argsz % (1 << 32), flags, index, start, count) + (
            data
        )

    # -- regions -----------------------------------------------------------------------

    def place(self) -> tuple[int, int, int]:
        """Return the index of a region, a position in it, and a size."""
        pick = self.pick
        index = pick.choice((0, 0, 0, 1, 1, 2, 3, 4, 15))
        size = REGIONS[Region(index)].size if index < 4 else 8
        if pick.random() < 0.6:
            return index, 0, size
        at = pick.choice((0, 4, 12, 14, 24, 120, pick.randrange(4096)))
        return index, at, pick.choice((0, 1, 4, max(0, size - at), 124, 5000))

    def offset(self, device: int, index: int, at: int) -> int:
        """Return the offset of a place."""
        return offset_of(device, Region.IO) + (index << 12) + at

    def data(self, index: int, at: int, size: int) -> bytes:
        """Return data to write: garbage, or almost a request."""
        pick = self.pick
        if index == 1 and at == 0 and size == 8 and pick.random() < 0.8:
            return struct.pack("=II", pick.choice((1, 2, 2, 3)), 0)
        if index or at or size != 124 or pick.random() < 0.2:
            return pick.randbytes(size)
        cpa = pick.choice((pick.randrange(32) * PAGE, pick.getrandbits(31), 4))
        flags1 = pick.choice((0, 0, 0, 0, 0xFF, 1, 4, 8))
        orb = struct.pack("<IHBBI", 7, pick.choice((0x80, 0xC0, 0xFFFF)), 0x80, 0, cpa)
        orb = orb[:7] + bytes((flags1,)) + orb[8:]
        fctl = pick.choice((4, 4, 4, 4, 2, 1, 0, 7))
        return (orb + struct.pack("<HH8x", 0, fctl << 12)).ljust(124, b"\0")
