"""An observer reads the order in which messages are handled, and what caused them."""

import asyncio

from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Handled,
    Message,
    Observer,
    System,
    receive,
)


class Ping(Message, frozen=True):
    """Goes back and forth."""

    left: int
    other: ActorRef["Ping"]


class Player(Actor[Ping]):
    """Sends it back."""

    @receive
    def ping(self, message: Ping) -> None:
        """Send it back, or end if it is over."""
        if message.left:
            message.other.tell(Ping(message.left - 1, self.ref))
        else:
            self.stop()


class Chain(Observer):
    """Keeps which message was caused by which."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, str]] = []

    def handled(self, event: Handled) -> None:
        """Keep number, cause and recipient."""
        self.seen.append((event.number, event.cause, event.recipient))

    def spawned(self, actor: str) -> None:
        """Print it."""
        print("spawned:", actor)

    def stopped(self, actor: str, reason: str) -> None:
        """Print it."""
        print("stopped:", actor, "-", reason)


async def main() -> None:
    """Play four strokes."""
    chain = Chain()
    async with System() as system:
        system.observe(chain)
        a = system.spawn(Player(), "a")
        b = system.spawn(Player(), "b")
        a.tell(Ping(3, b))
        await b.stopped()
    print(chain.seen)
    assert chain.seen == [(1, 0, "a"), (2, 1, "b"), (3, 2, "a"), (4, 3, "b")]


if __name__ == "__main__":
    asyncio.run(main())
