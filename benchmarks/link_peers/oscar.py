"""Xoscar: an actor in the pool of another process."""

import importlib
from pathlib import Path
from typing import Any

from benchmarks.link_peer import LinkPeer, free_port, until_end_of_input
from benchmarks.peer import DATA

__all__ = ["PEER"]

# It has no types, and may not be installed.
xoscar: Any = importlib.import_module("xoscar")
Actor: Any = xoscar.Actor
Record = tuple[int, int, int, bytes]


class Counter(Actor):  # type: ignore[misc]
    """Counts records, and answers requests."""

    def __init__(self) -> None:
        self.count = 0

    def record(self, _message: Record) -> None:
        """Count it."""
        self.count += 1

    def read(self, message: Record) -> int:
        """Answer."""
        return message[0]


class Oscar(LinkPeer):
    """Pools at TCP ports, as its documentation shows; tuples in place of messages."""

    share = 0.1

    async def serve(self, address: str) -> None:
        """Start a pool, and write its port into a file at the address."""
        place = free_port()
        async with await xoscar.create_actor_pool(place, n_process=0):
            await xoscar.create_actor(Counter, address=place, uid="counter")
            Path(address).write_text(place, encoding="ascii")  # noqa: ASYNC240
            self.ready()
            await until_end_of_input()

    async def open(self, address: str) -> None:
        """Start a pool here as well, and find the actor."""
        place = Path(address).read_text(encoding="ascii")  # noqa: ASYNC240
        self.pool = await xoscar.create_actor_pool(free_port(), n_process=0)
        self.ref = await xoscar.actor_ref("counter", address=place)

    async def tell(self, count: int) -> None:
        """Tell."""
        for number in range(count):
            await self.ref.record.tell((number, 1, 2, DATA))
        await self.ask(0)

    async def ask(self, number: int) -> None:
        """Ask."""
        await self.ref.read((number, 1, 2, DATA))

    async def close(self) -> None:
        """Stop the pool."""
        await self.pool.stop()


PEER = Oscar
