"""Who decides what is handled next, and what time it is: the event loop or a clock."""

import asyncio
import contextvars
import math
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ccw_actors.errors import ActorStoppedError, DispatcherError
from ccw_actors.runtime.alarms import Alarm, Alarms
from ccw_actors.runtime.cell import IDLE, PARKED, Cell

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["ONE_THREAD", "Dispatcher", "LoopDispatcher", "VirtualDispatcher"]

ONE_THREAD = "only the thread that made this System may use it: no event loop runs it"


class Dispatcher(Protocol):
    """The only part of a System that differs between the three worlds."""

    loop: asyncio.AbstractEventLoop | None
    """The event loop that runs the System; None where there is none."""

    budget: int
    """How many messages, or calls from other threads, one turn may handle."""

    clock: Callable[[], float]
    """What `call_at_clock` goes by: seconds, from a beginning of its own."""

    @abstractmethod
    def begin(self) -> None:
        """Look for what is to run the System, and set `clock`; called once, first."""

    @abstractmethod
    def attach(self, mail: "Mail") -> None:
        """Serve the mailboxes of one System from now on; called once."""

    @abstractmethod
    def ready(self, cell: Cell) -> None:
        """Note that a cell has a message and was idle before."""

    @abstractmethod
    def now(self) -> float:
        """Return seconds since the System was made."""

    @abstractmethod
    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back once at that time; callbacks due at once run in order given."""

    @abstractmethod
    def call_at_clock(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Do the same, at a time of `clock`."""

    @abstractmethod
    def hold(self) -> None:
        """Note that another thread works for the System, and what it does takes time.

        An event loop with a virtual clock stands still meanwhile. On any thread.
        """

    @abstractmethod
    def release(self) -> None:
        """Take one `hold` back; on any thread."""

    @abstractmethod
    def run_until(self, done: Callable[[], bool]) -> bool:
        """Handle messages until `done()`; False if nothing is left to handle first.

        Raises `DispatcherError` where the event loop decides, not the caller.
        """

    @abstractmethod
    def check_awake(self) -> None:
        """Raise what `wake` would if the System can be woken no more."""

    @abstractmethod
    def wake(self, callback: Callable[[], None]) -> None:
        """Call back soon on the System's own thread; called from other threads.

        Raises `ActorStoppedError` if the event loop is closed, and `DispatcherError`
        where there is none.
        """


class LoopDispatcher:
    """Handles messages on the running asyncio event loop.

    One callback of the loop handles at most `budget` messages, and at most `batch` of
    one actor before the next actor has its turn: so a flood delays other actors and
    the loop's other callbacks by a bounded number of messages. Timers that are due and
    calls from other threads come `budget` at a time, too.

    Raises `ValueError` for a batch or a budget below 1.
    """

    def __init__(self, *, batch: int = 8, budget: int = 64) -> None:
        if batch < 1 or budget < 1:
            raise ValueError(f"batch {batch} and budget {budget} have to be 1 or more")
        self.loop: asyncio.AbstractEventLoop | None = None
        self.budget = budget
        self._batch = batch
        self._queue: deque[Cell] = deque()
        self._scheduled = False
        self._alarms = Alarms()
        self._bell: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def begin(self) -> None:
        """Take the loop that runs now. Raises `DispatcherError` if none does."""
        try:
            self.loop = loop = self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise DispatcherError(
                "a System on the event loop is made inside a coroutine: none runs now"
            ) from error
        self.clock = loop.time
        if type(loop).time is asyncio.BaseEventLoop.time:
            self.clock = time.monotonic  # noqa: TID251 - what such a loop asks, too
        self._origin = self.clock()
        self.hold: Callable[[], None] = getattr(loop, "hold", _nothing)
        self.release: Callable[[], None] = getattr(loop, "release", _nothing)
        # Not that of whoever happens to send the first message of a batch.
        self._context = contextvars.copy_context()

    def attach(self, mail: "Mail") -> None:
        """Serve the mailboxes of a System."""
        self._run, self._leave = mail.runner.run, mail.home.leave
        self._offers, self._freed = mail.room.waiting, mail.room.freed

    def ready(self, cell: Cell) -> None:
        """Queue a cell, and a callback of the loop if none is under way."""
        self._queue.append(cell)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._drain, context=self._context)

    def now(self) -> float:
        """Return seconds of the loop's clock since the System was made."""
        return self.clock() - self._origin

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Call back at that time, with one timer of the loop for all."""
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
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError as error:
            raise ActorStoppedError(
                "the event loop of this System is closed"
            ) from error

    def _drain(self) -> None:
        queue, run, batch = self._queue, self._run, self._batch
        budget = self.budget
        try:
            while queue and budget > 0:
                cell = queue.popleft()
                # Alone, it takes nothing from others by going on.
                limit = batch if queue and batch < budget else budget
                try:
                    budget -= run(cell, limit) or 1
                finally:
                    if cell.held:
                        turn = cell.turn
                        if turn is not None and not (turn.is_ready or cell.signals):
                            cell.status = PARKED
                        elif cell.settle():
                            queue.append(cell)
                    elif cell.mailbox:
                        queue.append(cell)
                    else:
                        cell.status = IDLE
                    if self._offers:
                        self._freed(cell)
        finally:
            self._leave()
            self._scheduled = bool(queue)
            if queue:
                self._loop.call_soon(self._drain, context=self._context)

    def _set_bell(self, when: float) -> None:
        if self._bell is not None:
            self._bell.cancel()
        self._rings_at = when
        self._bell = self._loop.call_at(when + self._origin, self._ring)

    def _ring(self) -> None:
        self._bell = None
        self._rings_at = math.inf
        # In the loop's own time, as the bell was set: the sum may be rounded.
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


class VirtualDispatcher:
    """Handles one message of each actor in turn, on a clock that jumps when all rest.

    The clock jumps to the next timer, or deadline of an ask, that is not cancelled.
    Nothing runs until `run` or `run_until` is called; no event loop is needed and no
    time is slept.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.budget = 1
        self._queue: deque[Cell] = deque()
        self._alarms = Alarms()
        self._now = 0.0

    def begin(self) -> None:
        """Set the clock."""
        self.clock = self.now

    def attach(self, mail: "Mail") -> None:
        """Serve the mailboxes of a System."""
        self._mail = mail

    def ready(self, cell: Cell) -> None:
        """Queue a cell."""
        self._queue.append(cell)

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
        """Handle one message, or else go on to the next timer; False if idle."""
        while self._queue:
            cell = self._queue.popleft()
            handled, signals = 0, bool(cell.signals)
            try:
                handled = self._mail.runner.run(cell, 1)
            finally:
                self._mail.home.leave()
                if cell.settle():
                    self._queue.append(cell)
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
        self._mail.asks.tidy()
        return self._alarms.next_due()

    def run_until(self, done: Callable[[], bool]) -> bool:
        """Go on until `done()`; False if nothing is left to handle first."""
        while not done():
            if not self.step():
                return False
        return True

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


def _nothing() -> None:
    """An event loop of real time waits for nobody."""
