"""Shuts a System down: stops all actors, with one deadline for all."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ccw_actors.errors import AskTimeoutError, DispatcherError
from ccw_actors.runtime._escalation import Escalation
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._threads.pykka_cell import PykkaCell
from ccw_actors.runtime._threads.thread_cell import ThreadCell
from ccw_actors.runtime._values.envelope import STOP, STOP_NOW, Envelope

__all__ = ["Shutdown"]

_SHUT_DOWN: Final = "the System shut down"
_THREADS_MIN: Final = 64


class Shutdown:
    """Ends one System, and notifies code that waits for the end of one actor.

    `begun` is True from the first call of `run` on. `escalation` raises escalated
    errors.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._threads: list[ThreadCell | PykkaCell] = []
        self._threads_max = _THREADS_MIN
        self._ends: dict[str, list[asyncio.Future[None]]] = {}
        self._all_ended: asyncio.Future[None] | None = None
        self.escalation = Escalation(kernel)
        self.begun = False
        kernel.ending.ended = self._note_end
        kernel.supervisor.escalated = self._escalate

    def add(self, cell: ThreadCell | PykkaCell) -> None:
        """Join this thread when the System ends."""
        self._threads.append(cell)
        if len(self._threads) > self._threads_max:
            self._threads = [one for one in self._threads if not one.join(0)]
            self._threads_max = max(_THREADS_MIN, 2 * len(self._threads))

    def _escalate(self, error: BaseException) -> None:
        self._stop_all(drain=False)
        self.escalation.note(error)

    # -- waiting for ends -----------------------------------------------------------

    async def wait_for(self, address: str, wait: float) -> None:
        """Wait `wait` seconds for the end of an actor; see `ActorRef.stopped`."""
        kernel = self._kernel
        if kernel.dispatcher.loop is None:
            raise DispatcherError("no event loop runs this System: check is_alive")
        if address not in kernel.cells:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._ends.setdefault(address, [])
        waiting.append(future)
        limit = None if wait == math.inf else wait
        try:
            done, _ = await asyncio.wait((future,), timeout=limit)
        finally:
            if not future.done():
                waiting.remove(future)
                if not waiting and self._ends.get(address) is waiting:
                    del self._ends[address]
        if not done:
            length = kernel.queue_length(address)
            raise AskTimeoutError(address, "a stop", wait, length)

    async def run(self, timeout: float, *, drain: bool) -> list[str]:
        """Stop all actors; see `System.shutdown`."""
        kernel = self._kernel
        loop: asyncio.AbstractEventLoop | None = kernel.dispatcher.loop
        self.begun = True
        self.escalation.begin_end()
        kernel.supervisor.stop_reason = _SHUT_DOWN
        kernel.missing.end(_SHUT_DOWN)
        left: list[str] = []
        deadline = 0.0
        try:
            if loop is not None:
                deadline = loop.time() + timeout
                self._stop_all(drain=drain)
                left = await self._wait(loop, deadline)
        finally:  # Also if the waiting task is cancelled.
            self._end_all()
        if loop is not None and self._threads:
            left += await self._join(loop, deadline)
        if kernel.remote is not None:
            await kernel.remote.close()
        kernel.calls.drain_all()
        kernel.asks.tidy()
        kernel.dispatcher.end()
        return list(dict.fromkeys(left))

    def _end_all(self) -> None:
        """End all remaining actors and asks."""
        kernel = self._kernel
        for cell in list(reversed(kernel.cells.values())):
            kernel.ending.end(cell, _SHUT_DOWN)
        kernel.asks.all_stopped(_SHUT_DOWN)

    def _stop_all(self, *, drain: bool) -> None:
        cells = self._kernel.cells
        for cell in list(reversed(cells.values())):
            if cell.parent is not None or cells.get(cell.address) is not cell:
                continue
            if drain:
                cell.put(Envelope(b"", "", 0, None, STOP))
            else:
                cell.signal(Envelope(b"", "", 0, None, STOP_NOW))

    async def _wait(
        self, loop: asyncio.AbstractEventLoop, deadline: float
    ) -> list[str]:
        """Return the actors that have not ended by the deadline."""
        cells = self._kernel.cells
        if not cells:
            return []
        self._all_ended = loop.create_future()
        await asyncio.wait((self._all_ended,), timeout=max(0.0, deadline - loop.time()))
        return [cell.path for cell in cells.values()]

    async def _join(
        self, loop: asyncio.AbstractEventLoop, deadline: float
    ) -> list[str]:
        def join() -> list[str]:
            return [
                cell.path
                for cell in reversed(self._threads)
                if not cell.join(max(0.0, deadline - loop.time()))
            ]

        # Not the loop's own executor: all its threads may be blocked in asks.
        pool = ThreadPoolExecutor(1, "shutdown")
        try:
            return await loop.run_in_executor(pool, join)
        except RuntimeError:  # the host cannot start another thread
            return join()
        finally:
            pool.shutdown(wait=False)

    def _note_end(self, address: str) -> None:
        for future in self._ends.pop(address, ()):
            if not future.done():
                future.set_result(None)
        ended = self._all_ended
        if ended is not None and not self._kernel.cells and not ended.done():
            ended.set_result(None)
