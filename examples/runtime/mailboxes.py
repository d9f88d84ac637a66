"""Bounded mailboxes: what becomes of one message too many, and who is told."""

import asyncio

from ccw_actors.errors import MailboxFullError
from ccw_actors.runtime import (
    Actor,
    Handled,
    Mailbox,
    Message,
    Observer,
    Request,
    System,
    receive,
)


class Add(Message, frozen=True):
    """A number."""

    number: int


class Numbers(Message, frozen=True):
    """All numbers that came."""

    numbers: tuple[int, ...]


class Read(Request[Numbers], frozen=True):
    """Asks for them."""


class Box(Actor[Add | Read]):
    """Keeps numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    @receive
    def add(self, message: Add) -> None:
        """Keep it."""
        self.numbers.append(message.number)

    @receive
    def read(self, _message: Read) -> Numbers:
        """Return them."""
        return Numbers(tuple(self.numbers))


class DeadLetters(Observer):
    """Prints what nobody handled."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Print it."""
        self.reasons.append(reason)
        print(f"dead letter to {event.recipient}: {reason}")


async def main() -> None:
    """Send five numbers to each of four boxes that hold three."""
    async with System() as system:
        lost = DeadLetters()
        system.observe(lost)

        refuse = system.spawn(Box(), "refuse", mailbox=Mailbox(3, "refuse"))
        try:
            for number in range(5):
                refuse.tell(Add(number))
        except MailboxFullError as error:
            print("refused:", error)

        oldest = system.spawn(Box(), "oldest", mailbox=Mailbox(3, "drop oldest"))
        newest = system.spawn(Box(), "newest", mailbox=Mailbox(3, "drop newest"))
        for number in range(5):
            oldest.tell(Add(number))
            newest.tell(Add(number))

        waits = system.spawn(Box(), "waits", mailbox=Mailbox(3, "wait"))
        for number in range(5):
            await waits.offer(Add(number))  # waits for room, and is never refused

        assert (await refuse.ask(Read())).numbers == (0, 1, 2)
        assert (await oldest.ask(Read())).numbers == (2, 3, 4)
        assert (await newest.ask(Read())).numbers == (0, 1, 2)
        assert (await waits.ask(Read())).numbers == (0, 1, 2, 3, 4)
        print(system.dump())
        counts = system.statistics()
        print(f"dropped {counts.dropped}, refused {counts.refused}")
        assert (counts.dropped, counts.refused, len(lost.reasons)) == (4, 1, 4)


if __name__ == "__main__":
    asyncio.run(main())
