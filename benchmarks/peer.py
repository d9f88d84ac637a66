"""The operations of a library that the benchmark measures."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

__all__ = ["DATA", "Feed", "Flood", "Latch", "Peer", "UnsupportedError"]

DATA = bytes(range(16))
"""The content of every message, in addition to its three integers."""


class UnsupportedError(Exception):
    """A library cannot run a case; the text says why."""


class Latch:
    """Opens when it is counted down to 0; then the next count begins.

    Handlers on the event loop call it instead of using their own Future.
    """

    def __init__(self) -> None:
        self._left = 0
        self._open = asyncio.Event()

    def begin(self, count: int) -> None:
        """Close it until `count` calls of `count_down`."""
        self._left = count
        self._open.clear()

    def count_down(self) -> None:
        """Count one down."""
        self._left -= 1
        if self._left == 0:
            self._open.set()

    async def wait(self) -> None:
        """Wait until it is open."""
        await self._open.wait()


class Feed:
    """The counter of an actor that feeds itself; it continues while `up` is True."""

    def __init__(self) -> None:
        self.up = True
        self.count = 0


class Flood(NamedTuple):
    """Actors that tell themselves a message for each handled one, and an idle one.

    `begin` gives every flooding actor that many messages at the start. `ask` asks the
    idle actor. `on_loop` is False for a library that uses its own threads instead of
    the event loop.
    """

    begin: Callable[[int], Awaitable[None]]
    ask: Callable[[int], Awaitable[object]]
    on_loop: bool = True


class Peer(ABC):
    """One library, used as its documentation shows.

    A method that returns a function prepares everything; the benchmark times only the
    call of that function. Every message is a record of three integers and 16 bytes.
    Methods raise `UnsupportedError` for cases that the library cannot run.
    """

    async def open(self) -> None:
        """Start the library, before the first actor."""
        return

    async def close(self) -> None:
        """Stop the library."""
        return

    @abstractmethod
    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Return a function that tells one actor n messages, until all are handled."""

    @abstractmethod
    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Return a function that asks one actor once, with a number to send along."""

    @abstractmethod
    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Return a function that makes one actor ask another n times in sequence."""

    async def in_flight_asker(self, width: int) -> Callable[[int], Awaitable[None]]:
        """Return a function that asks one actor n times, `width` asks in flight."""
        ask = await self.asker()

        async def share(count: int) -> None:
            for number in range(count):
                await ask(number)

        async def ask_all(count: int) -> None:
            await asyncio.gather(*(share(count // width) for _ in range(width)))

        return ask_all

    @abstractmethod
    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Return a function that sends a token round a ring of actors for n hops."""

    @abstractmethod
    async def spawn(self, count: int) -> Sequence[Any]:
        """Spawn actors without state, and return their references."""

    @abstractmethod
    async def fan_out(self, actors: Sequence[Any]) -> None:
        """Tell each of the spawned actors one message, until all are handled."""

    @abstractmethod
    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Return actors that feed themselves, one for each feed, while it is up."""
