"""What opening an image takes, whatever its kind: errors with its path, its journal."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ccw_actors.actors.hardware.image._guarded_writes import GuardedWrites
from ccw_actors.actors.hardware.image._journal_recovery import NamedPlaces, find_left
from ccw_actors.actors.hardware.image._parts import ImageParts
from ccw_actors.actors.hardware.image._write_journal import WriteJournal, journal_path
from ccw_actors.errors import ImageError

__all__ = ["errors_of", "guarded", "undo_left"]

log = logging.getLogger("ccw_actors.images")


@contextmanager
def errors_of(path: Path, *opened: ImageParts) -> Generator[None]:
    """If the block fails, close the files, and put the path into the error."""
    try:
        yield
    except (ImageError, OSError) as error:
        for parts in opened:
            parts.close()
        text = error.strerror if isinstance(error, OSError) else error
        raise ImageError(f"{path}: {text}") from error


def undo_left(path: Path, parts: ImageParts, places: NamedPlaces) -> None:
    """Undo the write that a dead process had begun, and remove its journal.

    Raises:
        ImageError: The file with the name of the journal is not this image's journal;
            or the image has several names.
    """
    left = find_left(path, parts, places)
    if left is not None:
        level = logging.INFO if left.harmless else logging.WARNING
        log.log(level, "%s: %s", path, left.undo(parts))
    if parts.names > 1:
        raise ImageError(
            f"it has {parts.names} names (hard links), expected one: the name of an"
            " image leads to its journal"
        )


def guarded(path: Path, parts: ImageParts, length: int, *, sync: bool) -> GuardedWrites:
    """Create the journal of an image that is open for writing.

    Args:
        path: The image.
        parts: Its files.
        length: The most bytes of one write.
        sync: Have every write on the disk of the host before it returns.

    Raises:
        ImageError: The journal cannot be created.
    """
    file = journal_path(path)
    try:
        journal = WriteJournal(
            file, parts.identity, like=parts.first, length=length, sync=sync
        )
    except OSError as error:
        raise ImageError(
            f"expected to write a journal next to it, {file.name}: {error.strerror}"
        ) from error
    return GuardedWrites(parts, journal, sync=sync)
