"""An observer records the order in which messages are handled, and their causes."""

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
    """A ball that goes back and forth."""

    left: int
    other: ActorRef["Ping"]


class Player(Actor[Ping]):
    """Sends the ball back."""

    @receive
    def ping(self, message: Ping) -> None:
        """Send the ball back, unless the game has ended."""
        if message.left:
            message.other.tell(Ping(message.left - 1, self.ref))


class Chain(Observer):
    """Keeps the cause of each message, and the start and end of each actor."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, str]] = []
        self.over = asyncio.Event()
        self.lives: list[str] = []

    def handled(self, event: Handled) -> None:
        """Keep number, cause and recipient."""
        self.seen.append((event.number, event.cause, event.recipient))
        if len(self.seen) == 4:
            self.over.set()

    def spawned(self, actor: str) -> None:
        """Keep the start."""
        self.lives.append(f"{actor} has been spawned")

    def stopped(self, actor: str, reason: str) -> None:
        """Keep the end."""
        self.lives.append(f"{actor} has ended: {reason}")


async def main() -> None:
    """Play four strokes."""
    chain = Chain()
    async with System() as system:
        system.observe(chain)
        a = system.spawn(Player(), "a")
        b = system.spawn(Player(), "b")
        a.tell(Ping(3, b))
        await asyncio.wait_for(chain.over.wait(), 5)
    print(chain.seen, *chain.lives, sep="\n")
    assert chain.seen == [(1, 0, "a"), (2, 1, "b"), (3, 2, "a"), (4, 3, "b")]
    assert len(chain.lives) == 4


if __name__ == "__main__":
    asyncio.run(main())
