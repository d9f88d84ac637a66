"""The ranges that a client lets its devices reach: MAP_DMA and UNMAP_DMA.

Source: Linux drivers/vfio/vfio_iommu_type1.c, for the errnos of refused calls.
"""

import errno
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.channel import StorageCheck
from ccw_actors.vfio._uapi import DmaFlag

__all__ = ["ADDRESS_END", "DmaRange", "DmaRanges", "Part"]

_RANGES_MAX: Final = 65535
ADDRESS_END: Final = 1 << 64
_ACCESS: Final = int(DmaFlag.READ | DmaFlag.WRITE)


class DmaRange(NamedTuple):
    """`size` bytes from `iova` on are memory of a process, from its address `vaddr`.

    `process` is the storage's number for that memory, not a pid.
    """

    iova: int
    size: int
    vaddr: int
    flags: int
    process: int

    @property
    def end(self) -> int:
        """The first address behind the range."""
        return self.iova + self.size

    @property
    def is_valid(self) -> bool:
        """Whether the range has whole pages, all below 2**64, and some access."""
        if not self.size or (self.iova | self.vaddr | self.size) % PAGE_SIZE:
            return False
        if self.end > ADDRESS_END or self.vaddr + self.size > ADDRESS_END:
            return False
        return bool(self.flags & _ACCESS) and not self.flags & ~_ACCESS


class Part(NamedTuple):
    """A contiguous part of an area in the memory of one process."""

    process: int
    vaddr: int
    length: int


class DmaRanges:
    """Ranges that do not overlap, by their addresses."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ranges: list[DmaRange] = []

    def __iter__(self) -> Iterator[DmaRange]:
        return iter(self._ranges)

    def add(self, new: DmaRange) -> int:
        """Add a range; return 0, or EINVAL, EEXIST or ENOSPC."""
        if not new.is_valid:
            return errno.EINVAL
        at = bisect_right(self._starts, new.iova)
        if at and self._ranges[at - 1].end > new.iova:
            return errno.EEXIST
        if at < len(self._ranges) and self._ranges[at].iova < new.end:
            return errno.EEXIST
        if len(self._ranges) >= _RANGES_MAX:
            return errno.ENOSPC
        self._starts.insert(at, new.iova)
        self._ranges.insert(at, new)
        return 0

    def within(self, iova: int, size: int) -> list[DmaRange] | None:
        """Return the ranges in an area, or None if it would cut one in two."""
        end = iova + size
        for inside in (iova, end):
            cut = self._at(inside)
            if cut is not None and cut.iova < inside:
                return None
        first, last = bisect_left(self._starts, iova), bisect_left(self._starts, end)
        return self._ranges[first:last]

    def remove(self, gone: DmaRange) -> None:
        """Remove a range."""
        at = bisect_left(self._starts, gone.iova)
        del self._starts[at], self._ranges[at]

    def has_page(self, page: int) -> bool:
        """Return whether a range contains the page of that number."""
        return self._at(page * PAGE_SIZE) is not None

    def parts(
        self, address: int, length: int, access: DmaFlag
    ) -> tuple[list[Part], StorageCheck | None]:
        """Return the parts of an area, up to its first inaccessible byte.

        The second value says why that byte is inaccessible, or is None.
        """
        parts: list[Part] = []
        while length > 0:
            found = self._at(address)
            if found is None:
                return parts, StorageCheck.ADDRESSING
            if not found.flags & access:
                return parts, StorageCheck.PROTECTION
            some = min(length, found.end - address)
            vaddr = found.vaddr + address - found.iova
            parts.append(Part(found.process, vaddr, some))
            address += some
            length -= some
        return parts, None

    def _at(self, address: int) -> DmaRange | None:
        at = bisect_right(self._starts, address)
        if at and address < self._ranges[at - 1].end:
            return self._ranges[at - 1]
        return None
