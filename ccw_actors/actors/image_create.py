"""New images: a volume with a label and nothing else, as a file with holes."""

import os
from collections.abc import Callable
from pathlib import Path

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
        path: The file, which appears when it is whole.
        volume: Shape of the volume.
        serial: Its volume serial.
        replace: Take the place of a file that exists.
        progress: Called with the number of tracks done, now and then.

    Raises:
        ImageError: The file exists, or cannot be written.
    """
    special = {0: VolumeLabel(serial, _VTOC).to_track(volume)} | empty_vtoc(volume)

    def write(fd: int) -> None:
        header = CkdHeader(volume.device_type, volume.heads, volume.track_size)
        os.pwrite(fd, header.to_bytes(), 0)
        for number in range(volume.tracks):
            raw = special.get(number) or _empty_track(*divmod(number, volume.heads))
            os.pwrite(fd, raw.rstrip(b"\0"), track_offset(volume, number))
            if number % volume.heads == 0:
                progress(number)
        progress(volume.tracks)
        os.ftruncate(fd, HEADER_SIZE + volume.tracks * volume.track_size)

    _create(path, write, replace=replace)


def create_blocks(
    path: Path, device_type: str, blocks: int, serial: str, *, replace: bool = False
) -> None:
    """Make a raw image of a volume of blocks, zero but for its label.

    Raises:
        ImageError: The file exists, or cannot be written; or no volume is so small.
    """
    size = blocks * BLOCK_SIZE
    start = VolumeLabel(serial).to_blocks()
    fba_volume(device_type, size)
    if size < len(start):
        raise ImageError(f"a volume of {blocks} blocks, expected 2 at least")

    def write(fd: int) -> None:
        os.pwrite(fd, start, 0)
        os.ftruncate(fd, size)

    _create(path, write, replace=replace)


def _empty_track(cylinder: int, head: int) -> bytes:
    record = Record(cylinder, head, 0, b"", bytes(8))
    return Track(0, cylinder, head, (record,), b"").to_bytes()


def _create(path: Path, write: Callable[[int], None], *, replace: bool) -> None:
    """Write a file under another name, then give it its own."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fd = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            write(fd)
            os.fsync(fd)
            if replace:
                made.replace(path)
            else:
                path.hardlink_to(made)
        finally:
            os.close(fd)
            made.unlink(missing_ok=True)
    except FileExistsError as error:
        raise ImageError(f"{path} exists, expected a new file") from error
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error
