"""The files of an image: opened, locked, read and written at an offset.

Locks are those of flock(2): advisory, held by an open file, and gone with its process.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from ccw_actors.actors.write_journal import Intent, write_all
from ccw_actors.errors import ImageError

__all__ = ["ImageParts", "part_path"]

_SUFFIXES: Final = "123456789ABCDEFGHIJKLMNOPQR"


def part_path(first: Path, number: int) -> Path:
    """Path of another file of a volume: "disk_2.img" beside "disk_1.img".

    The character that counts is the last before the first dot of the file's name.
    Files count from 1; after 9 come letters.

    Raises:
        ImageError: The first file is not numbered 1, or there is no such number.
    """
    stem, dot, suffix = first.name.partition(".")
    if not stem.endswith("1"):
        raise ImageError(
            "the volume goes on in other files, expected the name of the first to have"
            f" a 1 before its first dot or at its end, got {first.name!r}"
        )
    if number > len(_SUFFIXES):
        raise ImageError(
            f"the volume goes on in file {number}, expected {len(_SUFFIXES)} at most"
        )
    return first.with_name(stem[:-1] + _SUFFIXES[number - 1] + dot + suffix)


class ImageParts:
    """The open files of one image, in order; they count from 0 here."""

    def __init__(self, *, read_only: bool) -> None:
        self.read_only = read_only
        self._fds: list[int] = []

    def open(self, path: Path) -> None:
        """Open the next file and lock it.

        Raises:
            ImageError: It cannot be opened, or it is open elsewhere and one of the two
                writes.
        """
        try:
            fd = os.open(path, os.O_RDONLY if self.read_only else os.O_RDWR)
        except OSError as error:
            raise ImageError(error.strerror) from error
        self._fds.append(fd)
        kind = fcntl.LOCK_SH if self.read_only else fcntl.LOCK_EX
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            wanted = (
                "that nobody writes it" if self.read_only else "to be alone with it"
            )
            raise ImageError(f"it is in use elsewhere, expected {wanted}") from error

    def read(self, part: int, length: int, offset: int) -> bytes:
        """Read so much of a file, or what there is of it."""
        found = bytearray()
        while more := os.pread(
            self._fds[part], length - len(found), offset + len(found)
        ):
            found += more
        return bytes(found)

    def write(self, part: int, data: bytes, offset: int) -> None:
        """Write all of the data."""
        write_all(self._fds[part], data, offset)

    def sync(self, part: int) -> None:
        """Wait until what was written is on the disk of the host."""
        os.fdatasync(self._fds[part])

    def size(self, part: int) -> int:
        """Size of a file in bytes."""
        return os.fstat(self._fds[part]).st_size

    @property
    def mode(self) -> int:
        """Permissions of the first file."""
        return os.fstat(self._fds[0]).st_mode & 0o777

    def has(self, intent: Intent) -> bool:
        """Tell whether a write that was begun is complete."""
        return self._found(intent) == intent.new

    def can_complete(self, intent: Intent) -> bool:
        """Tell whether nobody else has written where a write was begun."""
        return intent.applies_to(self._found(intent))

    def _found(self, intent: Intent) -> bytes:
        if intent.file >= len(self._fds):
            return b""
        return self.read(intent.file, len(intent.new), intent.offset)

    def complete(self, intent: Intent) -> None:
        """Complete a write that was begun, down to the disk of the host."""
        self.write(intent.file, intent.new, intent.offset)
        self.sync(intent.file)

    def close(self) -> None:
        """Close all files, which unlocks them."""
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()
