"""Pykka actors and asyncio actors call each other with the same verbs."""

import asyncio
import threading
import time

import pykka

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class Result(Message, frozen=True):
    """A result, and the name of the thread that found it."""

    value: int
    thread: str


class Square(Request[Result], frozen=True):
    """Asks for the square of a number."""

    number: int


class Loop(Actor[Square]):
    """An actor on the event loop."""

    @receive
    def square(self, message: Square) -> Result:
        """Answer."""
        return Result(message.number**2, threading.current_thread().name)


class Blocking(Actor[Square]):
    """An actor of ours on a Pykka thread, where it may block."""

    def __init__(self, other: ActorRef[Square]) -> None:
        self.other = other

    @receive
    def square(self, message: Square) -> Result:
        """Block, then ask the loop, blocking once more."""
        time.sleep(0.01)
        return self.other.ask(message, block=True)


class Foreign(pykka.ThreadingActor):
    """An actor that was written for Pykka."""

    use_daemon_thread = True

    def on_receive(self, message: Square) -> Result:
        """Answer; what it raises is the failure of that ask alone."""
        if message.number < 0:
            raise ValueError("negative")
        return Result(message.number**2, "pykka")


async def main() -> None:
    """Ask each of them, and see that the loop goes on meanwhile."""
    async with System() as system:
        loop = system.spawn(Loop())
        blocking = system.spawn_thread(Blocking(loop), "blocking")
        foreign: ActorRef[Square] = system.bridge(
            Foreign.start(), "foreign", Square, stop=True
        )
        ticks = 0
        asked = asyncio.create_task(blocking.ask(Square(7)))
        while not asked.done():
            ticks += 1
            await asyncio.sleep(0.001)
        print(asked.result(), "after", "some" if ticks > 1 else "no", "ticks")
        assert asked.result().value == 49
        assert ticks > 1

        print(await foreign.ask(Square(8)))
        try:
            await foreign.ask(Square(-1))
        except ActorFailedError as error:
            print(error)
        foreign.stop()
        try:
            await foreign.ask(Square(9))
        except ActorStoppedError as error:
            print(error)
        else:
            raise AssertionError("it has stopped")


if __name__ == "__main__":
    import logging

    logging.disable(logging.ERROR)
    asyncio.run(main())
