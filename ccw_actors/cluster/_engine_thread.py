"""A thread of its own for an engine, beside an event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["EngineThread"]

T = TypeVar("T")


class EngineThread:
    """Makes calls in one thread, in which no event loop runs.

    A model has to be made and used in the same thread. Its handlers must find no loop,
    as theirs is not there in an exploration. The loop of the caller goes on meanwhile,
    so that links live.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "engine")

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Make a call, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def close(self) -> None:
        """Begin no more calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)
