"""Measures `tell` of this package with one additional feature in use."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import ClassVar

import msgspec

from benchmarks.peer import DATA, Latch
from benchmarks.peers.messages import Begin, Read, Record
from benchmarks.peers.ours import Counter, Ours
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    LoopDispatcher,
    Mailbox,
    Observer,
    Restart,
    System,
    Terminated,
    receive,
)
from ccw_actors.transport import Codec

__all__ = ["BASE", "FEATURES", "FLOOR", "PEER"]

BASE = "nothing more"
FLOOR = "(no actors: build, encode, deque, decode, call)"

Tell = Callable[[int], Awaitable[None]]
Spawned = ActorRef[Record]


class AsyncCounter(Actor[Record]):
    """Counts in an async handler."""

    def __init__(self, done: Callable[[], None]) -> None:
        self.count = 0
        self.done = done

    @receive
    async def record(self, message: Record) -> None:
        """Count."""
        self.count += 1
        if not message.number:
            self.done()


class Counted(msgspec.Struct):
    """State that can be encoded, compared and restored."""

    count: int = 0


class StateCounter(Actor[Record]):
    """Counts in its state, in either of two behaviours."""

    latch: ClassVar[Latch]

    def __init__(self) -> None:
        self.state = Counted()

    @receive
    def record(self, message: Record) -> None:
        """Count."""
        self.state.count += 1
        if not message.number:
            self.latch.count_down()


class OpenCounter(Actor[Record | Begin]):
    """Counts after it has been opened."""

    def __init__(self, done: Callable[[], None]) -> None:
        self.count = 0
        self.done = done

    @receive
    def begin(self, message: Begin) -> None:
        """Open."""
        del message
        self.become("open")

    @receive(state="open")
    def record(self, message: Record) -> None:
        """Count."""
        self.count += 1
        if not message.number:
            self.done()


class Watcher(Actor[Terminated]):
    """Watches the counter."""

    def __init__(self, other: Spawned) -> None:
        self.other = other

    def on_start(self) -> None:
        """Watch it."""
        self.watch(self.other)

    @receive
    def terminated(self, message: Terminated) -> None:
        """Do nothing: the counter does not end."""


class Teller(Actor[Begin]):
    """Sends the counter its records, in one handler."""

    def __init__(self, other: Spawned) -> None:
        self.other = other

    @receive
    def begin(self, message: Begin) -> None:
        """Send the counter that many records."""
        tell_all(self.other, message.count)


def tell_all(ref: Spawned, count: int) -> None:
    """Send `count` records; the last one is number 0."""
    for number in range(count - 1, -1, -1):
        ref.tell(Record(number, 1, 2, DATA))


async def told(feature: "Feature", ref: Spawned) -> Tell:
    """Return the function that tells an actor as in the default case."""

    async def tell(count: int) -> None:
        feature.latch.begin(1)
        tell_all(ref, count)
        await feature.latch.wait()

    return tell


async def nothing(feature: "Feature") -> Tell:
    """Use the defaults."""
    return await told(feature, feature.counter())


async def observer(feature: "Feature") -> Tell:
    """Use an observer that does nothing."""
    feature.system.observe(Observer())
    return await nothing(feature)


async def metrics(feature: "Feature") -> Tell:
    """Count the messages with OpenTelemetry's API, without an SDK."""
    from ccw_actors.telemetry import MetricsObserver  # noqa: PLC0415 - an extra

    feature.system.observe(MetricsObserver())
    return await nothing(feature)


async def async_handler(feature: "Feature") -> Tell:
    """Handle in a coroutine that does not wait."""
    ref = feature.system.spawn(AsyncCounter(feature.latch.count_down))
    return await told(feature, ref)


async def waiting(feature: "Feature") -> Tell:
    """Offer to a mailbox of 1,024, which makes the producer wait."""
    mailbox = Mailbox(1_024, "wait")
    counter = Counter(feature.latch.count_down)
    ref = feature.system.spawn(counter, mailbox=mailbox)

    async def tell(count: int) -> None:
        feature.latch.begin(1)
        for number in range(count - 1, -1, -1):
            await ref.offer(Record(number, 1, 2, DATA))
        await feature.latch.wait()

    return tell


