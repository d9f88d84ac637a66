"""Shows on a terminal, on standard error, how far a command has come."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import BinaryIO

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ccw_actors.cli._printing import new_console

__all__ = ["new_progress", "progress_of", "reading_progress", "waiting"]


@contextmanager
def progress_of(what: str, total: int) -> Generator[Callable[[int], None]]:
    """Show a bar while this lasts; call the value with the number that are done."""
    with _bar() as progress:
        task = progress.add_task(what, total=total, visible=total > 0)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def reading_progress(
    file: BinaryIO, what: str
) -> Generator[tuple[BinaryIO, Callable[[], None]]]:
    """Show how much of a file has been read, while this lasts.

    The values are the file to read from, and a function to call before each line that
    is printed: on a terminal the first line takes the place of the bar.
    """
    with _bar() as progress:
        size = os.fstat(file.fileno()).st_size
        source = progress.wrap_file(file, total=size, description=what)
        is_in_the_way = sys.stdout.isatty() and not progress.disable
        yield source, progress.stop if is_in_the_way else _do_nothing


@contextmanager
def waiting(what: str) -> Generator[None]:
    """Show what a command waits for, while this lasts."""
    console = new_console(stderr=True)
    if console.is_terminal:
        with console.status(what):
            yield
    else:
        yield


def _bar() -> Progress:
    return new_progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )


def new_progress(*columns: ProgressColumn) -> Progress:
    """Return a display that shows nothing where standard error is not a terminal."""
    console = new_console(stderr=True)
    return Progress(
        *columns,
        console=console,
        transient=True,
        # Otherwise lines for a pipe would go to the terminal.
        redirect_stdout=False,
        disable=not console.is_interactive,
    )


def _do_nothing() -> None:
    pass
