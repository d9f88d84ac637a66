"""Measures explorations in several processes: engines that place them, and shares.

python benchmarks/cluster.py                 all of it: about half an hour
python benchmarks/cluster.py --managers 7    shares of fewer states
python benchmarks/cluster.py --quick         check that it works; ignore the numbers
python benchmarks/cluster.py --write FILE    also write the tables to a file

Engines that are not installed are left out:
pip install 'ccw-actors[cluster,bench-links]'
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, as_completed
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import psutil
import typer

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.cluster_calls import (
    chain,
    explore_scenario,
    nothing,
    two_phase,
    wait,
)
from benchmarks.cluster_engines import (
    ENGINES,
    WorkEngine,
    kill,
    memory_of_children,
    size_of,
)
from benchmarks.cluster_model import Costs, simulated
from benchmarks.cluster_shares import timed
from benchmarks.machine import describe
from benchmarks.tables import Row, table
from ccw_actors.cluster import explore_in_shares, share_executor
from ccw_actors.explore import Limits, explore, stop_now
from ccw_actors.explore.shares import Setting

CALLS = 500
SCENARIOS = ("seed", "clear-twice", "clear-anywhere", "halt-anywhere", "busy") * 4
NAPS, NAP = 16, 0.25
ENDLESS = Limits(states=1 << 62, steps=1 << 62, seconds=1e9)
MIB = 1 << 20
LENGTHS = 200, 1_200
"""Levels of two explorations, whose difference is what levels cost."""
FEWER = 7
"""Managers of explorations that only serve to compare or to measure a cost."""

FASTER = 1.5
"""The goal: how many times as fast as one process two shares are."""


class Measured(NamedTuple):
    """What an engine with two workers did; times in seconds, sizes in MiB."""

    start: float
    calls: float
    explored: float
    killed: str
    memory: int
    size: int


def main(
    *,
    managers: Annotated[int, typer.Option(min=2)] = 9,
    quick: Annotated[bool, typer.Option("--quick")] = False,
    write: Annotated[Path | None, typer.Option()] = None,
    whole: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure."""
    if whole is not None:
        typer.echo(_alone(whole))
        return
    scenarios = SCENARIOS[:2] if quick else SCENARIOS
    found: dict[str, Measured | str] = {}
    for name, start in ENGINES.items():
        try:
            found[name] = _engine(start, scenarios, 20 if quick else CALLS)
        except ModuleNotFoundError as error:
            found[name] = f"{error.name} is not installed"
    page = "\n\n".join(
        [
            "# Explorations in several processes",
            f"By `python benchmarks/cluster.py`. {describe()}.",
            _engines_table(found, len(scenarios)),
            *_shares(3 if quick else managers),
        ]
    )
    typer.echo(page)
    if write is not None:
        write.write_text(page)


# -- engines ------------------------------------------------------------------------


def _engine(
    start: Callable[[], WorkEngine], scenarios: tuple[str, ...], calls: int
) -> Measured:
    began = time.perf_counter()
    engine = start()
    try:
        engine.submit(nothing, 0).result()
        started = time.perf_counter()
        _all(engine.submit(nothing, one) for one in range(calls))
        called = time.perf_counter()
        _all(engine.submit(explore_scenario, one) for one in scenarios)
        explored = time.perf_counter()
        memory = memory_of_children()
        killed = _killed(engine)
    finally:
        engine.stop()
    return Measured(
        started - began,
        calls / (called - started),
        explored - called,
        killed,
        memory,
        size_of(engine.packages),
    )


def _all(calls: Iterable[Future[int]]) -> None:
    for one in as_completed(list(calls)):
        one.result()


def _killed(engine: WorkEngine) -> str:
    """Return how many calls had a result although a worker was killed, and when."""
    began = time.perf_counter()
    naps: list[Future[int]] = [engine.submit(wait, NAP) for _ in range(NAPS)]
    kill(naps[0].result())
    done = 0
    for one in naps:
        try:
            one.result()
            done += 1
        except Exception:  # noqa: BLE001, S112 - whichever error the engine has
            continue
    return f"{done} of {NAPS} in {time.perf_counter() - began:.1f} s"


def _engines_table(found: dict[str, Measured | str], scenarios: int) -> str:
    head = (
        "engine",
        "start",
        "short calls a second",
        f"{scenarios} explorations",
        "calls done after a kill",
        "memory",
        "on disk",
    )
    rows: list[Row] = [
        (name, one)
        if isinstance(one, str)
        else (
            name,
            f"{one.start:.1f} s",
            f"{one.calls:,.0f}",
            f"{one.explored:.1f} s",
            one.killed,
            f"{one.memory} MiB",
            f"{one.size} MiB",
        )
        for name, one in found.items()
    ]
    return table("Engines, with two workers", head, rows)


