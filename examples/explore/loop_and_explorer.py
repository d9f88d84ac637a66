"""The same actors on the event loop and in the explorer, with handlers that wait.

python examples/explore/loop_and_explorer.py
"""

import asyncio

from msgspec import Struct

from ccw_actors.explore import World, explore
from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class Seats(Message, frozen=True):
    """How many seats are left."""

    left: int


class Look(Request[Seats], frozen=True):
    """Asks how many are left."""


class Book(Request[Seats], frozen=True):
    """Takes one seat."""


class Visit(Message, frozen=True):
    """Asks a guest to look, and to book if there is a seat."""


class TheatreState(Struct):
    """How many seats are left."""

    left: int


class Theatre(Actor[Look | Book]):
    """Has seats, and trusts that guests look before they book."""

    state: TheatreState

    def __init__(self, seats: int) -> None:
        self.state = TheatreState(seats)

    @receive
    def look(self, _message: Look) -> Seats:
        """Answer."""
        return Seats(self.state.left)

    @receive
    def book(self, _message: Book) -> Seats:
        """Give a seat away."""
        self.state.left -= 1
        return Seats(self.state.left)


class Guest(Actor[Visit]):
    """Looks before it books, and waits for both answers."""

    def __init__(self, theatre: ActorRef[Look | Book]) -> None:
        self._theatre = theatre

    @receive
    async def visit(self, _message: Visit) -> None:
        """Look, then book."""
        seats = await self._theatre.ask(Look())
        if seats.left > 0:
            await self._theatre.ask(Book())


def last_seat(world: World) -> None:
    """Two guests and one seat."""
    theatre = world.spawn(Theatre(1), "theatre")
    for name in ("ann", "ben"):
        world.inject(world.spawn(Guest(theatre), name), Visit())
    world.invariant(theatre, "never overbooked", lambda state: state.left >= 0)


async def on_the_loop() -> int:
    """Run the same guests on the event loop; return the seats left."""
    system = System()
    theatre = system.spawn(Theatre(1), "theatre")
    for name in ("ann", "ben"):
        guest = system.spawn(Guest(theatre), name)
        guest.tell(Visit())
    await asyncio.sleep(0.01)
    left = (await theatre.ask(Look())).left
    await system.shutdown()
    return left


def main() -> None:
    """Run one schedule on the loop, and explore all of them."""
    print("seats left on the loop:", asyncio.run(on_the_loop()))
    result = explore(last_seat)
    print(result)
    assert result.violation == "theatre: never overbooked"


if __name__ == "__main__":
    main()
