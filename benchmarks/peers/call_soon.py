"""The bare event loop: one `call_soon` of a handler for each message, no codec."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from benchmarks.peer import DATA, Feed, Flood, Latch, Peer
from benchmarks.peers.records import Read, Record, Total

__all__ = ["PEER"]


class Counter:
    """Counts the records, and reports the last one."""

    def __init__(self, done: Callable[[], None]) -> None:
        self.count = 0
        self.done = done

    def record(self, message: Record) -> None:
        """Count the record."""
        self.count += 1
        if not message.number:
            self.done()

    def read(self, message: Read, future: asyncio.Future[Total]) -> None:
        """Answer the request."""
        if not future.done():
            future.set_result(Total(message.number))


class Node:
    """Passes the token on to the next node."""

    after: "Node"

    def __init__(self, loop: asyncio.AbstractEventLoop, latch: Latch) -> None:
        self.loop = loop
        self.latch = latch

    def record(self, message: Record) -> None:
        """Pass the token on, or report its arrival."""
        if message.number:
            token = Record(message.number - 1, 1, 2, message.data)
            self.loop.call_soon(self.after.record, token)
        else:
            self.latch.count_down()


class Idle:
    """Has no state; its class has the latch."""

    latch: ClassVar[Latch]

    def record(self, message: Record) -> None:
        """Report the message."""
        del message
        self.latch.count_down()


class Flooder:
    """Sends itself a message for each one that it handles."""

    def __init__(self, loop: asyncio.AbstractEventLoop, feed: Feed) -> None:
        self.loop = loop
        self.feed = feed

    def record(self, message: Record) -> None:
        """Count the message and send the next one."""
        self.feed.count += 1
        if self.feed.up:
            token = Record(message.number, 1, 2, message.data)
            self.loop.call_soon(self.record, token)


class CallSoon(Peer):
    """Objects whose methods the loop calls."""

    async def open(self) -> None:
        """Get the running loop."""
        self.loop = asyncio.get_running_loop()
        self.latch = Latch()

    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Let the loop call once for each message."""
        latch, loop = self.latch, self.loop
        actor = Counter(latch.count_down)

        async def tell(count: int) -> None:
            latch.begin(1)
            for number in range(count - 1, -1, -1):
                loop.call_soon(actor.record, Record(number, 1, 2, DATA))
            await latch.wait()

        return tell

    async def asker(self) -> Callable[[int], Awaitable[Total]]:
        """Ask over a Future."""
        loop = self.loop
        actor = Counter(self.latch.count_down)

        def ask(number: int) -> Awaitable[Total]:
            future: asyncio.Future[Total] = loop.create_future()
            loop.call_soon(actor.read, Read(number, 1, 2, DATA), future)
            return future

        return ask

    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Ask over a Future, in a Task: a callback cannot wait."""
        ask = await self.asker()

        async def asks(count: int) -> None:
            for number in range(count):
                await ask(number)

        return lambda count: self.loop.create_task(asks(count))

    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Link the nodes as objects."""
        latch, loop = self.latch, self.loop
        nodes = [Node(loop, latch) for _ in range(size)]
        for node, after in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            node.after = after

        async def send(hops: int) -> None:
            latch.begin(1)
            loop.call_soon(nodes[0].record, Record(hops - 1, 1, 2, DATA))
            await latch.wait()

        return send

    async def spawn(self, count: int) -> Sequence[Idle]:
        """Create the objects, which need no start."""
        Idle.latch = self.latch
        return [Idle() for _ in range(count)]

    async def fan_out(self, actors: Sequence[Idle]) -> None:
        """Send each of them the last record."""
        self.latch.begin(len(actors))
        for actor in actors:
            self.loop.call_soon(actor.record, Record(0, 1, 2, DATA))
        await self.latch.wait()

    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Let them share the loop, which calls all ready callbacks in each turn."""
        loop = self.loop
        actors = [Flooder(loop, feed) for feed in feeds]

        async def begin(depth: int) -> None:
            for actor in actors:
                for number in range(depth):
                    loop.call_soon(actor.record, Record(number, 1, 2, DATA))

        return Flood(begin, await self.asker())


PEER = CallSoon
