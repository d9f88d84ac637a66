"""The headers and tables of compressed images: CCKD, CFBA, their shadow files, CCKD64.

The file has a device header as in `ckd_image` with another identifier, a second header
of 512 bytes, then the level 1 table. That has an entry for every 256 tracks: the offset
of their level 2 table. A level 2 table has an entry for each track: offset and length
of its image, and the space the image has in the file. A volume of blocks has groups of
120 blocks instead of tracks. Headers and tables are checked before they are followed;
a table or image outside of the file is an error.

| identifier | file |
|---|---|
| CKD_C370, FBA_C370 | a volume of tracks, of blocks |
| CKD_S370, FBA_S370 | its shadow file: only what has changed |
| CKD_C064, FBA_C064, CKD_S064, FBA_S064 | the same with wide numbers (SDL Hercules 4) |

| offset | wide | size | second header |
|---|---|---|---|
| 0 | 0 | 3 | version, release, modification: 0.3.1 |
| 3 | 3 | 1 | options: 02 = big-endian numbers, 40 = written, 80 = open |
| 4 | 4 | 4 | entries of the level 1 table |
| 8 | 8 | 4 | entries of a level 2 table: 256 |
| 12 | 16 | 4 or 8 | size, used, and the free space: see `cckd_space` |
| 40 | 12 | 4 | cylinders or blocks, always little-endian |
| 44 | 72 | 1 | format of the tracks that a missing level 2 table stands for |
| 45 | 73 | 1 | compression of new tracks: 0 none, 1 zlib, 2 bzip2 |
| 46 | 74 | 2 | its level, -1 for the usual one |

Entries of the level 1 table have 4 bytes, wide ones 8. Entries of a level 2 table have
offset (4), length (2) and space (2); wide ones offset (8), length (2), space (2) and 4
bytes that are not in use. All ones for an offset mean, in a shadow file, that the file
below has it. An offset of 0 means that the track has no image; the length then is its
format: see `cckd_track`. If the second header has format 2, a length of 0 also means
format 2. The layout is that of Hercules 3.13, the wide one that of SDL Hercules 4.7.
"""

import struct
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.devices.cckd_geometry import BLOCKS, NUMBER, cckd_geometry, expect
from ccw_actors.devices.cckd_track import IMAGE_HEADER_SIZE, LINUX_FORMAT, NULL_FORMATS
from ccw_actors.devices.ckd_image import HEADER_SIZE
from ccw_actors.devices.ckd_types import CKD_TYPES
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = [
    "CCKD_HEADERS_SIZE",
    "OPTIONS_OFFSET",
    "TRACKS_PER_TABLE",
    "CckdHeader",
    "TrackPlace",
    "is_cckd",
    "is_shadow",
]

CCKD_HEADERS_SIZE: Final = 2 * HEADER_SIZE
OPTIONS_OFFSET: Final = HEADER_SIZE + 3

_IDENTIFIER_SIZE: Final = 8
_TRACKS: Final = b"CKD_"
_BASE: Final = b"C"
_SHADOW: Final = b"S"
_NARROW: Final = b"370"
_WIDE: Final = b"064"
_IDENTIFIERS: Final = {
    kind + role + width
    for kind in (_TRACKS, BLOCKS)
    for role in (_BASE, _SHADOW)
    for width in (_NARROW, _WIDE)
}

_DEVICE = struct.Struct("<8sIIBBH")
_VERSION: Final = bytes((0, 3, 1))
_LEVEL = struct.Struct("<h")
_BIG_ENDIAN: Final = 0x02
_WRITTEN: Final = 0x40
_OPEN: Final = 0x80
TRACKS_PER_TABLE: Final = 256
"""The entries of a level 2 table."""
_LENGTH_MAX: Final = (1 << 16) - 1

# Offsets in the second header, and formats of entries, of narrow and wide files.
_SIZE_AT = {False: 40, True: 12}
_NULL_AT = {False: 44, True: 72}
_OFFSET = {False: "I", True: "Q"}
_ENTRY = {False: "IHH", True: "QHHI"}


def is_cckd(raw: bytes) -> bool:
    """Return whether a file that starts with `raw` is compressed, or its shadow."""
    return raw[:_IDENTIFIER_SIZE] in _IDENTIFIERS


def is_shadow(raw: bytes) -> bool:
    """Return whether a file that starts with `raw` is a shadow file."""
    return is_cckd(raw) and raw[4:5] == _SHADOW


class TrackPlace(Struct, frozen=True):
    """Where a track's image is, in bytes; `length` 0 means a null track.

    `size` is the space that the image has. `below`: the file below has the track.
    """

    offset: int
    length: int
    null_format: int = 0
    size: int = 0
    below: bool = False


