"""The files of an image: opened, locked, read and written at an offset.

Locks are those of flock(2): advisory, held by an open file, and gone with its process.
"""

import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from ccw_actors.actors.hardware.image._journal_record import (
    Part,
    Place,
    changed_sectors,
)
from ccw_actors.actors.hardware.image._write_journal import read_all, write_all
from ccw_actors.errors import ImageError

__all__ = ["ImageParts", "open_locked", "part_path"]

_SUFFIXES: Final = "123456789ABCDEFGHIJKLMNOPQR"
_TRIES: Final = 100


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


def open_locked(path: Path, *, read_only: bool) -> int:
    """Open a file and lock it; one that only reads shares it with others that do.

    Raises:
        ImageError: It is open elsewhere and one of the two writes, or it is no file.
        OSError: It cannot be opened.
    """
    flags = os.O_NONBLOCK | (os.O_RDONLY if read_only else os.O_RDWR)
    kind = fcntl.LOCK_SH if read_only else fcntl.LOCK_EX
    for _ in range(_TRIES):
        fd = os.open(path, flags)
        try:
            _check_file(fd)
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
            # Who had the lock before may have put another file in its place.
            if os.path.samestat(os.fstat(fd), path.stat()):
                return fd
        except BlockingIOError as error:
            os.close(fd)
            wanted = "that nobody writes it" if read_only else "to be alone with it"
            raise ImageError(f"it is in use elsewhere, expected {wanted}") from error
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
    raise ImageError("another file takes its place again and again")


def _check_file(fd: int) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise ImageError("it is a device, a folder or a pipe, expected a file")


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
            self._fds.append(open_locked(path, read_only=self.read_only))
        except OSError as error:
            raise ImageError(error.strerror) from error

    def read(self, part: int, length: int, offset: int) -> bytes:
        """Read so much of a file, or what there is of it."""
        return read_all(self._fds[part], length, offset)

    def write(self, part: int, data: bytes, offset: int) -> None:
        """Write all of the data."""
        write_all(self._fds[part], data, offset)

    def put_back(self, place: Place, old: bytes) -> None:
        """Write what was there before where it is not; this needs no space."""
        found = self.read(place.file, place.length, place.offset)
        for start, end in changed_sectors(found, old):
            self.write(place.file, old[start:end], place.offset + start)

    def sync(self, part: int) -> None:
        """Wait until what was written is on the disk of the host."""
        os.fdatasync(self._fds[part])

    def size(self, part: int) -> int:
        """Size of a file in bytes."""
        return os.fstat(self._fds[part]).st_size

    @property
    def identity(self) -> tuple[Part, ...]:
        """The files, as a journal names them."""
        found = [os.fstat(fd) for fd in self._fds]
        return tuple(Part(file.st_ino, file.st_size) for file in found)

    @property
    def names(self) -> int:
        """Number of names of the file that has the most."""
        return max(os.fstat(fd).st_nlink for fd in self._fds)

    def is_there(self, part: int) -> bool:
        """Tell whether a file still has a name, so that somebody can open it again."""
        return os.fstat(self._fds[part]).st_nlink > 0

    @property
    def first(self) -> os.stat_result:
        """Status of the first file."""
        return os.fstat(self._fds[0])

    def close(self) -> None:
        """Close all files, which unlocks them."""
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()
