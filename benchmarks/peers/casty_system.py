"""Casty: virtual actors with a core in Rust; it also serializes messages."""

import importlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.peer import DATA, Feed, Flood, Latch, Peer

__all__ = ["PEER"]

# It may not be installed.
casty: Any = importlib.import_module("casty")
Answered: Any = casty.Askable[int]
Body = Callable[[Any], Awaitable[None]]

_here: dict[str, Any] = {}
"""The latch and the feeds: an actor is a function and has only its state."""


@dataclass(frozen=True)
class Record:
    """A record to tell; `number` counts down to 0, the last one."""

    number: int
    kind: int
    size: int
    data: bytes


@dataclass(frozen=True)
class Read(Answered):  # type: ignore[misc]
    """The request."""

    number: int
    kind: int
    size: int
    data: bytes


@dataclass(frozen=True)
class Begin:
    """Makes an actor ask another one `count` times."""

    count: int


def takes(messages: Any) -> Callable[[Body], Any]:
    """Make an actor of a function; casty reads its message type from the annotation."""

    def make(body: Body) -> Any:
        body.__annotations__["ctx"] = casty.Context[int, messages]
        return casty.actor(initial=0)(body)

    return make


@takes(Record | Read)
async def counter(ctx: Any) -> None:
    """Count the records, and report the last one."""
    latch: Latch = _here["latch"]
    count = 0
    async for message in ctx.inbox:
        if isinstance(message, Record):
            count += 1
            if not message.number:
                latch.count_down()
        else:
            message.reply_to.tell(message.number)


@takes(Begin)
async def asker(ctx: Any) -> None:
    """Ask another actor, one ask after the other."""
    latch: Latch = _here["latch"]
    other = ctx.system.ref(counter, "asked")
    async for message in ctx.inbox:
        for number in range(message.count):
            await other.ask(Read(number, 1, 2, DATA))
        latch.count_down()


@takes(Record)
async def node(ctx: Any) -> None:
    """Pass the token on to the next node, or report its arrival."""
    latch: Latch = _here["latch"]
    after = ctx.system.ref(node, str((int(ctx.key) + 1) % _here["size"]))
    async for message in ctx.inbox:
        if message.number:
            after.tell(Record(message.number - 1, 1, 2, message.data))
        else:
            latch.count_down()


@takes(Record)
async def idle(ctx: Any) -> None:
    """Report every message."""
    latch: Latch = _here["latch"]
    async for _ in ctx.inbox:
        latch.count_down()


@takes(Record)
async def flooder(ctx: Any) -> None:
    """Send itself a message for each one that it handles."""
    feed: Feed = _here["feeds"][int(ctx.key)]
    me = ctx.self
    async for message in ctx.inbox:
        feed.count += 1
        if feed.up:
            me.tell(Record(message.number, 1, 2, message.data))


class Casty(Peer):
    """Keys of one ActorSystem; the first message starts a key."""

    async def open(self) -> None:
        """Start the system."""
        self.latch = _here["latch"] = Latch()
        self.system = casty.ActorSystem()
        await self.system.__aenter__()

    async def close(self) -> None:
        """Stop the system."""
        await self.system.__aexit__(None, None, None)

    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Tell from a task."""
        latch = self.latch
        ref = self.system.ref(counter, "told")

        async def tell(count: int) -> None:
            latch.begin(1)
            for number in range(count - 1, -1, -1):
                ref.tell(Record(number, 1, 2, DATA))
            await latch.wait()

        return tell

    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Ask from a task."""
        ref = self.system.ref(counter, "asked")

        async def ask(number: int) -> object:
            return await ref.ask(Read(number, 1, 2, DATA))

        return ask

    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Ask from an actor's body."""
        latch = self.latch
        ref = self.system.ref(asker, "asking")

        async def ask(count: int) -> None:
            latch.begin(1)
            ref.tell(Begin(count))
            await latch.wait()

        return ask

    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Let every node refer to the next key."""
        latch = self.latch
        _here["size"] = size
        first = self.system.ref(node, "0")

        async def send(hops: int) -> None:
            latch.begin(1)
            first.tell(Record(hops - 1, 1, 2, DATA))
            await latch.wait()

        await send(size + 1)
        return send

    async def spawn(self, count: int) -> Sequence[Any]:
        """Refer to the keys, and send each of them a message, which starts it."""
        refs = [self.system.ref(idle, str(place)) for place in range(count)]
        await self.fan_out(refs)
        return refs

    async def fan_out(self, actors: Sequence[Any]) -> None:
        """Send each of them the last record."""
        self.latch.begin(len(actors))
        for ref in actors:
            ref.tell(Record(0, 1, 2, DATA))
        await self.latch.wait()

    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Let their bodies share the loop."""
        _here["feeds"] = feeds
        refs = [self.system.ref(flooder, str(place)) for place in range(len(feeds))]

        async def begin(depth: int) -> None:
            for ref in refs:
                for number in range(depth):
                    ref.tell(Record(number, 1, 2, DATA))

        return Flood(begin, await self.asker())


PEER = Casty
