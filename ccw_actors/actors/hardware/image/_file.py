"""Image files: a volume is opened, locked, and read and written a track at a time.

| file | read | write |
|---|---|---|
| CKD, in one file or in several ("disk_1.img", "disk_2.img", ...) | yes | yes |
| CCKD, compressed, and its shadow files | yes | yes |
| CCKD64 | yes | no |
| FBA, raw; a "track" is a group of blocks | yes | yes |
| CFBA, compressed, and its shadow files | yes | yes |

A writer has the image alone; readers share it, and so do writers the files below the
topmost shadow file. A write is atomic, even if the process dies (see `_write_journal`):
a write that was begun and not answered is undone when the image is next opened for
writing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ccw_actors.actors.hardware.image._journal_recovery import find_left
from ccw_actors.actors.hardware.image._opening import errors_of, guarded, undo_left
from ccw_actors.actors.hardware.image._packed_opening import (
    chain_paths,
    open_packed,
    open_packed_alone,
    open_shadowed,
    recover_packed,
)
from ccw_actors.actors.hardware.image._parts import ImageParts, part_path
from ccw_actors.actors.hardware.image._raw import (
    BlockPlaces,
    Places,
    RawImage,
    TrackPlaces,
)
from ccw_actors.devices.cckd_image import CCKD_HEADERS_SIZE, is_cckd
from ccw_actors.devices.ckd_image import (
    HEADER_SIZE,
    CkdHeader,
    assemble,
)
from ccw_actors.devices.fba_image import FBA_TYPES, fba_volume
from ccw_actors.devices.volume_check import Damage
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = ["ImageFile", "open_alone", "open_image", "recover_image"]


class ImageFile(Protocol):
    """A volume in a file, or several. Tracks, or groups of blocks, count from zero."""

    @property
    def geometry(self) -> Geometry | BlockGeometry:
        """Shape of the volume."""
        ...

    @property
    def notice(self) -> str:
        """One line for the user about the image, "" if there is nothing to say."""
        ...

    def read(self, number: int) -> bytes:
        """Read a track.

        Raises:
            ImageError: There is no such track, or it cannot be read from the image.
            OSError: The file cannot be read.
        """
        ...

    def write(self, number: int, data: bytes) -> None:
        """Replace a track; once this returns, the death of the process cannot undo it.

        Raises:
            ImageError: There is no such track, the image is open read-only, or the data
                do not have a track's length.
            OSError: The file cannot be written; the track then reads as before, also
                for every process that opens the image.
        """
        ...

    def damage(self) -> Iterator[Damage]:
        """Yield what is damaged in the image that is not in its tracks."""
        ...

    def close(self) -> None:
        """Close and unlock the image."""
        ...


def open_image(
    path: Path,
    *,
    device_type: str = "",
    read_only: bool,
    sync: bool = False,
    shadow: str = "",
) -> ImageFile:
    """Open an image, whose first bytes say what it is.

    Args:
        path: The file; of a volume in several files, the first.
        device_type: The device of an image of blocks, such as "3370": the image does
            not contain it.
        read_only: Share the image with other readers, and write nothing.
        sync: Have every write on the disk of the host before it returns.
        shadow: The name of its shadow files, such as "disk_*.img" (see `_shadow_name`).
            The topmost one is written; if it cannot be written, a new one is made.

    A write that a dead process had begun is undone; with `read_only`, the image only
    reads as if it were.

    Raises:
        ImageError: The image is damaged, of an unknown kind, or in use; or it is opened
            for writing, and the file with the name of its journal is not its own.
    """
    if shadow:
        return open_shadowed(
            path, shadow, device_type=device_type, read_only=read_only, sync=sync
        )
    parts = ImageParts(read_only=read_only)
    with errors_of(path, parts):
        parts.open(path)
        if _is_packed(parts, device_type):
            return open_packed(path, parts, device_type=device_type, sync=sync)
        places = _places(path, parts, device_type)
        if parts.read_only:
            return _open_to_read(path, parts, places)
        return _open_to_write(path, parts, places, sync=sync)


def open_alone(path: Path, *, device_type: str = "") -> tuple[ImageFile, ImageParts]:
    """Open an image exclusively, and only read it; return it, and its files.

    A write that a dead process had begun is undone.

    Raises:
        ImageError: As for `open_image`, to write.
    """
    parts = ImageParts(read_only=False)
    with errors_of(path, parts):
        parts.open(path)
        if _is_packed(parts, device_type):
            return open_packed_alone(path, parts, device_type=device_type), parts
        places = _places(path, parts, device_type)
        undo_left(path, parts, places)
        return RawImage(parts, places), parts


def recover_image(
    path: Path, *, device_type: str = "", copied: bool = False, shadow: str = ""
) -> str:
    """Undo the write that a dead process had begun, and remove its journal.

    The free space of a compressed image that was not closed is listed again.

    Args:
        path: The image.
        device_type: The device of an image of blocks.
        copied: Image and journal were copied: accept a journal that names another file,
            if everything else is as it says.
        shadow: The name of its shadow files; the topmost one is recovered.

    Returns:
        What was done, in words.

    Raises:
        ImageError: The image cannot be opened for writing, or the journal is not its
            own.
    """
    if shadow:
        path = chain_paths(path, shadow)[-1]
    parts = ImageParts(read_only=False)
    with errors_of(path, parts):
        parts.open(path)
        if _is_packed(parts, device_type):
            return recover_packed(path, parts, device_type=device_type, copied=copied)
        places = _places(path, parts, device_type)
        left = find_left(path, parts, places, copied=copied)
        done = "there is no journal" if left is None else left.undo(parts)
    parts.close()
    return done


def _is_packed(parts: ImageParts, device_type: str) -> bool:
    """Whether a file is compressed; a raw image of blocks may look like one."""
    start = parts.read(0, CCKD_HEADERS_SIZE, 0)
    if not is_cckd(start):
        return False
    is_of_blocks = start.startswith(b"FBA_")
    return is_of_blocks or device_type not in FBA_TYPES


def _open_to_write(
    path: Path, parts: ImageParts, places: Places, *, sync: bool
) -> ImageFile:
    """Open an image exclusively, and undo a write that was cut short."""
    undo_left(path, parts, places)
    writes = guarded(path, parts, places.length_max, sync=sync)
    return RawImage(parts, places, writes)


def _open_to_read(path: Path, parts: ImageParts, places: Places) -> ImageFile:
    """Open an image shared, and undo a write that was cut short in memory."""
    try:
        left = find_left(path, parts, places)
    except ImageError as error:
        return RawImage(parts, places, notice=f"{error}; it is left alone")
    if left is None and parts.names > 1:
        notice = f"it has {parts.names} names; a journal next to another is not found"
        return RawImage(parts, places, notice=notice)
    if left is None or left.torn is None:
        return RawImage(parts, places)
    notice = f"{left.about}; it is read as it was before"
    return RawImage(parts, places, torn=left.torn, notice=notice)


def _places(path: Path, parts: ImageParts, device_type: str) -> Places:
    start = parts.read(0, CCKD_HEADERS_SIZE, 0)
    if device_type in FBA_TYPES:
        return BlockPlaces(_blocks(device_type, parts, start))
    return TrackPlaces(*_tracks(path, parts, start))


def _blocks(device_type: str, parts: ImageParts, start: bytes) -> BlockGeometry:
    if start[:4] in {b"CKD_", b"FBA_"}:
        raise ImageError(
            f"it starts with {start[:8]!r}, expected a raw image of a {device_type}"
        )
    return fba_volume(device_type, parts.size(0))


def _tracks(
    path: Path, parts: ImageParts, start: bytes
) -> tuple[Geometry, tuple[int, ...]]:
    """Open the other files of the volume; return its shape and each file's tracks."""
    headers = [CkdHeader.from_bytes(start)]
    while headers[-1].sequence and headers[-1].highest_cylinder:
        other = part_path(path, len(headers) + 1)
        try:
            parts.open(other)
            headers.append(CkdHeader.from_bytes(parts.read(len(headers), 512, 0)))
        except ImageError as error:
            raise ImageError(f"{other.name}: {error}") from error
    sizes = [parts.size(number) for number in range(len(headers))]
    volume = assemble(list(zip(headers, sizes, strict=True)))
    tracks = tuple((size - HEADER_SIZE) // volume.track_size for size in sizes)
    return volume, tracks
