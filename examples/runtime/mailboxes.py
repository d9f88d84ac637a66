"""Bounded mailboxes: what happens to one message too many."""

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


class Numbers(Message, frozen=True):
    """All numbers in the box."""

    numbers: tuple[int, ...]


class Add(Message, frozen=True):
    """A number."""

    number: int


class Read(Request[Numbers], frozen=True):
    """Asks for all numbers."""


class Box(Actor[Add | Read]):
    """Keeps numbers."""

    numbers: tuple[int, ...] = ()

    @receive
    def add(self, message: Add) -> None:
        """Keep the number."""
        self.numbers += (message.number,)

    @receive
    def read(self, _message: Read) -> Numbers:
        """Return all numbers."""
        return Numbers(self.numbers)


class DeadLetters(Observer):
    """Prints dead letters."""

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Print a dead letter."""
        print(f"dead letter to {event.recipient}: {reason}")


async def main() -> None:
    """Send one number too many to boxes that hold three."""
    async with System() as system:
        system.observe(DeadLetters())
        refuse = system.spawn(Box(), "refuse", mailbox=Mailbox(3, "refuse"))
        oldest = system.spawn(Box(), "oldest", mailbox=Mailbox(3, "drop oldest"))
        newest = system.spawn(Box(), "newest", mailbox=Mailbox(3, "drop newest"))
        waits = system.spawn(Box(), "waits", mailbox=Mailbox(3, "wait"))
        try:
            for number in range(4):
                for box in (oldest, newest, refuse):
                    box.tell(Add(number))
        except MailboxFullError as error:
            print("refused:", error)
        await asyncio.gather(*(waits.offer(Add(number)) for number in range(5)))
        found = [(await b.ask(Read())).numbers for b in (refuse, oldest, newest, waits)]
        print(*found, sep="\n")
        assert found == [(0, 1, 2), (1, 2, 3), (0, 1, 2), (0, 1, 2, 3, 4)]


if __name__ == "__main__":
    asyncio.run(main())
