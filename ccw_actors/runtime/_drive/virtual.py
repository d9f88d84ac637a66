"""Drives a System by a clock that nobody has to wait for."""

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
    """Handles one message of each actor in turn, on a clock that jumps when all rest.

    The clock jumps to the next timer, or deadline of an ask, that is not cancelled.
    Nothing runs until `run` or `run_until` is called; no event loop is needed and no
    time is slept.
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
        """Set the clock."""
        self.clock = self.now

    def attach(self, system: Kernel) -> None:
        """Drive one System."""
        self._system = system
        self._offers, self._freed = system.pressure.waiting, system.pressure.freed

    def now(self) -> float:
        """Return the virtual time in seconds; it begins at 0."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back when the clock has come to that time."""
        return self._alarms.add(when, callback)

    def call_at_clock(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Do the same: it is the same clock."""
        return self.call_at(when, callback)

    def step(self) -> bool:
        """Handle one message, or else go on to the next timer; False if idle.

        Raises what escalates.
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
        """Go on until no message and no timer is left: with periodic ones, for ever."""
        while self.step():
            pass

    def advance(self, seconds: float) -> None:
        """Go on until that much time has passed and all that is due has happened."""
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
        """Go on until `done()`; False if nothing is left to handle first."""
        while not done():
            if not self.step():
                return False
        return True

    def end(self) -> None:
        """Do nothing: nobody else calls."""

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
