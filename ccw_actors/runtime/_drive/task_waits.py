"""Waits of an event loop's task: for an answer, or for an actor to start."""

import asyncio
import math
from typing import Any

from ccw_actors.errors import ActorFailedError, DispatcherError, StartTimeoutError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._kernel.kernel import Kernel

__all__ = ["settle", "start_error", "start_of"]


def settle(future: "asyncio.Future[Any]", answer: Any, error: Exception | None) -> None:
    """Give a task its answer, if it still waits."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)


async def start_of(kernel: Kernel, cell: Cell, wait: float) -> BaseException | None:
    """Wait for the next start of an actor; return the exception of `on_start`.

    Raises `StartTimeoutError` after `wait` seconds, and `DispatcherError` if no task
    can wait here.
    """
    loop: asyncio.AbstractEventLoop | None = kernel.dispatcher.loop
    if loop is None or not kernel.running_here().own:
        raise DispatcherError(
            f"{cell.path}: only on the event loop that runs its System can its"
            " start be waited for"
        )
    future: asyncio.Future[BaseException | None] = loop.create_future()
    began = kernel.dispatcher.clock()
    if await _is_told(cell, future, wait):
        return future.result()
    age = kernel.dispatcher.clock() - began
    raise StartTimeoutError(cell.path, age, kernel.graph.of(cell.address))


async def _is_told(
    cell: Cell, future: "asyncio.Future[BaseException | None]", wait: float
) -> bool:
    """Wait at most `wait` seconds until an actor has started; return whether it has."""

    def told() -> None:
        settle(future, cell.start_error, None)

    waiting = cell.on_started
    if waiting is None:
        cell.on_started = waiting = []
    waiting.append(told)
    try:
        limit = None if wait == math.inf else wait
        done, _ = await asyncio.wait((future,), timeout=limit)
    finally:
        if told in waiting:
            waiting.remove(told)
    return bool(done)


def start_error(cell: Cell, error: BaseException) -> Exception:
    """Return the exception to raise for an error of `on_start`.

    An error that is no `Exception`, and `StopIteration`, come as `ActorFailedError`.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    text = f"{type(error).__name__}: {error}"
    failure = ActorFailedError(cell.path, "on_start", text)
    failure.__cause__ = error
    return failure
