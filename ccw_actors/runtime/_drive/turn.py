"""A handler that waits: the coroutine of one async handler, and how it goes on.

It is driven here and not by an `asyncio.Task`, so that a reply from another actor
resumes it without a turn of the event loop. What it awaits of asyncio works all the
same: while the coroutine runs, its `Turn` is what asyncio takes for the current task,
so `asyncio.timeout` and `asyncio.TaskGroup` find somebody to cancel.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.parking import Parking
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Turn"]

log = logging.getLogger("ccw_actors")

_enter: Callable[[Any, Any], None] = asyncio.tasks._enter_task  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]
_leave: Callable[[Any, Any], None] = asyncio.tasks._leave_task  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]


class Turn(msgspec.Struct, eq=False, weakref=True):
    """One async handler under way, in the part of an `asyncio.Task` that others need.

    `finished` is called once, with the turn, what the coroutine returned and None, or
    with the turn, None and what it raised. `loop` is None where no event loop runs
    the System; then nothing of asyncio can be awaited.
    """

    cell: Cell
    envelope: Envelope | None
    coroutine: Coroutine[Any, Any, Any]
    loop: asyncio.AbstractEventLoop | None
    finished: Callable[["Turn", Any, BaseException | None], None]
    is_ready: bool = False
    pending: Any = None
    reply: Envelope | None = None
    value: Any = None
    error: BaseException | None = None
    waits_for: Any = None
    cancels: int = 0
    cancel_next: bool = False

    # -- driven by the System -----------------------------------------------------

    def step(self, running: Running) -> None:
        """Run the coroutine until it waits again or is over."""
        value: Any
        error: BaseException | None
        reply, pending = self.reply, self.pending
        if reply is not None and pending is not None:
            self.reply = self.pending = None
            value, error = pending.outcome(reply.payload)
        else:
            value, error = self.value, self.error
            self.value = self.error = None
        self.is_ready = False
        self.waits_for = None
        if self.cancel_next:
            self.cancel_next = False
            error = asyncio.CancelledError()
        loop = self.loop
        running.turn = self
        if loop is not None:
            _enter(loop, self)
        ended = False
        raised: BaseException | None = None
        waited: Any = None
        try:
            if error is None:
                waited = self.coroutine.send(value)
            else:
                waited = self.coroutine.throw(error)
        except StopIteration as stop:
            ended, waited = True, stop.value
        except BaseException as wrong:  # noqa: BLE001 - a failure, whatever it is
            ended, raised = True, wrong
        finally:
            running.turn = None
            if loop is not None:
                _leave(loop, self)
        cell = self.cell
        if ended:
            cell.turn = None
            self.error = raised
            self.finished(self, waited, raised)
            return
        cell.turn = self
        cell.close()
        self._park(waited)

    def wake(self, value: Any = None, error: BaseException | None = None) -> None:
        """Have the coroutine go on with a value, or with an error thrown into it."""
        self.value = value
        self.error = error
        self.is_ready = True
        if self.cell.turn is self:
            self.cell.wake()

    def answer(self, pending: Pending, envelope: Envelope) -> None:
        """Have the coroutine go on with the answer in an envelope."""
        self.pending = pending
        self.reply = envelope
        self.is_ready = True
        self.cell.wake()

    def close(self) -> None:
        """Abandon the coroutine where it is."""
        waits_for, self.waits_for = self.waits_for, None
        if isinstance(waits_for, Parking):
            waits_for.leave()
        elif waits_for is not None:
            waits_for.remove_done_callback(self._future_done)
        try:
            self.coroutine.close()
        except RuntimeError:
            log.exception("%s: its handler goes on when it is to end", self.cell.path)

    def describe(self) -> str:
        """Say what the handler waits for."""
        if self.is_ready:
            return "to be resumed"
        if isinstance(self.waits_for, Parking):
            return self.waits_for.describe()
        if self.waits_for is None:
            return "the event loop"
        return type(self.waits_for).__name__

    # -- what asyncio calls -------------------------------------------------------

    def cancel(self, msg: object = None) -> bool:
        """Have `CancelledError` raised where the handler waits, or will wait next."""
        self.cancels += 1
        waits_for = self.waits_for
        if isinstance(waits_for, Parking):
            if not self.is_ready:
                waits_for.leave()
            self.reply = None
            self.wake(error=asyncio.CancelledError(*(() if msg is None else (msg,))))
        elif waits_for is None or not waits_for.cancel(msg):
            self.cancel_next = True
        return True

    def uncancel(self) -> int:
        """Take one `cancel` back; return how many are left."""
        self.cancels = max(0, self.cancels - 1)
        return self.cancels

    def cancelling(self) -> int:
        """Return how many times `cancel` was called and not taken back."""
        return self.cancels

    def cancelled(self) -> bool:
        """Whether it has ended as it was cancelled."""
        return isinstance(self.error, asyncio.CancelledError)

    def done(self) -> bool:
        """Say no: while others see it, the handler is under way."""
        return False

    def get_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the event loop."""
        return self.loop

    def get_coro(self) -> Coroutine[Any, Any, Any]:
        """Return the coroutine of the handler."""
        return self.coroutine

    def get_name(self) -> str:
        """Return the path of the actor."""
        return self.cell.path

    # -- inside -------------------------------------------------------------------

    def _park(self, waited: object) -> None:
        if isinstance(waited, Parking):
            self.waits_for = waited
            if self.cancel_next and not self.is_ready:
                self.cancel_next = False
                waited.leave()
                self.wake(error=asyncio.CancelledError())
        elif self.loop is None:
            text = "no event loop runs this System: await asks and self.sleep only"
            self.wake(error=DispatcherError(f"{self.cell.path}: {text}"))
        elif waited is None:
            self.loop.call_soon(self.wake)
        elif getattr(waited, "_asyncio_future_blocking", None):
            future: Any = waited
            future._asyncio_future_blocking = False  # noqa: SLF001 - as a Task does
            self.waits_for = future
            future.add_done_callback(self._future_done)
            if self.cancel_next and future.cancel():
                self.cancel_next = False
        else:
            text = f"{self.cell.path}: a handler cannot await {waited!r}"
            self.wake(error=RuntimeError(text))

    def _future_done(self, future: "asyncio.Future[Any]") -> None:
        # The coroutine takes the outcome out of the future itself when it goes on.
        del future
        self.wake()
