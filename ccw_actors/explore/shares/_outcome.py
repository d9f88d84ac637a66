"""Makes one result of what all shares have found."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
from msgspec.structs import replace

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._coverage import Coverage
from ccw_actors.explore._entry import Scope, result_of
from ccw_actors.explore._model import Model
from ccw_actors.explore._result import DeadLetter, Result, Step
from ccw_actors.explore._scope import covers, leaves_out
from ccw_actors.explore._states import Found
from ccw_actors.explore._together import seen_together
from ccw_actors.explore.shares._setting import Base, Setting
from ccw_actors.explore.shares._share import NOWHERE, ShareFault

__all__ = ["SharePart", "Total", "outcome", "part_of", "way_to"]

_NOT_LOOKED_FOR = (
    " Shares do not look for actors that wait forever in a run that goes round."
)


class SharePart(msgspec.Struct, frozen=True, kw_only=True):
    """What one share has seen; see `Result`."""

    vacuous: tuple[str, ...]
    coverage: Coverage | None
    dead_letters: tuple[DeadLetter, ...]


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What all shares have counted, and the fault, if there is one, with the way to it.

    `limit` is the limit that was reached, "" for none.
    """

    states: int
    steps: int
    limit: str
    violation: str
    path: tuple[Step, ...]
    seconds: float


def part_of(model: Model[Any, Any]) -> SharePart:
    """Return what was seen of a model in one share."""
    if isinstance(model, ActorModel):
        return SharePart(
            vacuous=model.vacuous(),
            coverage=model.coverage(),
            dead_letters=model.dead_letters,
        )
    return SharePart(vacuous=model.vacuous(), coverage=None, dead_letters=())


def way_to(base: Base, fault: ShareFault, marks: Sequence[int]) -> tuple[Step, ...]:
    """Return the steps to a fault through the states with these marks, in order.

    The first one is initial. Only marks are kept of states, so the steps are found
    again here.
    """
    model, mark_of = base.model, base.exchange.mark
    if not marks:
        return ()
    state = next(one for one in model.initial() if mark_of(one) == marks[0])
    steps: list[Step] = []
    for _, mark in pairwise(marks):
        action, after = next(
            one for one in model.moves(state) if mark_of(one[1]) == mark
        )
        steps.append(model.step(state, action))
        state = after
    if fault.is_after and fault.mark != NOWHERE:
        action = next(
            action
            for action, after in model.moves(state)
            if mark_of(after) is None and model.violation(after) == fault.violation
        )
        steps.append(model.step(state, action))
    return tuple(steps)


def outcome(
    setting: Setting, base: Base, parts: Sequence[SharePart], total: Total
) -> Result:
    """Return the result of an exploration in shares."""
    found = Found(
        total.violation,
        total.path,
        total.limit,
        total.states,
        total.steps,
        None,
        None,
        0,
        frozenset(),
    )
    seen = seen_together(parts)
    result = result_of(found, _scope(setting, base), seen, total.seconds)
    if result.verdict == "verified" and base.model.has_waiting:
        return replace(result, scope=result.scope + _NOT_LOOKED_FOR)
    return result


def _scope(setting: Setting, base: Base) -> Scope:
    cut = leaves_out(setting.predicate(), setting.capacity)
    noops, model = setting.noops, base.model
    if isinstance(model, ActorModel):
        what = covers(model, noops) + cut
        of = setting.delivery, noops, setting.time, what
        return Scope("states", *of, fingerprints=True)
    what = f"states of a transition system{cut}"
    return Scope("states", None, noops, None, what, fingerprints=True)
