"""Measures how fast scenarios and plain transition systems are explored.

python benchmarks/explore.py                     all of it, the best of three rounds
python benchmarks/explore.py --quick             one round of the small ones
python benchmarks/explore.py --peers PYTHON      beside the seeded event loops of PyPI,
                                                 which that Python has installed
python benchmarks/explore.py --write FILE        write the tables as Markdown, too
"""

import argparse
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from msgspec import Struct

# Run as a script, it finds its own folder on the path, not the one that it is in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ccw_actors.explore import (
    Engine,
    Limits,
    Network,
    Noops,
    Result,
    Scenario,
    TransitionSystem,
    World,
    explore,
)
from ccw_actors.runtime import Actor, ActorRef, Message, receive
from ccw_actors.scenarios import SCENARIOS
from examples.explore.bank import transfers
from examples.explore.lost_reply import asks
from examples.explore.published import two_phase
from examples.explore.published.paxos import registers
from examples.explore.published.ping_pong import games
from examples.explore.two_phase_commit import commits

ROUNDS = 3
PEERS = Path(__file__).with_name("explore_peers.py")
_SECONDS = 2.0
_SCHEDULES = 1_000
_STEPS = 6
"""Steps of one order of three tasks and a queue."""


class Case(NamedTuple):
    """One model to explore.

    Goals are in steps per second on one core (`goal`), in seconds (`within`), in
    microseconds of a step (`step`) and in bytes of a state (`room`); 0 for none.
    """

    name: str
    make: Callable[[], Scenario | TransitionSystem[Any, Any]]
    engine: Engine = "states"
    delivery: Network = "channel"
    goal: int = 0
    within: float = 0.0
    step: float = 0.0
    room: float = 0.0
    noops: Noops = "consumed"
    fingerprints: bool = False
    is_small: bool = True


CASES = (
    Case("two-phase commit, plain, 3", lambda: two_phase.commits(3), goal=100_000),
    Case("two-phase commit, plain, 5", lambda: two_phase.commits(5), goal=100_000),
    Case(
        "two-phase commit, plain, 7",
        lambda: two_phase.commits(7),
        goal=100_000,
        is_small=False,
    ),
    Case(
        "two-phase commit, plain, 7, fingerprints",
        lambda: two_phase.commits(7),
        room=200.0,
        fingerprints=True,
        is_small=False,
    ),
    Case(
        "Paxos, unordered, noops kept",
        registers,
        delivery="unordered",
        goal=50_000,
        noops="kept",
    ),
    Case("two-phase commit", commits, goal=50_000),
    Case("bank, 4 tellers", lambda: transfers(tellers=4)),
    Case("bank, 5 tellers", lambda: transfers(tellers=5), is_small=False),
    Case("ping-pong, 5,000", lambda: games(5_000), step=30.0),
    Case("seed", lambda: SCENARIOS["seed"], within=10.0),
    Case(
        "seed, fingerprints",
        lambda: SCENARIOS["seed"],
        room=200.0,
        fingerprints=True,
        is_small=False,
    ),
    Case("bank, 4 tellers", lambda: transfers(tellers=4), "orders"),
    Case("bank, 5 tellers", lambda: transfers(tellers=5), "orders", is_small=False),
    Case("lost reply, 3 askers", lambda: asks(askers=3), "orders"),
)
REDUCED: tuple[tuple[str, Callable[[], Scenario]], ...] = (
    ("bank, 2 tellers", lambda: transfers(tellers=2)),
    ("bank, 3 tellers", lambda: transfers(tellers=3)),
    ("bank, 4 tellers", lambda: transfers(tellers=4)),
    ("lost reply, 2 askers", lambda: asks(askers=2)),
    ("lost reply, 3 askers", lambda: asks(askers=3)),
)

Row = tuple[str, ...]


def run(case: Case) -> Result:
    """Explore once."""
    return explore(
        case.make(),
        engine=case.engine,
        delivery=case.delivery,
        noops=case.noops,
        fingerprints=case.fingerprints,
    )


def bytes_per_state(case: Case) -> float:
    """Explore once more and return how much memory a state takes at the most."""
    tracemalloc.start()
    result = run(case)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / result.states if result.states else 0.0


def speeds(*, quick: bool) -> Iterator[Row]:
    """Yield a row for each case: counts, time, rates, memory, and the goal."""
    for case in CASES:
        if quick and not case.is_small:
            continue
        rounds = [run(case) for _ in range(1 if quick else ROUNDS)]
        best = min(rounds, key=lambda result: result.seconds)
        rate = best.steps / best.seconds
        memory = bytes_per_state(case) if best.states else 0
        yield (
            case.name,
            case.engine,
            best.verdict,
            _count(best.states),
            _count(best.classes),
            f"{best.steps:,}",
            f"{best.seconds:.2f}",
            f"{rate:,.0f}",
            _count(round(best.classes / best.seconds) if best.classes else None),
            f"{memory:,.0f}" if memory else "-",
            _goal(case, best, memory),
        )


