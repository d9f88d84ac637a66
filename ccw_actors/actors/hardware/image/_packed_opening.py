"""Opens compressed images: alone, or with the chain of their shadow files."""

import os
from contextlib import ExitStack
from pathlib import Path

from ccw_actors.actors.hardware.image._journal_record import Intent
from ccw_actors.actors.hardware.image._journal_recovery import find_left
from ccw_actors.actors.hardware.image._new_packed import new_shadow
from ccw_actors.actors.hardware.image._opening import errors_of, guarded, undo_left
from ccw_actors.actors.hardware.image._packed import PackedImage, PackedWriter
from ccw_actors.actors.hardware.image._packed_file import PackedFile, PackedPlaces
from ccw_actors.actors.hardware.image._parts import ImageParts
from ccw_actors.actors.hardware.image._shadow_name import chain_paths, shadow_path
from ccw_actors.devices.cckd_image import CCKD_HEADERS_SIZE, CckdHeader
from ccw_actors.errors import ImageError

__all__ = [
    "chain_paths",
    "open_chain",
    "open_packed",
    "open_packed_alone",
    "open_shadowed",
    "recover_packed",
]

_NOT_CLOSED = "it was not closed by who wrote it last; its free space is not listed"


def open_packed(
    path: Path, parts: ImageParts, *, device_type: str, sync: bool = False
) -> PackedImage:
    """Open a compressed image that has no shadow files.

    Args:
        path: The image.
        parts: Its file, open.
        device_type: Its type, if it is of blocks.
        sync: Have every write on the disk of the host before it returns.

    Raises:
        ImageError: The image is damaged; or is to be written, and cannot be.
    """
    header = _header(parts, device_type, shadow=False)
    if parts.read_only:
        file, notice = _to_read(path, parts, header)
        return PackedImage([file], notice=notice)
    file, writer = _to_write(path, parts, header, sync=sync)
    return PackedImage([file], writer)


def open_packed_alone(
    path: Path, parts: ImageParts, *, device_type: str
) -> PackedImage:
    """Open a compressed image that nobody else has, only to read it.

    A write that a dead process had begun is undone.

    Raises:
        ImageError: The image is damaged, or its journal is not its own.
    """
    header = _header(parts, device_type, shadow=False)
    undo_left(path, parts, PackedPlaces(parts, header))
    return PackedImage([PackedFile(parts, header)])


def open_shadowed(
    base: Path, shadow: str, *, device_type: str, read_only: bool, sync: bool
) -> PackedImage:
    """Open an image with its shadow files, of which the topmost is written.

    If that cannot be written, a new one is made.

    Raises:
        ImageError: A file cannot be used.
    """
    with errors_of(base):
        paths = chain_paths(base, shadow)
        if not read_only and not os.access(paths[-1], os.W_OK):
            paths.append(shadow_path(base, shadow, len(paths)))
            new_shadow(paths, device_type=device_type)
    return open_chain(paths, device_type=device_type, read_only=read_only, sync=sync)


def open_chain(
    paths: list[Path], *, device_type: str, read_only: bool, sync: bool = False
) -> PackedImage:
    """Open a base and some of its shadow files; write to the last.

    Raises:
        ImageError: A file cannot be used, or is of another volume.
    """
    files: list[PackedFile] = []
    notices: list[str] = []
    writer: PackedWriter | None = None
    with ExitStack() as stack:
        for number, path in enumerate(paths):
            written = not read_only and number == len(paths) - 1
            parts = ImageParts(read_only=not written)
            stack.callback(parts.close)
            with errors_of(path):
                parts.open(path)
                header = _header(parts, device_type, shadow=number > 0)
                if files and header.geometry != files[0].header.geometry:
                    raise ImageError(
                        f"it is a shadow file of another volume: {header.geometry},"
                        f" expected {files[0].header.geometry}"
                    )
                if written:
                    file, writer = _to_write(path, parts, header, sync=sync)
                else:
                    file, notice = _to_read(path, parts, header)
                    notices += [f"{path.name}: {notice}"] if notice else []
            files.append(file)
        stack.pop_all()
    return PackedImage(files, writer, notice="; ".join(notices))


def recover_packed(
    path: Path, parts: ImageParts, *, device_type: str, copied: bool
) -> str:
    """Undo what a dead process left in a compressed file; see `recover_image`.

    Raises:
        ImageError: The image is damaged, or the journal is not its own.
    """
    start = parts.read(0, CCKD_HEADERS_SIZE, 0)
    header = _header(parts, device_type, shadow=start[4:5] == b"S")
    header.check_writable()
    left = find_left(path, parts, PackedPlaces(parts, header), copied=copied)
    done = "there is no journal" if left is None else left.undo(parts)
    _, writer = _to_write(path, parts, header, sync=False)
    writer.close()
    parts.close()
    listed = "; its free space is listed again" if header.open else ""
    return done + listed


def _header(parts: ImageParts, device_type: str, *, shadow: bool) -> CckdHeader:
    parts.grows = True
    start = parts.read(0, CCKD_HEADERS_SIZE, 0)
    return CckdHeader.from_bytes(start, device_type=device_type, shadow=shadow)


def _to_write(
    path: Path, parts: ImageParts, header: CckdHeader, *, sync: bool
) -> tuple[PackedFile, PackedWriter]:
    header.check_writable()
    places = PackedPlaces(parts, header)
    undo_left(path, parts, places)
    file = PackedFile(parts, header, keep=True)
    pieces = tuple(file.pieces())
    _, entry = header.level2_place(0)
    writes = guarded(path, parts, entry, sync=sync)
    try:
        return file, PackedWriter(file, pieces, writes)
    except ImageError:
        writes.close()
        raise


def _to_read(
    path: Path, parts: ImageParts, header: CckdHeader
) -> tuple[PackedFile, str]:
    """Open a file shared, and undo a write that was cut short in memory."""
    torn: Intent | None = None
    notice = _NOT_CLOSED if header.open else ""
    try:
        left = find_left(path, parts, PackedPlaces(parts, header))
        if left is not None and left.torn is not None:
            torn = left.torn
            notice = f"{left.about}; it is read as it was before"
        elif left is None and parts.names > 1:
            notice = (
                f"it has {parts.names} names; a journal next to another is not found"
            )
    except ImageError as error:
        notice = f"{error}; it is left alone"
    return PackedFile(parts, header, torn=torn), notice
