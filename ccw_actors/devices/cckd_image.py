"""Reads the compressed image of a count-key-data volume (CCKD).

The file has a device header as in `ckd_image` with another identifier, a second header
of 512 bytes, then the level 1 table. That has an entry of 4 bytes for every 256 tracks:
the offset of their level 2 table. A level 2 table has an entry of 8 bytes for each
track: offset and length of its image, and the space the image has in the file. Headers
and tables are checked before they are followed; a table or image outside of the file is
an error.

| offset | size | second header |
|---|---|---|
| 0 | 3 | version, release, modification: 0.3.1 |
| 3 | 1 | options: 02 = numbers of this header and the tables are big-endian |
| 4 | 4 | entries of the level 1 table |
| 8 | 4 | entries of a level 2 table: 256 |
| 40 | 4 | cylinders, always little-endian |
| 44 | 1 | format of the tracks that a missing level 2 table stands for |

The image of a track starts with five bytes: the compression (0 none, 1 zlib, 2 bzip2),
then cylinder and head, two bytes each, big-endian. The rest is the track without its
home address. An offset of 0 means that the track has no image; the length then is its
format: 0 = R0 and an empty R1, 1 = R0 only, 2 = R0 and twelve records of 4096 zeros
(Linux). If the second header has format 2, a length of 0 also means format 2.
"""

import bz2
import struct
import zlib
from typing import Final

from msgspec import Struct

from ccw_actors.devices.ckd_image import HEADER_SIZE, checked_type
from ccw_actors.devices.ckd_types import CYLINDERS_MAX
from ccw_actors.devices.track import HOME_ADDRESS_SIZE, Record, Track
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.errors import ImageError

__all__ = [
    "CCKD_HEADERS_SIZE",
    "CCKD_IDENTIFIER",
    "SHADOW_IDENTIFIER",
    "CckdHeader",
    "TrackPlace",
    "is_cckd",
    "null_track",
    "unpacked_track",
]

CCKD_HEADERS_SIZE: Final = 2 * HEADER_SIZE
CCKD_IDENTIFIER: Final = b"CKD_C370"
SHADOW_IDENTIFIER: Final = b"CKD_S370"

_DEVICE = struct.Struct("<8sIIBBH")
_TABLES = {False: struct.Struct("<II"), True: struct.Struct(">II")}
_OFFSET = {False: struct.Struct("<I"), True: struct.Struct(">I")}
_ENTRY = {False: struct.Struct("<IHH"), True: struct.Struct(">IHH")}
_CYLINDERS = struct.Struct("<I")
_BIG_ENDIAN: Final = 0x02
_PER_TABLE: Final = 256
_IN_ANOTHER_FILE: Final = 0xFFFFFFFF
_LINUX_RECORDS: Final = 12
_LINUX_SIZE: Final = 4096
_LINUX_FORMAT: Final = 2
_NULL_FORMATS: Final = (0, 1, _LINUX_FORMAT)


def is_cckd(raw: bytes) -> bool:
    """Return whether a file that starts with `raw` is compressed CKD or its shadow."""
    return raw[: len(CCKD_IDENTIFIER)] in {CCKD_IDENTIFIER, SHADOW_IDENTIFIER}


class TrackPlace(Struct, frozen=True):
    """Offset and length of a track's image in bytes; `length` 0 means a null track."""

    offset: int
    length: int
    null_format: int = 0


