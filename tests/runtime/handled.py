"""Runs coroutines both as tasks and as handlers."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import Actor, ActorRef, System, receive
from ccw_actors.runtime._drive import asyncio_internals as internals
from tests.runtime.cast import Carry, Note

Body: TypeAlias = Callable[[], Awaitable[Any]]
"""The coroutine function for a handler or a task."""

Runs: TypeAlias = Callable[[Body], Awaitable[Any]]
"""A function that returns its result, or raises its error."""

WAYS = ("turn", "task")
"""What runs a handler: its turn, or a Task if asyncio accepts no turn."""


@contextmanager
def driven_by(way: str) -> Generator[None]:
    """Run all handlers in one of the ways."""
    with pytest.MonkeyPatch.context() as patch:
        if way == "task":
            patch.setattr(internals, "enter", None)
        yield


class Doer(Actor[Carry]):
    """Runs a given coroutine in a handler; `outcome` is the result."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.outcome: Any = None
        self.raised: BaseException | None = None
        self.task: asyncio.Task[Any] | None = None

    @receive
    async def carry(self, message: Carry) -> Note:
        """Do it."""
        self.task = asyncio.current_task()
        try:
            self.outcome = await self.body()
        except BaseException as error:
            self.raised = error
            raise
        return Note(message.text)


def me() -> "asyncio.Task[Any]":
    """Return the current task."""
    task = asyncio.current_task()
    assert task is not None
    return task


def wait_for_ever() -> "asyncio.Future[None]":
    """Return a future that never ends."""
    return asyncio.get_running_loop().create_future()


def soon(call: Callable[[], object]) -> None:
    """Let the event loop call the function."""
    asyncio.get_running_loop().call_soon(call)


async def as_task(body: Body) -> Any:
    """Return its result in a task, or raise its error."""
    task = asyncio.ensure_future(body())
    await asyncio.wait((task,))
    return task.result()


async def handled(body: Body) -> Any:
    """Return its result in a handler, or raise its error."""
    system = System()
    doer = Doer(body)
    try:
        await system.spawn(doer, "doer").ask(Carry("x"))
    except ActorFailedError as failure:
        raise failure.__cause__ or failure from None
    finally:
        assert await system.shutdown() == []
    return doer.outcome


async def begun(system: System, body: Body) -> tuple[Doer, ActorRef[Carry]]:
    """Return an actor whose handler has started it."""
    doer = Doer(body)
    ref = system.spawn(doer, "doer")
    ref.tell(Carry("x"))
    while doer.task is None:  # noqa: ASYNC110 - it gives no other sign
        await asyncio.sleep(0)
    return doer, ref
