"""New compressed images and shadow files, written from the start to the end."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from ccw_actors.actors.hardware.image._create_file import create_file
from ccw_actors.actors.hardware.image._opening import errors_of
from ccw_actors.actors.hardware.image._parts import ImageParts
from ccw_actors.actors.hardware.image._shadow_name import SHADOWS_MAX
from ccw_actors.actors.hardware.image._write_journal import write_all
from ccw_actors.devices.cckd_image import (
    CCKD_HEADERS_SIZE,
    TRACKS_PER_TABLE,
    CckdHeader,
    TrackPlace,
)
from ccw_actors.devices.cckd_space import COUNTERS_OFFSET, SpaceMap
from ccw_actors.devices.cckd_track import null_format_of, packed_track
from ccw_actors.errors import ImageError

__all__ = ["new_shadow", "write_packed"]


def write_packed(
    fd: int,
    header: CckdHeader,
    read: Callable[[int], bytes],
    progress: Callable[[int], None],
) -> None:
    """Write a compressed image of a whole volume.

    Args:
        fd: A new file.
        header: Its headers.
        read: Returns a track, given its number.
        progress: Called with the number of tracks done, now and then.

    Raises:
        ImageError: A track cannot be packed, or the file would be too large.
    """
    space = SpaceMap(header, ())
    level1 = b""
    tracks = header.geometry.tracks
    unused = header.new_level2(header.level1_entry(0) * header.tables, 0)
    for first in range(0, tracks, TRACKS_PER_TABLE):
        images = _images(
            header, read, range(first, min(first + TRACKS_PER_TABLE, tracks))
        )
        level1 += header.level1_entry(_write_table(fd, header, space, images, unused))
        progress(min(first + TRACKS_PER_TABLE, tracks))
    _finish(fd, header, level1, space)


def _images(
    header: CckdHeader, read: Callable[[int], bytes], numbers: Iterable[int]
) -> list[tuple[int, bytes | int]]:
    """Return the images of tracks, or the formats of those that need none."""
    found: list[tuple[int, bytes | int]] = []
    volume = header.geometry
    for number in numbers:
        data = read(number)
        null = null_format_of(volume, number, data, header.null_format)
        if null is None:
            image = packed_track(volume, number, data, header.compression, header.level)
            found.append((number, image))
        else:
            found.append((number, null))
    return found


def _write_table(
    fd: int,
    header: CckdHeader,
    space: SpaceMap,
    images: list[tuple[int, bytes | int]],
    unused: bytes,
) -> int:
    """Write the images of tracks and their level 2 table; return its offset, or 0."""
    table = bytearray(unused)
    for number, image in images:
        if isinstance(image, int):
            place = TrackPlace(0, 0, image)
        else:
            offset, size = space.take(len(image))
            write_all(fd, image, offset)
            place = TrackPlace(offset, len(image), size=size)
        at, length = header.level2_place(number)
        table[at : at + length] = header.level2_entry(place)
    if bytes(table) == unused:
        return 0
    offset, _ = space.take(len(table), exact=True)
    write_all(fd, bytes(table), offset)
    return offset


def _finish(fd: int, header: CckdHeader, level1: bytes, space: SpaceMap) -> None:
    header = header.opened(is_open=False)
    write_all(fd, header.to_bytes() + level1, 0)
    listed = space.listed()
    write_all(fd, listed.counters.to_bytes(header), COUNTERS_OFFSET)
    os.ftruncate(fd, listed.file_size)


def new_shadow(paths: list[Path], *, device_type: str) -> None:
    """Make an empty shadow file, the last of `paths`, of the file before it.

    Raises:
        ImageError: There are eight shadow files already; the file below is no
            compressed image, or a wide one; or the file exists.
    """
    if len(paths) > SHADOWS_MAX + 1:
        raise ImageError(f"there are {SHADOWS_MAX} shadow files, expected fewer")
    *_, below, path = paths
    parts = ImageParts(read_only=True)
    with errors_of(below, parts):
        parts.open(below)
        start = parts.read(0, CCKD_HEADERS_SIZE, 0)
        found = CckdHeader.from_bytes(
            start, device_type=device_type, shadow=len(paths) > 2
        )
        found.check_writable()
        header = replace(found, shadow=True)

        def write(fd: int) -> None:
            level1 = b"\xff" * header.level1_size
            _finish(fd, header, level1, SpaceMap(header, ()))

        create_file(path, write, replace=False)
    parts.close()
