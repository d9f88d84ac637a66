"""Hooks, children, and the two ways to stop."""

import asyncio

from ccw_actors.runtime import Actor, Message, System, receive

log: list[str] = []


class Job(Message, frozen=True):
    """A job."""

    name: str


class Worker(Actor[Job]):
    """Does jobs; its hooks may wait."""

    async def on_start(self) -> None:
        """Wait before the first message."""
        await self.sleep(0.001)
        log.append(f"{self.path} starts")

    @receive
    async def job(self, message: Job) -> None:
        """Do a job."""
        await self.sleep(60 if message.name == "endless" else 0)
        log.append(f"{self.path} does {message.name}")

    async def on_stop(self) -> None:
        """Wait before the end."""
        await self.sleep(0.001)
        log.append(f"{self.path} stops")


class Shop(Actor[Job]):
    """Has two workers, which stop before it does."""

    def on_start(self) -> None:
        """Spawn the workers."""
        for _ in range(2):
            self.spawn(Worker())

    @receive
    def job(self, message: Job) -> None:
        """Give the job to both."""
        for worker in self.children:
            worker.tell(message)

    def on_stop(self) -> None:
        """Note the end."""
        log.append("shop closes")


async def main() -> None:
    """Stop after the messages in the mailbox, then at once."""
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
        endless.stop(drain=False)  # cancels the waiting handler
        await endless.stopped()
        print(log[-1])
        assert log[-2:] == ["endless starts", "endless stops"]


if __name__ == "__main__":
    asyncio.run(main())
