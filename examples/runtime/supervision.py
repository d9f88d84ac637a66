"""A failed worker is restarted, then stopped; no failure is silent."""

import asyncio
import logging

import msgspec

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import Actor, Message, Request, Restart, System, receive


class Quotient(Message, frozen=True):
    """The answer, and how many answers the worker gave since its last start."""

    value: int
    count: int


class Divide(Request[Quotient], frozen=True):
    """Asks for 100 divided by a number."""

    by: int


class WorkerState(msgspec.Struct):
    """The state of a worker; a restart begins with the first one again."""

    count: int = 0


class Worker(Actor[Divide]):
    """Divides 100 by a number."""

    def __init__(self) -> None:
        self.state = WorkerState()

    @receive
    def divide(self, message: Divide) -> Quotient:
        """Divide; fails for 0."""
        self.state.count += 1
        return Quotient(100 // message.by, self.state.count)


async def main() -> None:
    """Make the worker fail three times, which is one time too many."""
    logging.disable(logging.ERROR)  # The System logs each failure with its traceback.
    async with System() as system:
        worker = system.spawn(Worker(), "worker", supervision=Restart(limit=2))
        counts: list[int] = []
        for by in (1, 2, 0, 4):
            try:
                counts.append((await worker.ask(Divide(by))).count)
            except ActorFailedError as error:
                print("failed:", error.reason)
        print("answers since the last start:", counts)
        assert counts == [1, 2, 1]

        for by in (0, 5):  # Waiting messages survive the restart.
            worker.tell(Divide(by))
        print(await worker.ask(Divide(10)))
        assert worker.is_alive

        worker.tell(Divide(0))
        await worker.stopped()
        statistics = system.statistics()
        print(f"{statistics.failures} failures, {statistics.restarts} restarts")
        assert (statistics.failures, statistics.restarts) == (3, 2)


if __name__ == "__main__":
    asyncio.run(main())
