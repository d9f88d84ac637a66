"""Explores one scenario in several pieces at once, or in several shares."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import typer

from ccw_actors.cli._explore_run import Explored, Options
from ccw_actors.cli._own_code import why_failed
from ccw_actors.cli._own_files import check_files, digests_of, placed
from ccw_actors.cli._scenario_names import Explored as AnyScenario
from ccw_actors.cli._scenario_names import find_predicate, find_scenario
from ccw_actors.cli._where import Where
from ccw_actors.cluster import ClusterExecutor, explore_in_shares, share_executor
from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import (
    EngineInPieces,
    FoundPiece,
    Piece,
    Progress,
    Result,
    Tick,
    explore_piece,
    merge_pieces,
    stop_now,
)
from ccw_actors.explore.shares import Setting

__all__ = ["Split", "explore_split"]

_IN_PIECES = ("orders", "random", "pos")
_IN_SHARES = ("auto", "states")


class Split(NamedTuple):
    """In how many pieces or shares a scenario is explored, and where."""

    parts: int
    where: Where
    certificates: Path | None = None


class _Piece(NamedTuple):
    """What was found in a piece, or an error in one line."""

    found: FoundPiece | None
    error: str = ""


class _PieceError(CcwActorsError):
    """A piece could not be explored."""


def explore_split(
    names: Sequence[str],
    options: Options,
    split: Split,
    tick: Callable[[str, Progress], object],
) -> Iterator[Explored]:
    """Explore scenarios one after the other, each in pieces or shares.

    Raises:
        typer.BadParameter: The engine explores only as a whole, or options do not go
            together.
    """
    _check(options, split)
    for name in names:
        try:
            yield Explored(name, _explored(name, options, split, partial(tick, name)))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as `explore_all`
            yield Explored(name, None, why_failed(error))


def _check(options: Options, split: Split) -> None:
    """Refuse options that do not go together."""
    in_shares = options.engine in _IN_SHARES
    for applies, reason in (
        (
            options.engine not in _IN_PIECES + _IN_SHARES,
            f"--split takes states, orders, random and pos, not {options.engine}",
        ),
        (
            in_shares and split.where.resume is not None,
            "--resume keeps whole pieces; the engine states has none with --split",
        ),
        (
            in_shares and split.where.jobs != 1,
            "--split begins a process for each share of the states: leave out --jobs",
        ),
        (
            split.certificates and not (in_shares and split.where.cluster),
            "--certificates are for shares of the states on a --cluster",
        ),
    ):
        if applies:
            raise typer.BadParameter(reason)


def _explored(name: str, options: Options, split: Split, tick: Tick) -> Result:
    whole = [placed(options.within), placed(name)]
    options = options._replace(within=whole[0], files=digests_of(whole))
    if options.engine in _IN_SHARES:
        return _in_shares(whole[1], options, split, tick)
    with split.where.executor(lambda one: not one.error) as executor:
        return _in_pieces(whole[1], options, split.parts, executor)


# -- shares --------------------------------------------------------------------------


def _in_shares(name: str, options: Options, split: Split, tick: Tick) -> Result:
    files, within = options.files, options.within
    setting = Setting(
        partial(_scenario, name, files),
        options.delivery,
        options.noops,
        options.time,
        partial(find_predicate, within) if within else None,
        options.capacity,
    )
    cluster = split.where.cluster
    executor: Executor = (
        ClusterExecutor(cluster) if cluster else share_executor(split.parts)
    )
    try:
        return explore_in_shares(
            setting,
            executor,
            split.parts,
            limits=options.limits,
            tick=tick,
            certificates=split.certificates,
        )
    finally:
        stop_now(executor)


def _scenario(name: str, files: dict[str, str]) -> AnyScenario:
    """Return a scenario in a process that may be on another host."""
    check_files(files)
    return find_scenario(name)


# -- pieces --------------------------------------------------------------------------


def _in_pieces(name: str, options: Options, count: int, executor: Executor) -> Result:
    calls = [
        executor.submit(_explore_piece, name, options, Piece(number, count))
        for number in range(count)
    ]
    pieces = [call.result() for call in calls]
    error = next((one.error for one in pieces if one.error), "")
    if error:
        raise _PieceError(error)
    return merge_pieces(
        [one.found for one in pieces if one.found is not None],
        engine=_engine(options),
        delivery=options.delivery,
        noops=options.noops,
        time=options.time,
        limits=options.limits,
    )


def _explore_piece(name: str, options: Options, piece: Piece) -> _Piece:
    """Explore one piece; whatever the scenario's code raises becomes the error."""
    within: Any = None
    try:
        scenario = _scenario(name, options.files)
        if options.within:
            within = find_predicate(options.within)
        found = explore_piece(
            scenario,
            piece,
            engine=_engine(options),
            delivery=options.delivery,
            noops=options.noops,
            time=options.time,
            within=within,
            capacity=options.capacity,
            limits=options.limits,
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the scenario's own
        return _Piece(None, why_failed(error))
    return _Piece(found)


def _engine(options: Options) -> EngineInPieces:
    return cast("EngineInPieces", options.engine)
