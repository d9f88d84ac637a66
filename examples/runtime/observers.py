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
        """Send it back, if it is not over."""
        if message.left:
            message.other.tell(Ping(message.left - 1, self.ref))


class Chain(Observer):
    """Keeps which message was caused by which, and who came and went."""

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
        """Keep it."""
        self.lives.append(f"{actor} is there")

    def stopped(self, actor: str, reason: str) -> None:
        """Keep it."""
        self.lives.append(f"{actor} is gone: {reason}")


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