async def dropping(feature: "Feature") -> Tell:
    """Use a mailbox that would drop messages, but has room."""
    mailbox = Mailbox(when_full="drop oldest")
    counter = Counter(feature.latch.count_down)
    ref = feature.system.spawn(counter, mailbox=mailbox)
    return await told(feature, ref)


async def restart(feature: "Feature") -> Tell:
    """Use a state, and a restart that would restore it."""
    StateCounter.latch = feature.latch
    ref = feature.system.spawn(StateCounter(), supervision=Restart())
    return await told(feature, ref)


async def behaviour(feature: "Feature") -> Tell:
    """Handle in a behaviour."""
    ref = feature.system.spawn(OpenCounter(feature.latch.count_down))
    ref.tell(Begin(0))
    return await told(feature, ref)


async def watched(feature: "Feature") -> Tell:
    """Let another actor watch the actor."""
    ref = feature.counter()
    feature.system.spawn(Watcher(ref))
    return await told(feature, ref)


async def by_actor(feature: "Feature") -> Tell:
    """Tell in a handler, so that there is a sender."""
    ref = feature.system.spawn(Teller(feature.counter()))

    async def tell(count: int) -> None:
        feature.latch.begin(1)
        ref.tell(Begin(count))
        await feature.latch.wait()

    return tell


async def from_thread(feature: "Feature") -> Tell:
    """Tell from another thread."""
    ref = feature.counter()

    async def tell(count: int) -> None:
        feature.latch.begin(1)
        await asyncio.to_thread(tell_all, ref, count)
        await feature.latch.wait()

    return tell


async def in_thread(feature: "Feature") -> Tell:
    """Handle in the actor's own thread."""
    soon = asyncio.get_running_loop().call_soon_threadsafe

    def done() -> None:
        soon(feature.latch.count_down)

    ref = feature.system.spawn_thread(Counter(done))
    return await told(feature, ref)


async def single(feature: "Feature") -> Tell:
    """Let an actor handle one message per turn, and the loop continue after 16."""
    feature.system = System(LoopDispatcher(batch=1, budget=16))
    return await nothing(feature)


async def floor(feature: "Feature") -> Tell:
    """Do the minimum for a message, without an actor or a loop."""
    codec = Codec()
    decode = codec.raw_decoder(Record)
    counter = Counter(feature.latch.count_down)
    mailbox: deque[bytes] = deque()

    async def tell(count: int) -> None:
        for number in range(count - 1, -1, -1):
            mailbox.append(codec.encode(Record(number, 1, 2, DATA)))
        while mailbox:
            counter.record(decode(mailbox.popleft()))

    return tell


FEATURES: dict[str, Callable[["Feature"], Awaitable[Tell]]] = {
    BASE: nothing,
    "an observer": observer,
    "OpenTelemetry metrics": metrics,
    "an async handler": async_handler,
    "offer to a mailbox of 1,024 that waits": waiting,
    "a mailbox that drops the oldest": dropping,
    "encodable state, and Restart": restart,
    "a behaviour": behaviour,
    "a watcher": watched,
    "batch 1, budget 16": single,
    "told by an actor": by_actor,
    "told from another thread": from_thread,
    "handled in its own thread": in_thread,
    FLOOR: floor,
}
"""All features, by the name of their row."""


class Feature(Ours):
    """This package with one feature in use."""

    def __init__(self, name: str) -> None:
        self.feature = FEATURES[name]

    def counter(self) -> ActorRef[Record | Read]:
        """Spawn the counter of the default case."""
        return self.system.spawn(Counter(self.latch.count_down))

    async def teller(self) -> Tell:
        """Return the function that tells with that feature."""
        return await self.feature(self)


PEER = Feature
