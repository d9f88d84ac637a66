"""Runs a System on the running asyncio event loop."""

import asyncio
import contextvars
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ccw_actors.errors import ActorStoppedError, DispatcherError
from ccw_actors.runtime._cell.cell import CLOSED, IDLE, Cell
from ccw_actors.runtime._kernel.alarms import Alarm, Alarms
from ccw_actors.runtime._kernel.kernel import Kernel

__all__ = ["LoopDispatcher"]


class LoopDispatcher:
    """Handles messages on the running asyncio event loop.

    One callback of the loop handles at most `budget` messages, and at most `batch` of
    one actor before the next actor has its turn. So a flood delays other actors and the
    loop's other callbacks by a bounded number of messages. The loop also takes due
    timers, and calls from other threads, `budget` at a time.

    Raises `ValueError` for a batch or a budget below 1.
    """

    def __init__(self, *, batch: int = 8, budget: int = 64) -> None:
        if batch < 1 or budget < 1:
            raise ValueError(f"batch {batch} and budget {budget} have to be 1 or more")
        self.loop: Any = None
        self.restores = False
        self.budget = budget
        self._batch = batch
        self._queue: deque[Cell] = deque()
        self.enqueue: Callable[[Cell], None] = self._schedule
        self._alarms = Alarms()
        self._bell: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def begin(self) -> None:
        """Take the running event loop. Raises `DispatcherError` if there is none."""
        try:
            self.loop = loop = self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise DispatcherError(
                "no event loop is running: create this System inside a coroutine"
            ) from error
        self.clock = loop.time
        if type(loop).time is asyncio.BaseEventLoop.time:
            self.clock = time.monotonic  # noqa: TID251 - such a loop also uses it
        self._origin = self.clock()
        self.hold: Callable[[], None] = getattr(loop, "hold", _nothing)
        self.release: Callable[[], None] = getattr(loop, "release", _nothing)
        # Callbacks must not run in the context of the code that sends the first message
        # of a batch or sets the first timer. Handlers run in the contexts of their
        # actors.
        self._context = contextvars.copy_context()

    def attach(self, system: Kernel) -> None:
        """Run one System."""
        self._run, self._running = system.invoker.run, system.running
        self._offers, self._freed = system.pressure.waiting, system.pressure.freed

    def _schedule(self, cell: Cell) -> None:
        """Queue a cell, and a callback of the loop, because none is queued.

        Until the queue is empty, more cells need only their place in it.
        """
        self._queue.append(cell)
        self._loop.call_soon(self._drain, context=self._context)
        self.enqueue = self._queue.append

    def now(self) -> float:
        """Return the seconds of the loop's clock since the System was created."""
        return self.clock() - self._origin

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back at that time; all such calls share one timer of the loop."""
        alarm = self._alarms.add(when, callback)
        if when < self._rings_at:
            self._set_bell(when)
        return alarm

    def call_at_clock(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back at that time of the loop's clock."""
        return self.call_at(when - self._origin, callback)

    def run_until(self, done: Callable[[], bool]) -> bool:
        """Raise `DispatcherError`: the event loop runs this System, not its caller."""
        del done
        raise DispatcherError("the event loop runs this System, not its caller")

    def check_awake(self) -> None:
        """Raise `ActorStoppedError` if the loop is closed."""
        if self._loop.is_closed():
            raise ActorStoppedError("the event loop of this System is closed")

    def wake(self, callback: Callable[[], None]) -> None:
        """Call back soon on the loop. Raises `ActorStoppedError` if it is closed."""
        try:
            self._loop.call_soon_threadsafe(callback, context=self._context)
        except RuntimeError as error:
            raise ActorStoppedError(
                "the event loop of this System is closed"
            ) from error

    def _drain(self) -> None:
        queue, run, batch = self._queue, self._run, self._batch
        budget, offers = self.budget, self._offers
        try:
            while queue and budget:
                cell = queue.popleft()
                # It is alone, so continuing delays no other actor.
                limit = batch if queue and batch < budget else budget
                try:
                    budget -= cell.context.run(run, cell, limit) or 1
                finally:
                    if cell.status >= CLOSED:
                        turn = cell.turn
                        if turn is not None and not (turn.is_ready or cell.signals):
                            cell.status = CLOSED  # the usual case
                        elif cell.settle():
                            queue.append(cell)
                        turn = None  # Its exception refers to this frame.
                    elif cell.mailbox:
                        queue.append(cell)
                    else:
                        cell.status = IDLE
                    if offers:
                        self._freed(cell)
        finally:
            self._running.leave()
            if queue:
                self._loop.call_soon(self._drain, context=self._context)
            else:
                self.enqueue = self._schedule

    def end(self) -> None:
        """Remove the timer of the loop, if nothing is due."""
        if self._bell is not None and self._alarms.next_due() is None:
            self._bell.cancel()
            self._bell = None
            self._rings_at = math.inf

    def _set_bell(self, when: float) -> None:
        if self._bell is not None:
            self._bell.cancel()
        self._rings_at = when
        self._bell = self._loop.call_at(
            when + self._origin, self._ring, context=self._context
        )

    def _ring(self) -> None:
        self._bell = None
        self._rings_at = math.inf
        # In the loop's own time, in which the timer was set: the sum may be rounded.
        now, origin = self.clock(), self._origin
        budget = self.budget
        while (due := self._alarms.next_due()) is not None and due + origin <= now:
            if budget == 0:
                self._set_bell(due)
                return
            budget -= 1
            self._alarms.pop()()
        if due is not None and due < self._rings_at:
            self._set_bell(due)


def _nothing() -> None:
    """Do nothing: a loop in real time has no clock to hold."""
