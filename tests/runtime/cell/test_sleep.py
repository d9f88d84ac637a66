"""The sleep of a handler, with timers that the test fires."""

from typing import Any

import pytest

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.sleep import Sleep
from tests.runtime.kernel.cast import make_cell


class Timers:
    """Keeps the set and the cancelled sleeps."""

    def __init__(self) -> None:
        self.set: list[tuple[str, float]] = []
        self.cancelled: list[tuple[str, int]] = []

    def set_sleep(self, cell: Cell, delay: float) -> int:
        """Keep the sleep; the first has the number 1."""
        self.set.append((cell.path, delay))
        return len(self.set)

    def cancel_timer(self, cell: Cell, number: int) -> None:
        """Keep."""
        self.cancelled.append((cell.path, number))


def test_sleep() -> None:
    """Awaiting a sleep sets its timer; resuming the handler ends it."""
    timers = Timers()
    sleep = Sleep(timers, make_cell("a"), 1.5)
    assert timers.set == []
    waiting: Any = sleep.__await__()
    assert next(waiting) is sleep
    assert (timers.set, sleep.describe()) == ([("a", 1.5)], "1.5 s")
    with pytest.raises(StopIteration):
        waiting.send(None)
    assert timers.cancelled == []


def test_handler_that_gives_up() -> None:
    """A cancelled handler cancels the timer."""
    timers = Timers()
    sleep = Sleep(timers, make_cell("a"), 1.5)
    waiting: Any = sleep.__await__()
    next(waiting)
    sleep.leave()
    assert timers.cancelled == [("a", 1)]


def test_sleep_in_a_task_that_is_no_handler() -> None:
    """A task refuses the sleep, and the timer does not wake the handler."""
    timers = Timers()
    waiting: Any = Sleep(timers, make_cell("a"), 1.5).__await__()
    next(waiting)
    with pytest.raises(RuntimeError, match="Task got bad yield"):
        waiting.throw(RuntimeError("Task got bad yield"))
    assert timers.cancelled == [("a", 1)]
