"""Measures how fast scenarios and plain transition systems are explored.

python benchmarks/explore.py            every case, the best of three rounds
python benchmarks/explore.py --quick    one round of the small ones
"""

import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# Run as a script, it finds its own folder on the path, not the one that it is in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ccw_actors.explore import (
    Engine,
    Network,
    Result,
    Scenario,
    TransitionSystem,
    explore,
)
from ccw_actors.scenarios import bank_transfer, ping_pong
from ccw_actors.scenarios.paxos import paxos
from ccw_actors.scenarios.two_phase import two_phase

ROUNDS = 3


class Case(NamedTuple):
    """One thing to explore; `make` because a system remembers what it has seen.

    `goal` is in steps per second on one core, 0 for none.
    """

    name: str
    make: Callable[[], Scenario | TransitionSystem[Any, Any]]
    engine: Engine = "states"
    delivery: Network = "channel"
    goal: int = 0
    is_small: bool = True


CASES = (
    Case("two-phase commit, 3", lambda: two_phase(3), goal=100_000),
    Case("two-phase commit, 5", lambda: two_phase(5), goal=100_000),
    Case("two-phase commit, 7", lambda: two_phase(7), goal=100_000, is_small=False),
    Case("Paxos, 2 clients", lambda: paxos(2), delivery="unordered", goal=50_000),
    Case("ping-pong, 2,000", lambda: ping_pong(2_000), goal=50_000),
    Case("bank, 4 tellers", lambda: bank_transfer(4), goal=50_000),
    Case("bank, 5 tellers", lambda: bank_transfer(5), goal=50_000, is_small=False),
    Case("bank, 4 tellers", lambda: bank_transfer(4), "orders"),
    Case("bank, 5 tellers", lambda: bank_transfer(5), "orders", is_small=False),
)


def run(case: Case) -> Result:
    """Explore once."""
    return explore(case.make(), engine=case.engine, delivery=case.delivery)


def bytes_per_state(case: Case) -> float:
    """Explore once more and return how much memory a state takes at the most."""
    tracemalloc.start()
    result = run(case)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / result.states if result.states else 0.0


def main(arguments: list[str]) -> None:
    """Run the cases and print a table."""
    quick = "--quick" in arguments
    print(
        f"{'case':24}{'engine':8}{'verdict':10}{'states':>9}{'orders':>8}"
        f"{'steps':>10}{'seconds':>9}{'steps/s':>10}{'goal':>9}{'B/state':>9}"
    )
    for case in CASES:
        if quick and not case.is_small:
            continue
        rounds = [run(case) for _ in range(1 if quick else ROUNDS)]
        best = min(rounds, key=lambda result: result.seconds)
        memory = bytes_per_state(case) if best.states else 0
        goal = f"{case.goal:,}" if case.goal else "-"
        print(
            f"{case.name:24}{case.engine:8}{best.verdict:10}{best.states or '-':>9}"
            f"{best.classes or '-':>8}{best.steps:>10}{best.seconds:>9.2f}"
            f"{best.steps / best.seconds:>10,.0f}{goal:>9}{memory:>9.0f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
