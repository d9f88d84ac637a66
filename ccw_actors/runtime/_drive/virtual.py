"""Runs a System on a virtual clock, without real waiting."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._kernel.alarms import Alarm, Alarms
from ccw_actors.runtime._kernel.kernel import Kernel

__all__ = ["ONE_THREAD", "VirtualDispatcher"]

ONE_THREAD: Final = (
    "only the thread that made this System may use it: no event loop runs it"
)


class VirtualDispatcher:
    """Handles one message of each actor in turn; the clock jumps when all are idle.

    The clock jumps to the next timer or deadline of an ask that is not cancelled.
    Nothing runs until you call `run` or `run_until`. It needs no event loop and never
    sleeps.
    """

    def __init__(self) -> None:
        self.loop: Any = None
        self.restores = False
        self.budget = 1
        self._queue: deque[Cell] = deque()
        self.enqueue: Callable[[Cell], None] = self._queue.append
        self._alarms = Alarms()
        self._now = 0.0

    def begin(self) -> None:
        """Provide the clock."""
        self.clock = self.now

    def attach(self, system: Kernel) -> None:
        """Run one System."""
        self._system = system
        self._offers, self._freed = system.pressure.waiting, system.pressure.freed

    def now(self) -> float:
        """Return the virtual time in seconds; it begins at 0."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back when the clock reaches that time."""
        return self._alarms.add(when, callback)

    def call_at_clock(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Do the same: both use the same clock."""
        return self.call_at(when, callback)

    def step(self) -> bool:
        """Handle one message, or else jump to the next timer; return False if idle.

        Raises an escalated error.
        """
        went_on = self._step()
        self._system.raise_escalated()
        return went_on

    def _step(self) -> bool:
        while self._queue:
            cell = self._queue.popleft()
            handled, signals = 0, bool(cell.signals)
            try:
                handled = cell.context.run(self._system.invoker.run, cell, 1)
            finally:
                self._system.running.leave()
                if cell.settle():
                    self._queue.append(cell)
                if self._offers:
                    self._freed(cell)
            if handled or signals:
                return True
        due = self._next_due()
        if due is None:
            return False
        self._now = max(self._now, due)
        self._alarms.pop()()
        return True

    def run(self) -> None:
        """Run until no message and no timer is left: with periodic timers, forever."""
        while self.step():
            pass

    def advance(self, seconds: float) -> None:
        """Run until that much time has passed and everything due has happened."""
        until = self._now + seconds
        while self._queue or self._is_due(until):
            self.step()
        self._now = max(self._now, until)

    def _is_due(self, until: float) -> bool:
        due = self._next_due()
        return due is not None and due <= until

    def _next_due(self) -> float | None:
        self._system.asks.tidy()
        return self._alarms.next_due()

    def run_until(self, done: Callable[[], bool]) -> bool:
        """Run until `done()`; return False if nothing is left to handle before that."""
        while not done():
            if not self.step():
                return False
        return True

    def end(self) -> None:
        """Do nothing: no loop has a timer to remove."""

    def hold(self) -> None:
        """Do nothing: no other thread works for this System."""

    def release(self) -> None:
        """Do nothing."""

    def check_awake(self) -> None:
        """Raise `DispatcherError`: other threads would take the order away."""
        raise DispatcherError(ONE_THREAD)

    def wake(self, callback: Callable[[], None]) -> None:
        """Raise `DispatcherError`: other threads would take the order away."""
        del callback
        raise DispatcherError(ONE_THREAD)
