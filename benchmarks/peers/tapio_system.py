"""Tapio: typed behaviors, a Task and a mailbox each; its messages are models."""

import importlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.peer import DATA, Feed, Flood, Latch, Peer

__all__ = ["PEER"]

# It may not be installed.
tapio: Any = importlib.import_module("tapio")
Message: Any = tapio.Message
same: Any = tapio.Behaviors.same

if TYPE_CHECKING:
    Ref = Any
else:
    Ref = tapio.ActorRef


class Record(Message):  # type: ignore[misc]
    """A record to tell; `number` counts down to 0, the last one."""

    number: int
    kind: int
    size: int
    data: bytes


class Total(Message):  # type: ignore[misc]
    """The answer to a request."""

    number: int


class Read(Message):  # type: ignore[misc]
    """The request."""

    number: int
    kind: int
    size: int
    data: bytes
    reply_to: Ref


class Begin(Message):  # type: ignore[misc]
    """Makes an actor ask another one `count` times."""

    count: int


def record(number: int) -> Any:
    """Return a record."""
    return Record(number=number, kind=1, size=2, data=DATA)


def reading(number: int) -> Callable[[Any], Any]:
    """Return a function that makes a request, given the recipient of the answer."""
    return lambda to: Read(number=number, kind=1, size=2, data=DATA, reply_to=to)


def counter(latch: Latch) -> Any:
    """Return a behavior that counts the records, and reports the last one."""
    count = 0

    async def receive(message: Any) -> Any:
        nonlocal count
        if isinstance(message, Record):
            count += 1
            if not message.number:
                latch.count_down()
        else:
            message.reply_to.tell(Total(number=message.number))
        return same()

    return tapio.Behaviors.receive_message(receive, msg_type=Record | Read)


def asker(other: Any, latch: Latch) -> Any:
    """Return a behavior that asks another actor, one ask after the other."""

    async def receive(message: Any) -> Any:
        for number in range(message.count):
            await other.ask(reading(number), expect=Total)
        latch.count_down()
        return same()

    return tapio.Behaviors.receive_message(receive, msg_type=Begin)


def node(nodes: list[Any], after: int, latch: Latch) -> Any:
    """Return a behavior that passes the token on to the next node."""

    async def receive(message: Any) -> Any:
        if message.number:
            nodes[after].tell(record(message.number - 1))
        else:
            latch.count_down()
        return same()

    return tapio.Behaviors.receive_message(receive, msg_type=Record)


def idle(latch: Latch) -> Any:
    """Return a behavior without state that reports every message."""

    async def receive(message: Any) -> Any:
        del message
        latch.count_down()
        return same()

    return tapio.Behaviors.receive_message(receive, msg_type=Record)


def flooder(feed: Feed) -> Any:
    """Return a behavior that sends itself a message for each handled one."""

    async def receive(context: Any, message: Any) -> Any:
        feed.count += 1
        if feed.up:
            context.self_ref.tell(record(message.number))
        return same()

    return tapio.Behaviors.receive(receive, msg_type=Record)


class Tapio(Peer):
    """Actors of one ActorSystem, with its default settings."""

    async def open(self) -> None:
        """Create the system."""
        self.latch = Latch()
        self.system = tapio.ActorSystem("benchmark")

    async def close(self) -> None:
        """Terminate the actor."""
        await self.system.terminate()

    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Tell from a task."""
        latch = self.latch
        ref = self.system.spawn_anonymous(counter(latch))

        async def tell(count: int) -> None:
            latch.begin(1)
            for number in range(count - 1, -1, -1):
                ref.tell(record(number))
            await latch.wait()

        return tell

    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Ask from a task."""
        ref = self.system.spawn_anonymous(counter(self.latch))

        async def ask(number: int) -> object:
            return await ref.ask(reading(number), expect=Total)

        return ask

    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Ask from a behavior."""
        latch = self.latch
        other = self.system.spawn_anonymous(counter(latch))
        ref = self.system.spawn_anonymous(asker(other, latch))

        async def ask(count: int) -> None:
            latch.begin(1)
            ref.tell(Begin(count=count))
            await latch.wait()

        return ask

    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Let every node look up the next one."""
        latch = self.latch
        nodes: list[Any] = []
        for place in range(size):
            behavior = node(nodes, (place + 1) % size, latch)
            nodes.append(self.system.spawn_anonymous(behavior))

        async def send(hops: int) -> None:
            latch.begin(1)
            nodes[0].tell(record(hops - 1))
            await latch.wait()

        return send

    async def spawn(self, count: int) -> Sequence[Any]:
        """Spawn them without a name."""
        spawn = self.system.spawn_anonymous
        behavior = idle(self.latch)
        return [spawn(behavior) for _ in range(count)]

    async def fan_out(self, actors: Sequence[Any]) -> None:
        """Send each of them the last record."""
        self.latch.begin(len(actors))
        for ref in actors:
            ref.tell(record(0))
        await self.latch.wait()

    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Let their Tasks share the loop."""
        refs = [self.system.spawn_anonymous(flooder(feed)) for feed in feeds]

        async def begin(depth: int) -> None:
            for ref in refs:
                for number in range(depth):
                    ref.tell(record(number))

        return Flood(begin, await self.asker())


PEER = Tapio
