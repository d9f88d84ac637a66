"""Image files: a volume is opened, locked, and read and written a track at a time.

| file | read | write |
|---|---|---|
| CKD, in one file or in several ("disk_1.img", "disk_2.img", ...) | yes | yes |
| CCKD, compressed | yes | no |
| FBA, raw; a "track" is a group of blocks | yes | yes |

A writer has the image alone; readers share it. A write is atomic, even if the process
dies (see `_write_journal`): a write that was begun and not answered is undone when the
image is next opened for writing.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ccw_actors.actors.hardware.image._journal_recovery import find_left
from ccw_actors.actors.hardware.image._parts import ImageParts, part_path
from ccw_actors.actors.hardware.image._raw import (
    BlockPlaces,
    Places,
    RawImage,
    TrackPlaces,
)
from ccw_actors.actors.hardware.image._write_journal import WriteJournal, journal_path
from ccw_actors.devices.cckd_image import (
    CCKD_HEADERS_SIZE,
    CckdHeader,
    is_cckd,
    null_track,
    unpacked_track,
)
from ccw_actors.devices.ckd_image import (
    HEADER_SIZE,
    CkdHeader,
    assemble,
    track_offset,
)
from ccw_actors.devices.fba_image import FBA_TYPES, fba_volume
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = ["ImageFile", "open_image", "recover_image"]

_COMPRESSED = "the image is compressed, and compressed images can only be read"

log = logging.getLogger("ccw_actors.images")


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

    def close(self) -> None:
        """Close and unlock the image."""
        ...


def open_image(
    path: Path, *, device_type: str = "", read_only: bool, sync: bool = False
) -> ImageFile:
    """Open an image, whose first bytes say what it is.

    Args:
        path: The file; of a volume in several files, the first.
        device_type: The device of a raw FBA image, such as "3370": the image does not
            contain it.
        read_only: Share the image with other readers, and write nothing.
        sync: Have every write on the disk of the host before it returns.

    A write that a dead process had begun is undone; with `read_only`, the image only
    reads as if it were.

    Raises:
        ImageError: The image is damaged, of an unknown kind, or in use; or it is opened
            for writing, and the file with the name of its journal is not its own.
    """
    parts = ImageParts(read_only=read_only)
    with _errors_of(path, parts):
        return _open(path, parts, device_type, sync=sync)


def recover_image(path: Path, *, device_type: str = "", copied: bool = False) -> str:
    """Undo the write that a dead process had begun, and remove its journal.

    Args:
        path: The image.
        device_type: The device of a raw FBA image.
        copied: Image and journal were copied: accept a journal that names another file,
            if everything else is as it says.

    Returns:
        What was done, in words.

    Raises:
        ImageError: The image cannot be opened for writing, or the journal is not its
            own.
    """
    parts = ImageParts(read_only=False)
    with _errors_of(path, parts):
        parts.open(path)
        places = _places(path, parts, device_type)
        left = find_left(path, parts, places, copied=copied)
        done = "there is no journal" if left is None else left.undo(parts)
    parts.close()
    return done


@contextmanager
def _errors_of(path: Path, parts: ImageParts) -> Generator[None]:
    """If the block fails, close the files, and put the path into the error."""
    try:
        yield
    except ImageError as error:
        parts.close()
        raise ImageError(f"{path}: {error}") from error
    except OSError as error:
        parts.close()
        raise ImageError(f"{path}: {error.strerror}") from error


def _open(path: Path, parts: ImageParts, device_type: str, *, sync: bool) -> ImageFile:
    parts.open(path)
    if parts.read_only and device_type not in FBA_TYPES:
        start = parts.read(0, CCKD_HEADERS_SIZE, 0)
        if is_cckd(start):
            return _CckdFile(parts, CckdHeader.from_bytes(start))
    places = _places(path, parts, device_type)
    if parts.read_only:
        return _open_to_read(path, parts, places)
    return _open_to_write(path, parts, places, sync=sync)


def _open_to_write(
    path: Path, parts: ImageParts, places: Places, *, sync: bool
) -> ImageFile:
    """Open an image exclusively, and undo a write that was cut short."""
    left = find_left(path, parts, places)
    if left is not None:
        level = logging.INFO if left.harmless else logging.WARNING
        log.log(level, "%s: %s", path, left.undo(parts))
    if parts.names > 1:
        raise ImageError(
            f"it has {parts.names} names (hard links), expected one: the name of an"
            " image leads to its journal"
        )
    journal = _new_journal(path, parts, places, sync=sync)
    return RawImage(parts, places, journal, sync=sync)


def _new_journal(
    path: Path, parts: ImageParts, places: Places, *, sync: bool
) -> WriteJournal:
    file = journal_path(path)
    try:
        return WriteJournal(
            file,
            parts.identity,
            like=parts.first,
            length=places.length_max,
            sync=sync,
        )
    except OSError as error:
        raise ImageError(
            f"expected to write a journal next to it, {file.name}: {error.strerror}"
        ) from error


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
    if is_cckd(start):
        raise ImageError(_COMPRESSED + ": expected read_only")
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


class _CckdFile:
    """A compressed image."""

    notice = ""

    def __init__(self, parts: ImageParts, header: CckdHeader) -> None:
        self._parts = parts
        self._header = header
        self._size = parts.size(0)
        self._level1 = parts.read(0, header.level1_size, CCKD_HEADERS_SIZE)
        if len(self._level1) < header.level1_size:
            raise ImageError(
                f"the level 1 table has {len(self._level1)} bytes, expected"
                f" {header.level1_size}: the image was cut short"
            )
        self._level2 = (0, b"")

    @property
    def geometry(self) -> Geometry:
        return self._header.geometry

    def read(self, number: int) -> bytes:
        track_offset(self.geometry, number)
        header, size = self._header, self._size
        at = header.level2_offset(self._level1, number, size)
        if self._level2[0] != at:
            table = self._parts.read(0, header.level2_size, at) if at else b""
            self._level2 = (at, table)
        place = header.track_place(self._level2[1], number, size)
        if not place.length:
            return null_track(self.geometry, number, place.null_format)
        raw = self._parts.read(0, place.length, place.offset)
        return unpacked_track(self.geometry, number, raw)

    def write(self, number: int, data: bytes) -> None:
        del number, data
        raise ImageError(_COMPRESSED)

    def close(self) -> None:
        self._parts.close()
