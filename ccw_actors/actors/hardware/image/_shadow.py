"""Shadow files of an image: made, merged into the file below, and removed."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from ccw_actors.actors.hardware.image._new_file import sync_folder
from ccw_actors.actors.hardware.image._new_packed import new_shadow
from ccw_actors.actors.hardware.image._opening import errors_of, undo_left
from ccw_actors.actors.hardware.image._packed import PackedImage
from ccw_actors.actors.hardware.image._packed_file import PackedFile, PackedPlaces
from ccw_actors.actors.hardware.image._packed_opening import open_chain
from ccw_actors.actors.hardware.image._parts import ImageParts, open_locked
from ccw_actors.actors.hardware.image._shadow_name import chain_paths, shadow_path
from ccw_actors.devices.cckd_image import (
    CCKD_HEADERS_SIZE,
    TRACKS_PER_TABLE,
    CckdHeader,
)
from ccw_actors.devices.cckd_track import null_track, unpacked_track
from ccw_actors.errors import ImageError

__all__ = [
    "ChainFile",
    "add_shadow",
    "merge_shadow",
    "remove_shadow",
    "shadow_chain",
]


class ChainFile(Struct, frozen=True):
    """A file of a chain, its bytes, and the tracks that it has, null tracks included.

    A base image has all tracks of the volume.
    """

    path: Path
    size: int
    tracks: int


def shadow_chain(base: Path, shadow: str, *, device_type: str = "") -> list[ChainFile]:
    """Return the files of an image, from the base to the topmost shadow file.

    Raises:
        ImageError: One of them cannot be used.
    """
    paths = _paths(base, shadow)
    image = open_chain(paths, device_type=device_type, read_only=True)
    try:
        return [
            ChainFile(path, file.parts.size(0), len(_own_tracks(file)))
            for path, file in zip(paths, image.files, strict=True)
        ]
    finally:
        image.close()


def add_shadow(base: Path, shadow: str, *, device_type: str = "") -> Path:
    """Make a new, empty shadow file on top of an image; writes then go there.

    Returns:
        Its path.

    Raises:
        ImageError: There are eight, or the image cannot have one.
    """
    paths = _paths(base, shadow)
    with errors_of(base):
        path = shadow_path(base, shadow, len(paths))
        # Who writes the topmost file would not notice.
        fd = open_locked(paths[-1], read_only=True)
    try:
        new_shadow([*paths, path], device_type=device_type)
    finally:
        os.close(fd)
    return path


def merge_shadow(
    base: Path,
    shadow: str,
    *,
    device_type: str = "",
    progress: Callable[[int], None] = lambda _tracks: None,
) -> tuple[Path, Path, int]:
    """Write what the topmost shadow file has to the file below, and remove it.

    If the process dies in between, both files are there and the volume reads as before:
    merge them again.

    Returns:
        The file that was removed, the one below, and the number of tracks written.

    Raises:
        ImageError: There is no shadow file, or one of the two cannot be written.
    """
    paths = _paths(base, shadow)
    with _top(paths, device_type) as top:
        image = open_chain(paths[:-1], device_type=device_type, read_only=False)
        try:
            numbers = _own_tracks(top)
            _merge(top, numbers, image, progress)
        finally:
            image.close()
        with errors_of(paths[-2]):
            _sync(paths[-2])
        with errors_of(paths[-1]):
            paths[-1].unlink()
            sync_folder(paths[-1])
    return paths[-1], paths[-2], len(numbers)


def remove_shadow(base: Path, shadow: str, *, device_type: str = "") -> Path:
    """Remove the topmost shadow file: the volume is as it was before it was made.

    Returns:
        Its path.

    Raises:
        ImageError: There is no shadow file, or it is in use.
    """
    paths = _paths(base, shadow)
    with _top(paths, device_type), errors_of(paths[-1]):
        paths[-1].unlink()
        sync_folder(paths[-1])
    return paths[-1]


def _paths(base: Path, shadow: str) -> list[Path]:
    with errors_of(base):
        return chain_paths(base, shadow)


@contextmanager
def _top(paths: list[Path], device_type: str) -> Generator[PackedFile]:
    """Open the topmost shadow file, alone, and undo a write that was cut short."""
    if len(paths) < 2:
        raise ImageError(f"{paths[0]}: there is no shadow file")
    parts = ImageParts(read_only=False)
    with errors_of(paths[-1], parts):
        parts.open(paths[-1])
        parts.grows = True
        start = parts.read(0, CCKD_HEADERS_SIZE, 0)
        header = CckdHeader.from_bytes(start, device_type=device_type, shadow=True)
        undo_left(paths[-1], parts, PackedPlaces(parts, header))
        file = PackedFile(parts, header)
    try:
        yield file
    finally:
        parts.close()


def _own_tracks(file: PackedFile) -> list[int]:
    """Return the tracks that a file has, and the file below need not."""
    tracks, header = file.header.geometry.tracks, file.header
    return [
        number
        for first in range(0, tracks, TRACKS_PER_TABLE)
        if not header.is_below(file.level1, first)
        for number in range(first, min(first + TRACKS_PER_TABLE, tracks))
        if not file.find(number).below
    ]


def _merge(
    top: PackedFile,
    numbers: list[int],
    image: PackedImage,
    progress: Callable[[int], None],
) -> None:
    volume = top.header.geometry
    for number in numbers:
        place = top.find(number)
        if place.length:
            data = unpacked_track(volume, number, top.image(number, place))
        else:
            data = null_track(volume, number, place.null_format)
        image.write(number, data)
        progress(number + 1)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
