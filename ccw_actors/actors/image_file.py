"""Image files: a volume opened, locked, and read and written a track at a time.

| file | read | write |
|---|---|---|
| CKD, in one file or in several ("disk_1.img", "disk_2.img", ...) | yes | yes |
| CCKD, compressed | yes | no |
| FBA, raw; a "track" is a group of blocks | yes | yes |

Who writes is alone with the image; who only reads shares it with other readers. A write
is whole or nothing, whatever becomes of the process (see `write_journal`): what it had
begun when it died is completed when the image is next opened for writing.
"""

import bisect
import contextlib
import itertools
import logging
from pathlib import Path
from typing import Protocol

from ccw_actors.actors.image_parts import ImageParts, part_path
from ccw_actors.actors.write_journal import Intent, WriteJournal, journal_path
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
from ccw_actors.devices.fba_image import FBA_TYPES, fba_volume, group_offset
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = ["ImageFile", "open_image"]

_COMPRESSED = "the image is compressed, which can only be read"

log = logging.getLogger("ccw_actors")


class ImageFile(Protocol):
    """A volume in a file, or several. Tracks, or groups of blocks, count from zero."""

    @property
    def geometry(self) -> Geometry | BlockGeometry:
        """Shape of the volume."""
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
            ImageError: There is no such track, the image is only read, or the data
                are not of a track's length.
            OSError: The file cannot be written; the track is as it was before.
        """
        ...

    def close(self) -> None:
        """Let go of the image."""
        ...


def open_image(
    path: Path, *, device_type: str = "", read_only: bool, sync: bool = False
) -> ImageFile:
    """Open an image, of which its first bytes say what it is.

    Args:
        path: The file; of a volume in several files, the first.
        device_type: What a raw FBA image is of, such as "3370": it does not say.
        read_only: Share the image with other readers, and write nothing.
        sync: Have every write on the disk of the host before it is done.

    Raises:
        ImageError: The image is damaged, of an unknown kind, or in use; or a write to
            it is incomplete, and `read_only` keeps it from being completed.
    """
    parts = ImageParts(read_only=read_only)
    try:
        return _open(path, parts, device_type, sync=sync)
    except ImageError as error:
        parts.close()
        raise ImageError(f"{path}: {error}") from error
    except OSError as error:
        parts.close()
        raise ImageError(f"{path}: {error.strerror}") from error


def _open(path: Path, parts: ImageParts, device_type: str, *, sync: bool) -> ImageFile:
    parts.open(path)
    start = parts.read(0, CCKD_HEADERS_SIZE, 0)
    if device_type in FBA_TYPES:
        volume: _Volume = _BlockVolume(_blocks(device_type, parts, start))
    elif is_cckd(start):
        if not parts.read_only:
            raise ImageError(_COMPRESSED + ": expected read_only")
        return _CckdFile(parts, CckdHeader.from_bytes(start))
    else:
        volume = _TrackVolume(*_tracks(path, parts, start))
    _recover(path, parts)
    if parts.read_only:
        return _RawFile(parts, volume, None, sync=sync)
    file = journal_path(path)
    try:
        journal = WriteJournal(file, mode=parts.mode, sync=sync)
    except OSError as error:
        raise ImageError(
            f"expected to write a journal beside it, {file.name}: {error.strerror}"
        ) from error
    return _RawFile(parts, volume, journal, sync=sync)


def _recover(path: Path, parts: ImageParts) -> None:
    """Complete the write that a dead process had begun, if there is one."""
    begun = WriteJournal.read(journal_path(path))
    if begun is None or parts.has(begun):
        return
    if not parts.can_complete(begun):
        log.warning("%s: another program has written to it; the journal is void", path)
    elif parts.read_only:
        raise ImageError(
            "the last write to it was cut short, expected it to be completed first:"
            " open it for writing once, or run ccw-actors dasd recover"
        )
    else:
        log.warning("%s: completing the write that was cut short", path)
        parts.complete(begun)


def _blocks(device_type: str, parts: ImageParts, start: bytes) -> BlockGeometry:
    if start[:4] in {b"CKD_", b"FBA_"}:
        raise ImageError(
            f"it starts with {start[:8]!r}, expected a raw image of a {device_type}"
        )
    return fba_volume(device_type, parts.size(0))


def _tracks(
    path: Path, parts: ImageParts, start: bytes
) -> tuple[Geometry, tuple[int, ...]]:
    """Open the other files of the volume; give its shape and each file's tracks."""
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


class _Volume(Protocol):
    """Where the tracks of a volume are."""

    @property
    def geometry(self) -> Geometry | BlockGeometry: ...

    def place(self, number: int) -> tuple[int, int, int]:
        """File (from 0), offset and length of a track."""
        ...


class _BlockVolume:
    def __init__(self, geometry: BlockGeometry) -> None:
        self.geometry = geometry

    def place(self, number: int) -> tuple[int, int, int]:
        offset = group_offset(self.geometry, number)
        return 0, offset, self.geometry.size_of(number)


class _TrackVolume:
    def __init__(self, geometry: Geometry, tracks: tuple[int, ...]) -> None:
        self.geometry = geometry
        self._first = tuple(itertools.accumulate(tracks, initial=0))

    def place(self, number: int) -> tuple[int, int, int]:
        track_offset(self.geometry, number)
        part = bisect.bisect_right(self._first, number) - 1
        offset = track_offset(self.geometry, number - self._first[part])
        return part, offset, self.geometry.track_size


class _RawFile:
    """An image whose tracks have their places; without a journal, only to be read."""

    def __init__(
        self,
        parts: ImageParts,
        volume: _Volume,
        journal: WriteJournal | None,
        *,
        sync: bool,
    ) -> None:
        self._parts = parts
        self._volume = volume
        self._journal = journal
        self._sync = sync
        self._torn: Intent | None = None

    @property
    def geometry(self) -> Geometry | BlockGeometry:
        return self._volume.geometry

    def read(self, number: int) -> bytes:
        part, offset, length = self._volume.place(number)
        self._mend()
        data = self._parts.read(part, length, offset)
        if len(data) < length:
            raise ImageError(
                f"track {number} has {len(data)} bytes left, expected {length}:"
                " the image was cut short"
            )
        return data

    def write(self, number: int, data: bytes) -> None:
        part, offset, length = self._volume.place(number)
        if self._journal is None:
            raise ImageError("the image is open to be read only")
        if len(data) != length:
            raise ImageError(
                f"track {number} is to have {len(data)} bytes, expected {length}"
            )
        old = self.read(number)
        if old == data:
            return
        intent = Intent(part, offset, old, data)
        self._journal.begin(intent)
        try:
            self._parts.write(part, data, offset)
            if self._sync:
                self._parts.sync(part)
        except OSError:
            self._torn = intent
            with contextlib.suppress(OSError):
                self._mend()
            raise

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._mend()
        if self._journal is not None:
            self._journal.close(keep=self._torn is not None)
        self._parts.close()

    def _mend(self) -> None:
        """Put back what was there before a write that has failed."""
        if self._torn is not None:
            self._parts.write(self._torn.file, self._torn.old, self._torn.offset)
            self._torn = None


class _CckdFile:
    """A compressed image."""

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
