"""Runs a handler in an `asyncio.Task`, if asyncio accepts nothing else as a task.

The Task runs our coroutine, which runs that of the handler and passes the asyncio
futures that it awaits on to the Task. Only for a wait that the System ends it uses its
own future. So the handler sees a real Task, and each of its steps takes a turn of the
loop.
"""

import asyncio
import contextvars
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.parking import Parking
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._drive import asyncio_internals as internals
from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Driven", "TaskDriver"]


class Driven(Protocol):
    """The part of a `Turn` that the driver needs."""

    cell: Cell
    envelope: Envelope | None
    coroutine: Any
    context: contextvars.Context | None
    is_ready: bool
    waits_for: Any
    cancels: int
    cancel_next: bool
    cancel_message: object
    abandoned: bool

    def take(self) -> tuple[Any, BaseException | None]:
        """Return the value, or the error, with which the coroutine continues."""
        ...

    def end(self, value: Any, raised: BaseException | None) -> None:
        """Note how the coroutine has ended, and notify code that waits for that."""
        ...

    def close(self) -> None:
        """Abandon the coroutine at its current wait."""
        ...

    def done(self) -> bool:
        """Whether the coroutine has ended, or was abandoned."""
        ...

    def get_name(self) -> str:
        """Return the name for the Task."""
        ...


class TaskDriver:
    """The Task of one turn; `task` is None until it has begun."""

    __slots__ = ("_begins", "_gate", "_loop", "_running", "_turn", "task")

    def __init__(
        self, turn: Driven, running: Running, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._turn = turn
        self._running = running
        self._loop = loop
        self._gate: asyncio.Future[None] | None = None
        self._begins = False
        self.task: asyncio.Task[Any] | None = None

    def step(self) -> None:
        """Start the coroutine, or continue it after a wait that the System ended."""
        self._turn.is_ready = False
        if not self._begins:
            self._begins = True
            # The loop starts it: an eager Task enters its context at once, and the
            # caller may be in that context.
            self._loop.call_soon(self._begin)
        elif self._gate is not None and not self._gate.done():
            self._gate.set_result(None)

    def cancel(self, msg: object) -> bool:
        """Cancel the Task once it has begun."""
        if self.task is not None:
            return self.task.cancel(msg)
        turn = self._turn
        turn.cancels += 1
        turn.cancel_next, turn.cancel_message = True, msg
        return True

    def close(self) -> None:
        """End the Task of a coroutine that was closed."""
        if self.task is not None:
            self.task.cancel()

    def __await__(self) -> Generator[Any, Any, Any]:
        """Run the coroutine of the handler to its end, inside the Task."""
        turn = self._turn
        value: Any = None
        error: BaseException | None = None
        while not turn.done():
            ended, waited = self._advance(value, error)
            if ended:
                return waited
            if turn.abandoned:
                turn.waits_for = waited if isinstance(waited, Parking) else None
                turn.close()
                break
            value = error = None
            turn.waits_for = waited
            try:
                if isinstance(waited, Parking):
                    yield from self._parked()
                    value, error = turn.take()
                else:
                    value = yield waited
            except BaseException as raised:  # noqa: BLE001 - the coroutine's business
                if isinstance(waited, Parking) and turn.waits_for is waited:
                    waited.leave()
                error = raised
            turn.waits_for = None
        # It was abandoned and closed, and this is the cancellation after that.
        raise asyncio.CancelledError

    def _begin(self) -> None:
        turn = self._turn
        if turn.done():
            return
        name, context = turn.get_name(), turn.context
        task = self._loop.create_task(self._drive(), name=name, context=context)
        task.add_done_callback(self._ended)

    async def _drive(self) -> Any:
        turn = self._turn
        self.task = task = asyncio.current_task(self._loop)
        assert task is not None, "the task runs this coroutine"
        if turn.cancel_next:
            turn.cancel_next = False
            for _ in range(turn.cancels):
                task.cancel(turn.cancel_message)
        return await self

    def _advance(self, value: Any, error: BaseException | None) -> tuple[bool, Any]:
        """Run the coroutine until it waits again or ends: then return True, its value.

        Passes on the coroutine's exception.
        """
        turn = self._turn
        coroutine = turn.coroutine
        with self._as_running():
            try:
                if error is None:
                    waited = coroutine.send(value)
                else:
                    waited = coroutine.throw(error)
            except StopIteration as stop:
                cancelled = self.task is not None and internals.must_cancel(self.task)
                turn.cancel_next = cancelled  # just before it stopped
                self._tell(stop.value, None)
                return True, stop.value
            except (KeyboardInterrupt, SystemExit) as raised:
                # A Task would make the event loop raise it, but the actor's System
                # decides that.
                self._tell(None, raised)
                return True, None
            except BaseException as raised:
                self._tell(None, raised)
                raise
        return False, waited

    def _parked(self) -> Generator[Any, Any, None]:
        """Wait until the System continues the coroutine."""
        gate = self._gate = self._loop.create_future()
        try:
            yield from gate
        finally:
            self._gate = None

    def _tell(self, value: Any, raised: BaseException | None) -> None:
        """Notify the actor of the end, and let it continue."""
        self._turn.end(value, raised)
        self._turn.cell.wake()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled():
            task.exception()  # The actor knows it, so the loop need not report it.
        if not self._turn.done():  # It was cancelled before it began.
            self._turn.coroutine.close()
            with self._as_running():
                self._tell(None, asyncio.CancelledError())

    @contextmanager
    def _as_running(self) -> Generator[None]:
        """Mark the message of the turn as the current one of the System's thread."""
        running, turn = self._running, self._turn
        outer = running.address, running.letter, running.turn
        running.address, running.letter = turn.cell.address, turn.envelope
        running.turn = turn  # pyright: ignore[reportAttributeAccessIssue]
        try:
            yield
        finally:
            running.address, running.letter, running.turn = outer
