"""The space of a compressed image: what is used, what is free, and the list of that.

Space is given out by the byte: for a level 2 table, or for the image of a track. What
nobody has, between the tables and the end of the last piece, is free. Pieces that touch
are one. A free piece that is a little larger than an image goes to the image as a whole
(its space is then more than its length: "imbedded" free space), so that no crumbs stay.

| offset | wide | size | second header |
|---|---|---|---|
| 12 | 16 | 4 or 8 | size: the end of the last piece that is used |
| 16 | 24 | 4 or 8 | used: headers, tables and lengths of images |
| 20 | 32 | 4 or 8 | offset of the list of free space, 0 = there is none |
| 24 | 40 | 4 or 8 | free: size less used |
| 28 | 48 | 4 or 8 | the largest free piece |
| 32 | 56 | 4 or 8 | number of free pieces |
| 36 | 64 | 4 or 8 | imbedded free space |

The list is "FREE_BLK", then offset and length of each piece, in order, four bytes each.
It is in a free piece that holds it, else behind the end. An older form is a chain: each
free piece starts with the offset of the next, and its own length.
"""

import bisect
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from ccw_actors.devices.cckd_image import CCKD_HEADERS_SIZE, CckdHeader
from ccw_actors.devices.ckd_image import HEADER_SIZE
from ccw_actors.errors import ImageError

__all__ = [
    "COUNTERS_OFFSET",
    "SIZE_MAX",
    "Counters",
    "FreeList",
    "Piece",
    "SpaceMap",
    "free_list",
    "tables_size",
]

SIZE_MAX: Final = (1 << 32) - 2
"""The most bytes of a file: offsets have four bytes, and all ones is no offset."""

COUNTERS_OFFSET: Final = HEADER_SIZE + 12

_WIDE_COUNTERS: Final = HEADER_SIZE + 16
_CRUMB: Final = 96
_IMAGE_SPACE_MAX: Final = (1 << 16) - 1
_MARK: Final = b"FREE_BLK"


class Piece(Struct, frozen=True, order=True):
    """A piece of the file in use: offset, space and length in bytes, and its owner."""

    offset: int
    size: int
    length: int
    owner: str = ""

    @property
    def end(self) -> int:
        """Offset of the first byte after it."""
        return self.offset + self.size


class Counters(Struct, frozen=True):
    """What the second header says of the space of a file, in bytes; see the table."""

    size: int
    used: int
    free_offset: int
    free: int
    largest: int
    pieces: int
    imbedded: int

    @classmethod
    def from_bytes(cls, raw: bytes, header: CckdHeader) -> "Counters":
        """Read the counters from the first 1024 bytes of a file, unchecked."""
        at = _WIDE_COUNTERS if header.wide else COUNTERS_OFFSET
        return cls(*_packing(header, 7).unpack_from(raw, at))

    def to_bytes(self, header: CckdHeader) -> bytes:
        """The counters as a narrow file has them, at `COUNTERS_OFFSET`."""
        return _packing(header, 7).pack(
            *(self.size, self.used, self.free_offset),
            *(self.free, self.largest, self.pieces, self.imbedded),
        )


def _packing(header: CckdHeader, numbers: int) -> struct.Struct:
    order = ">" if header.big_endian else "<"
    return struct.Struct(f"{order}{numbers}{'Q' if header.wide else 'I'}")


class FreeList(Struct, frozen=True):
    """The list of free space, and where it goes; `data` is empty if nothing is free."""

    counters: Counters
    data: bytes

    @property
    def file_size(self) -> int:
        """Bytes of the file, with a list that is behind the end."""
        counters = self.counters
        behind = counters.free_offset == counters.size
        return counters.size + (len(self.data) if behind else 0)


def tables_size(header: CckdHeader) -> int:
    """Bytes of the headers and the level 1 table."""
    return CCKD_HEADERS_SIZE + header.level1_size


