"""One exploration in pieces, each of which can be explored in another process.

A piece of the engines "random" and "pos" is a range of schedules, one of "orders" a
range of subtrees. What the pieces find together does not depend on how many there are,
except for the number of steps up to a fault.
"""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._coverage import Coverage
from ccw_actors.explore._entry import RECHECK, Scope, result_of
from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._plain import TransitionSystem
from ccw_actors.explore._result import (
    DeadLetter,
    Limits,
    Network,
    Noops,
    Result,
    Step,
    Time,
)
from ccw_actors.explore._sample import explore_some, schedules_limit
from ccw_actors.explore._scope import covers, leaves_out
from ccw_actors.explore._soundness import check_sound
from ccw_actors.explore._states import Found
from ccw_actors.explore._subtrees import Subtrees, count_subtrees
from ccw_actors.explore._together import seen_together
from ccw_actors.explore._world import Scenario

__all__ = ["EngineInPieces", "FoundPiece", "Piece", "explore_piece", "merge_pieces"]

EngineInPieces: TypeAlias = Literal["orders", "random", "pos"]
"""The engines whose work comes in pieces that do not need each other."""


class Piece(NamedTuple):
    """Piece `number` (from 0) of so many `pieces`."""

    number: int
    pieces: int

    def range_of(self, count: int) -> range:
        """Return the part of so many schedules or subtrees that this piece has."""
        first = count * self.number // self.pieces
        return range(first, count * (self.number + 1) // self.pieces)


class FoundPiece(msgspec.Struct, frozen=True, kw_only=True):
    """What one piece has found.

    `at` is the number of the schedule or subtree with the fault, if there is one. The
    other fields are those of `Result`.
    """

    actors: int
    what: str
    at: int
    violation: str
    path: tuple[Step, ...]
    limit: str
    steps: int
    classes: int | None
    blocked: int
    seconds: float
    vacuous: tuple[str, ...]
    coverage: Coverage
    dead_letters: tuple[DeadLetter, ...]


class _Work(NamedTuple):
    found: Found
    at: int


def explore_piece(
    scenario: Scenario | TransitionSystem[Any, Any],
    piece: Piece,
    *,
    engine: EngineInPieces,
    delivery: Network = "channel",
    noops: Noops = "consumed",
    time: Time = "untimed",
    within: Callable[[Any], object] | None = None,
    capacity: int = 0,
    limits: Limits | None = None,
) -> FoundPiece:
    """Explore one piece of a scenario; `merge_pieces` makes the result of all.

    The options are those of `explore`. The limits are those of the piece, but
    `schedules` are all schedules of all pieces.

    Raises `ExploreError` for a plain transition system, which has the engine "states"
    only, and what `explore` raises.
    """
    if isinstance(scenario, TransitionSystem):
        raise ExploreError(
            f"a plain transition system has engine 'states' only, not {engine!r}"
        )
    began = perf_counter()
    bounds = Limits() if limits is None else limits
    model = ActorModel(
        scenario, delivery, RECHECK, time, noops, within=within, capacity=capacity
    )
    if engine == "orders":
        work = _some_subtrees(model, piece, bounds)
    else:
        work = _some_schedules(model, piece, bounds, by_priority=engine == "pos")
    found, at = work
    return FoundPiece(
        actors=len(model.compact.paths),
        what=covers(model, noops) + leaves_out(within, capacity),
        at=at,
        violation=found.violation,
        path=found.path,
        limit=found.limit,
        steps=found.steps,
        classes=found.classes,
        blocked=found.blocked,
        seconds=perf_counter() - began,
        vacuous=model.vacuous(),
        coverage=model.coverage(),
        dead_letters=model.dead_letters,
    )


def _some_schedules(
    model: ActorModel, piece: Piece, limits: Limits, *, by_priority: bool
) -> _Work:
    """Take a range of all random schedules."""
    mine = piece.range_of(limits.schedules)
    if not mine:
        return _Work(Found("", (), "", None, 0, None, None, 0, frozenset()), 0)
    found, at = explore_some(
        model,
        replace(limits, schedules=mine.stop),
        by_priority=by_priority,
        first=mine.start,
    )
    is_done = not found.violation and at == mine.stop
    return _Work(found._replace(limit="") if is_done else found, at)


def _some_subtrees(model: ActorModel, piece: Piece, limits: Limits) -> _Work:
    """Explore a range of all subtrees."""
    check_sound(model)
    depth, count = count_subtrees(model, limits)
    mine = piece.range_of(count)
    search = Subtrees(model, depth, mine.start, mine.stop, repeats=piece.number == 0)
    search.search(limits)
    path = search.path() if search.violation else ()
    limit = "" if search.violation else search.limit
    classes = None if search.violation or limit else search.classes
    found = Found(
        search.violation,
        path,
        limit,
        None,
        search.steps,
        None,
        classes,
        search.blocked,
        frozenset(),
    )
    return _Work(found, search.count)


def merge_pieces(
    pieces: Sequence[FoundPiece],
    *,
    engine: EngineInPieces,
    delivery: Network = "channel",
    noops: Noops = "consumed",
    time: Time = "untimed",
    limits: Limits | None = None,
) -> Result:
    """Return the result of all pieces of an exploration, in their order.

    The fault is the first one in the order of schedules or subtrees. `seconds` are
    those of all pieces together.
    """
    faulty = [one for one in pieces if one.violation]
    first = min(faulty, key=lambda one: one.at) if faulty else None
    counted = [one.classes for one in pieces if one.classes is not None]
    found = Found(
        first.violation if first is not None else "",
        first.path if first is not None else (),
        "" if first is not None else _limit(pieces, engine, limits),
        None,
        sum(one.steps for one in pieces),
        None,
        sum(counted) if len(counted) == len(pieces) else None,
        sum(one.blocked for one in pieces),
        frozenset(),
    )
    what = max(pieces, key=lambda one: one.actors).what
    scope = Scope(engine, delivery, noops, time, what, fingerprints=False)
    seen = seen_together(pieces)
    return result_of(found, scope, seen, sum(one.seconds for one in pieces))


def _limit(
    pieces: Sequence[FoundPiece], engine: EngineInPieces, limits: Limits | None
) -> str:
    """Return the limit that ended the first piece that one ended; "" for none."""
    reached = next((one.limit for one in pieces if one.limit), "")
    if reached or engine == "orders":
        return reached
    return schedules_limit(Limits() if limits is None else limits)
