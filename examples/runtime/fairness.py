"""A flood delays other actors by a bounded number of messages."""

import asyncio

from ccw_actors.runtime import (
    Actor,
    LoopDispatcher,
    Message,
    Request,
    System,
    receive,
)


class Flow(Message, frozen=True):
    """A message that is sent again each time."""


class Count(Message, frozen=True):
    """How many messages the flood has handled."""

    handled: int


class Ask(Request[Count], frozen=True):
    """Asks an idle actor."""


class Flood(Actor[Flow]):
    """Sends itself a message for each one that it handles."""

    handled = 0

    @receive
    def flow(self, message: Flow) -> None:
        """Count the message and send the next one."""
        Flood.handled += 1
        self.ref.tell(message)


class Idle(Actor[Ask]):
    """Answers as soon as it has its turn."""

    @receive
    def ask(self, _message: Ask) -> Count:
        """Return how many messages the flood has handled."""
        return Count(Flood.handled)


async def main() -> None:
    """Ask an idle actor during a flood, with a batch of 4 in a budget of 16."""
    async with System(LoopDispatcher(batch=4, budget=16)) as system:
        flood = system.spawn(Flood(), "flood")
        for _ in range(1000):
            flood.tell(Flow())
        idle = system.spawn(Idle(), "idle")
        worst = 0
        for _ in range(100):
            before = Flood.handled
            worst = max(worst, (await idle.ask(Ask())).handled - before)
        print("messages of the flood before an answer, at most:", worst)
        # The rest of the current turn, and one batch.
        assert worst <= 16 + 4


if __name__ == "__main__":
    asyncio.run(main())