def _goal(case: Case, best: Result, memory: float) -> str:
    """Return what was to be reached, and whether it was."""
    rate = best.steps / best.seconds
    if case.goal:
        return f"{case.goal:,} steps/s: {_met(rate >= case.goal)}"
    if case.within:
        met = _met(best.verdict == "verified" and best.seconds < case.within)
        return f"verified in {case.within:g} s: {met}"
    if case.step:
        took = 1e6 / rate
        return f"{case.step:g} us a step: {_met(took <= case.step)}, {took:.1f}"
    if case.room:
        return f"{case.room:g} B/state: {_met(memory <= case.room)}"
    return "-"


def reduction() -> Iterator[Row]:
    """Yield schedules, classes and states of scenarios that have all three."""
    for name, make in REDUCED:
        states = explore(make(), engine="states")
        orders = explore(make(), engine="orders")
        yield (
            name,
            _count(states.schedules),
            _count(orders.classes),
            _count(states.states),
        )


class Name(Message, frozen=True):
    """A name."""

    name: str


class Names(Struct):
    """The names so far."""

    names: str = ""


class Queue(Actor[Name]):
    """Takes names."""

    state: Names

    def __init__(self) -> None:
        self.state = Names()

    @receive
    def put(self, message: Name) -> None:
        """Keep it."""
        self.state.names += message.name


class Putter(Actor[Name]):
    """Puts its name into the queue."""

    def __init__(self, queue: ActorRef[Name]) -> None:
        self._queue = queue

    @receive
    def put(self, message: Name) -> None:
        """Put it."""
        self._queue.tell(message)


def _three(unwanted: str) -> Scenario:
    """Return three actors that put their names into a fourth one."""

    def scenario(world: World) -> None:
        queue = world.spawn(Queue(), "queue")
        for name in "abc":
            world.inject(world.spawn(Putter(queue), name), Name(name))
        world.invariant(queue, "not so", lambda state: state.names != unwanted)

    return scenario


def peers(python: str) -> Iterator[Row]:
    """Yield how the seeded event loops do on three tasks and a queue, and ours."""
    done = subprocess.run(  # noqa: S603 - the Python that was named
        [python, PEERS],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "0"},
    )
    began, taken = perf_counter(), 0
    while perf_counter() - began < _SECONDS:
        explore(_three("none"), engine="random", limits=Limits(schedules=_SCHEDULES))
        taken += _SCHEDULES
    ours = taken / (perf_counter() - began)
    every = explore(_three("none"), engine="orders")
    found = explore(_three("cba"), engine="random")
    yield (
        "ccw_actors.explore",
        f"{ours:,.0f}",
        "1.0",
        str(-(-found.steps // _STEPS)),
        f"yes: {every.classes} classes in {every.seconds * 1000:.1f} ms",
    )
    for name, one in json.loads(done.stdout).items():
        if "error" in one:
            yield name, "-", "-", "-", one["error"]
            continue
        after = one["found_after"]
        yield (
            name,
            f"{one['rate']:,.0f}",
            f"{ours / one['rate']:.1f}",
            str(after) if after else f"not in {one['tried']:,}",
            "no",
        )


HEADS = {
    "Speed": (
        "case",
        "engine",
        "verdict",
        "states",
        "classes",
        "steps",
        "seconds",
        "steps/s",
        "classes/s",
        "B/state",
        "goal",
    ),
    "Reduction": ("scenario", "schedules", "classes", "states"),
    "Three tasks and a queue": (
        "tool",
        "schedules/s",
        "ours is faster by",
        "found after",
        "can say that none was left out",
    ),
}


def table(title: str, rows: list[Row]) -> str:
    """Return a table as Markdown."""
    head = HEADS[title]
    lines = [f"## {title}", "", _line(head), _line(("---",) * len(head))]
    return "\n".join([*lines, *map(_line, rows), ""])


def _line(cells: Row) -> str:
    return "| " + " | ".join(cells) + " |"


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _met(met: bool) -> str:  # noqa: FBT001
    return "met" if met else "missed"


def main(arguments: list[str]) -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description="Measure how fast is explored.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--write", metavar="FILE", type=Path)
    options = parser.parse_args(arguments)
    tables = [
        table("Speed", list(speeds(quick=options.quick))),
        table("Reduction", list(reduction())),
    ]
    if options.peers:
        tables.append(table("Three tasks and a queue", list(peers(options.peers))))
    else:
        tables.append("The seeded event loops of PyPI were left out: see --peers.\n")
    text = "\n".join(tables)
    print(text)
    if options.write:
        options.write.write_text(f"# How fast\n\n{text}")


if __name__ == "__main__":
    main(sys.argv[1:])
