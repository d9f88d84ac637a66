"""The shape of the volume in a compressed image, from its headers; see `cckd_image`."""

import struct
from typing import Final

from ccw_actors.devices.ckd_image import HEADER_SIZE, checked_type
from ccw_actors.devices.ckd_types import CYLINDERS_MAX
from ccw_actors.devices.fba_image import BLOCKS_MAX, FBA_TYPES, GROUP_BLOCKS
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = ["BLOCKS", "NUMBER", "cckd_geometry", "expect"]

BLOCKS: Final = b"FBA_"
"""How the identifier of a volume of blocks starts."""
_SIZES = struct.Struct("<IIB")
NUMBER = struct.Struct("<I")
"""The number of cylinders or blocks: little-endian in every file."""


def cckd_geometry(
    raw: bytes, second: bytes, device_type: str, size_at: int
) -> Geometry | BlockGeometry:
    """Shape of the volume of a file with these headers.

    Args:
        raw: The first 512 bytes of the file; more may follow.
        second: Its second header.
        device_type: Its type, if it is of blocks: the file does not contain it.
        size_at: Offset of the number of cylinders or blocks in the second header.

    Raises:
        ImageError: The headers are of no disk type, or their numbers are impossible.
    """
    (count,) = NUMBER.unpack_from(second, size_at)
    if raw.startswith(BLOCKS):
        if device_type not in FBA_TYPES:
            known = ", ".join(FBA_TYPES)
            raise ImageError(
                "the image is a compressed image of blocks, which does not say its"
                f" device type: expected to be given one of {known}"
            )
        expect("blocks", size_at, count, range(2, BLOCKS_MAX + 1))
        return BlockGeometry(device_type, count, GROUP_BLOCKS)
    heads, track_size, code = _SIZES.unpack_from(raw, 8)
    kind = checked_type(code, heads, track_size)
    expect("cylinders", size_at, count, range(1, CYLINDERS_MAX + 1))
    return Geometry(kind.name, count, heads, track_size)


def expect(
    what: str, offset: int, found: int, allowed: range | tuple[int, ...]
) -> None:
    """Check a number of the second header.

    Raises:
        ImageError: It is not allowed; the message gives its offset in the file.
    """
    if found in allowed:
        return
    if isinstance(allowed, range):
        expected = f"{allowed.start} to {allowed.stop - 1}"
    else:
        expected = " or ".join(map(str, allowed))
    raise ImageError(
        f"{what}: {found} (offset {HEADER_SIZE + offset}), expected {expected}"
    )