class CckdHeader(Struct, frozen=True):
    """Both headers of a compressed image, checked.

    `big_endian` is the byte order of the tables. `null_format` is the format of the
    tracks that have no level 2 table. `compression` and `level` are those of new
    tracks. `open` is True if the file was not closed by who wrote it last.
    """

    geometry: Geometry | BlockGeometry
    big_endian: bool = False
    null_format: int = 1
    shadow: bool = False
    wide: bool = False
    compression: int = 1
    level: int = -1
    options: int = 0

    @classmethod
    def from_bytes(
        cls, raw: bytes, *, device_type: str = "", shadow: bool = False
    ) -> "CckdHeader":
        """Read the headers.

        Args:
            raw: The first 1024 bytes of the file; more may follow.
            device_type: The type of a volume of blocks: the file does not contain it.
            shadow: Expect a shadow file.

        Raises:
            ImageError: This is not a compressed image, or (unless expected) a shadow
                file, or its headers contradict each other; the message gives the
                offset.
        """
        if len(raw) < CCKD_HEADERS_SIZE:
            raise ImageError(
                f"a compressed CKD image starts with headers of {CCKD_HEADERS_SIZE}"
                f" bytes, but the file has only {len(raw)}"
            )
        _expect_cckd(raw[:_IDENTIFIER_SIZE], shadow=shadow)
        second = raw[HEADER_SIZE:CCKD_HEADERS_SIZE]
        wide = raw[5:_IDENTIFIER_SIZE] == _WIDE
        null_at = _NULL_AT[wide]
        volume = cckd_geometry(raw, second, device_type, _SIZE_AT[wide])
        header = cls(
            volume,
            bool(second[3] & _BIG_ENDIAN),
            second[null_at],
            shadow,
            wide,
            second[null_at + 1],
            _LEVEL.unpack_from(second, null_at + 2)[0],
            second[3],
        )
        level1, level2 = struct.unpack_from(header._order + "II", second, 4)
        expect("entries of a level 2 table", 8, level2, (TRACKS_PER_TABLE,))
        expect("entries of the level 1 table", 4, level1, (header.tables,))
        if isinstance(volume, Geometry):
            expect("format of null tracks", null_at, header.null_format, NULL_FORMATS)
        return header

    def to_bytes(self) -> bytes:
        """The first 1024 bytes of a file; its size and free space are left zero.

        Raises:
            ImageError: The file is wide, and such files are only read.
        """
        self.check_writable()
        volume = self.geometry
        kind, code, heads, track_size, count = BLOCKS, 0, 0, 0, 0
        if isinstance(volume, Geometry):
            kind, heads, track_size = _TRACKS, volume.heads, volume.track_size
            code = {kind.name: kind.code for kind in CKD_TYPES}[volume.device_type]
            count = volume.cylinders
        else:
            count = volume.blocks
        identifier = kind + (_SHADOW if self.shadow else _BASE) + _NARROW
        first = _DEVICE.pack(identifier, heads, track_size, code, 0, 0)
        second = bytearray(HEADER_SIZE)
        second[:4] = _VERSION + bytes([self.options])
        struct.pack_into(self._order + "II", second, 4, self.tables, TRACKS_PER_TABLE)
        NUMBER.pack_into(second, _SIZE_AT[False], count)
        second[44:46] = bytes((self.null_format, self.compression))
        _LEVEL.pack_into(second, 46, self.level)
        return first.ljust(HEADER_SIZE, b"\0") + bytes(second)

    @property
    def open(self) -> bool:
        """Whether the file was not closed: its free space is not listed."""
        return bool(self.options & _OPEN)

    def opened(self, *, is_open: bool) -> "CckdHeader":
        """The header of the same file while it is written, or after that."""
        options = (self.options | _WRITTEN) & ~_OPEN
        return replace(self, options=options | (_OPEN if is_open else 0))

    def check_writable(self) -> None:
        """Refuse a wide file.

        Raises:
            ImageError: It is one.
        """
        if self.wide:
            raise ImageError(
                "the image is a CCKD64 or CFBA64 image of SDL Hercules 4, which can"
                " only be read: expected read_only"
            )

    @property
    def tables(self) -> int:
        """Number of entries of the level 1 table."""
        return -(-self.geometry.tracks // TRACKS_PER_TABLE)

    @property
    def _order(self) -> str:
        return ">" if self.big_endian else "<"

    @property
    def _offset(self) -> struct.Struct:
        return struct.Struct(self._order + _OFFSET[self.wide])

    @property
    def _entry(self) -> struct.Struct:
        return struct.Struct(self._order + _ENTRY[self.wide])

    @property
    def _nowhere(self) -> int:
        """The offset of what the file below has: all ones."""
        return (1 << 8 * self._offset.size) - 1

    @property
    def level1_size(self) -> int:
        """Bytes of the level 1 table, which follows the headers."""
        return self.tables * self._offset.size

    @property
    def level2_size(self) -> int:
        """Bytes of a level 2 table."""
        return TRACKS_PER_TABLE * self._entry.size

    @property
    def tables_end(self) -> int:
        """Offset of the first byte after the headers and the level 1 table."""
        return CCKD_HEADERS_SIZE + self.level1_size

    def level1_place(self, track: int) -> tuple[int, int]:
        """Offset in the file and size of a track's entry in the level 1 table."""
        size = self._offset.size
        return CCKD_HEADERS_SIZE + track // TRACKS_PER_TABLE * size, size

    def level2_place(self, track: int) -> tuple[int, int]:
        """Offset in its level 2 table, and size, of a track's entry."""
        size = self._entry.size
        return track % TRACKS_PER_TABLE * size, size

    def level1_entry(self, offset: int) -> bytes:
        """Return an entry of the level 1 table."""
        return self._offset.pack(offset)

    def level1_offsets(self, level1: bytes) -> list[int]:
        """Offsets of all level 2 tables, unchecked; 0 and all ones become 0."""
        found = (offset for (offset,) in self._offset.iter_unpack(level1))
        return [0 if offset == self._nowhere else int(offset) for offset in found]

    def level2_entry(self, place: TrackPlace) -> bytes:
        """Return the entry of a track in a level 2 table of a narrow file."""
        self.check_writable()
        if place.below:
            return self._entry.pack(self._nowhere, _LENGTH_MAX, _LENGTH_MAX)
        if not place.length:
            return self._entry.pack(0, place.null_format, place.null_format)
        return self._entry.pack(place.offset, place.length, place.size)

    def new_level2(self, level1: bytes, track: int) -> bytes:
        """Return the level 2 table that a track without one stands for."""
        place = TrackPlace(0, 0, self.null_format, below=self.is_below(level1, track))
        return self.level2_entry(place) * TRACKS_PER_TABLE

    def is_below(self, level1: bytes, track: int) -> bool:
        """Whether the file below has the level 2 table of a track."""
        number = track // TRACKS_PER_TABLE * self._offset.size
        (offset,) = self._offset.unpack_from(level1, number)
        return self.shadow and bool(offset == self._nowhere)

    def level2_offset(self, level1: bytes, track: int, file_size: int) -> int:
        """Offset in bytes of the level 2 table of a track; 0 if it has none.

        Raises:
            ImageError: The offset is not in this file.
        """
        number = track // TRACKS_PER_TABLE
        (offset,) = self._offset.unpack_from(level1, number * self._offset.size)
        if not offset or self.is_below(level1, track):
            return 0
        name = f"level 2 table {number}"
        self._check_place(name, offset, self.level2_size, file_size)
        return int(offset)

    def track_place(
        self, level2: bytes, track: int, file_size: int, *, below: bool = False
    ) -> TrackPlace:
        """Place of a track's image.

        Args:
            level2: Its level 2 table; empty if it has none.
            track: Its number.
            file_size: Size of the file in bytes.
            below: The file below has the level 2 table (see `is_below`).

        Raises:
            ImageError: The place is not in this file, or its length is impossible.
        """
        if not level2:
            return TrackPlace(0, 0, self.null_format, below=below)
        offset, length, size, *_ = self._entry.unpack_from(
            level2, self.level2_place(track)[0]
        )
        if not offset:
            return TrackPlace(0, 0, self._null_format(track, length))
        if self.shadow and offset == self._nowhere:
            return TrackPlace(0, 0, below=True)
        self._check_place(f"the image of track {track}", offset, length, file_size)
        if length <= IMAGE_HEADER_SIZE:
            raise ImageError(
                f"the image of track {track} has {length} bytes at offset {offset},"
                f" expected more than {IMAGE_HEADER_SIZE}"
            )
        return TrackPlace(offset, length, size=size)

    def _null_format(self, track: int, found: int) -> int:
        if isinstance(self.geometry, BlockGeometry):
            return 0
        if found not in NULL_FORMATS:
            raise ImageError(
                f"track {track} has no image and format {found} in its level 2"
                f" table, expected one of 0, 1, 2"
            )
        # In a Linux image, a track that was never written has 0.
        linux = self.null_format == LINUX_FORMAT and not found
        return LINUX_FORMAT if linux else found

    def _check_place(self, what: str, offset: int, length: int, file_size: int) -> None:
        if offset == self._nowhere:
            raise ImageError(
                f"{what} is in another file, as only a shadow file may have it"
            )
        if not self.tables_end <= offset <= file_size - length:
            raise ImageError(
                f"{what} has {length} bytes at offset {offset}, expected a place"
                f" between {self.tables_end} and the end of the file, {file_size}"
            )


def _expect_cckd(identifier: bytes, *, shadow: bool) -> None:
    if identifier not in _IDENTIFIERS:
        raise ImageError(
            f"not a compressed CKD image: it starts with {identifier!r}, expected"
            f" {_TRACKS + _BASE + _NARROW!r} at offset 0"
        )
    is_one = is_shadow(identifier)
    if is_one and not shadow:
        raise ImageError(
            "the image is a shadow file of a compressed image, which has only what"
            " changed; open its base image, with this file as its shadow"
        )
    if shadow and not is_one:
        raise ImageError(
            f"not a shadow file: it starts with {identifier!r}, expected an S at"
            " offset 4"
        )
