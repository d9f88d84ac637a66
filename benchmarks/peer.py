"""What a library has to be able to do to be measured."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

__all__ = ["DATA", "Feed", "Flood", "Latch", "Peer", "UnsupportedError"]

DATA = bytes(range(16))
"""What every message carries besides its three integers."""


class UnsupportedError(Exception):
    """A library cannot do what a case asks for; the text says why."""


class Latch:
    """Opens when it has been counted down to 0; then the next count begins.

    On the event loop, for handlers to call without a Future of their own.
    """

    def __init__(self) -> None:
        self._left = 0
        self._open = asyncio.Event()

    def begin(self, count: int) -> None:
        """Close it until `count` calls of `count_down` have been made."""
        self._left = count
        self._open.clear()

    def count_down(self) -> None:
        """Note that one more thing has happened."""
        self._left -= 1
        if self._left == 0:
            self._open.set()

    async def wait(self) -> None:
        """Wait until it is open."""
        await self._open.wait()


class Feed:
    """What an actor that feeds itself counts in, and whether it is to go on."""

    def __init__(self) -> None:
        self.up = True
        self.count = 0


class Flood(NamedTuple):
    """Actors that tell themselves a message for each one handled, and an idle one.

    `begin` gives every flooding actor so many messages to begin with; `ask` asks the
    idle actor. `on_loop` is False for a library that has threads of its own and leaves
    the event loop alone.
    """

    begin: Callable[[int], Awaitable[None]]
    ask: Callable[[int], Awaitable[object]]
    on_loop: bool = True


class Peer(ABC):
    """One library, used in the way that its documentation shows.

    A method that returns a function makes everything ready; what is timed is the
    call of that function. Every message is a record of three integers and 16 bytes.
    Raises `UnsupportedError` for what the library cannot do.
    """

    async def open(self) -> None:
        """Start what the library needs before the first actor."""
        return

    async def close(self) -> None:
        """Stop it."""
        return

    @abstractmethod
    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Return what tells one actor so many messages, until all are handled."""

    @abstractmethod
    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Return what asks one actor once; it is given a number to send along."""

    @abstractmethod
    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Return what has one actor ask another so often, one ask after the other."""

    async def in_flight_asker(self, width: int) -> Callable[[int], Awaitable[None]]:
        """Return what asks one actor so often, `width` asks being under way."""
        ask = await self.asker()

        async def share(count: int) -> None:
            for number in range(count):
                await ask(number)

        async def ask_all(count: int) -> None:
            await asyncio.gather(*(share(count // width) for _ in range(width)))

        return ask_all

    @abstractmethod
    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Return what sends a token round a ring of actors, for so many hops."""

    @abstractmethod
    async def spawn(self, count: int) -> Sequence[Any]:
        """Spawn actors without state of their own, and return their references."""

    @abstractmethod
    async def fan_out(self, actors: Sequence[Any]) -> None:
        """Tell each of the spawned actors one message, until all are handled."""

    @abstractmethod
    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Return actors that feed themselves, one for each feed, while it is up."""
