"""Shutdown: stops all actors with one deadline, and names those that remain."""

import asyncio

from ccw_actors.errors import ActorStoppedError, CcwActorsError
from ccw_actors.runtime import Actor, Message, Request, System, receive


class Done(Message, frozen=True):
    """A job is done."""


class Job(Request[Done], frozen=True):
    """A job that takes some time (seconds)."""

    seconds: float


class Worker(Actor[Job]):
    """Does jobs, one after the other."""

    def __init__(self) -> None:
        self.done = 0

    @receive
    async def job(self, message: Job) -> Done:
        """Do the job."""
        await self.sleep(message.seconds)
        self.done += 1
        return Done()


class Stubborn(Actor[Job]):
    """Ignores cancellation."""

    @receive
    async def job(self, _message: Job) -> None:
        """Continue forever."""
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                print("stubborn continues")


async def main() -> None:
    """Drain one System; shut another one down at its deadline."""
    worker, system = Worker(), System()
    ref = system.spawn(worker)
    for _ in range(3):
        ref.tell(Job(0.001))
    left = await system.shutdown(timeout=5.0, drain=True)
    print(f"{worker.done} jobs done, {left} left")
    assert (worker.done, left) == (3, [])
    try:
        system.spawn(Worker())
    except CcwActorsError as error:
        print(error)
    else:
        raise AssertionError("the System spawns no actors afterwards")

    system = System()
    system.spawn(Stubborn(), "stubborn").tell(Job(60.0))
    slow = asyncio.create_task(system.spawn(Worker(), "slow").ask(Job(60.0)))
    await asyncio.sleep(0.01)
    left = await system.shutdown(timeout=0.05)
    print("did not stop in time:", left)
    assert left == ["stubborn"]
    try:
        await slow
    except ActorStoppedError as error:
        print(error)
    else:
        raise AssertionError("the ask has ended")


if __name__ == "__main__":
    asyncio.run(main())
