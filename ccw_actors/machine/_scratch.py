"""A folder for what a run unpacks, which is removed at the end of the run.

A run in several processes has the socket of their links there, and parts of its trace.

The run holds a lock (flock(2)) on the folder. A run that is killed leaves the folder
behind. The next run removes folders with such a name, such files and no lock, and no
others.
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
_OURS: Final = re.compile(
    r"\.?[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]{4}\.img[a-z.-]*"
    r"|part-[0-9]+\.(json|trace|error)|link\.sock"
)


@contextmanager
def scratch_folder() -> Generator[Path]:
    """Remove the folders of dead runs, make one, and remove it at the end.

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
            try:
                lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:  # another run has taken it for a dead one's
                continue
            try:
                # Until the lock is held, another run could remove it.
                if _own(lock) and folder.exists():
                    yield folder
                    return
            finally:
                os.close(lock)


def _locked(fd: int) -> bool:
    """Lock a folder; return False if another process has locked it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _own(fd: int) -> bool:
    try:
        return _locked(fd)
    except OSError:  # without locks in the file system, no folder is removed
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
    kind = file.lstat().st_mode
    known = stat.S_ISREG(kind) or stat.S_ISSOCK(kind)
    return known and _OURS.fullmatch(file.name) is not None
