"""An event loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
import logging
import math
import selectors
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar, TypeVarTuple

from ccw_actors.errors import DispatcherError

__all__ = ["VirtualTimeLoop", "virtual_time_loop"]

R = TypeVar("R")
Ts = TypeVarTuple("Ts")
Events: TypeAlias = list[tuple[selectors.SelectorKey, int]]

log = logging.getLogger("ccw_actors")

_STANDSTILL_MAX = 100


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time: seconds that begin at 0 and only jump.

    When nothing is ready, the clock jumps to the next timer at once. The loop polls I/O
    before each jump. With no timer left it waits for I/O and for other threads.

    While it is held, the clock stands still: `run_in_executor` holds it until its
    future is done, an actor in a thread while it handles messages. Hold it yourself
    while another process, or a thread unknown to the loop, works for the test. If
    nothing happens for `patience` real seconds (None: wait forever), the loop assumes
    that the holder is blocked, and the clock jumps.

    Debug mode reports no slow callbacks, because the clock does not advance in them.
    """

    # Attributes of asyncio's base class that it does not declare.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool
    _clock_resolution: float

    def __init__(self, *, patience: float | None = 10.0) -> None:
        self._patience = patience
        self._holds = 0
        self._lock = threading.Lock()
        self._now = 0.0
        self._standstill = 0
        super().__init__(_Selector(self._wait))
        self._pass_to(0.0)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def hold(self) -> None:
        """Stop the clock until the same number of calls of `release`; thread-safe."""
        with self._lock:
            self._holds += 1

    def release(self) -> None:
        """Take one `hold` back; thread-safe. Raises `DispatcherError` for one too many.

        Before this the holder must post any calls to the loop.
        """
        with self._lock:
            if not self._holds:
                raise DispatcherError("the virtual clock is released but not held")
            self._holds -= 1
        try:
            self.call_soon_threadsafe(_nothing)
        except RuntimeError:
            return  # The loop is closed and does not wait.

    @contextmanager
    def held(self) -> Generator[None, None, None]:
        """Hold the clock inside a `with` block."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], R], *args: *Ts
    ) -> asyncio.Future[R]:
        """Call a function in a thread, and hold the clock until the future is done."""
        future = super().run_in_executor(executor, func, *args)
        self.hold()
        future.add_done_callback(lambda _future: self.release())
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Join the executor's threads, which takes real time: hold the clock."""
        with self.held():
            await super().shutdown_default_executor(*args, **kwargs)

    def _wait(
        self, poll: Callable[[float | None], Events], timeout: float | None
    ) -> Events:
        """Return I/O events, or none once the clock has jumped to the next timer."""
        if timeout is None:
            return poll(None)
        # Read before the poll: a holder that releases during it has posted something.
        held = self._holds > 0
        events = poll(0)
        if timeout == 0:
            self._pass_if_stuck()
        if events or timeout == 0:
            return events
        due = self._scheduled[0].when()
        if due == math.inf:
            return poll(None)
        if held:
            events = poll(self._patience)
            if events:
                return events
            log.warning("the virtual clock jumps to %g s: its holder is blocked", due)
        self._pass_to(due)
        return events

    def _pass_to(self, now: float) -> None:
        self._now = now
        self._standstill = 0
        # A timer due exactly now must count as due, however large the number is.
        self._clock_resolution = math.ulp(now)

    def _pass_if_stuck(self) -> None:
        """Advance the clock by the smallest step if timers at this time never end.

        Code that computes with times may always wait for a remaining rounding error.
        Real clocks advance on their own.
        """
        if self._ready or self._stopping:
            return
        self._standstill += 1
        if self._standstill > _STANDSTILL_MAX:
            self._pass_to(math.nextafter(self._now, math.inf))


class _Selector(selectors.DefaultSelector):
    """A selector that lets the loop decide how long to wait."""

    def __init__(
        self,
        wait: Callable[[Callable[[float | None], Events], float | None], Events],
    ) -> None:
        super().__init__()
        self._wait = wait

    def select(self, timeout: float | None = None) -> Events:
        return self._wait(super().select, timeout)


def virtual_time_loop() -> VirtualTimeLoop:
    """Return a new `VirtualTimeLoop`: a factory for `asyncio.Runner`.

    To make pytest-asyncio run each test on both loops, put into `conftest.py`

        def pytest_asyncio_loop_factories(config, item):
            return {"stock": asyncio.new_event_loop, "virtual": virtual_time_loop}

    and `@pytest.mark.asyncio(loop_factories=["virtual"])` for one of them alone.
    """
    return VirtualTimeLoop()


def _nothing() -> None:
    """Do nothing except wake the loop."""
