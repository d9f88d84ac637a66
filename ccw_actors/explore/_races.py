"""Finds two steps of one actor whose other order can avoid the fault."""

from collections.abc import Iterator, Mapping
from itertools import islice

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._causality import Causality
from ccw_actors.explore._effort import Effort
from ccw_actors.explore._global_state import Offer, State
from ccw_actors.explore._replay import Way, steps_of
from ccw_actors.explore._result import Step

__all__ = ["last_race"]

_STEPS_MAX = 2_000
_PAIRS_MAX = 300


def last_race(
    model: ActorModel, way: Way[State, Offer], causal: Causality, effort: Effort
) -> tuple[tuple[int, int] | None, tuple[Step, ...]]:
    """Return the last pair whose exchange passes, and the way with that exchange.

    The last `_PAIRS_MAX` pairs are tried.
    """
    names = [step.name for step in steps_of(model, way)]
    for one, other in islice(_raced_pairs(way, causal), _PAIRS_MAX):
        order = _exchanged(causal, len(names), one, other)
        wanted = [names[number] for number in order]
        passing = _passes(model, way.states[0], wanted, effort)
        if passing:
            return (one, other), passing
        if effort.is_spent:
            break
    return None, ()


def _raced_pairs(
    way: Way[State, Offer], causal: Causality
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of steps that have raced, the last ones first."""
    for other in reversed(range(len(way.actions))):
        for one in reversed(range(other)):
            if _raced(way, causal, one, other):
                yield one, other


def _exchanged(causal: Causality, count: int, one: int, other: int) -> list[int]:
    """Return the numbers of `count` steps, with two of them exchanged.

    Steps that depend on the first of the two come after both.
    """
    between = [
        number
        for number in range(one + 1, other)
        if not causal.before[number] >> one & 1
    ]
    after = [number for number in range(one + 1, count) if number != other]
    rest = [number for number in after if number not in between]
    return [*range(one), *between, other, one, *rest]


def _raced(way: Way[State, Offer], causal: Causality, one: int, other: int) -> bool:
    """Whether two steps of one actor could have come in the other order."""
    first, second = way.actions[one], way.actions[other]
    if first.owner != second.owner or first.process == second.process:
        return False
    cause = causal.causes[other]
    return cause < one or (cause != one and not causal.before[cause] >> one & 1)


def _passes(
    model: ActorModel, state: State, names: list[str], effort: Effort
) -> tuple[Step, ...]:
    """Take steps with these names where possible, then any, to the end.

    Return the steps if they met no fault, none otherwise.
    """
    steps: list[Step] = []
    wanted = list(names)
    while len(steps) < _STEPS_MAX and not effort.spend():
        moves = model.moves(state)
        if not moves:
            return () if model.rest(state) else tuple(steps)
        by_name = {model.step(state, offer).name: (offer, at) for offer, at in moves}
        offer, after = by_name[_next_name(by_name, wanted)]
        steps.append(model.step(state, offer))
        state = after
        if model.violation(state):
            return ()
    return ()


def _next_name(possible: Mapping[str, object], wanted: list[str]) -> str:
    """Return the first name that is wanted and possible, else the first possible.

    Removes the wanted names up to there.
    """
    name = next((one for one in wanted if one in possible), None)
    if name is None:
        return next(iter(possible))
    del wanted[: wanted.index(name) + 1]
    return name
