"""Systems under each dispatcher, with one interface."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from ccw_actors.runtime import (
    ActorRef,
    Dispatcher,
    LoopDispatcher,
    Request,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
)

R = TypeVar("R")

WORLDS = ("loop", "loop/task", "virtual", "stepping/mailbox", "stepping/channel")


class World:
    """A System, with functions to ask and to run until it is at rest.

    In "loop/task" tasks run the handlers: see `driven_by`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        dispatchers: dict[str, Callable[[], Dispatcher]] = {
            "loop": LoopDispatcher,
            "loop/task": LoopDispatcher,
            "virtual": VirtualDispatcher,
            "stepping/mailbox": SteppingDispatcher,
            "stepping/channel": lambda: SteppingDispatcher("channel"),
        }
        self.system = System(dispatchers[name]())

    async def ask(self, ref: ActorRef[Any], request: Request[R]) -> R:
        """Ask as this dispatcher needs."""
        if isinstance(self.system.dispatcher, LoopDispatcher):
            return await ref.ask(request)
        return ref.ask(request, block=True)

    async def rest(self) -> None:
        """Handle everything that has been sent."""
        dispatcher = self.system.dispatcher
        if isinstance(dispatcher, VirtualDispatcher | SteppingDispatcher):
            dispatcher.run()
            return
        for _ in range(20):
            await asyncio.sleep(0)


async def until(done: Callable[[], bool]) -> None:
    """Run the event loop until a condition holds, for at most ten seconds."""
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is waited for gives no sign
            await asyncio.sleep(0)
