"""Pykka: a thread for each actor."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from queue import SimpleQueue
from typing import Any, ClassVar

import pykka

from benchmarks.peer import DATA, Feed, Flood, Peer
from benchmarks.peers.records import Begin, Read, Record, Total

__all__ = ["PEER"]

Ref = pykka.ActorRef[Any]
Done = Callable[[None], None]
"""The function to call at the end: the `put` of a queue."""


class Counter(pykka.ThreadingActor):
    """Counts the records, and reports the last one."""

    use_daemon_thread = True

    def __init__(self, done: Done) -> None:
        super().__init__()
        self.count = 0
        self.done = done

    def on_receive(self, message: Any) -> Total | None:
        """Count a record, or answer a request."""
        if isinstance(message, Record):
            self.count += 1
            if not message.number:
                self.done(None)
            return None
        assert isinstance(message, Read), "nothing else is sent"
        return Total(message.number)


class Asker(pykka.ThreadingActor):
    """Asks another actor."""

    use_daemon_thread = True

    def __init__(self, other: Ref, done: Done) -> None:
        super().__init__()
        self.other = other
        self.done = done

    def on_receive(self, message: Any) -> None:
        """Ask `count` times, one ask after the other."""
        assert isinstance(message, Begin), "nothing else is sent"
        for number in range(message.count):
            self.other.ask(Read(number, 1, 2, DATA))
        self.done(None)


class Node(pykka.ThreadingActor):
    """Passes the token on to the next node."""

    use_daemon_thread = True

    def __init__(self, done: Done) -> None:
        super().__init__()
        self.done = done

    def on_receive(self, message: Any) -> None:
        """Pass the token on, or report its arrival; or set the next node."""
        if not isinstance(message, Record):
            self.after: Ref = message
        elif message.number:
            self.after.tell(Record(message.number - 1, 1, 2, message.data))
        else:
            self.done(None)


class Idle(pykka.ThreadingActor):
    """Has no state; its class has the queue for reports."""

    use_daemon_thread = True
    reports: ClassVar[SimpleQueue[None]]

    def on_receive(self, message: Any) -> None:
        """Report the message."""
        del message
        self.reports.put(None)


class Flooder(pykka.ThreadingActor):
    """Sends itself a message for each one that it handles."""

    use_daemon_thread = True

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed = feed

    def on_receive(self, message: Any) -> None:
        """Count the message and send the next one."""
        assert isinstance(message, Record), "nothing else is sent"
        self.feed.count += 1
        if self.feed.up:
            self.actor_ref.tell(Record(message.number, 1, 2, message.data))


class Threads(Peer):
    """Actors in threads; code that waits for them blocks the loop."""

    async def open(self) -> None:
        """Create the queue to which actors report."""
        self.reports: SimpleQueue[None] = SimpleQueue()
        self.done: Done = self.reports.put

    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Tell from the main thread."""
        ref = Counter.start(self.done)

        async def tell(count: int) -> None:
            for number in range(count - 1, -1, -1):
                ref.tell(Record(number, 1, 2, DATA))
            self.reports.get()

        return tell

    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Ask from the main thread, which blocks."""
        ref = Counter.start(self.done)

        async def ask(number: int) -> object:
            return ref.ask(Read(number, 1, 2, DATA))

        return ask

    async def in_flight_asker(self, width: int) -> Callable[[int], Awaitable[None]]:
        """Ask without blocking, `width` times, before taking the answers."""
        ref = Counter.start(self.done)

        async def ask(count: int) -> None:
            for _ in range(count // width):
                futures = [
                    ref.ask(Read(number, 1, 2, DATA), block=False)
                    for number in range(width)
                ]
                for future in futures:
                    future.get()

        return ask

    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Ask from an actor's thread, which blocks."""
        ref = Asker.start(Counter.start(self.done), self.done)

        async def ask(count: int) -> None:
            ref.tell(Begin(count))
            self.reports.get()

        return ask

    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Tell every node the next one."""
        nodes = [Node.start(self.done) for _ in range(size)]
        for node, after in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            node.tell(after)

        async def send(hops: int) -> None:
            nodes[0].tell(Record(hops - 1, 1, 2, DATA))
            self.reports.get()

        return send

    async def spawn(self, count: int) -> Sequence[Ref]:
        """Start the threads."""
        Idle.reports = self.reports
        return [Idle.start() for _ in range(count)]

    async def fan_out(self, actors: Sequence[Ref]) -> None:
        """Send each of them the last record."""
        for ref in actors:
            ref.tell(Record(0, 1, 2, DATA))
        for _ in actors:
            self.reports.get()

    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Let the threads share the interpreter."""
        refs = [Flooder.start(feed) for feed in feeds]

        async def begin(depth: int) -> None:
            for ref in refs:
                for number in range(depth):
                    ref.tell(Record(number, 1, 2, DATA))

        return Flood(begin, await self.asker(), on_loop=False)

    async def close(self) -> None:
        """Leave the threads running until the process ends: there may be thousands."""
        await asyncio.sleep(0)


PEER = Threads
