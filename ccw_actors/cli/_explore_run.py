"""Explores scenarios by name; one that fails does not stop the others."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Literal, NamedTuple

from ccw_actors.cli._own_code import why_failed
from ccw_actors.cli._own_files import check_files, digests_of, placed
from ccw_actors.cli._scenario_names import find_predicate, find_scenario
from ccw_actors.cli._where import Where
from ccw_actors.cluster import CallLostError
from ccw_actors.explore import (
    Engine,
    Limits,
    Network,
    Noops,
    Progress,
    Result,
    Tick,
    Time,
    explore,
)

__all__ = ["Explored", "Options", "explore_all"]


class Options(NamedTuple):
    """How scenarios are explored; see `explore`. `within` is the name of a predicate.

    `files` are the user's files that this depends on, with their digests. It is pickled
    when it goes to another process.
    """

    engine: Engine | Literal["auto"]
    delivery: Network
    noops: Noops
    time: Time
    limits: Limits
    within: str = ""
    capacity: int = 0
    fingerprints: bool = False
    files: dict[str, str] = {}  # noqa: RUF012 - a field, which nobody changes


class Explored(NamedTuple):
    """The result of one scenario, or an error in one line."""

    name: str
    result: Result | None
    error: str = ""


def explore_all(
    names: Sequence[str],
    options: Options,
    where: Where,
    tick: Callable[[str, Progress], object],
) -> Iterator[Explored]:
    """Explore scenarios; yield each when it is done.

    In this process `tick` is called with the name and the progress.
    """
    with where.executor(lambda one: not one.error) as executor:
        if where.is_here:
            for name in names:
                call = executor.submit(_explore, name, options, partial(tick, name))
                yield call.result()
            return
        yield from _side_by_side(executor, names, options)


def _side_by_side(
    executor: Executor, names: Sequence[str], options: Options
) -> Iterator[Explored]:
    """Explore scenarios in other processes, any of which may end unexpectedly."""
    whole = [options.within, *map(placed, names)]
    options = options._replace(within=placed(options.within), files=digests_of(whole))
    calls = {executor.submit(_explore, placed(name), options): name for name in names}
    for call in as_completed(calls):
        name = calls[call]
        try:
            yield call.result()._replace(name=name)
        except BrokenProcessPool:
            yield Explored(name, None, "the process that explored it has ended")
        except CallLostError as error:
            yield Explored(name, None, str(error))


def _explore(name: str, options: Options, tick: Tick | None = None) -> Explored:
    """Explore one scenario; whatever its code raises becomes the error."""
    try:
        check_files(options.files)
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
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the scenario's own
        return Explored(name, None, why_failed(error))
    return Explored(name, result)
