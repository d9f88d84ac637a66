"""New images: one that exists is left alone, or replaced while nobody else has it."""

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ccw_actors.actors.hardware.image._journal_record import Part
from ccw_actors.actors.hardware.image._new_file import new_file, sync_folder
from ccw_actors.actors.hardware.image._parts import open_locked
from ccw_actors.actors.hardware.image._write_journal import LeftJournal, journal_path
from ccw_actors.errors import ImageError

__all__ = ["create_file", "create_files"]


def create_file(path: Path, write: Callable[[int], None], *, replace: bool) -> None:
    """Write a file under a temporary name, then rename it.

    Raises:
        ImageError: The file exists, is in use, or cannot be written; or a file with the
            name of its journal is not that of the image it replaces.
    """
    create_files([path], lambda fds: write(fds[0]), replace=replace)


def create_files(
    paths: list[Path], write: Callable[[list[int]], None], *, replace: bool
) -> None:
    """Write the files of an image under temporary names, then rename them.

    The first gets its name last. For errors see `create_file`.
    """
    files = [Path(os.path.realpath(path)) for path in paths]
    try:
        with ExitStack() as stack:
            left = None
            if replace and os.path.lexists(files[0]):
                left = stack.enter_context(_alone_with(files[0]))
            else:
                _check_free(files[0])
            with ExitStack() as made:
                fds = [
                    made.enter_context(new_file(file, mode=0o666, replace=replace))
                    for file in files
                ]
                write(fds)
                for fd in fds:
                    os.fsync(fd)
            sync_folder(files[0])
            if left is not None:
                left.remove()
    except FileExistsError as error:
        raise ImageError(f"{paths[0]} exists, expected a new file") from error
    except ImageError as error:
        raise ImageError(f"{paths[0]}: {error}") from error
    except OSError as error:
        raise ImageError(f"{paths[0]}: {error.strerror}") from error


@contextmanager
def _alone_with(file: Path) -> Generator[LeftJournal | None]:
    """Keep an image from being opened while it is replaced; yield its journal."""
    fd = open_locked(file, read_only=False)
    try:
        found = os.fstat(fd)
        owners = {os.geteuid(), found.st_uid}
        left = LeftJournal.read(journal_path(file), owners)
        own = Part(found.st_ino, found.st_size)
        # The journal of a compressed image names no size.
        if left is not None and left.parts[0] not in {own, Part(own.inode, 0)}:
            raise ImageError(left.of_another([own]))
        yield left
    finally:
        os.close(fd)


def _check_free(file: Path) -> None:
    if os.path.lexists(file):
        raise FileExistsError
    journal = journal_path(file)
    if os.path.lexists(journal):
        raise ImageError(
            f"{journal.name} is where its journal will go, expected no file there"
        )
