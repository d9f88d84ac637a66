"""Pykka actors and asyncio actors call each other in the same way."""

import asyncio
import logging
import time

import pykka

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class Result(Message, frozen=True):
    """A result."""

    value: int


class Square(Request[Result], frozen=True):
    """Asks for the square of a number."""

    number: int


class Loop(Actor[Square]):
    """An actor on the event loop."""

    @receive
    def square(self, message: Square) -> Result:
        """Answer."""
        return Result(message.number**2)


class Blocking(Actor[Square]):
    """An actor of this package in a Pykka thread, where it may block."""

    def __init__(self, other: ActorRef[Square]) -> None:
        self.other = other

    @receive
    def square(self, message: Square) -> Result:
        """Block, then ask the actor on the loop and block until it answers."""
        time.sleep(0.05)
        return self.other.ask(message, block=True)


class Foreign(pykka.ThreadingActor):
    """An actor that was written for Pykka."""

    def on_receive(self, message: Square) -> Result:
        """Answer; an exception fails only that ask."""
        if message.number < 0:
            raise ValueError("negative")
        return Result(message.number**2)


async def main() -> None:
    """Ask each of them, and check that the loop keeps running."""
    logging.disable(logging.ERROR)
    async with System() as system:
        blocking = system.spawn_thread(Blocking(system.spawn(Loop())), "blocking")
        asked = asyncio.create_task(blocking.ask(Square(7)))
        ticks = 0
        while not asked.done():
            ticks += 1
            await asyncio.sleep(0.001)
        print(asked.result(), "while the loop kept running:", ticks > 1)
        assert (asked.result(), ticks > 1) == (Result(49), True)
        foreign = system.bridge(Foreign.start(), "foreign", Square, stop=True)
        answers = await asyncio.gather(
            foreign.ask(Square(8)), foreign.ask(Square(-1)), return_exceptions=True
        )
        print(*answers, sep="\n")
        assert (answers[0], type(answers[1])) == (Result(64), ActorFailedError)


if __name__ == "__main__":
    asyncio.run(main())
