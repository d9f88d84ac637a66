"""A worker that fails is restarted, then given up; its parent hears of the end."""

import asyncio
import logging

import msgspec

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    Request,
    Restart,
    System,
    Terminated,
    receive,
)


class Divide(Request["Quotient"], frozen=True):
    """Asks for 100 divided by a number."""

    by: int


class Quotient(Message, frozen=True):
    """The answer, and how many the worker has given since it (re)started."""

    value: int
    count: int


class WorkerState(msgspec.Struct):
    """What a worker remembers; a restart begins with the first one again."""

    count: int = 0


class Worker(Actor[Divide]):
    """Divides."""

    def __init__(self) -> None:
        self.state = WorkerState()

    @receive
    def divide(self, message: Divide) -> Quotient:
        """Divide, which fails for 0."""
        self.state.count += 1
        return Quotient(100 // message.by, self.state.count)


class Begin(Request["Ended"], frozen=True):
    """Asks for the end of the worker, when it comes."""


class Ended(Message, frozen=True):
    """Why the worker has ended."""

    reason: str


class Boss(Actor[Begin]):
    """Keeps a worker, which may fail twice in a minute, and watches it."""

    worker: ActorRef[Divide]

    @receive
    async def begin(self, _message: Begin) -> Ended:
        """Have the worker divide by numbers that it can and cannot divide by."""
        self.worker = self.spawn(Worker, "worker", supervision=Restart(limit=2))
        self.watch(self.worker)
        counts: list[int] = []
        for by in (1, 2, 0, 4):
            try:
                answer = await self.worker.ask(Divide(by))
            except ActorFailedError as error:
                print("failed:", error.reason)
            else:
                counts.append(answer.count)
        print("answers since the last start:", counts)
        assert counts == [1, 2, 1]
        return Ended("not yet")

    @receive
    def terminated(self, message: Terminated) -> None:
        """Hear of the end."""
        print(f"{message.ref.path} has ended: {message.reason}")
        self.stop()


async def main() -> None:
    """Make the worker fail three times."""
    logging.disable(logging.ERROR)  # Each failure is logged, with its traceback.
    async with System() as system:
        boss = system.spawn(Boss(), "boss")
        await boss.ask(Begin())
        worker: ActorRef[Divide] = system.ref("boss/worker")
        worker.tell(Divide(0))
        worker.tell(Divide(0))
        await boss.stopped()
        counts = system.statistics()
        print(f"{counts.failures} failures, {counts.restarts} restarts")
        assert (counts.failures, counts.restarts) == (3, 2)


if __name__ == "__main__":
    asyncio.run(main())