class CckdHeader(Struct, frozen=True):
    """Both headers of a compressed image, checked.

    `big_endian` is the byte order of the tables. `null_format` is the format of the
    tracks that have no level 2 table.
    """

    geometry: Geometry
    big_endian: bool
    null_format: int

    @classmethod
    def from_bytes(cls, raw: bytes) -> "CckdHeader":
        """Read the headers.

        Args:
            raw: The first 1024 bytes of the file; more may follow.

        Raises:
            ImageError: This is not a compressed CKD image, it is a shadow file, or its
                headers contradict each other; the message gives the offset.
        """
        if len(raw) < CCKD_HEADERS_SIZE:
            raise ImageError(
                f"a compressed CKD image starts with headers of {CCKD_HEADERS_SIZE}"
                f" bytes, but the file has only {len(raw)}"
            )
        identifier, heads, track_size, code, _, _ = _DEVICE.unpack_from(raw)
        _expect_cckd(identifier)
        kind = checked_type(code, heads, track_size)
        second = raw[HEADER_SIZE:CCKD_HEADERS_SIZE]
        big_endian = bool(second[3] & _BIG_ENDIAN)
        level1, level2 = _TABLES[big_endian].unpack_from(second, 4)
        (cylinders,) = _CYLINDERS.unpack_from(second, 40)
        null_format = second[44]
        _expect("cylinders", 40, cylinders, range(1, CYLINDERS_MAX + 1))
        _expect("entries of a level 2 table", 8, level2, (_PER_TABLE,))
        volume = Geometry(kind.name, cylinders, heads, track_size)
        tables = -(-volume.tracks // _PER_TABLE)
        _expect("entries of the level 1 table", 4, level1, (tables,))
        _expect("format of null tracks", 44, null_format, _NULL_FORMATS)
        return cls(volume, big_endian, null_format)

    @property
    def level1_size(self) -> int:
        """Bytes of the level 1 table, which follows the headers."""
        tables = -(-self.geometry.tracks // _PER_TABLE)
        return tables * _OFFSET[self.big_endian].size

    @property
    def level2_size(self) -> int:
        """Bytes of a level 2 table."""
        return _PER_TABLE * _ENTRY[self.big_endian].size

    def level2_offset(self, level1: bytes, track: int, file_size: int) -> int:
        """Offset in bytes of the level 2 table of a track; 0 if it has none.

        Raises:
            ImageError: The offset is not in this file.
        """
        packed = _OFFSET[self.big_endian]
        number = track // _PER_TABLE
        (offset,) = packed.unpack_from(level1, number * packed.size)
        if offset:
            name = f"level 2 table {number}"
            _check_place(name, offset, self.level2_size, self._tables_end, file_size)
        return int(offset)

    def track_place(self, level2: bytes, track: int, file_size: int) -> TrackPlace:
        """Place of a track's image, from its level 2 table (empty if it has none).

        Raises:
            ImageError: The place is not in this file, or its length is impossible.
        """
        if not level2:
            return TrackPlace(0, 0, self.null_format)
        packed = _ENTRY[self.big_endian]
        at = track % _PER_TABLE * packed.size
        offset, length, _ = packed.unpack_from(level2, at)
        if not offset:
            return self._nowhere(track, length)
        _check_place(
            f"the image of track {track}", offset, length, self._tables_end, file_size
        )
        if length <= HOME_ADDRESS_SIZE:
            raise ImageError(
                f"the image of track {track} has {length} bytes at offset {offset},"
                f" expected more than {HOME_ADDRESS_SIZE}"
            )
        return TrackPlace(offset, length)

    def _nowhere(self, track: int, null_format: int) -> TrackPlace:
        if null_format not in _NULL_FORMATS:
            raise ImageError(
                f"track {track} has no image and format {null_format} in its level 2"
                f" table, expected one of 0, 1, 2"
            )
        # In a Linux image, a track that was never written has 0.
        linux = self.null_format == _LINUX_FORMAT and not null_format
        return TrackPlace(0, 0, _LINUX_FORMAT if linux else null_format)

    @property
    def _tables_end(self) -> int:
        return CCKD_HEADERS_SIZE + self.level1_size


def _expect_cckd(identifier: bytes) -> None:
    if identifier == SHADOW_IDENTIFIER:
        raise ImageError(
            "the image is a shadow file of a compressed CKD image, which has only"
            " what changed; merge it into its base image, or copy both into one"
        )
    if identifier != CCKD_IDENTIFIER:
        raise ImageError(
            f"not a compressed CKD image: it starts with {identifier!r}, expected"
            f" {CCKD_IDENTIFIER!r} at offset 0"
        )


def _expect(
    what: str, offset: int, found: int, allowed: range | tuple[int, ...]
) -> None:
    if found in allowed:
        return
    if isinstance(allowed, range):
        expected = f"{allowed.start} to {allowed.stop - 1}"
    else:
        expected = " or ".join(map(str, allowed))
    raise ImageError(
        f"{what}: {found} (offset {HEADER_SIZE + offset}), expected {expected}"
    )


def _check_place(
    what: str, offset: int, length: int, lowest: int, file_size: int
) -> None:
    if offset == _IN_ANOTHER_FILE:
        raise ImageError(
            f"{what} is in another file, as only a shadow file may have it"
        )
    if not lowest <= offset <= file_size - length:
        raise ImageError(
            f"{what} has {length} bytes at offset {offset}, expected a place between"
            f" {lowest} and the end of the file, {file_size}"
        )


def unpacked_track(volume: Geometry, track: int, raw: bytes) -> bytes:
    """Unpack the image of a track, padded with zeros to the volume's track size.

    It never takes more memory than twice that size, whatever the data unpack to.

    Raises:
        ImageError: The image is of another track, cannot be unpacked, or does not fit
            on a track.
    """
    place = (
        f"track {track} (cylinder {track // volume.heads}, head {track % volume.heads})"
    )
    method, cylinder, head = struct.unpack_from(">BHH", raw)
    if (cylinder, head) != divmod(track, volume.heads):
        raise ImageError(
            f"{place}: its image is of cylinder {cylinder}, head {head} (offset 1)"
        )
    room = volume.track_size - HOME_ADDRESS_SIZE
    try:
        data = _unpacked(method, raw[HOME_ADDRESS_SIZE:], room)
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise ImageError(f"{place}: its image cannot be unpacked: {error}") from error
    return (b"\0" + raw[1:HOME_ADDRESS_SIZE] + data).ljust(volume.track_size, b"\0")


def _unpacked(method: int, packed: bytes, room: int) -> bytes:
    if method == 0:
        data, ended = packed, True
    elif method == 1:
        inflater = zlib.decompressobj()
        data = inflater.decompress(packed, room + 1)
        ended = inflater.eof
    elif method == 2:
        decompressor = bz2.BZ2Decompressor()
        data = decompressor.decompress(packed, room + 1)
        ended = decompressor.eof
    else:
        raise ValueError(
            f"compression {method} (offset 0), expected 0 (none), 1 (zlib) or 2 (bzip2)"
        )
    if len(data) > room:
        raise ValueError(f"more than the {room} bytes of a track")
    if not ended:
        raise ValueError(f"it is cut short after {len(packed)} bytes")
    return data


def null_track(volume: Geometry, track: int, null_format: int) -> bytes:
    """Return the bytes of a track without an image, padded to the track size.

    Raises:
        ImageError: The volume's tracks are too short for the format.
    """
    cylinder, head = divmod(track, volume.heads)
    records = [Record(cylinder, head, 0, b"", bytes(8))]
    if null_format == 0:
        records.append(Record(cylinder, head, 1, b"", b""))
    elif null_format == _LINUX_FORMAT:
        records += [
            Record(cylinder, head, number, b"", bytes(_LINUX_SIZE))
            for number in range(1, _LINUX_RECORDS + 1)
        ]
    raw = Track(0, cylinder, head, tuple(records), b"").to_bytes()
    if len(raw) > volume.track_size:
        raise ImageError(
            f"track {track} has no image and format {null_format}, which takes"
            f" {len(raw)} bytes; a {volume.device_type} has {volume.track_size}"
        )
    return raw.ljust(volume.track_size, b"\0")
