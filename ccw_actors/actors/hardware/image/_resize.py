"""Copies images: to another format or size, or into another image; and lets them grow.

An image that grows is written from scratch next to the old one, in its own format, and
takes its place when it is complete.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from ccw_actors.actors.hardware.image._create import create_image, write_tracks
from ccw_actors.actors.hardware.image._file import ImageFile, open_alone, open_image
from ccw_actors.actors.hardware.image._new_file import new_file, sync_folder
from ccw_actors.actors.hardware.image._new_packed import write_packed
from ccw_actors.actors.hardware.image._opening import errors_of
from ccw_actors.actors.hardware.image._packed import PackedImage
from ccw_actors.actors.hardware.image._parts import ImageParts, part_path
from ccw_actors.devices.ckd_image import HEADER_SIZE, CkdHeader
from ccw_actors.devices.ckd_types import CYLINDERS_MAX
from ccw_actors.devices.fba_image import BLOCKS_MAX
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry, Geometry
from ccw_actors.devices.volume_resize import check_nothing_lost, resized
from ccw_actors.devices.vtoc import resized_vtoc
from ccw_actors.errors import ImageError

__all__ = ["copy_image", "grow_image", "write_into"]

Progress = Callable[[int], None]


def _no_progress(_tracks: int) -> None:
    """Show nothing."""


def copy_image(
    source: ImageFile,
    target: Path,
    volume: Geometry | BlockGeometry,
    *,
    compression: int | None = None,
    split: int = 0,
    force: bool = False,
    progress: Progress = _no_progress,
) -> None:
    """Make a new image with the tracks of another.

    Args:
        source: The other, open.
        target: The new file.
        volume: Its shape: that of the other, or of the same type and another size.
        compression: 0 none, 1 zlib, 2 bzip2; None for an image that is not of the
            compressed format.
        split: Cut an image of tracks into files of so many cylinders; 0 for one file.
        force: Replace a file that exists.
        progress: Called with the number of tracks done, now and then.

    Raises:
        ImageError: A track cannot be read, a track with data would be cut off, or the
            file cannot be written.
    """
    check_nothing_lost(source.geometry, volume, source.read)
    create_image(
        target,
        volume,
        resized(source.geometry, volume, source.read),
        replace=force,
        compression=compression,
        split=split,
        progress=progress,
    )


def write_into(
    source: ImageFile, target: ImageFile, progress: Progress = _no_progress
) -> None:
    """Write the tracks of an image over those of another, which keeps its size.

    Tracks that only the target has become empty.

    Args:
        source: The image to read.
        target: The image to write, open for writing.
        progress: Called with the number of tracks done, now and then.

    Raises:
        ImageError: The device types differ, a track with data would be cut off, or a
            track cannot be read.
        OSError: A track cannot be written.
    """
    volume = target.geometry
    check_nothing_lost(source.geometry, volume, source.read)
    read = resized(source.geometry, volume, source.read)
    for number in range(volume.tracks):
        target.write(number, read(number))
        progress(number + 1)


def grow_image(
    path: Path, size: int, *, device_type: str = "", progress: Progress = _no_progress
) -> Geometry | BlockGeometry:
    """Let an image grow to a number of cylinders, or of blocks.

    A VTOC gets the new size of its volume. The old image stays until the new one is
    complete, so the disk of the host needs space for both.

    Args:
        path: The image; of a volume in several files, the first.
        size: The number of cylinders or blocks, more than it has.
        device_type: The device of an image of blocks.
        progress: Called with the number of tracks done, now and then.

    Returns:
        The new shape of the volume.

    Raises:
        ImageError: The size is not larger, or the image cannot be read or written.
    """
    image, parts = open_alone(path, device_type=device_type)
    try:
        with errors_of(path):
            old = image.geometry
            volume = _grown(old, size)
            if isinstance(image, PackedImage):
                _grow_packed(path, parts, image, volume, progress)
            elif isinstance(volume, BlockGeometry):
                parts.truncate(0, volume.blocks * BLOCK_SIZE)
                parts.sync(0)
            else:
                _grow_tracks(path, parts, image, volume, progress)
            several = parts.count > 1
    finally:
        image.close()
    if several and isinstance(old, Geometry) and isinstance(volume, Geometry):
        _write_vtoc(path, old, volume)
    return volume


def _grown(old: Geometry | BlockGeometry, size: int) -> Geometry | BlockGeometry:
    """Return the shape of a volume with more cylinders, or blocks."""
    has, unit = (
        (old.cylinders, "cylinders")
        if isinstance(old, Geometry)
        else (old.blocks, "blocks")
    )
    most = CYLINDERS_MAX if isinstance(old, Geometry) else BLOCKS_MAX
    if not has < size <= most:
        raise ImageError(
            f"it has {has} {unit}, and cannot grow to {size}; expected {has + 1} to"
            f" {most}"
        )
    if isinstance(old, Geometry):
        return replace(old, cylinders=size)
    return replace(old, blocks=size)


def _grow_packed(
    path: Path,
    parts: ImageParts,
    image: PackedImage,
    volume: Geometry | BlockGeometry,
    progress: Progress,
) -> None:
    header = replace(image.files[0].header, geometry=volume)
    header.check_writable()
    read = resized(image.geometry, volume, image.read)
    with _in_place_of(path, parts, 0) as fd:
        write_packed(fd, header, read, progress)


def _grow_tracks(
    path: Path,
    parts: ImageParts,
    image: ImageFile,
    volume: Geometry | BlockGeometry,
    progress: Progress,
) -> None:
    """Write the last file of the volume from scratch: the others stay as they are."""
    old = image.geometry
    assert isinstance(old, Geometry), "an image of tracks"
    assert isinstance(volume, Geometry), "of the same type"
    last = parts.count - 1
    header = CkdHeader.from_bytes(parts.read(last, HEADER_SIZE, 0))
    own = (parts.size(last) - HEADER_SIZE) // old.track_size // old.heads
    cylinders = range(old.cylinders - own, volume.cylinders)
    file = part_path(path, last + 1) if last else path
    read = resized(old, volume, image.read)
    with _in_place_of(file, parts, last) as fd:
        write_tracks(fd, volume, header, read, cylinders, progress=progress)


def _write_vtoc(path: Path, old: Geometry, volume: Geometry) -> None:
    """Write the VTOC's track of a volume in several files: it is not in the last."""
    image = open_image(path, read_only=False)
    try:
        for number, raw in resized_vtoc(old, volume, image.read).items():
            image.write(number, raw)
    finally:
        image.close()


@contextmanager
def _in_place_of(path: Path, parts: ImageParts, part: int) -> Generator[int]:
    """Open a new file, which takes the place of an open one when it is complete."""
    file = Path(os.path.realpath(path))
    with new_file(file, mode=0o666, replace=True) as fd:
        yield fd
        parts.give_owner(part, fd)
        os.fsync(fd)
    sync_folder(file)
