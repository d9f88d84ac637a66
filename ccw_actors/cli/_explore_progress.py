"""Shows how far an exploration has come, once it has taken two seconds."""

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

from ccw_actors.cli._printing import visible
from ccw_actors.cli._progress import new_progress
from ccw_actors.explore import Progress as Reached

__all__ = ["progress_bar"]

_SHOW_AFTER: Final = 2.0
_FOUND: Final = {"states": "states", "orders": "classes"}


class _Tick:
    """Puts the name of a scenario and its progress into the display."""

    def __init__(self, progress: Progress, task: TaskID, count: int) -> None:
        self._progress = progress
        self._task = task
        self._count = count
        self._names: list[str] = []

    def __call__(self, name: str, reached: Reached) -> None:
        progress = self._progress
        if name not in self._names:
            self._names.append(name)
            progress.reset(self._task)
        what = _FOUND.get(reached.engine, "schedules")
        progress.update(
            self._task,
            description=visible(f"{self._nth()}{name}"),
            completed=reached.found,
            total=reached.found + reached.left,
            found=f"{reached.found:,} {what}, {reached.left:,} known left",
        )

    def _nth(self) -> str:
        """Return which of several scenarios is being explored, "" for a single one."""
        return f"{len(self._names)}/{self._count} " if self._count > 1 else ""

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
    """Show progress while this lasts; call the value as a `Tick` of `explore_all`."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[found]}"),
        TimeElapsedColumn(),
    )
    name = f"0/{count} scenarios" if count > 1 else "exploring"
    with new_progress(*columns) as progress, _late(progress, name) as task:
        yield _Tick(progress, task, count)


@contextmanager
def _late(progress: Progress, what: str) -> Generator[TaskID]:
    """Add a task that is shown after two seconds, even if nothing is reported."""
    task = progress.add_task(what, total=None, found="", visible=False)
    timer = Timer(_SHOW_AFTER, lambda: progress.update(task, visible=True))
    timer.daemon = True
    timer.start()
    try:
        yield task
    finally:
        timer.cancel()
