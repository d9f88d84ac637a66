"""The turn of an async handler: its coroutine, and how it continues after a wait.

This module runs it, and not an `asyncio.Task`, so that a reply from another actor
resumes it without a turn of the event loop. It can still await anything in asyncio:
while the coroutine runs, asyncio sees its `Turn` as the current task, with all
attributes of a Task. If asyncio cannot accept that, `TaskDriver` makes a real Task run
the coroutine.
"""

import asyncio
import contextvars
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.parking import Parking
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._drive import asyncio_internals as internals
from ccw_actors.runtime._drive.task_driver import TaskDriver
from ccw_actors.runtime._drive.task_interface import DoneCallback, TaskInterface
from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Parking", "Turn"]

log = logging.getLogger("ccw_actors")

_CLOSES = 2  # A task group awaits its tasks once more when it is closed.


class Turn(msgspec.Struct, TaskInterface, eq=False, weakref=True):
    """One async handler in progress; other code sees it as a task.

    `finished` is called once, with the turn, the coroutine's return value and None, or
    with the turn, None and its exception. `loop` is None if no event loop runs the
    System: then the handler cannot await asyncio. `context` is the one in which `step`
    is called, None if it varies.

    When the coroutine has ended, `value` and `error` are its result. Before that, they
    are what it continues with.
    """

    cell: Cell
    envelope: Envelope | None
    coroutine: Any
    loop: asyncio.AbstractEventLoop | None
    finished: Callable[["Turn", Any, BaseException | None], None]
    context: contextvars.Context | None = None
    is_ready: bool = False
    reply: Envelope | None = None
    value: Any = None
    error: BaseException | None = None
    waits_for: Any = None
    cancels: int = 0
    cancel_next: bool = False
    cancel_message: object = None
    abandoned: bool = False
    name: str | None = None
    callbacks: list[DoneCallback] | None = None
    driver: TaskDriver | None = None
    _asyncio_future_blocking: bool = False

    # -- driven by the System -----------------------------------------------------

    def step(  # noqa: C901, PLR0912, PLR0915 - in one piece: here time is spent
        self, running: Running
    ) -> None:
        """Run the coroutine until it waits again or ends."""
        loop, enter = self.loop, None
        if loop is not None:
            enter = internals.enter
            if enter is None:
                self._step_in_task(running, loop)
                return
        running.letter = self.envelope
        value: Any
        error: BaseException | None
        if self.is_ready:
            self.is_ready = False
            reply = self.reply
            if reply is not None:
                self.reply = None
                value, error = self.waits_for.outcome(reply.payload)
            else:
                value, error = self.take()
        else:
            value = error = None
        if self.cancel_next:
            error = self._due(error)
        if self.waits_for is not None:
            self.waits_for = None
        if enter is not None:
            enter(loop, self)
        running.turn = self
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
            if enter is not None:
                internals.leave(loop, self)
        cell = self.cell
        if not ended:
            if self.abandoned:
                self.waits_for = waited if isinstance(waited, Parking) else None
                self.close()
                return
            if cell.turn is not self:
                cell.turn = self
                cell.close()
            if isinstance(waited, Parking) and not self.cancel_next:
                self.waits_for = waited
            else:
                self._park(waited)
        elif raised is None and self.callbacks is None and not self.cancel_next:
            cell.turn = None
            if waited is not None:
                self.value = waited
            self.finished(self, waited, None)
        else:
            try:
                self.end(waited, raised)
            finally:
                # The exception refers to this frame, which must not hold it.
                del self, raised, error

    def wake(self, value: Any = None, error: BaseException | None = None) -> None:
        """Continue the coroutine with a value, or with an error thrown into it."""
        if self.value is not value:
            self.value = value
        if self.error is not error:
            self.error = error
        self.is_ready = True
        if self.cell.turn is self:
            self.cell.wake()

    def answer(self, envelope: Envelope) -> None:
        """Continue the coroutine with the answer to its ask."""
        self.reply = envelope
        self.is_ready = True
        self.cell.wake()

    def close(self) -> None:
        """Abandon the coroutine at its wait: its `finally` runs, `finished` does not.

        If it is running, it is abandoned at its next wait. Passes on an exception that
        it raises then.
        """
        self.abandoned = True
        if self.coroutine.cr_running:
            return
        waits_for, self.waits_for = self.waits_for, None
        if isinstance(waits_for, Parking):
            waits_for.leave()
        elif waits_for is not None:
            waits_for.remove_done_callback(self._go_on)
        error = self._closed()
        self._note_end(None, asyncio.CancelledError())
        if self.driver is not None:
            self.driver.close()
        if error is None:
            return
        if self.coroutine.cr_frame is None:
            raise error
        text = "%s: its handler continues although it has to end"
        log.error(text, self.cell.path, exc_info=error)

    def describe(self) -> str:
        """Return what the handler waits for."""
        if self.is_ready:
            return "to be resumed"
        if isinstance(self.waits_for, Parking):
            return self.waits_for.describe()
        if self.waits_for is None:
            return "the event loop"
        return type(self.waits_for).__name__

    def is_current(self) -> bool:
        """Whether no eager task runs inside the step of this handler."""
        if self.loop is None:
            return True
        task = self if self.driver is None else self.driver.task
        return asyncio.current_task(self.loop) is task

    # -- interface of a Task --------------------------------------------------------

    def cancel(self, msg: object = None) -> bool:
        """Raise `CancelledError` where the handler waits, or at its next wait.

        Returns False if the handler has ended.
        """
        if self.done():
            return False
        if self.driver is not None:
            return self.driver.cancel(msg)
        self.cancels += 1
        waits_for = self.waits_for
        if isinstance(waits_for, Parking):
            if not self.is_ready:
                waits_for.leave()
            if not isinstance(self.error, asyncio.CancelledError):
                self.reply = None
                self.wake(error=_cancelled(msg))
        elif waits_for is None or not waits_for.cancel(msg):
            self.cancel_next = True
            self.cancel_message = msg
        return True

    def uncancel(self) -> int:
        """Take one `cancel` back; return how many are left.

        Taking back the last one also drops a `CancelledError` that is not yet raised.
        """
        task = None if self.driver is None else self.driver.task
        if task is not None:
            return task.uncancel()
        if self.cancels > 0:
            self.cancels -= 1
            if self.cancels == 0:
                self.cancel_next = False
        return self.cancels

    def cancelling(self) -> int:
        """Return how many calls of `cancel` have not been taken back."""
        task = None if self.driver is None else self.driver.task
        return self.cancels if task is None else task.cancelling()

    def get_name(self) -> str:
        """Return the path of the actor, unless the name was set."""
        return self.cell.path if self.name is None else self.name

    def set_name(self, value: object, /) -> None:
        """Set the name, which has no effect on the handler."""
        self.name = str(value)

    @property
    def _must_cancel(self) -> bool:
        """Whether the handler raises `CancelledError` as soon as it continues."""
        return self.cancel_next or (
            self.is_ready and isinstance(self.error, asyncio.CancelledError)
        )

    @property
    def _fut_waiter(self) -> "asyncio.Future[Any] | Wait | None":
        """What the handler waits for, None while it runs or is about to."""
        if not isinstance(self.waits_for, Parking):
            future: asyncio.Future[Any] | None = self.waits_for
            return future
        return None if self.is_ready else Wait(self, self.waits_for)

    def __repr__(self) -> str:
        state = "pending"
        if self.done():
            state = "cancelled" if self.cancelled() else "finished"
        elif self.cancelling():
            state = "cancelling"
        name, coroutine = self.get_name(), self.coroutine.__qualname__
        return f"<Turn {state} name={name!r} coro=<{coroutine}()>>"

    # -- for the driver -----------------------------------------------------------

    def take(self) -> tuple[Any, BaseException | None]:
        """Return the value, or the error, with which the coroutine continues."""
        # Writing a field of a Struct takes five times as long as reading it.
        reply = self.reply
        if reply is not None:
            self.reply = None
            outcome: tuple[Any, BaseException | None]
            outcome = self.waits_for.outcome(reply.payload)
            return outcome
        value, error = self.value, self.error
        if value is not None:
            self.value = None
        if error is not None:
            self.error = None
        return value, error

    def end(self, value: Any, raised: BaseException | None) -> None:
        """Note how the coroutine has ended, and notify code that waits for that."""
        if self.cancel_next and raised is None:  # just before it ended
            value, raised = None, _cancelled(self.cancel_message)
        self.cancel_next = False
        self._note_end(value, raised)
        if self.abandoned:
            return
        self.cell.turn = None
        try:
            self.finished(self, value, raised)
        finally:
            del raised

    # -- inside -------------------------------------------------------------------

    def _step_in_task(self, running: Running, loop: asyncio.AbstractEventLoop) -> None:
        self.cell.turn = self
        self.cell.close()
        if self.driver is None:
            self.driver = TaskDriver(self, running, loop)
        self.driver.step()

    def _due(self, error: BaseException | None) -> BaseException | None:
        """Return the error to throw into a coroutine that has to be cancelled."""
        self.cancel_next = False
        if isinstance(error, asyncio.CancelledError):
            return error
        future = self.waits_for
        if error is None and isinstance(future, asyncio.Future) and future.cancelled():
            return None  # It raises on its own, with its own message.
        return _cancelled(self.cancel_message)

    def _park(self, waited: object) -> None:
        if isinstance(waited, Parking):
            self.waits_for = waited
            if self.cancel_next and not self.is_ready:
                self.cancel_next = False
                waited.leave()
                self.wake(error=_cancelled(self.cancel_message))
        elif self.loop is None:
            text = "no event loop runs this System: await asks and self.sleep only"
            self.wake(error=DispatcherError(f"{self.cell.path}: {text}"))
        elif waited is None:
            self.loop.call_soon(self._go_on, context=self.context)
        else:
            future = internals.awaited(waited, self.loop, self)
            if isinstance(future, RuntimeError):
                self.wake(error=future)
                return
            self.waits_for = future
            future.add_done_callback(self._go_on, context=self.context)
            if self.cancel_next and future.cancel(self.cancel_message):
                self.cancel_next = False

    def _go_on(self, _future: "asyncio.Future[Any] | None" = None) -> None:
        # The coroutine reads the result of the future itself when it continues. It may
        # have been abandoned in between.
        if self.cell.turn is self:
            self.wake()

    def _closed(self) -> BaseException | None:
        """Close the coroutine in its own context; return what it raises."""
        if self.context is None:
            return self._close()
        try:
            return self.context.run(self._close)
        except RuntimeError:  # The caller is in that context.
            return self._close()

    def _close(self) -> BaseException | None:
        error: BaseException | None = None
        with internals.as_current(self.loop, self):
            for _ in range(_CLOSES):
                error = None
                try:
                    self.coroutine.close()
                except BaseException as raised:  # noqa: BLE001 - raised by `close`
                    error = raised
                if self.coroutine.cr_frame is None:
                    return error
        return error


class Wait:
    """A wait of a handler that the System ends, presented like the future of a task."""

    __slots__ = ("_parking", "_turn")

    def __init__(self, turn: Turn, parking: Parking) -> None:
        self._turn = turn
        self._parking = parking

    def done(self) -> bool:
        """Whether the wait has ended."""
        return self._turn.is_ready or self._turn.waits_for is not self._parking

    def cancelled(self) -> bool:
        """Return False: cancelling the handler ends the wait at once."""
        return False

    def __repr__(self) -> str:
        return f"<Wait for {self._parking.describe()}>"


def _cancelled(message: object) -> asyncio.CancelledError:
    return asyncio.CancelledError(*(() if message is None else (message,)))
