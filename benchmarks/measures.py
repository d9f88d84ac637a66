"""The measurement of each case, for any library."""

import asyncio
import gc
import threading
import tracemalloc
from dataclasses import dataclass
from time import perf_counter

from benchmarks.clock import percentile, resident_bytes
from benchmarks.peer import Feed, Peer, UnsupportedError

__all__ = [
    "Counts",
    "Measured",
    "actor_ask",
    "ask",
    "flood",
    "in_flight",
    "memory",
    "ring",
    "spawn",
    "tell",
]

BURST = 50_000
FLOOD_WIDTH = 4
FLOOD_DEPTH = 5_000
PING_EVERY = 0.002
LAG_EVERY = 0.001


@dataclass(frozen=True)
class Counts:
    """How much one process does of each case; `flood_seconds` is a time."""

    tells: int = 100_000
    asks: int = 10_000
    in_flight: int = 64
    ring: int = 1_000
    laps: int = 100
    crowd: int = 10_000
    flood_seconds: float = 0.6
    flood_depth: int = FLOOD_DEPTH

    def shared(self, share: float, crowd: int) -> "Counts":
        """Return the counts of a library that does only a share, to save time."""
        return Counts(
            tells=int(self.tells * share),
            asks=int(self.asks * share),
            in_flight=self.in_flight,
            ring=self.ring,
            laps=max(1, int(self.laps * share)),
            crowd=min(self.crowd, crowd),
            flood_seconds=self.flood_seconds,
            flood_depth=self.flood_depth,
        )


Measured = dict[str, float]
"""The values of a case by row, in the row's unit."""


async def tell(peer: Peer, counts: Counts) -> Measured:
    """Tell one actor, until the last message is handled."""
    tell_all = await peer.teller()
    await tell_all(max(counts.tells // 50, 1))
    gc.collect()
    start = perf_counter()
    left = counts.tells
    while left:
        burst = min(left, BURST)
        await tell_all(burst)
        left -= burst
    return {"tell": (perf_counter() - start) / counts.tells * 1e6}


async def ask(peer: Peer, counts: Counts) -> Measured:
    """Ask one actor, one ask after the other: first in total, then separately."""
    ask_one = await peer.asker()
    for number in range(counts.asks // 10):
        await ask_one(number)
    gc.collect()
    start = perf_counter()
    for number in range(counts.asks):
        await ask_one(number)
    mean = (perf_counter() - start) / counts.asks
    times: list[float] = []
    for number in range(counts.asks):
        start = perf_counter()
        await ask_one(number)
        times.append(perf_counter() - start)
    return {
        "ask": mean * 1e6,
        "ask p50": percentile(times, 50) * 1e6,
        "ask p99": percentile(times, 99) * 1e6,
    }


async def actor_ask(peer: Peer, counts: Counts) -> Measured:
    """Let an actor ask another."""
    ask_all = await peer.actor_asker()
    await ask_all(max(counts.asks // 10, 1))
    gc.collect()
    start = perf_counter()
    await ask_all(counts.asks)
    return {"actor-to-actor ask": (perf_counter() - start) / counts.asks * 1e6}


async def in_flight(peer: Peer, counts: Counts) -> Measured:
    """Ask one actor, with many asks in flight."""
    width = counts.in_flight
    ask_all = await peer.in_flight_asker(width)
    await ask_all(width)
    count = max(counts.asks * 2 // width, 1) * width
    gc.collect()
    start = perf_counter()
    await ask_all(count)
    return {"64 asks in flight": (perf_counter() - start) / count * 1e6}


async def ring(peer: Peer, counts: Counts) -> Measured:
    """Send a token round a ring of actors."""
    send = await peer.ring(counts.ring)
    await send(counts.ring)
    hops = counts.ring * counts.laps
    gc.collect()
    start = perf_counter()
    await send(hops)
    return {"ring hop": (perf_counter() - start) / hops * 1e6}


async def spawn(peer: Peer, counts: Counts) -> Measured:
    """Spawn many actors, measure their memory, and tell each of them one message."""
    await peer.fan_out(await peer.spawn(20))
    before = resident_bytes()
    start = perf_counter()
    actors = await peer.spawn(counts.crowd)
    rate = counts.crowd / (perf_counter() - start)
    idle = (resident_bytes() - before) / counts.crowd
    start = perf_counter()
    await peer.fan_out(actors)
    each = (perf_counter() - start) / counts.crowd
    used = (resident_bytes() - before) / counts.crowd
    return {
        "spawn": rate,
        "fan-out": each * 1e6,
        "idle actor": idle,
        "actor used once": used,
    }


async def memory(peer: Peer, counts: Counts) -> Measured:
    """Count the bytes that Python allocates for an idle actor and its reference."""
    await peer.fan_out(await peer.spawn(20))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    actors = await peer.spawn(counts.crowd)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {"idle actor, allocated": taken / len(actors)}


async def flood(peer: Peer, counts: Counts) -> Measured:
    """Ask an idle actor while others feed themselves, and measure the loop's lag."""
    feeds = [Feed() for _ in range(FLOOD_WIDTH)]
    flooding = await peer.flood(feeds)
    await flooding.ask(0)
    seconds = counts.flood_seconds
    asks: list[float] = []
    lags: list[float] = []
    loop = asyncio.get_running_loop()

    def tick(due: float) -> None:
        lags.append(loop.time() - due)
        if feeds[0].up:
            following = max(due, loop.time()) + LAG_EVERY
            loop.call_at(following, tick, following)

    def stop() -> None:
        for feed in feeds:
            feed.up = False

    # In a thread, because some libraries block the loop.
    timer = threading.Timer(seconds, stop)
    await flooding.begin(counts.flood_depth)
    begun_with = sum(feed.count for feed in feeds)
    start = perf_counter()
    timer.start()
    tick(loop.time())
    while feeds[0].up:
        await asyncio.sleep(PING_EVERY)
        begun = perf_counter()
        await flooding.ask(0)
        if feeds[0].up:
            asks.append(perf_counter() - begun)
    handled = sum(feed.count for feed in feeds) - begun_with
    took = perf_counter() - start
    timer.join()
    if not asks:
        raise UnsupportedError(
            "starved: no ask was answered before the flooding actors ended"
        )
    measured = {
        "flood: tell": took / max(handled, 1) * 1e6,
        "flood: ask p50": percentile(asks, 50) * 1e6,
        "flood: ask p99": percentile(asks, 99) * 1e6,
    }
    if flooding.on_loop:
        measured["flood: loop lag p99"] = percentile(lags, 99) * 1e6
    return measured
