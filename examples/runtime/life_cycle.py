"""Hooks, children, and the two ways to stop."""

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
        await self.sleep(60 if message.name == "endless" else 0)
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
            self.spawn(Worker())

    @receive
    def job(self, message: Job) -> None:
        """Have both do it."""
        for worker in self.children:
            worker.tell(message)

    def on_stop(self) -> None:
        """Close."""
        log.append("shop closes")


async def main() -> None:
    """Stop after what is in the mailbox, then at once."""
    async with System() as system:
        shop = system.spawn(Shop(), "shop")
        shop.tell(Job("sweep"))
        shop.stop()
        await shop.stopped()
        print(*log, sep="\n")
        one, two = "shop/worker-1", "shop/worker-2"
        for at, what in enumerate(("starts", "does sweep", "stops")):
            part = log[2 * at : 2 * at + 2]
            assert sorted(part) == [f"{one} {what}", f"{two} {what}"]
        assert log[6:] == ["shop closes"]

        endless = system.spawn(Worker(), "endless")
        endless.tell(Job("endless"))
        await asyncio.sleep(0.01)
        endless.stop(drain=False)  # The handler that waits is cancelled.
        await endless.stopped()
        print(log[-1])
        assert log[-2:] == ["endless starts", "endless stops"]


if __name__ == "__main__":
    asyncio.run(main())
