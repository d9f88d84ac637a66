"""Hooks, children, stopping, and a shutdown with one deadline."""

import asyncio

from ccw_actors.runtime import Actor, Message, System, receive

log: list[str] = []


class Job(Message, frozen=True):
    """Something to do."""

    name: str


class Worker(Actor[Job]):
    """Does jobs; its hooks may wait."""

    async def on_start(self) -> None:
        """Wait for something before the first message."""
        await self.sleep(0.001)
        log.append(f"{self.path} starts")

    @receive
    async def job(self, message: Job) -> None:
        """Do a job."""
        await asyncio.sleep(60 if message.name == "endless" else 0)
        log.append(f"{self.path} does {message.name}")

    async def on_stop(self) -> None:
        """Wait once more."""
        await self.sleep(0.001)
        log.append(f"{self.path} stops")


class Shop(Actor[Job]):
    """Has two workers, who are stopped before it."""

    def on_start(self) -> None:
        """Hire them."""
        for _ in range(2):
            self.spawn(Worker)

    @receive
    def job(self, message: Job) -> None:
        """Have both do it."""
        for worker in self.children:
            worker.tell(message)

    def on_stop(self) -> None:
        """Close."""
        log.append("shop closes")


class Stubborn(Actor[Job]):
    """Does not let itself be cancelled."""

    @receive
    async def job(self, _message: Job) -> None:
        """Go on for ever."""
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                log.append("stubborn goes on")


async def main() -> None:
    """Stop in three ways."""
    async with System() as system:
        shop = system.spawn(Shop(), "shop")
        shop.tell(Job("sweep"))
        shop.stop()  # after what is in the mailbox
        await shop.stopped()
        print(*log, sep="\n")
        assert sorted(log[-3:-1]) == ["shop/worker-1 stops", "shop/worker-2 stops"]
        assert log[-1] == "shop closes"

        endless = system.spawn(Worker(), "endless")
        endless.tell(Job("endless"))
        await asyncio.sleep(0.01)
        endless.stop(drain=False)  # now: the handler that waits is cancelled
        await endless.stopped()
        assert log[-1] == "endless stops"

        system.spawn(Stubborn(), "stubborn").tell(Job("endless"))
        await asyncio.sleep(0.01)
        left = await system.shutdown(timeout=0.05)
        print("did not stop in time:", left)
        assert left == ["stubborn"]


if __name__ == "__main__":
    asyncio.run(main())
