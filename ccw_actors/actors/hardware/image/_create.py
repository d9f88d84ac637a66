"""New images: of a volume with a label and nothing else, or with given contents."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ccw_actors.actors.hardware.image._create_file import create_file, create_files
from ccw_actors.actors.hardware.image._new_packed import write_packed
from ccw_actors.actors.hardware.image._parts import part_path
from ccw_actors.devices.cckd_image import CckdHeader
from ccw_actors.devices.ckd_image import HEADER_SIZE, CkdHeader, track_offset
from ccw_actors.devices.fba_image import fba_volume, group_offset
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry, Geometry
from ccw_actors.devices.volume_label import VolumeLabel
from ccw_actors.devices.volume_resize import empty_track
from ccw_actors.devices.vtoc import empty_vtoc
from ccw_actors.errors import ImageError

__all__ = ["create_blocks", "create_image", "create_tracks", "write_tracks"]

_VTOC = (0, 1, 1)

Progress = Callable[[int], None]


def create_tracks(
    path: Path,
    volume: Geometry,
    serial: str,
    *,
    replace: bool = False,
    compression: int | None = None,
    progress: Progress = lambda _tracks: None,
) -> None:
    """Make an image of a volume of tracks, with a label and an empty VTOC.

    Args:
        path: The file, which appears when it is complete.
        volume: Shape of the volume.
        serial: Its volume serial.
        replace: Replace a file that exists.
        compression: 0 none, 1 zlib, 2 bzip2; None for an image that is not of the
            compressed format.
        progress: Called with the number of tracks done, now and then.

    Raises:
        ImageError: The file exists, is in use, or cannot be written; or a file with the
            name of its journal is not that of the image it replaces.
    """
    special = {0: VolumeLabel(serial, _VTOC).to_track(volume)} | empty_vtoc(volume)

    def read(number: int) -> bytes:
        return special.get(number) or empty_track(volume, number)

    create_image(
        path, volume, read, replace=replace, compression=compression, progress=progress
    )


def create_blocks(
    path: Path,
    device_type: str,
    blocks: int,
    serial: str,
    *,
    replace: bool = False,
    compression: int | None = None,
) -> None:
    """Make an image of a volume of blocks, zero but for its label.

    Raises:
        ImageError: The file exists, or cannot be written; or `blocks` is less than 2.
    """
    start = VolumeLabel(serial).to_blocks()
    volume = fba_volume(device_type, blocks * BLOCK_SIZE)
    if volume.blocks * BLOCK_SIZE < len(start):
        raise ImageError(f"a volume of {blocks} blocks, expected at least 2")

    def read(number: int) -> bytes:
        size = volume.size_of(number)
        return bytes(size) if number else start.ljust(size, b"\0")

    create_image(path, volume, read, replace=replace, compression=compression)


def create_image(
    path: Path,
    volume: Geometry | BlockGeometry,
    read: Callable[[int], bytes],
    *,
    replace: bool = False,
    compression: int | None = None,
    split: int = 0,
    progress: Progress = lambda _tracks: None,
) -> None:
    """Make an image of a volume with the tracks that `read` returns.

    Args:
        path: The file, which appears when it is complete.
        volume: Shape of the volume.
        read: Returns a track, or a group of blocks, given its number.
        replace: Replace a file that exists.
        compression: As in `create_tracks`.
        split: Cut an image of tracks into files of so many cylinders; 0 for one file.
        progress: Called with the number of tracks done, now and then.

    Raises:
        ImageError: The file exists, is in use, or cannot be written; or a track cannot
            be read.
    """
    if compression is not None:
        packed = CckdHeader(
            volume,
            compression=compression,
            null_format=1 if isinstance(volume, Geometry) else 0,
        )

        def write(fd: int) -> None:
            write_packed(fd, packed, read, progress)

        create_file(path, write, replace=replace)
    elif isinstance(volume, Geometry):
        _create_parts(path, volume, read, split, progress, replace=replace)
    else:
        groups = partial(_write_blocks, volume, read, progress)
        create_file(path, groups, replace=replace)


def _create_parts(
    path: Path,
    volume: Geometry,
    read: Callable[[int], bytes],
    split: int,
    progress: Progress,
    *,
    replace: bool,
) -> None:
    """Write the files of a volume, each with the cylinders that it has."""
    size = split if 0 < split < volume.cylinders else volume.cylinders
    firsts = range(0, volume.cylinders, size)
    paths = [path] if len(firsts) == 1 else []
    paths = paths or [part_path(path, number + 1) for number in range(len(firsts))]

    def write(fds: list[int]) -> None:
        for number, (fd, first) in enumerate(zip(fds, firsts, strict=True), 1):
            last = min(first + size, volume.cylinders)
            several = len(fds) > 1
            header = CkdHeader(
                volume.device_type,
                volume.heads,
                volume.track_size,
                number if several else 0,
                last - 1 if number < len(fds) else 0,
            )
            write_tracks(
                fd, volume, header, read, range(first, last), progress=progress
            )

    create_files(paths, write, replace=replace)


def write_tracks(
    fd: int,
    volume: Geometry,
    header: CkdHeader,
    read: Callable[[int], bytes],
    cylinders: range,
    *,
    progress: Progress,
) -> None:
    """Write one file of a volume of tracks: its header, and some of the cylinders."""
    os.pwrite(fd, header.to_bytes(), 0)
    first = cylinders.start * volume.heads
    end = cylinders.stop * volume.heads
    for number in range(first, end):
        raw = read(number)
        os.pwrite(fd, raw.rstrip(b"\0"), track_offset(volume, number - first))
        if number % volume.heads == 0:
            progress(number)
    progress(end)
    os.ftruncate(fd, HEADER_SIZE + (end - first) * volume.track_size)


def _write_blocks(
    volume: BlockGeometry,
    read: Callable[[int], bytes],
    progress: Progress,
    fd: int,
) -> None:
    for number in range(volume.tracks):
        if data := read(number).rstrip(b"\0"):
            os.pwrite(fd, data, group_offset(volume, number))
        progress(number)
    os.ftruncate(fd, volume.blocks * BLOCK_SIZE)
