"""Thespian with its simple system base: everything runs in the caller's thread."""

import importlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from benchmarks.peer import DATA, Feed, Flood, Peer, UnsupportedError
from benchmarks.peers.records import Begin, Read, Record, Total

__all__ = ["PEER"]

# It has no types, and may not be installed.
actors: Any = importlib.import_module("thespian.actors")
Actor: Any = actors.Actor
ANSWER_WITHIN = 10.0


class Counter(Actor):  # type: ignore[misc]
    """Counts the records, and answers requests."""

    handled: ClassVar[int] = 0

    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802
        """Count a record, or answer a request."""
        if isinstance(message, Record):
            Counter.handled += 1
        elif isinstance(message, Read):
            self.send(sender, Total(message.number))


class Asker(Actor):  # type: ignore[misc]
    """Asks another actor: the answer is also a message."""

    other: ClassVar[Any]

    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802
        """Ask `count` times in sequence; then answer the starting request."""
        if isinstance(message, Begin):
            self.begun_by = sender
            self.left = message.count
        elif isinstance(message, Total):
            self.left -= 1
            if not self.left:
                self.send(self.begun_by, message)
                return
        else:
            return
        self.send(self.other, Read(self.left, 1, 2, DATA))


class Node(Actor):  # type: ignore[misc]
    """Passes the token on to the next node."""

    nodes: ClassVar[list[Any]]
    arrived: ClassVar[bool]

    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802
        """Take the place in the ring, pass the token on, or note its arrival."""
        del sender
        if isinstance(message, int):
            self.after = self.nodes[(message + 1) % len(self.nodes)]
        elif isinstance(message, Record):
            if message.number:
                token = Record(message.number - 1, 1, 2, message.data)
                self.send(self.after, token)
            else:
                Node.arrived = True


class ThespianSimple(Peer):
    """Actors without a thread; `tell` returns when the message has been handled."""

    async def open(self) -> None:
        """Create the system."""
        self.system = actors.ActorSystem("simpleSystemBase")

    async def close(self) -> None:
        """Shut the system down."""
        self.system.shutdown()

    async def teller(self) -> Callable[[int], Awaitable[None]]:
        """Tell from outside."""
        tell_one = self.system.tell
        ref = self.system.createActor(Counter)

        async def tell(count: int) -> None:
            Counter.handled = 0
            for number in range(count - 1, -1, -1):
                tell_one(ref, Record(number, 1, 2, DATA))
            assert Counter.handled == count, "a message was not handled"

        return tell

    async def asker(self) -> Callable[[int], Awaitable[object]]:
        """Ask from outside, which blocks."""
        ask_one = self.system.ask
        ref = self.system.createActor(Counter)

        async def ask(number: int) -> object:
            answer: object = ask_one(ref, Read(number, 1, 2, DATA), ANSWER_WITHIN)
            assert answer is not None, "an ask was not answered"
            return answer

        return ask

    async def in_flight_asker(self, width: int) -> Callable[[int], Awaitable[None]]:
        """Tell `width` requests before listening for the answers."""
        tell_one, listen = self.system.tell, self.system.listen
        ref = self.system.createActor(Counter)

        async def ask(count: int) -> None:
            for _ in range(count // width):
                for number in range(width):
                    tell_one(ref, Read(number, 1, 2, DATA))
                for _ in range(width):
                    answer: object = listen(ANSWER_WITHIN)
                    assert answer is not None, "an ask was not answered"

        return ask

    async def actor_asker(self) -> Callable[[int], Awaitable[None]]:
        """Let an actor send a request after each answer: it cannot wait for one."""
        Asker.other = self.system.createActor(Counter)
        ref = self.system.createActor(Asker)

        async def ask(count: int) -> None:
            answer: object = self.system.ask(ref, Begin(count), ANSWER_WITHIN)
            assert answer is not None, "an ask was not answered"

        return ask

    async def ring(self, size: int) -> Callable[[int], Awaitable[None]]:
        """Send every node its place."""
        Node.nodes = [self.system.createActor(Node) for _ in range(size)]
        for place, node in enumerate(Node.nodes):
            self.system.tell(node, place)

        async def send(hops: int) -> None:
            Node.arrived = False
            self.system.tell(Node.nodes[0], Record(hops - 1, 1, 2, DATA))
            assert Node.arrived, "the token got lost"

        return send

    async def spawn(self, count: int) -> Sequence[Any]:
        """Create them as actors of the system."""
        create = self.system.createActor
        return [create(Counter) for _ in range(count)]

    async def fan_out(self, actors: Sequence[Any]) -> None:
        """Send each of them the last record."""
        tell_one = self.system.tell
        Counter.handled = 0
        for ref in actors:
            tell_one(ref, Record(0, 1, 2, DATA))
        assert Counter.handled == len(actors), "a message was not handled"

    async def flood(self, feeds: Sequence[Feed]) -> Flood:
        """Refuse: a tell would not return before the flood ends."""
        del feeds
        raise UnsupportedError("its handlers run inside tell(), which would not return")


PEER = ThespianSimple
