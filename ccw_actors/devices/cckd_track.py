"""The image of one track, or group of blocks, in a compressed image: packed, unpacked.

The image starts with five bytes: the compression (0 none, 1 zlib, 2 bzip2), then
cylinder and head, two bytes each, or the number of a group of blocks in four; all
big-endian. The rest, compressed, is the track from R0 to its end mark, or 120 blocks.

A track without an image is a null track. Its format is 0 = R0 and an empty R1, 1 = R0
only, 2 = R0 and twelve records of 4096 zeros (Linux). A group without an image is zero.
"""

import bz2
import struct
import zlib
from typing import Final

from ccw_actors.devices.track import (
    END_MARK,
    HOME_ADDRESS_SIZE,
    Record,
    Track,
    slots,
)
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = [
    "COMPRESSIONS",
    "IMAGE_HEADER_SIZE",
    "LINUX_FORMAT",
    "NULL_FORMATS",
    "null_format_of",
    "null_track",
    "packed_track",
    "unpacked_track",
]

IMAGE_HEADER_SIZE: Final = HOME_ADDRESS_SIZE
LINUX_FORMAT: Final = 2
NULL_FORMATS: Final = (0, 1, LINUX_FORMAT)
COMPRESSIONS: Final = {"none": 0, "zlib": 1, "bzip2": 2}
"""The compressions by their names."""

_LINUX_RECORDS: Final = 12
_LINUX_SIZE: Final = 4096
_BZIP2_LEVELS: Final = range(1, 10)
_TRACK = struct.Struct(">BHH")
_GROUP = struct.Struct(">BI")


def packed_track(
    volume: Geometry | BlockGeometry,
    number: int,
    data: bytes,
    compression: int,
    level: int = -1,
) -> bytes:
    """Pack a track, or a group of blocks; it is not compressed if that saves nothing.

    Args:
        volume: The volume.
        number: Number of the track or group.
        data: Its bytes. What follows the end mark of a track is left out.
        compression: 0 none, 1 zlib, 2 bzip2.
        level: That of zlib or bzip2, -1 for the usual one.

    Raises:
        ImageError: The records of the track do not end, or its home address is that of
            another track.
    """
    content = _content(volume, number, data)
    packed = _compressed(content, compression, level)
    method = compression if len(packed) < len(content) else 0
    return _start(volume, number, method) + (packed if method else content)


def _content(volume: Geometry | BlockGeometry, number: int, data: bytes) -> bytes:
    if isinstance(volume, BlockGeometry):
        return data.ljust(volume.per_group * BLOCK_SIZE, b"\0")
    if _TRACK.unpack_from(data)[1:] != divmod(number, volume.heads):
        raise ImageError(
            f"{_place(volume, number)}: its home address is that of another track,"
            " which a compressed image cannot hold"
        )
    return data[HOME_ADDRESS_SIZE : slots(data)[-1].end + len(END_MARK)]


def _compressed(content: bytes, compression: int, level: int) -> bytes:
    if compression == COMPRESSIONS["zlib"]:
        return zlib.compress(content, level if level in range(10) else -1)
    if compression == COMPRESSIONS["bzip2"]:
        return bz2.compress(content, level if level in _BZIP2_LEVELS else 9)
    return content


def _start(volume: Geometry | BlockGeometry, number: int, method: int) -> bytes:
    if isinstance(volume, BlockGeometry):
        return _GROUP.pack(method, number)
    return _TRACK.pack(method, *divmod(number, volume.heads))


def _place(volume: Geometry | BlockGeometry, number: int) -> str:
    if isinstance(volume, BlockGeometry):
        return f"group {number} of blocks"
    cylinder, head = divmod(number, volume.heads)
    return f"track {number} (cylinder {cylinder}, head {head})"


def unpacked_track(volume: Geometry | BlockGeometry, number: int, raw: bytes) -> bytes:
    """Unpack the image of a track, padded with zeros to the volume's track size.

    It never takes more memory than twice that size, whatever the data unpack to. A
    group of blocks has the size of its blocks.

    Raises:
        ImageError: The image is of another track, cannot be unpacked, or does not fit
            on a track.
    """
    place = _place(volume, number)
    if len(raw) < IMAGE_HEADER_SIZE:
        raise ImageError(f"{place}: its image was cut short after {len(raw)} bytes")
    if raw[1:IMAGE_HEADER_SIZE] != _start(volume, number, 0)[1:]:
        raise ImageError(f"{place}: its image is of {_named(volume, raw)} (offset 1)")
    blocks = isinstance(volume, BlockGeometry)
    room = (
        volume.per_group * BLOCK_SIZE
        if isinstance(volume, BlockGeometry)
        else volume.track_size - HOME_ADDRESS_SIZE
    )
    try:
        data = _unpacked(raw[0], raw[IMAGE_HEADER_SIZE:], room, blocks=blocks)
    except (zlib.error, OSError, EOFError, ValueError) as error:
        raise ImageError(f"{place}: its image cannot be unpacked: {error}") from error
    if isinstance(volume, BlockGeometry):
        size = volume.size_of(number)
        return data[:size].ljust(size, b"\0")
    return (b"\0" + raw[1:HOME_ADDRESS_SIZE] + data).ljust(volume.track_size, b"\0")


def _named(volume: Geometry | BlockGeometry, raw: bytes) -> str:
    if isinstance(volume, BlockGeometry):
        return f"group {_GROUP.unpack_from(raw)[1]}"
    _, cylinder, head = _TRACK.unpack_from(raw)
    return f"cylinder {cylinder}, head {head}"


def _unpacked(method: int, packed: bytes, room: int, *, blocks: bool) -> bytes:
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
        whole = "group of blocks" if blocks else "track"
        raise ValueError(f"more than the {room} bytes of a {whole}")
    if not ended:
        raise ValueError(f"it is cut short after {len(packed)} bytes")
    return data


def null_track(volume: Geometry | BlockGeometry, track: int, null_format: int) -> bytes:
    """Return the bytes of a track without an image, padded to the track size.

    Raises:
        ImageError: The volume's tracks are too short for the format.
    """
    if isinstance(volume, BlockGeometry):
        return bytes(volume.size_of(track))
    cylinder, head = divmod(track, volume.heads)
    records = [Record(cylinder, head, 0, b"", bytes(8))]
    if null_format == 0:
        records.append(Record(cylinder, head, 1, b"", b""))
    elif null_format == LINUX_FORMAT:
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


def null_format_of(
    volume: Geometry | BlockGeometry, number: int, data: bytes, header_format: int
) -> int | None:
    """Return the format of a track that needs no image; None if it needs one.

    Args:
        volume: The volume.
        number: Number of the track or group.
        data: Its bytes.
        header_format: The format in the header of the file. If it is 2, a file cannot
            say that a track has format 0.
    """
    if isinstance(volume, BlockGeometry):
        return None if any(data) else 0
    content = _content(volume, number, data)
    for null_format in NULL_FORMATS:
        if null_format == 0 and header_format == LINUX_FORMAT:
            continue
        if content == _null_content(volume, number, null_format):
            return null_format
    return None


def _null_content(volume: Geometry, number: int, null_format: int) -> bytes | None:
    """Return a null track as an image would have it; None if it does not fit."""
    try:
        null = null_track(volume, number, null_format)
    except ImageError:
        return None
    return _content(volume, number, null)
