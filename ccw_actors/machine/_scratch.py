"""A folder for what a run unpacks: gone with the run, or with the next one.

The folder is locked (flock(2)) while its run lives. A run that is killed leaves it, and
the next removes what nobody has locked and has the names and files of such a folder,
and no others.
"""

import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["scratch_folder"]

_PREFIX: Final = "ccw-actors-run-"
_OURS: Final = re.compile(r"\.?[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]{4}\.img[a-z.-]*")


@contextmanager
def scratch_folder() -> Generator[Path]:
    """Make a folder, remove it at the end; first, remove those of runs that are dead.

    Raises:
        OSError: It cannot be made.
    """
    folder_of_all = Path(tempfile.gettempdir())
    for left in folder_of_all.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _remove_if_dead(left)
    while True:
        with tempfile.TemporaryDirectory(
            prefix=_PREFIX, dir=folder_of_all, ignore_cleanup_errors=True
        ) as name:
            folder = Path(name)
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                # Until here it could be taken for one that is left.
                if _own(lock) and folder.exists():
                    yield folder
                    return
            finally:
                os.close(lock)


def _locked(fd: int) -> bool:
    """Lock a folder; False if somebody else has."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _own(fd: int) -> bool:
    try:
        return _locked(fd)
    except OSError:  # a file system without locks, where none is ever removed
        return True


def _remove_if_dead(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(lock).st_uid != os.geteuid() or not _locked(lock):
            return
        files = list(folder.iterdir())
        if all(_is_ours(file) for file in files):
            for file in files:
                file.unlink()
            folder.rmdir()
    finally:
        os.close(lock)


def _is_ours(file: Path) -> bool:
    regular = stat.S_ISREG(file.lstat().st_mode)
    return regular and _OURS.fullmatch(file.name) is not None
