"""The uncompressed image of a count-key-data volume, as Hercules' dasdinit writes it.

A device header of 512 bytes, then every track of the volume, each in `track_size`
bytes (see `track`). Numbers in the header are little-endian:

| offset | size | content |
|---|---|---|
| 0 | 8 | "CKD_P370", in ASCII |
| 8 | 4 | heads (tracks per cylinder) |
| 12 | 4 | track size in bytes |
| 16 | 1 | low byte of the device type: 80 = 3380, 90 = 3390 |
| 17 | 1 | sequence number of this file, 0 = the volume is one file |
| 18 | 2 | highest cylinder in this file, 0 = the volume is one file |
"""

import struct

from msgspec import Struct

from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.errors import ImageError

__all__ = ["HEADER_SIZE", "CkdHeader", "geometry", "track_offset"]

HEADER_SIZE = 512

_CKD = b"CKD_P370"
_OTHER_FORMATS = {
    b"CKD_C370": "a compressed CKD image (CCKD)",
    b"CKD_S370": "a shadow file of a compressed CKD image (CCKD)",
    b"FBA_C370": "a compressed FBA image",
    b"FBA_S370": "a shadow file of a compressed FBA image",
}
_FIELDS = struct.Struct("<8sIIBBH")


class _Format(Struct, frozen=True):
    device_type: str
    heads: int
    track_size: int


_FORMATS = {
    0x80: _Format("3380", heads=15, track_size=47616),
    0x90: _Format("3390", heads=15, track_size=56832),
}


class CkdHeader(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Device header of an image that was checked: what every track has in common."""

    device_type: str
    heads: int
    track_size: int

    @classmethod
    def from_bytes(cls, raw: bytes) -> "CkdHeader":
        """Read the header at the start of an image.

        Args:
            raw: The first 512 bytes of the image; more may follow.

        Raises:
            ImageError: This is another file, a compressed image, one of several files
                of a volume, or a device type or track size that is not known here.
        """
        if len(raw) < HEADER_SIZE:
            raise ImageError(
                f"a CKD image starts with a header of {HEADER_SIZE} bytes,"
                f" but the file has only {len(raw)}"
            )
        identifier, heads, track_size, type_byte, sequence, high = _FIELDS.unpack_from(
            raw
        )
        if identifier != _CKD:
            raise ImageError(_not_ckd(identifier))
        if sequence or high:
            raise ImageError(
                f"the image is file {sequence} of a volume in several files"
                f" (highest cylinder {high}), expected a volume in one file"
            )
        return _checked(type_byte, cls("", heads, track_size))


def _not_ckd(identifier: bytes) -> str:
    if identifier in _OTHER_FORMATS:
        return (
            f"the image is {_OTHER_FORMATS[identifier]},"
            " expected an uncompressed CKD image"
        )
    return (
        f"not a CKD image: it starts with {identifier!r}, expected {_CKD!r} at offset 0"
    )


def _checked(type_byte: int, found: CkdHeader) -> CkdHeader:
    expected = _FORMATS.get(type_byte)
    if expected is None:
        known = ", ".join(
            f"{byte:02x} ({form.device_type})" for byte, form in _FORMATS.items()
        )
        raise ImageError(
            f"the image is of device type {type_byte:02x} (offset 16),"
            f" expected one of {known}"
        )
    if (found.heads, found.track_size) != (expected.heads, expected.track_size):
        raise ImageError(
            f"the image has {found.heads} heads and tracks of {found.track_size} bytes,"
            f" expected {expected.heads} heads and {expected.track_size} bytes for a"
            f" {expected.device_type}"
        )
    return CkdHeader(expected.device_type, found.heads, found.track_size)


def geometry(header: CkdHeader, file_size: int) -> Geometry:
    """Work out the number of cylinders from the size of the file in bytes.

    Raises:
        ImageError: The file is not its header and one or more whole cylinders:
            truncated, or longer than it should be.
    """
    cylinder_size = header.heads * header.track_size
    cylinders, rest = divmod(file_size - HEADER_SIZE, cylinder_size)
    if rest or cylinders < 1:
        raise ImageError(
            f"the image has {file_size} bytes, expected {HEADER_SIZE} and a multiple"
            f" of {cylinder_size} (a cylinder of a {header.device_type}); the last"
            f" cylinder has {rest} bytes"
        )
    return Geometry(
        header.device_type, cylinders, heads=header.heads, track_size=header.track_size
    )


def track_offset(volume: Geometry, number: int) -> int:
    """Offset in bytes of a track in the image; tracks are numbered from zero.

    Raises:
        ImageError: The volume has no such track.
    """
    if not 0 <= number < volume.tracks:
        raise ImageError(
            f"the volume has no track {number}: it has {volume.tracks} tracks,"
            " numbered from 0"
        )
    return HEADER_SIZE + number * volume.track_size
