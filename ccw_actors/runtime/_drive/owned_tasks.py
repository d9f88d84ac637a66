"""The event loop's tasks that an actor owns: they end with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ccw_actors.runtime._cell.cell import Cell

__all__ = ["TaskSet"]


class TaskSet:
    """The tasks of one actor.

    `done` is called for each task that ends without being cancelled, with its name, its
    return value and its exception.
    """

    def __init__(
        self, done: Callable[[Cell, str, Any, BaseException | None], None]
    ) -> None:
        self._done = done
        self._tasks: set[asyncio.Task[Any]] = set()
        self._then: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def start(
        self,
        cell: Cell,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any],
        name: str,
    ) -> "asyncio.Task[Any]":
        """Start a task that runs in a copy of the actor's context."""
        context = cell.context.copy()
        interrupted: list[BaseException] = []
        guarded = _guarded(coroutine, interrupted)
        task = loop.create_task(guarded, name=name, context=context)
        self._tasks.add(task)

        def ended(task: "asyncio.Task[Any]") -> None:
            self._tasks.discard(task)
            coroutine.close()  # It may not have started.
            value: Any = None
            error = interrupted.pop() if interrupted else None
            if not task.cancelled():
                error = task.exception()
                value = None if error is not None else task.result()
            if (value is not None or error is not None) and cell.tasks is self:
                self._done(cell, name, value, error)
            if self._then is not None and not self._tasks:
                then, self._then = self._then, None
                then()

        # In the context of the task: its return value belongs to the task's trace.
        task.add_done_callback(ended, context=context)
        return task

    def cancel_all(self, then: Callable[[], None]) -> None:
        """Cancel all tasks; call `then` when they have ended, if there were any."""
        if self._tasks:
            self._then = then
            for task in list(self._tasks):
                task.cancel()


async def _guarded(
    coroutine: Coroutine[Any, Any, Any], interrupted: list[BaseException]
) -> Any:
    """Await a coroutine; keep an error that a Task would make the loop raise.

    The actor's System decides whether to raise it.
    """
    try:
        return await coroutine
    except (KeyboardInterrupt, SystemExit) as error:
        interrupted.append(error)
        raise asyncio.CancelledError from error
