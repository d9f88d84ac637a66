"""Shows how far an exploration has come: on standard error, after two seconds."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from threading import Timer
from typing import Final

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from ccw_actors.cli._printing import new_console, visible
from ccw_actors.explore import Progress as Reached

__all__ = ["progress_bar", "spinner"]

_SHOW_AFTER: Final = 2.0
_CLOCK_LEAST: Final = 0.001
_FOUND: Final = {"states": "states", "orders": "classes"}


class _Tick:
    """Shows how far an exploration has come."""

    def __init__(self, progress: Progress, task: TaskID, count: int) -> None:
        self._progress = progress
        self._task = task
        self._count = count
        self._names: list[str] = []
        self._began = progress.get_time()

    def __call__(self, name: str, reached: Reached) -> None:
        progress = self._progress
        now = progress.get_time()
        if name not in self._names:
            self._names.append(name)
            self._began = now
            progress.reset(self._task)
        rate = reached.steps / max(now - self._began, _CLOCK_LEAST)
        what = _FOUND.get(reached.engine, "schedules")
        progress.update(
            self._task,
            description=visible(f"{len(self._names)}/{self._count} {name}"),
            completed=reached.found,
            total=reached.found + reached.left,
            rate=f"{reached.found:,} {what}, {reached.left:,} known to be left,"
            f" {rate:,.0f} steps/s",
        )

    def done(self, count: int) -> None:
        """Show how many scenarios are done, if several are explored at once."""
        self._progress.update(
            self._task,
            description=f"{count}/{self._count} scenarios",
            completed=count,
            total=self._count,
        )


@contextmanager
def progress_bar(count: int) -> Generator[_Tick]:
    """Show progress on a terminal, next to what is printed."""
    bar = BarColumn(), TextColumn("{task.fields[rate]}")
    with _progress(*bar) as progress:
        name = f"0/{count} scenarios" if count > 1 else "exploring"
        with _late(progress, name) as task:
            yield _Tick(progress, task, count)


@contextmanager
def spinner(what: str) -> Generator[None]:
    """Show on a terminal what the command is doing, if that takes a while."""
    with _progress() as progress, _late(progress, what):
        yield


def _progress(*columns: BarColumn | TextColumn) -> Progress:
    text = TextColumn("{task.description}", markup=False)
    return Progress(
        SpinnerColumn(),
        text,
        *columns,
        TimeElapsedColumn(),
        console=new_console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


@contextmanager
def _late(progress: Progress, what: str) -> Generator[TaskID]:
    """Add a task that is shown after two seconds, even if nothing is reported."""
    text = visible(what)
    task = progress.add_task(text, total=None, rate="", visible=False)
    timer = Timer(_SHOW_AFTER, lambda: progress.update(task, visible=True))
    timer.daemon = True
    timer.start()
    try:
        yield task
    finally:
        timer.cancel()
