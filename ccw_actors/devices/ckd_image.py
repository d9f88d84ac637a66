"""The uncompressed image of a count-key-data volume, as Hercules' dasdinit writes it.

The file has a device header of 512 bytes, then every track of the volume, each in
`track_size` bytes (see `track`). Numbers in the header are little-endian:

| offset | size | content |
|---|---|---|
| 0 | 8 | "CKD_P370", in ASCII |
| 8 | 4 | heads (tracks per cylinder) |
| 12 | 4 | track size in bytes |
| 16 | 1 | low byte of the device type: 80 = 3380, 90 = 3390 |
| 17 | 1 | sequence number of this file from 1, 0 = the volume is one file |
| 18 | 2 | highest cylinder in this file, 0 = it is the last |

A volume of more than two gigabytes may be cut into files of whole cylinders, each
with its own header.
"""

import struct
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ccw_actors.devices.ckd_types import CKD_TYPES, CkdType
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.errors import ImageError

__all__ = [
    "HEADER_SIZE",
    "CkdHeader",
    "assemble",
    "checked_type",
    "geometry",
    "track_offset",
]

HEADER_SIZE: Final = 512

_CKD = b"CKD_P370"
_OTHER_FORMATS = {
    b"CKD_C370": "a compressed CKD image (CCKD)",
    b"CKD_S370": "a shadow file of a compressed CKD image (CCKD)",
    b"FBA_C370": "a compressed FBA image",
    b"FBA_S370": "a shadow file of a compressed FBA image",
}
_FIELDS = struct.Struct("<8sIIBBH")


class CkdHeader(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Device header of a checked image: the properties that its tracks share.

    `sequence` and `highest_cylinder` are the number and the last cylinder of a file of
    a volume in several files; both are 0 for a volume in one file.
    """

    device_type: str
    heads: int
    track_size: int
    sequence: int = 0
    highest_cylinder: int = 0

    @classmethod
    def from_bytes(cls, raw: bytes) -> "CkdHeader":
        """Read the header at the start of an image.

        Args:
            raw: The first 512 bytes of the image; more may follow.

        Raises:
            ImageError: This is not an uncompressed CKD image, or no disk type has its
                code, number of heads and track size.
        """
        if len(raw) < HEADER_SIZE:
            raise ImageError(
                f"a CKD image starts with a header of {HEADER_SIZE} bytes,"
                f" but the file has only {len(raw)}"
            )
        identifier, heads, track_size, code, sequence, highest = _FIELDS.unpack_from(
            raw
        )
        if identifier != _CKD:
            raise ImageError(_not_ckd(identifier))
        kind = checked_type(code, heads, track_size)
        return cls(kind.name, heads, track_size, sequence, highest)

    def to_bytes(self) -> bytes:
        """The 512 bytes at the start of an image."""
        codes = {kind.name: kind.code for kind in CKD_TYPES}
        fields = _FIELDS.pack(
            _CKD,
            self.heads,
            self.track_size,
            codes[self.device_type],
            self.sequence,
            self.highest_cylinder,
        )
        return fields.ljust(HEADER_SIZE, b"\0")


def _not_ckd(identifier: bytes) -> str:
    if identifier in _OTHER_FORMATS:
        return (
            f"the image is {_OTHER_FORMATS[identifier]},"
            " expected an uncompressed CKD image"
        )
    return (
        f"not a CKD image: it starts with {identifier!r}, expected {_CKD!r} at offset 0"
    )


def checked_type(code: int, heads: int, track_size: int) -> CkdType:
    """Find the disk type with a header's code, heads and track size in bytes.

    Raises:
        ImageError: There is no such type, or it has other heads or tracks.
    """
    named = [kind for kind in CKD_TYPES if kind.code == code]
    for kind in named:
        if (kind.heads, kind.track_size) == (heads, track_size):
            return kind
    if not named:
        raise ImageError(_unknown_type(code))
    expected = " or ".join(
        f"{kind.heads} heads and {kind.track_size} bytes" for kind in named
    )
    raise ImageError(
        f"the image has {heads} heads (offset 8) and tracks of {track_size} bytes"
        f" (offset 12), expected {expected} for a {named[0].name}"
    )


def _unknown_type(code: int) -> str:
    known = ", ".join(sorted({f"{kind.code:02x} ({kind.name})" for kind in CKD_TYPES}))
    return (
        f"the image is of device type {code:02x} (offset 16), expected one of {known}"
    )


def geometry(header: CkdHeader, file_size: int) -> Geometry:
    """Work out the number of cylinders from the size of the file in bytes.

    Raises:
        ImageError: The file is not its header and a number of complete cylinders:
            truncated, or longer than it should be. Or it is one of several files of
            a volume (see `assemble`).
    """
    if header.sequence:
        raise ImageError(
            f"the image is file {header.sequence} of a volume in several files,"
            " expected a volume in one file"
        )
    return assemble([(header, file_size)])


def assemble(parts: Sequence[tuple[CkdHeader, int]]) -> Geometry:
    """Return the shape of a volume in files, given in order as (header, bytes).

    Raises:
        ImageError: A file is not its header and whole cylinders, or its header
            contradicts its place in the order.
    """
    first = parts[0][0]
    cylinders = 0
    for number, (header, file_size) in enumerate(parts, 1):
        where = f"file {number} of the volume" if len(parts) > 1 else "the image"
        _check_place(header, first, number, len(parts), where)
        cylinders += _whole_cylinders(header, file_size, where)
        _check_end(header, cylinders - 1, where)
    return Geometry(
        first.device_type, cylinders, heads=first.heads, track_size=first.track_size
    )


def _whole_cylinders(header: CkdHeader, file_size: int, where: str) -> int:
    size = header.heads * header.track_size
    found, rest = divmod(file_size - HEADER_SIZE, size)
    if rest or found < 1:
        raise ImageError(
            f"{where} has {file_size} bytes, expected {HEADER_SIZE} and a multiple"
            f" of {size} (a cylinder of a {header.device_type}); the last"
            f" cylinder has {rest} bytes"
        )
    return found


def _check_end(header: CkdHeader, last: int, where: str) -> None:
    if header.highest_cylinder not in {0, last}:
        raise ImageError(
            f"{where} ends with cylinder {last}, expected"
            f" {header.highest_cylinder} as its header says (offset 18)"
        )


def _check_place(
    header: CkdHeader, first: CkdHeader, number: int, count: int, where: str
) -> None:
    expected = number if count > 1 or header.sequence else 0
    if header.sequence != expected:
        raise ImageError(
            f"{where} says that it is file {header.sequence} (offset 17),"
            f" expected {expected}"
        )
    if (header.device_type, header.track_size) != (first.device_type, first.track_size):
        raise ImageError(
            f"{where} is of a {header.device_type}, expected a {first.device_type}"
            " like the first"
        )
    if bool(header.highest_cylinder) != (number < count):
        expects = "more files" if header.highest_cylinder else "no file after it"
        raise ImageError(
            f"{where} has {header.highest_cylinder} as its highest cylinder"
            f" (offset 18), which means {expects}; there are {count}"
        )


def track_offset(volume: Geometry, number: int) -> int:
    """Offset in bytes of a track in the image; tracks are numbered from zero.

    If the volume is in several files, number the tracks from the first in the file.

    Raises:
        ImageError: The volume has no such track.
    """
    if not 0 <= number < volume.tracks:
        raise ImageError(
            f"the volume has no track {number}: it has {volume.tracks} tracks,"
            " numbered from 0"
        )
    return HEADER_SIZE + number * volume.track_size
