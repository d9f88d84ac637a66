"""New images: a volume with a label and nothing else, as a file with holes."""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from ccw_actors.actors.hardware.image._journal_record import Part
from ccw_actors.actors.hardware.image._new_file import new_file, sync_folder
from ccw_actors.actors.hardware.image._parts import open_locked
from ccw_actors.actors.hardware.image._write_journal import LeftJournal, journal_path
from ccw_actors.devices.ckd_image import HEADER_SIZE, CkdHeader, track_offset
from ccw_actors.devices.fba_image import fba_volume
from ccw_actors.devices.track import Record, Track
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, Geometry
from ccw_actors.devices.volume_label import VolumeLabel
from ccw_actors.devices.vtoc import empty_vtoc
from ccw_actors.errors import ImageError

__all__ = ["create_blocks", "create_tracks"]

_VTOC = (0, 1, 1)


def create_tracks(
    path: Path,
    volume: Geometry,
    serial: str,
    *,
    replace: bool = False,
    progress: Callable[[int], None] = lambda _tracks: None,
) -> None:
    """Make an image of a volume of tracks, with a label and an empty VTOC.

    Args:
        path: The file, which appears when it is complete.
        volume: Shape of the volume.
        serial: Its volume serial.
        replace: Replace a file that exists.
        progress: Called with the number of tracks done, now and then.

    Raises:
        ImageError: The file exists, is in use, or cannot be written; or a file with the
            name of its journal is not that of the image it replaces.
    """
    special = {0: VolumeLabel(serial, _VTOC).to_track(volume)} | empty_vtoc(volume)
    write = partial(_write_tracks, volume, special, progress)
    _create(path, write, replace=replace)


def _write_tracks(
    volume: Geometry,
    special: Mapping[int, bytes],
    progress: Callable[[int], None],
    fd: int,
) -> None:
    header = CkdHeader(volume.device_type, volume.heads, volume.track_size)
    os.pwrite(fd, header.to_bytes(), 0)
    for number in range(volume.tracks):
        raw = special.get(number) or _empty_track(*divmod(number, volume.heads))
        os.pwrite(fd, raw.rstrip(b"\0"), track_offset(volume, number))
        if number % volume.heads == 0:
            progress(number)
    progress(volume.tracks)
    os.ftruncate(fd, HEADER_SIZE + volume.tracks * volume.track_size)


def create_blocks(
    path: Path, device_type: str, blocks: int, serial: str, *, replace: bool = False
) -> None:
    """Make a raw image of a volume of blocks, zero but for its label.

    Raises:
        ImageError: The file exists, or cannot be written; or `blocks` is less than 2.
    """
    size = blocks * BLOCK_SIZE
    start = VolumeLabel(serial).to_blocks()
    fba_volume(device_type, size)
    if size < len(start):
        raise ImageError(f"a volume of {blocks} blocks, expected at least 2")

    def write(fd: int) -> None:
        os.pwrite(fd, start, 0)
        os.ftruncate(fd, size)

    _create(path, write, replace=replace)


def _empty_track(cylinder: int, head: int) -> bytes:
    record = Record(cylinder, head, 0, b"", bytes(8))
    return Track(0, cylinder, head, (record,), b"").to_bytes()


def _create(path: Path, write: Callable[[int], None], *, replace: bool) -> None:
    """Write a file under a temporary name, then rename it."""
    file = Path(os.path.realpath(path))
    try:
        with ExitStack() as stack:
            left = None
            if replace and os.path.lexists(file):
                left = stack.enter_context(_alone_with(file))
            else:
                _check_free(file)
            with new_file(file, mode=0o666, replace=replace) as fd:
                write(fd)
                os.fsync(fd)
            sync_folder(file)
            if left is not None:
                left.remove()
    except FileExistsError as error:
        raise ImageError(f"{path} exists, expected a new file") from error
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error


@contextmanager
def _alone_with(file: Path) -> Generator[LeftJournal | None]:
    """Keep an image from being opened while it is replaced; yield its journal."""
    fd = open_locked(file, read_only=False)
    try:
        found = os.fstat(fd)
        owners = {os.geteuid(), found.st_uid}
        left = LeftJournal.read(journal_path(file), owners)
        if left is not None and left.parts[0] != Part(found.st_ino, found.st_size):
            raise ImageError(left.of_another([Part(found.st_ino, found.st_size)]))
        yield left
    finally:
        os.close(fd)


def _check_free(file: Path) -> None:
    if os.path.lexists(file):
        raise FileExistsError
    journal = journal_path(file)
    if os.path.lexists(journal):
        raise ImageError(
            f"{journal.name} is where its journal will go, expected no file there"
        )
