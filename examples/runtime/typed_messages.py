"""Typed messages and references: what a checker knows, and what travels."""

import asyncio

from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class Add(Message, frozen=True):
    """A number to add, and who wants to know the total."""

    number: int
    listener: ActorRef["Total"]


class Total(Message, frozen=True):
    """The total so far."""

    number: int


class Read(Request[Total], frozen=True):
    """Asks for the total."""


class Counter(Actor[Add | Read]):
    """Adds up. Its references take Add and Read, and nothing else."""

    def __init__(self) -> None:
        self.total = 0

    @receive
    def add(self, message: Add) -> None:
        """Add, and tell whom the message names."""
        self.total += message.number
        message.listener.tell(Total(self.total))

    @receive
    def read(self, _message: Read) -> Total:
        """Answer."""
        return Total(self.total)


class Listener(Actor[Total]):
    """Prints totals."""

    @receive
    def total(self, message: Total) -> None:
        """Print."""
        print("heard:", message.number)


async def main() -> None:
    """Add two numbers."""
    async with System() as system:
        counter: ActorRef[Add | Read] = system.spawn(Counter())
        listener = system.spawn(Listener())
        counter.tell(Add(2, listener))
        counter.tell(Add(40, listener))
        total = await counter.ask(Read())  # a checker knows that this is a Total
        print("total:", total.number)
        assert total.number == 42


if __name__ == "__main__":
    asyncio.run(main())
