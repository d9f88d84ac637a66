"""How a System ends: everybody is stopped, with one deadline for all."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ccw_actors.errors import ActorFailedError, AskTimeoutError, DispatcherError
from ccw_actors.runtime.bridge import ThreadCell
from ccw_actors.runtime.cell import STOP, STOP_NOW, Envelope
from ccw_actors.runtime.pykka_actor import PykkaCell

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["Shutdown"]

_SHUT_DOWN = "the System shut down"


class Shutdown:
    """Ends one System, and tells who waits for the end of one actor.

    `begun` is True from the first call of `run` on. `escalated` is the failure that
    no actor took, if there was one.
    """

    def __init__(self, mail: "Mail") -> None:
        self._mail = mail
        self._threads: list[ThreadCell | PykkaCell] = []
        self._ends: dict[str, list[asyncio.Future[None]]] = {}
        self._all_ended: asyncio.Future[None] | None = None
        self.begun = False
        self.escalated: ActorFailedError | None = None
        mail.life.ended = self._note_end
        mail.life.escalated = self._escalate

    def add(self, cell: ThreadCell | PykkaCell) -> None:
        """Have a thread joined when the System ends."""
        self._threads = [one for one in self._threads if not one.join(0)]
        self._threads.append(cell)

    async def wait_for(self, path: str, timeout: float | None) -> None:
        """Wait for the end of an actor; see `ActorRef.stopped`."""
        mail = self._mail
        if mail.dispatcher.loop is None:
            raise DispatcherError("no event loop runs this System: look at is_alive")
        if path not in mail.cells:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ends.setdefault(path, []).append(future)
        wait = mail.asking.ask_timeout if timeout is None else timeout
        limit = None if wait == math.inf else wait
        done, _ = await asyncio.wait((future,), timeout=limit)
        if not done:
            future.cancel()
            raise AskTimeoutError(path, "a stop", wait, mail.queue_length(path))

    async def run(self, timeout: float, *, drain: bool) -> list[str]:
        """Stop everybody; see `System.shutdown`."""
        mail = self._mail
        loop = mail.dispatcher.loop
        self.begun = True
        mail.life.stop_reason = _SHUT_DOWN
        left: list[str] = []
        deadline = 0.0
        if loop is not None:
            deadline = loop.time() + timeout
            self._stop_all(drain=drain)
            left = await self._wait(loop, deadline)
        for cell in list(reversed(mail.cells.values())):
            mail.life.end(cell, _SHUT_DOWN)
        mail.asks.all_stopped(None, _SHUT_DOWN)
        if loop is not None and self._threads:
            left += await self._join(loop, deadline)
        mail.inbox.drain_all()
        return list(dict.fromkeys(left))

    def _stop_all(self, *, drain: bool) -> None:
        mail = self._mail
        for cell in list(reversed(mail.cells.values())):
            if cell.parent is not None or mail.cells.get(cell.path) is not cell:
                continue
            if drain:
                cell.put(Envelope(b"", "", 0, None, STOP))
            else:
                cell.signal(Envelope(b"", "", 0, None, STOP_NOW))

    async def _wait(
        self, loop: asyncio.AbstractEventLoop, deadline: float
    ) -> list[str]:
        """Return who has not ended by then."""
        if not self._mail.cells:
            return []
        self._all_ended = loop.create_future()
        await asyncio.wait((self._all_ended,), timeout=max(0.0, deadline - loop.time()))
        return list(self._mail.cells)

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
        except RuntimeError:  # there is no room for another thread
            return join()
        finally:
            pool.shutdown(wait=False)

    def _note_end(self, path: str) -> None:
        for future in self._ends.pop(path, ()):
            if not future.done():
                future.set_result(None)
        ended = self._all_ended
        if ended is not None and not self._mail.cells and not ended.done():
            ended.set_result(None)

    def _escalate(self, failure: ActorFailedError) -> None:
        if self.escalated is None:
            self.escalated = failure
        self._stop_all(drain=False)
