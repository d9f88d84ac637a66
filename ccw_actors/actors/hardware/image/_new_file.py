"""A file that appears under its name when it is complete, and not before.

It is made under a temporary name in the same folder, and locked while its maker lives:
the next maker removes what a killed one has left. Locks are those of flock(2).
"""

import errno
import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ccw_actors.errors import ImageError

__all__ = ["is_at", "new_file", "sync_folder"]

_TRIES: Final = 100
_NO_LINKS: Final = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def is_at(fd: int, path: Path) -> bool:
    """Whether this name is still that of the open file, and not a link to it."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except OSError:
        return False


def sync_folder(path: Path) -> None:
    """Wait until the folder of a file is on the disk of the host."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def new_file(path: Path, *, mode: int, replace: bool = False) -> Generator[int]:
    """Open a new file, which gets its name when the block ends without an exception.

    Args:
        path: Its name; no link is followed.
        mode: Its permissions, less those of the umask.
        replace: Replace a file of that name.

    Raises:
        FileExistsError: The name exists.
        ImageError: Another process is making the same file.
        OSError: It cannot be made.
    """
    made = path.with_name(f".{path.name}.ccw-actors-new")
    fd = _claim(made, mode)
    try:
        yield fd
        if replace:
            made.replace(path)
        else:
            _name(made, path)
    finally:
        if is_at(fd, made):
            with suppress(FileNotFoundError):
                made.unlink()
        os.close(fd)


def _claim(made: Path, mode: int) -> int:
    """Create the file and lock it; remove what a killed process has left."""
    for _ in range(_TRIES):
        try:
            fd = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            _clean(made)
            continue
        with suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_at(fd, made):
                return fd
        os.close(fd)  # another process took it for the file of a killed one
    raise ImageError(f"{made.name} is being made by another process")


def _clean(made: Path) -> None:
    try:
        found = made.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise ImageError(f"{made.name} is in the way, expected no file of that name")
    if found.st_nlink > 1:  # it had its name before its maker died
        made.unlink(missing_ok=True)
        return
    try:
        fd = os.open(made, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_at(fd, made):
            made.unlink()
    except BlockingIOError as error:
        raise ImageError(f"{made.name} is being made by another process") from error
    finally:
        os.close(fd)


def _name(made: Path, path: Path) -> None:
    try:
        os.link(made, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        made.rename(path)  # the file system has no hard links
