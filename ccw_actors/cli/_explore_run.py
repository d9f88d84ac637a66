"""Explores scenarios by their names, each so that its mistakes are its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Literal, NamedTuple

from ccw_actors.cli._scenario_names import find_predicate, find_scenario
from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import (
    Engine,
    InlineExecutor,
    Limits,
    Network,
    Noops,
    Progress,
    Result,
    Tick,
    Time,
    executor_of,
    explore,
    stop_now,
)

__all__ = ["Explored", "Options", "explore_all"]


class Options(NamedTuple):
    """How scenarios are explored; see `explore`. `within` is the name of a predicate.

    It can be pickled, as what goes to another process has to be.
    """

    engine: Engine | Literal["auto"]
    delivery: Network
    noops: Noops
    time: Time
    within: str
    capacity: int
    fingerprints: bool
    limits: Limits


class Explored(NamedTuple):
    """What became of one scenario: a result, or else an error in one line."""

    name: str
    result: Result | None
    error: str = ""


def explore_all(
    names: Sequence[str],
    options: Options,
    jobs: int,
    tick: Callable[[str, Progress], object],
) -> Iterator[Explored]:
    """Explore scenarios, so many at once; yield each when it is done.

    With one job `tick` is told how far it has come.
    """
    executor = executor_of(jobs)
    try:
        if isinstance(executor, InlineExecutor):
            for name in names:
                call = executor.submit(_explore, name, options, partial(tick, name))
                yield call.result()
            return
        yield from _side_by_side(executor, names, options)
    finally:
        stop_now(executor)


def _side_by_side(
    executor: Executor, names: Sequence[str], options: Options
) -> Iterator[Explored]:
    """Explore scenarios in other processes, which may end by themselves."""
    calls = {executor.submit(_explore, name, options): name for name in names}
    for call in as_completed(calls):
        try:
            yield call.result()
        except BrokenProcessPool:
            yield Explored(calls[call], None, "its process has ended")


def _explore(name: str, options: Options, tick: Tick | None = None) -> Explored:
    """Explore one scenario; whatever it raises is what it is found to do."""
    try:
        within = find_predicate(options.within) if options.within else None
        result = explore(
            find_scenario(name),
            engine=options.engine,
            delivery=options.delivery,
            noops=options.noops,
            time=options.time,
            within=within,
            capacity=options.capacity,
            fingerprints=options.fingerprints,
            limits=options.limits,
            tick=tick,
        )
    except CcwActorsError as error:
        return Explored(name, None, str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the scenario's own
        return Explored(name, None, f"{type(error).__name__}: {error}")
    return Explored(name, result)