# -- shares -------------------------------------------------------------------------


class Explored(NamedTuple):
    """One exploration: seconds, states, steps, and the peak memory of a process."""

    seconds: float
    states: int
    steps: int
    memory: int


def _alone(managers: int) -> str:
    """Explore in this process; return the numbers as a line."""
    began = time.perf_counter()
    found = explore(two_phase(managers), fingerprints=True, limits=ENDLESS)
    took = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return f"{took} {found.states} {found.steps} {memory}"


def _in_processes(managers: int, count: int) -> list[Explored]:
    """Explore the whole in each of several processes at the same time."""
    order = [sys.executable, __file__, "--whole", f"{managers}"]
    running = [
        subprocess.Popen(order, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this script
        for _ in range(count)
    ]
    found: list[Explored] = []
    for one in running:
        seconds, *others = one.communicate()[0].split()
        found.append(Explored(float(seconds), *map(int, others)))
    return found


def _in_shares(managers: int, count: int) -> Explored:
    executor = share_executor(count)
    began = time.perf_counter()
    try:
        setting = Setting(partial(two_phase, managers))
        found = explore_in_shares(setting, executor, count, limits=ENDLESS)
        took = time.perf_counter() - began
        peaks = [_peak(one.pid) for one in psutil.Process().children()]
    finally:
        stop_now(executor)
    return Explored(took, found.states or 0, found.steps, max(peaks))


def _peak(process: int) -> int:
    """Return the peak memory of a process, in MiB (proc(5): VmHWM)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


def _shares(managers: int) -> list[str]:
    """Measure, and return the tables."""
    fewer = min(managers, FEWER)
    (small,), both = _in_processes(fewer, 1), _in_processes(fewer, 2)
    possible = 2 * small.seconds / max(each.seconds for each in both)
    (one,) = _in_processes(managers, 1)
    shared = _in_shares(managers, 2)
    if (shared.states, shared.steps) != (one.states, one.steps):
        raise RuntimeError(f"two shares found {shared}, one process {one}")
    faster = one.seconds / shared.seconds
    rows: list[Row] = [
        _row("one process", one),
        _row("two shares", shared),
    ]
    verdict = "met" if faster >= FASTER else "missed"
    text = (
        f"Two-phase commit with {managers} managers. Two shares are {faster:.2f} times"
        f" as fast as one process (goal {FASTER}: {verdict}). Two processes that have"
        f" nothing to do with each other do {possible:.2f} times the work of one here"
        f" ({fewer} managers, each explores the whole): two shares can hardly do more."
    )
    head = "how", "seconds", "states", "states a second", "memory of a process"
    title = table("One state space in two shares", head, rows)
    return [title, text, simulated(_costs(one, small, fewer))]


def _row(how: str, one: Explored) -> Row:
    rate = f"{one.states / one.seconds:,.0f}"
    return how, f"{one.seconds:.1f}", f"{one.states:,}", rate, f"{one.memory} MiB"


# -- costs --------------------------------------------------------------------------


def _costs(alone: Explored, small: Explored, managers: int) -> Costs:
    """Measure what a simulation needs, in this process, on fewer states."""
    more = alone.states - small.states
    whole, halves = timed(managers, 1), timed(managers, 2)
    return Costs(
        step=whole.seconds / whole.steps,
        mark=max(0.0, halves.seconds - whole.seconds) / halves.away,
        report=_report(),
        memory=MIB * (alone.memory - small.memory) / max(1, more),
        on_the_way=halves.size / halves.given,
        steps=alone.steps / alone.states,
        levels=whole.levels,
    )


def _report() -> float:
    """Return what each share costs the coordinator in each level, in seconds."""
    short, long = (_chain(length) for length in LENGTHS)
    return max(0.0, long - short) / (LENGTHS[1] - LENGTHS[0]) / 2


def _chain(length: int) -> float:
    executor = share_executor(2)
    try:
        # The first call waits for the processes to start.
        return [_chain_once(executor, length) for _ in range(2)][-1]
    finally:
        stop_now(executor)


def _chain_once(executor: Executor, length: int) -> float:
    began = time.perf_counter()
    explore_in_shares(Setting(partial(chain, length)), executor, 2)
    return time.perf_counter() - began


if __name__ == "__main__":
    typer.run(main)
