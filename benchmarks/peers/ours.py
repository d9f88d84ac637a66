"""This package, with all features and without observers."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from benchmarks.peer import DATA, Feed, Flood, Latch, Peer
from benchmarks.peers.messages import Begin, Read, Record, Total
from ccw_actors.runtime import Actor, ActorRef, System, receive

__all__ = ["PEER", "Counter", "Ours"]


class Counter(Actor[Record | Read]):
    """Counts the records, and reports the last one."""

    def __init__(self, done: Callable[[], None]) -> None:
        self.count = 0
        self.done = done

    @receive
    def record(self, message: Record) -> None:
        """Count the record."""
        self.count += 1
        if not message.number:
            self.done()

    @receive
    def read(self, message: Read) -> Total:
        """Answer the request."""
        return Total(message.number)


class Asker(Actor[Begin]):
    """Asks another actor."""

    def __init__(self, other: ActorRef[Read], done: Callable[[], None]) -> None:
        self.other = other
        self.done = done

    @receive
    async def begin(self, message: Begin) -> None:
        """Ask `count` times, one ask after the other."""
        for number in range(message.count):
            await self.other.ask(Read(number, 1, 2, DATA))
        self.done()


class Node(Actor[Record]):
    """Passes the token on to the next node."""

    def __init__(self, following: ActorRef[Record], done: Callable[[], None]) -> None:
        self.following = following
        self.done = done

    @receive
    def record(self, message: Record) -> None:
        """Pass the token on, or report its arrival."""
        if message.number:
            self.following.tell(Record(message.number - 1, 1, 2, message.data))
        else:
            self.done()


class Idle(Actor[Record]):
    """Has no state; its class has the latch."""

    latch: ClassVar[Latch]

    @receive
    def record(self, message: Record) -> None:
        """Report the message."""
        del message
        self.latch.count_down()


class Flooder(Actor[Record]):
    """Sends itself a message for each one that it handles."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def on_start(self) -> None:
        """Keep its own reference."""
        self.me = self.ref

    @receive
    def record(self, message: Record) -> None:
        """Count the message and send the next one."""
        self.feed.count += 1
        if self.feed.up:
            self.me.tell(Record(message.number, 1, 2, message.data))


class Ours(Peer):
    """Actors of one System on the loop."""

    async def open(self) -> None:
        """Create the System."""
        self.system = System()
        self.latch = Latch()

    async def close(self) -> None:
        """Shut the system down."""
        await self.system.shutdown()

    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Tell from a task."""
        latch = self.latch
        ref = self.system.spawn(Counter(latch.count_down))

        async def tell(count: int) -> None:
            latch.begin(1)
            for number in range(count - 1, -1, -1):
                ref.tell(Record(number, 1, 2, DATA))
            await latch.wait()

        return tell

    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Ask from a task: the answer comes over a Future."""
        ref = self.system.spawn(Counter(self.latch.count_down))
        return lambda number: ref.ask(Read(number, 1, 2, DATA))

    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Ask from an async handler: the answer resumes it, without a Future."""
        latch = self.latch
        other = self.system.spawn(Counter(latch.count_down))
        ref = self.system.spawn(Asker(other, latch.count_down))

        async def ask(count: int) -> None:
            latch.begin(1)
            ref.tell(Begin(count))
            await latch.wait()

        return ask

    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Link the nodes by path."""
        latch, system = self.latch, self.system
        for place in range(size):
            following = system.ref(f"node/{(place + 1) % size}")
            system.spawn(Node(following, latch.count_down), f"node/{place}")
        first: ActorRef[Record] = system.ref("node/0")

        async def send(hops: int) -> None:
            latch.begin(1)
            first.tell(Record(hops - 1, 1, 2, DATA))
            await latch.wait()

        return send

    async def spawn(self, count: int) -> Sequence[ActorRef[Record]]:
        """Spawn them without a path."""
        Idle.latch = self.latch
        spawn = self.system.spawn
        return [spawn(Idle()) for _ in range(count)]

    async def fan_out(self, actors: Sequence[ActorRef[Record]]) -> None:
        """Send each of them the last record."""
        self.latch.begin(len(actors))
        for ref in actors:
            ref.tell(Record(0, 1, 2, DATA))
        await self.latch.wait()

    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Let them share the loop as the dispatcher does by default."""
        refs = [self.system.spawn(Flooder(feed)) for feed in feeds]

        async def begin(depth: int) -> None:
            for ref in refs:
                for number in range(depth):
                    ref.tell(Record(number, 1, 2, DATA))

        return Flood(begin, await self.asker())


PEER = Ours