class SpaceMap:
    """Which space of a file is used and which is free.

    Args:
        header: The headers of the file.
        pieces: Its level 2 tables, and the images of its tracks.

    Raises:
        ImageError: Two pieces overlap, or the length of one is more than its space.
    """

    def __init__(self, header: CckdHeader, pieces: Iterable[Piece]) -> None:
        self._header = header
        self._start = self._end = tables_size(header)
        self._used = self._start
        self._imbedded = 0
        self._free: list[tuple[int, int]] = []
        for piece in sorted(pieces):
            self._add(piece)

    def _add(self, piece: Piece) -> None:
        if piece.size < piece.length:
            raise ImageError(
                f"{piece.owner} has {piece.length} bytes at offset {piece.offset}, and"
                f" a space of {piece.size}, expected no less"
            )
        if piece.offset < self._end:
            raise ImageError(
                f"{piece.owner} at offset {piece.offset} overlaps what is before it,"
                f" expected it to start at {self._end} or later"
            )
        if piece.offset > self._end:
            self._free.append((self._end, piece.offset - self._end))
        self._end = piece.end
        self._count(piece.size, piece.length)

    def _count(self, size: int, length: int) -> None:
        self._used += length
        self._imbedded += size - length

    def take(self, length: int, *, exact: bool = False) -> tuple[int, int]:
        """Take space for `length` bytes; return its offset and its size.

        With `exact`, the size is the length.

        Raises:
            ImageError: The file would become larger than `SIZE_MAX`.
        """
        for at, (offset, room) in enumerate(self._free):
            rest = room - length
            if rest < 0 or (exact and 0 < rest < _CRUMB):
                continue
            size = room if rest < _CRUMB and room <= _IMAGE_SPACE_MAX else length
            left = [(offset + size, room - size)] if room > size else []
            self._free[at : at + 1] = left
            self._count(size, length)
            return offset, size
        if self._end + length > SIZE_MAX:
            raise ImageError(
                f"the compressed image would have {self._end + length} bytes, expected"
                f" at most {SIZE_MAX}"
            )
        self._end += length
        self._count(length, length)
        return self._end - length, length

    def release(self, offset: int, size: int, length: int) -> None:
        """Give back space that was taken, and join it with the free space around it."""
        self._count(-size, -length)
        at = bisect.bisect(self._free, (offset, size))
        start, end = offset, offset + size
        if at < len(self._free) and self._free[at][0] == end:
            end += self._free.pop(at)[1]
        if at and sum(self._free[at - 1]) == start:
            start = self._free.pop(at - 1)[0]
            at -= 1
        if end == self._end:
            self._end = start
        else:
            self._free.insert(at, (start, end - start))

    def listed(self) -> FreeList:
        """Return the list of the free space, and the counters that go with it."""
        sizes = [size for _, size in self._free]
        data = b""
        offset = 0
        if sizes:
            pair = _packing(self._header, 2)
            data = _MARK + b"".join(pair.pack(*one) for one in self._free)
            fits = (at for at, size in self._free if size >= len(data))
            offset = next(fits, self._end)
        counters = Counters(
            size=self._end,
            used=self._used,
            free_offset=offset,
            free=sum(sizes) + self._imbedded,
            largest=max(sizes, default=0),
            pieces=len(sizes),
            imbedded=self._imbedded,
        )
        return FreeList(counters, data)

    @property
    def free(self) -> tuple[tuple[int, int], ...]:
        """Offset and size of each free piece, in order."""
        return tuple(self._free)


def free_list(
    header: CckdHeader,
    counters: Counters,
    file_size: int,
    read: Callable[[int, int], bytes],
) -> tuple[tuple[int, int], ...]:
    """Read the list of free space of a file, in either form.

    Args:
        header: Its headers.
        counters: Its counters.
        file_size: Its size in bytes.
        read: Returns bytes of it, given their number and offset.

    Raises:
        ImageError: The list, or a piece in it, is not in the file, or not in order.
    """
    if not counters.free_offset or not counters.pieces:
        return ()
    found: list[tuple[int, int]] = []
    end = tables_size(header)
    for offset, size in _listed(header, counters, file_size, read):
        if not end <= offset <= file_size - size or not size:
            raise ImageError(
                f"the list of free space has {size} bytes at offset {offset}, expected"
                f" some between {end} and the end of the file, {file_size}"
            )
        found.append((offset, size))
        end = offset + size
    return tuple(found)


def _listed(
    header: CckdHeader,
    counters: Counters,
    file_size: int,
    read: Callable[[int, int], bytes],
) -> Iterator[tuple[int, int]]:
    pair = _packing(header, 2)
    offset, pieces = counters.free_offset, counters.pieces
    if pieces * pair.size > file_size:
        raise ImageError(f"a list of {pieces} free pieces is larger than the file")
    start = read(pair.size, offset)
    if start[: len(_MARK)] == _MARK:
        raw = read(pieces * pair.size, offset + pair.size)
        if len(raw) < pieces * pair.size:
            raise ImageError(f"the list of free space at offset {offset} is cut short")
        yield from pair.iter_unpack(raw)
        return
    for _ in range(pieces):
        raw = read(pair.size, offset)
        if len(raw) < pair.size:
            raise ImageError(f"a free piece at offset {offset} is not in the file")
        following, size = pair.unpack(raw)
        yield offset, size
        offset = following
