"""Xoscar: actors of a pool in this process, used through method calls."""

import importlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from benchmarks.peer import DATA, Feed, Flood, Latch, Peer
from benchmarks.peers.records import Read, Record, Total

__all__ = ["PEER"]

# It has no types, and may not be installed.
xoscar: Any = importlib.import_module("xoscar")
Actor: Any = xoscar.Actor


class Counter(Actor):  # type: ignore[misc]
    """Counts the records, and reports the last one."""

    latch: ClassVar[Latch]

    def __init__(self) -> None:
        self.count = 0

    def record(self, message: Record) -> None:
        """Count the record."""
        self.count += 1
        if not message.number:
            self.latch.count_down()

    def read(self, message: Read) -> Total:
        """Answer the request."""
        return Total(message.number)


class Asker(Actor):  # type: ignore[misc]
    """Asks another actor."""

    def __init__(self, other: Any) -> None:
        self.other = other

    async def begin(self, count: int) -> None:
        """Ask `count` times, one ask after the other."""
        for number in range(count):
            await self.other.read(Read(number, 1, 2, DATA))


class Node(Actor):  # type: ignore[misc]
    """Passes the token on to the next node."""

    latch: ClassVar[Latch]

    def link(self, after: Any) -> None:
        """Set the next node."""
        self.after = after

    async def record(self, message: Record) -> None:
        """Pass the token on, or report its arrival."""
        if message.number:
            token = Record(message.number - 1, 1, 2, message.data)
            await self.after.record.tell(token)
        else:
            self.latch.count_down()


class Idle(Actor):  # type: ignore[misc]
    """Has no state; its class has the latch."""

    latch: ClassVar[Latch]

    def record(self, message: Record) -> None:
        """Report the message."""
        del message
        self.latch.count_down()


class Flooder(Actor):  # type: ignore[misc]
    """Sends itself a message for each one that it handles."""

    feeds: ClassVar[Sequence[Feed]]

    def __init__(self, place: int) -> None:
        self.feed = self.feeds[place]

    async def record(self, message: Record) -> None:
        """Count the message and send the next one."""
        self.feed.count += 1
        if self.feed.up:
            token = Record(message.number, 1, 2, message.data)
            await self.ref().record.tell(token)


class Oscar(Peer):
    """Actors of the main pool, on the stock event loop."""

    async def open(self) -> None:
        """Create the pool, without other processes."""
        self.latch = Counter.latch = Node.latch = Idle.latch = Latch()
        self.pool = await xoscar.create_actor_pool(
            "127.0.0.1", n_process=0, use_uvloop=False
        )

    async def close(self) -> None:
        """Stop the pool."""
        await self.pool.stop()

    async def create(self, kind: Any, *args: Any) -> Any:
        """Create an actor in the pool, and refer to it as one of this process.

        `create_actor` returns a reference that goes through a socket's code path.
        """
        address = self.pool.external_address
        ref = await xoscar.create_actor(kind, *args, address=address)
        return await xoscar.actor_ref(address=address, uid=ref.uid)

    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Call a method without waiting for it."""
        latch = self.latch
        ref = await self.create(Counter)

        async def tell(count: int) -> None:
            latch.begin(1)
            for number in range(count - 1, -1, -1):
                await ref.record.tell(Record(number, 1, 2, DATA))
            await latch.wait()

        return tell

    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Call a method and wait for it."""
        ref = await self.create(Counter)

        async def ask(number: int) -> object:
            return await ref.read(Read(number, 1, 2, DATA))

        return ask

    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Call a method of another actor and wait for it."""
        ref = await self.create(Asker, await self.create(Counter))

        async def ask(count: int) -> None:
            await ref.begin(count)

        return ask

    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Tell every node the next one."""
        latch = self.latch
        nodes = [await self.create(Node) for _ in range(size)]
        for node, after in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            await node.link(after)

        async def send(hops: int) -> None:
            latch.begin(1)
            await nodes[0].record.tell(Record(hops - 1, 1, 2, DATA))
            await latch.wait()

        return send

    async def spawn(self, count: int) -> Sequence[Any]:
        """Create them one after the other."""
        return [await self.create(Idle) for _ in range(count)]

    async def fan_out(self, actors: Sequence[Any]) -> None:
        """Send each of them the last record."""
        self.latch.begin(len(actors))
        for ref in actors:
            await ref.record.tell(Record(0, 1, 2, DATA))
        await self.latch.wait()

    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Let them share the loop: every message is a Task."""
        Flooder.feeds = feeds
        refs = [await self.create(Flooder, place) for place in range(len(feeds))]

        async def begin(depth: int) -> None:
            for ref in refs:
                for number in range(depth):
                    await ref.record.tell(Record(number, 1, 2, DATA))

        return Flood(begin, await self.asker())


PEER = Oscar
