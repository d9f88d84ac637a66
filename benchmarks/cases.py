"""The cases that are measured for every library, and the rows that show them."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from benchmarks import measures
from benchmarks.measures import Counts, Measured
from benchmarks.peer import Peer

__all__ = ["CASES", "QUICK", "Case", "Row"]

QUICK = Counts(
    tells=2_000,
    asks=256,
    ring=50,
    laps=4,
    crowd=1_000,
    flood_seconds=0.2,
    flood_depth=200,
)
"""Enough to check that the benchmark works."""


class Row(NamedTuple):
    """One row of the table. `unit` is us, actors/s or bytes."""

    name: str
    unit: str
    what: str

    @property
    def more_is_better(self) -> bool:
        """Whether a larger value is better."""
        return self.unit.endswith("/s")


class Case(NamedTuple):
    """The measurement of one library in one process.

    A case that counts instead of timing needs to run only `once`.
    """

    name: str
    measure: Callable[[Peer, Counts], Awaitable[Measured]]
    rows: tuple[Row, ...]
    once: bool = False


CASES = (
    Case(
        "tell",
        measures.tell,
        (
            Row(
                "tell",
                "us",
                "{tells:,} from one producer to one actor, until all are handled",
            ),
        ),
    ),
    Case(
        "ask",
        measures.ask,
        (
            Row("ask", "us", "{asks:,} from a task, one after the other; the mean"),
            Row("ask p50", "us", "the same, each timed separately"),
            Row("ask p99", "us", "the same"),
        ),
    ),
    Case(
        "actor-ask",
        measures.actor_ask,
        (Row("actor-to-actor ask", "us", "one actor asks another in its handler"),),
    ),
    Case(
        "in-flight",
        measures.in_flight,
        (Row("64 asks in flight", "us", "time per ask with 64 in flight"),),
    ),
    Case(
        "ring",
        measures.ring,
        (
            Row(
                "ring hop",
                "us",
                "one token round a ring of {ring:,} actors, {laps} times",
            ),
        ),
    ),
    Case(
        "spawn",
        measures.spawn,
        (
            Row("spawn", "actors/s", "{crowd:,} actors without state"),
            Row("fan-out", "us", "one message to each of those; time per actor"),
            Row("idle actor", "bytes", "the resident memory they add, with references"),
            Row("actor used once", "bytes", "the same, after the fan-out"),
        ),
    ),
    Case(
        "memory",
        measures.memory,
        (
            Row(
                "idle actor, allocated",
                "bytes",
                "the same as counted by Python's allocator, in the first round:"
                " no thread stacks, no Rust",
            ),
        ),
        once=True,
    ),
    Case(
        "flood",
        measures.flood,
        (
            Row(
                "flood: tell",
                "us",
                "four actors that keep {flood_depth:,} messages waiting each",
            ),
            Row(
                "flood: ask p50",
                "us",
                "an idle actor asked every 2 ms during the flood",
            ),
            Row("flood: ask p99", "us", "the same"),
            Row("flood: loop lag p99", "us", "how late a timer of the loop fires"),
        ),
    ),
)
"""All cases, in the order in which they run and are shown."""
