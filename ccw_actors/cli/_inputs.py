"""Reads files for commands: errors name the file, and say what was expected."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ccw_actors.errors import CcwActorsError

__all__ = ["UnusableFileError", "check_keeps", "reading"]


class UnusableFileError(CcwActorsError):
    """A file that a command was given cannot be used; the text names it."""


@contextmanager
def reading(file: Path, kind: str) -> Generator[None]:
    """Turn an error of the operating system into one that says what was expected.

    `kind` is what the file has to be, with its article: "a trace". Errors of this
    package pass, unless the operating system caused them.

    Raises:
        UnusableFileError: The operating system refuses the file.
    """
    try:
        yield
    except OSError as error:
        text = f"{file}: {error.strerror}; expected {kind}"
        raise UnusableFileError(text) from error
    except CcwActorsError as error:
        if not _comes_from_the_system(error):
            raise
        raise UnusableFileError(f"{error}; expected {kind}") from error


def check_keeps(place: Path, *names: str) -> None:
    """Check that writing to a place does not replace what is read.

    `names` are files, or scenarios in files: FILE:NAME, FILE::NAME.

    Raises:
        UnusableFileError: It is one of these files.
    """
    for name in names:
        for source in (Path(name), Path(name.rpartition(":")[0].removesuffix(":"))):
            if source.is_file() and place.exists() and place.samefile(source):
                raise UnusableFileError(f"{place}: expected another file than {name}")


def _comes_from_the_system(error: BaseException) -> bool:
    """Whether the operating system caused an error."""
    cause = error.__cause__
    return cause is not None and (
        isinstance(cause, OSError) or _comes_from_the_system(cause)
    )
