"""The files of an image: opened, locked, read and written at an offset.

Locks are those of flock(2): advisory, held by an open file, and released with its
process.
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
    """Path of another file of a volume: "disk_2.img" next to "disk_1.img".

    The last character before the first dot of the file's name is the number. Files
    count from 1; letters come after 9.

    Raises:
        ImageError: The first file is not numbered 1, or there is no such number.
    """
    stem, dot, suffix = first.name.partition(".")
    if not stem.endswith("1"):
        raise ImageError(
            "the volume continues in other files, expected the name of the first to"
            f" have a 1 before its first dot or at its end, got {first.name!r}"
        )
    if number > len(_SUFFIXES):
        raise ImageError(
            f"the volume continues in file {number}, expected at most {len(_SUFFIXES)}"
        )
    return first.with_name(stem[:-1] + _SUFFIXES[number - 1] + dot + suffix)


def open_locked(path: Path, *, read_only: bool) -> int:
    """Open a file and lock it; readers share the lock.

    Raises:
        ImageError: It is open elsewhere and one of the two writes, or it is not a file.
        OSError: It cannot be opened.
    """
    flags = os.O_NONBLOCK | (os.O_RDONLY if read_only else os.O_RDWR)
    kind = fcntl.LOCK_SH if read_only else fcntl.LOCK_EX
    for _ in range(_TRIES):
        fd = os.open(path, flags)
        try:
            _check_file(fd)
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
            # The previous holder of the lock may have put another file in its place.
            if os.path.samestat(os.fstat(fd), path.stat()):
                return fd
        except BlockingIOError as error:
            os.close(fd)
            wanted = "no writer" if read_only else "no reader or writer"
            raise ImageError(f"it is in use elsewhere, expected {wanted}") from error
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
    raise ImageError("another file replaces it again and again")


def _check_file(fd: int) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise ImageError("it is a device, a folder or a pipe, expected a file")


class ImageParts:
    """The open files of one image, in order; they count from 0 here.

    A compressed image `grows`: its size says nothing about which image it is.
    """

    def __init__(self, *, read_only: bool) -> None:
        self.read_only = read_only
        self.grows = False
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
        """Read `length` bytes of a file, fewer at its end."""
        return read_all(self._fds[part], length, offset)

    def write(self, part: int, data: bytes, offset: int) -> None:
        """Write all of the data."""
        write_all(self._fds[part], data, offset)

    def put_back(self, place: Place, old: bytes) -> None:
        """Write the old data where they have changed; this needs no space."""
        found = self.read(place.file, place.length, place.offset)
        for start, end in changed_sectors(found, old):
            self.write(place.file, old[start:end], place.offset + start)

    @property
    def count(self) -> int:
        """Number of files."""
        return len(self._fds)

    def give_owner(self, part: int, fd: int) -> None:
        """Give another file the permissions of one, and its owner if that can be."""
        found = os.fstat(self._fds[part])
        if os.geteuid() == 0:
            os.fchown(fd, found.st_uid, found.st_gid)
        os.fchmod(fd, stat.S_IMODE(found.st_mode))

    def truncate(self, part: int, size: int) -> None:
        """Set the size of a file in bytes."""
        os.ftruncate(self._fds[part], size)

    def sync(self, part: int) -> None:
        """Wait until the written data are on the disk of the host."""
        os.fdatasync(self._fds[part])

    def size(self, part: int) -> int:
        """Size of a file in bytes."""
        return os.fstat(self._fds[part]).st_size

    @property
    def identity(self) -> tuple[Part, ...]:
        """The files, as a journal names them; the size of one that grows is 0 there."""
        found = [os.fstat(fd) for fd in self._fds]
        if self.grows:
            return tuple(Part(file.st_ino, 0) for file in found)
        return tuple(Part(file.st_ino, file.st_size) for file in found)

    @property
    def names(self) -> int:
        """Number of names of the file that has the most."""
        return max(os.fstat(fd).st_nlink for fd in self._fds)

    def is_there(self, part: int) -> bool:
        """Whether a file still has a name, so that it can be opened again."""
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
