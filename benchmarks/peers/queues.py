"""Hand-written actors: a Task and an asyncio.Queue for each, with the same codec."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from benchmarks.peer import DATA, Feed, Flood, Latch, Peer
from benchmarks.peers.messages import Begin, Read, Record, Total
from ccw_actors.transport import Codec, Message

__all__ = ["PEER"]

_codec = Codec()
_encode = _codec.encode
_decode: Callable[[bytes], Record | Read | Begin] = _codec.raw_decoder(
    Record | Read | Begin
)
_decode_total = _codec.raw_decoder(Total)

Item = tuple[bytes, asyncio.Future[bytes] | None]
"""An encoded message, and the Future for its answer."""


class QueueActor:
    """A hand-written actor with an unbounded queue."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Item] = asyncio.Queue()
        self.task = asyncio.get_running_loop().create_task(self.run())

    def tell(self, message: Message) -> None:
        """Encode a message and put it into the queue."""
        self.queue.put_nowait((_encode(message), None))

    async def ask(self, message: Message) -> Total:
        """Do the same, and wait for the answer."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((_encode(message), future))
        return _decode_total(await future)

    async def run(self) -> None:
        """Handle one message after the other."""
        queue = self.queue
        while True:
            payload, future = await queue.get()
            answer = await self.handle(_decode(payload))
            if future is not None and answer is not None:
                future.set_result(_encode(answer))

    async def handle(self, message: Record | Read | Begin) -> Total | None:
        """Handle a message; the return value is the answer."""
        raise NotImplementedError


class PlainActor(QueueActor):
    """An actor whose handler never waits, so that nothing awaits it."""

    async def run(self) -> None:
        """Handle one message after the other."""
        queue = self.queue
        while True:
            payload, future = await queue.get()
            answer = self.receive(_decode(payload))
            if future is not None and answer is not None:
                future.set_result(_encode(answer))

    def receive(self, message: Record | Read | Begin) -> Total | None:
        """Handle a message; the return value is the answer."""
        raise NotImplementedError


class Counter(PlainActor):
    """Counts the records, and reports the last one."""

    def __init__(self, done: Callable[[], None]) -> None:
        super().__init__()
        self.count = 0
        self.done = done

    def receive(self, message: Record | Read | Begin) -> Total | None:
        """Count a record, or answer a request."""
        if isinstance(message, Record):
            self.count += 1
            if not message.number:
                self.done()
        elif isinstance(message, Read):
            return Total(message.number)
        return None


class Asker(QueueActor):
    """Asks another actor."""

    def __init__(self, other: QueueActor, done: Callable[[], None]) -> None:
        super().__init__()
        self.other = other
        self.done = done

    async def handle(self, message: Record | Read | Begin) -> Total | None:
        """Ask `count` times, one ask after the other."""
        assert isinstance(message, Begin), "nothing else is sent"
        for number in range(message.count):
            await self.other.ask(Read(number, 1, 2, DATA))
        self.done()
        return None


class Node(PlainActor):
    """Passes the token on to the next node."""

    after: QueueActor

    def __init__(self, done: Callable[[], None]) -> None:
        super().__init__()
        self.done = done

    def receive(self, message: Record | Read | Begin) -> Total | None:
        """Pass the token on, or report its arrival."""
        assert isinstance(message, Record), "nothing else is sent"
        if message.number:
            self.after.tell(Record(message.number - 1, 1, 2, message.data))
        else:
            self.done()
        return None


class Idle(PlainActor):
    """Has no state; its class has the latch."""

    latch: ClassVar[Latch]

    def receive(self, message: Record | Read | Begin) -> Total | None:
        """Report the message."""
        del message
        self.latch.count_down()
        return None


class Flooder(PlainActor):
    """Sends itself a message for each one that it handles."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed = feed

    def receive(self, message: Record | Read | Begin) -> Total | None:
        """Count the message and send the next one."""
        assert isinstance(message, Record), "nothing else is sent"
        self.feed.count += 1
        if self.feed.up:
            self.tell(Record(message.number, 1, 2, message.data))
        return None


class Queues(Peer):
    """Hand-written actors; it keeps their Tasks, as asyncio requires."""

    async def open(self) -> None:
        """Create the latch."""
        self.latch = Latch()
        self.actors: list[QueueActor] = []

    async def close(self) -> None:
        """Cancel the Tasks."""
        for actor in self.actors:
            actor.task.cancel()
        await asyncio.gather(*(a.task for a in self.actors), return_exceptions=True)

    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Put into the queue without waiting."""
        latch = self.latch
        actor = Counter(latch.count_down)
        self.actors.append(actor)

        async def tell(count: int) -> None:
            latch.begin(1)
            for number in range(count - 1, -1, -1):
                actor.tell(Record(number, 1, 2, DATA))
            await latch.wait()

        return tell

    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Ask over a Future."""
        actor = Counter(self.latch.count_down)
        self.actors.append(actor)
        return lambda number: actor.ask(Read(number, 1, 2, DATA))

    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Ask over a Future, in the Task of another actor."""
        latch = self.latch
        other = Counter(latch.count_down)
        actor = Asker(other, latch.count_down)
        self.actors += other, actor

        async def ask(count: int) -> None:
            latch.begin(1)
            actor.tell(Begin(count))
            await latch.wait()

        return ask

    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Link the nodes as objects."""
        latch = self.latch
        nodes = [Node(latch.count_down) for _ in range(size)]
        for node, after in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            node.after = after
        self.actors += nodes

        async def send(hops: int) -> None:
            latch.begin(1)
            nodes[0].tell(Record(hops - 1, 1, 2, DATA))
            await latch.wait()

        return send

    async def spawn(self, count: int) -> Sequence[QueueActor]:
        """Create them, and let every Task reach its queue."""
        Idle.latch = self.latch
        actors = [Idle() for _ in range(count)]
        await asyncio.sleep(0)
        self.actors += actors
        return actors

    async def fan_out(self, actors: Sequence[QueueActor]) -> None:
        """Send each of them the last record."""
        self.latch.begin(len(actors))
        for actor in actors:
            actor.tell(Record(0, 1, 2, DATA))
        await self.latch.wait()

    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Let them run: `Queue.get` yields only when the queue is empty."""
        actors = [Flooder(feed) for feed in feeds]
        self.actors += actors

        async def begin(depth: int) -> None:
            for actor in actors:
                for number in range(depth):
                    actor.tell(Record(number, 1, 2, DATA))

        return Flood(begin, await self.asker())


PEER = Queues
