"""Typed messages and references: what a type checker knows, and what travels."""

import asyncio

from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class Add(Message, frozen=True):
    """A number to add, and the actor that receives the total."""

    number: int
    listener: ActorRef["Total"]


class Total(Message, frozen=True):
    """The total so far."""

    number: int


class Read(Request[Total], frozen=True):
    """Asks for the total."""


class Counter(Actor[Add | Read]):
    """Adds numbers. Its references take only Add and Read."""

    def __init__(self) -> None:
        self.total = 0

    @receive
    def add(self, message: Add) -> None:
        """Add the number, and send the total to the actor in the message."""
        self.total += message.number
        message.listener.tell(Total(self.total))

    @receive
    def read(self, _message: Read) -> Total:
        """Answer with the total."""
        return Total(self.total)


class Listener(Actor[Total]):
    """Prints totals."""

    @receive
    def total(self, message: Total) -> None:
        """Print the total."""
        print("heard:", message.number)


async def main() -> None:
    """Add two numbers."""
    async with System() as system:
        counter: ActorRef[Add | Read] = system.spawn(Counter())
        listener = system.spawn(Listener())
        counter.tell(Add(2, listener))
        counter.tell(Add(40, listener))
        total = await counter.ask(Read())  # a type checker knows that this is a Total
        print("total:", total.number)
        assert total.number == 42


if __name__ == "__main__":
    asyncio.run(main())
