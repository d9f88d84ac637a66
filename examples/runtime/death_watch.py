"""Death watch: an actor receives a notice when another one ends, for any reason."""

import asyncio
import logging

from ccw_actors.runtime import Actor, ActorRef, Message, System, Terminated, receive


class Work(Message, frozen=True):
    """Makes a worker fail if it `breaks`."""

    breaks: bool


class Worker(Actor[Work]):
    """Works until it fails."""

    @receive
    def work(self, message: Work) -> None:
        """Work or fail."""
        if message.breaks:
            raise RuntimeError("broken")


class Watcher(Actor[Terminated]):
    """Watches some actors, and keeps the reason for each end."""

    def __init__(self, *others: ActorRef[Work]) -> None:
        self.others = others
        self.ends: dict[str, str] = {}
        self.all_ended = asyncio.Event()

    def on_start(self) -> None:
        """Start to watch."""
        for other in self.others:
            self.watch(other)

    @receive
    def terminated(self, message: Terminated) -> None:
        """Keep the reason."""
        self.ends[message.ref.path] = message.reason
        if len(self.ends) == len(self.others):
            self.all_ended.set()


async def main() -> None:
    """Watch an actor that stops, one that fails, and one that never existed."""
    logging.disable(logging.ERROR)
    async with System() as system:
        stops = system.spawn(Worker(), "stops")
        fails = system.spawn(Worker(), "fails")
        watcher = Watcher(stops, fails, system.ref("nobody"))
        system.spawn(watcher, "watcher")
        stops.tell(Work(breaks=False))
        stops.stop()
        fails.tell(Work(breaks=True))
        await asyncio.wait_for(watcher.all_ended.wait(), 5)
        for path, reason in sorted(watcher.ends.items()):
            print(f"{path}: {reason}")
        assert watcher.ends == {
            "nobody": "there is no such actor",
            "stops": "the actor has stopped",
            "fails": "the actor failed",
        }


if __name__ == "__main__":
    asyncio.run(main())
