"""Explains a counterexample.

| part | what it says |
|---|---|
| slice | which steps are needed: without any of them the fault is not met |
| order | the same steps, as far as possible in the order the messages were sent |
| race | two steps of one actor whose other order avoids the fault |
| passing | a schedule with that order, to its end |
| no return | the step after which every continuation meets a fault |
"""

from collections.abc import Iterable
from typing import Any

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._causality import Causality, causality
from ccw_actors.explore._effort import Bound, Effort
from ccw_actors.explore._errors import CounterexampleError
from ccw_actors.explore._explanation import Explanation, Overtaking
from ccw_actors.explore._global_state import Offer, State
from ccw_actors.explore._no_return import point_of_no_return
from ccw_actors.explore._plain import PlainModel, TransitionSystem, is_plain
from ccw_actors.explore._races import last_race
from ccw_actors.explore._replay import Way, follow, steps_of
from ccw_actors.explore._result import Limits, Result, Step
from ccw_actors.explore._states import explore_states
from ccw_actors.explore._world import Scenario

__all__ = ["explain"]

_STATES_MAX = 50_000
_SECONDS_MAX = 10.0
_TRIED_MAX = 300


def explain(
    scenario: Scenario | TransitionSystem[Any, Any],
    result: Result,
    *,
    states_max: int = _STATES_MAX,
    seconds_max: float = _SECONDS_MAX,
) -> Explanation:
    """Explain the counterexample of a refuted scenario.

    Each part (a shorter counterexample, the steps needed, the race, the point of no
    return) visits at most `states_max` states and takes at most `seconds_max`. The
    explanation names the parts that were given up. Raises `CounterexampleError` for a
    result that is not refuted, and `ReplayError` if the steps cannot be taken in the
    scenario.
    """
    bound = Bound(states_max, seconds_max)
    if result.verdict != "refuted":
        raise CounterexampleError(f"expected a refuted result, got {result.verdict!r}")
    if not result.counterexample:
        return _bare(result, (), None, None)
    if is_plain(scenario):
        return _explain_plain(scenario, result, bound)
    assert not isinstance(scenario, TransitionSystem), "`is_plain` has said so"
    delivery, time = result.delivery or "channel", result.time or "untimed"
    model = ActorModel(scenario, delivery, 0, time, result.noops)
    way = _taken(model, result.names)
    if result.engine != "states":
        way = _shorter(model, way, bound)
    way = _in_order_sent(model, way, causality(model, way.states, way.actions))
    return _explain_way(model, way, result.violation, bound)


def _explain_way(
    model: ActorModel, way: Way[State, Offer], violation: str, bound: Bound
) -> Explanation:
    causal = causality(model, way.states, way.actions)
    not_found: list[str] = []
    needed = _needed(model, way, causal, bound.begin("the steps needed", not_found))
    race: tuple[int, int] | None = None
    passing: tuple[Step, ...] = ()
    no_return: int | None = None
    out: Step | None = None
    if not way.goes_round:
        race, passing = last_race(model, way, causal, bound.begin("a race", not_found))
        no_return, out = point_of_no_return(
            model, way, bound.begin("the point of no return", not_found)
        )
    return Explanation(
        violation=violation,
        steps=steps_of(model, way),
        causes=causal.causes,
        needed=needed,
        overtakings=_overtakings(way, causal),
        race=race,
        passing=passing,
        no_return=no_return,
        way_out=out,
        not_found=tuple(not_found),
    )


def _explain_plain(
    system: TransitionSystem[Any, Any], result: Result, bound: Bound
) -> Explanation:
    model = PlainModel(system)
    way = follow(model, result.names)
    if way.lost is not None:
        raise way.lost
    not_found: list[str] = []
    search = bound.begin("the point of no return", not_found)
    found = point_of_no_return(model, way, search)
    return _bare(result, result.counterexample, *found, tuple(not_found))


def _bare(
    result: Result,
    steps: tuple[Step, ...],
    no_return: int | None,
    out: Step | None,
    not_found: tuple[str, ...] = (),
) -> Explanation:
    return Explanation(
        violation=result.violation,
        steps=steps,
        causes=(),
        needed=tuple(range(len(steps))),
        overtakings=(),
        race=None,
        passing=(),
        no_return=no_return,
        way_out=out,
        not_found=not_found,
    )


def _taken(model: ActorModel, names: Iterable[str]) -> Way[State, Offer]:
    way = follow(model, names)
    if way.lost is not None:
        raise way.lost
    return way


def _shorter(
    model: ActorModel, way: Way[State, Offer], bound: Bound
) -> Way[State, Offer]:
    """Return a shortest way to the same fault, if one is found within the bound."""
    limits = Limits(states=bound.states, seconds=bound.seconds)
    found = explore_states(model, limits)
    if found.violation != way.violation:
        return way
    return _taken(model, [step.name for step in found.path])


# -- order ------------------------------------------------------------------------


def _in_order_sent(
    model: ActorModel, way: Way[State, Offer], causal: Causality
) -> Way[State, Offer]:
    """Return an equivalent way that handles the oldest message first where it can."""
    names = [step.name for step in steps_of(model, way)]
    last = len(names) - 1
    order = [*_oldest_first(causal, last), last]
    again = follow(model, [names[number] for number in order])
    same = again.lost is None and again.violation == way.violation
    return again if same and len(again.actions) == len(names) else way


def _oldest_first(causal: Causality, count: int) -> list[int]:
    """Return the first `count` steps in the order in which their messages were sent."""
    left = dict.fromkeys(range(count))
    order: list[int] = []
    done = 0
    while left:
        ready = [one for one in left if not causal.before[one] & ~done]
        one = min(ready, key=lambda number: (_place(order, causal, number), number))
        del left[one]
        order.append(one)
        done |= 1 << one
    return order


def _place(order: list[int], causal: Causality, number: int) -> tuple[int, int]:
    """Return when, in a new order, the message of a step was sent."""
    cause, at = causal.sent_at[number]
    return (order.index(cause) if cause in order else -1, at)


def _overtakings(way: Way[State, Offer], causal: Causality) -> tuple[Overtaking, ...]:
    """Return which steps handle a message while an older one waits."""
    found: list[Overtaking] = []
    for one, action in enumerate(way.actions):
        for other in range(one + 1, len(way.actions)):
            is_older = causal.sent_at[other] < causal.sent_at[one]
            if is_older and _share_mailbox(action, way.actions[other]):
                found.append(Overtaking(one + 1, other + 1))
                break
    return tuple(found)


def _share_mailbox(one: Offer, later: Offer) -> bool:
    """Whether one actor handles two messages, the later one without a crash."""
    timers = one.timer or later.timer
    return one.owner == later.owner and not timers and not later.crash


# -- what is needed -----------------------------------------------------------------


def _needed(
    model: ActorModel, way: Way[State, Offer], causal: Causality, effort: Effort
) -> tuple[int, ...]:
    """Return the steps of which none can be left out with all its consequences.

    With no effort left, all other steps count as needed.
    """
    names = [step.name for step in steps_of(model, way)]
    last = len(names) - 1
    kept = list(range(len(names)))
    past = _with_past(causal, last)
    if _meets(model, names, past, way.violation):
        kept = past
    if len(kept) > _TRIED_MAX:
        return tuple(kept)
    for one in reversed(kept[:-1]):
        if effort.spend(len(kept)):
            break
        rest = _without(causal, kept, one)
        if last in rest and _meets(model, names, rest, way.violation):
            kept = rest
    return tuple(kept)


def _with_past(causal: Causality, last: int) -> list[int]:
    """Return a step and all steps that it depends on."""
    return [*(one for one in range(last) if causal.before[last] >> one & 1), last]


def _without(causal: Causality, kept: list[int], one: int) -> list[int]:
    """Return steps without one of them and its consequences."""
    return [
        other for other in kept if other != one and not causal.before[other] >> one & 1
    ]


def _meets(
    model: ActorModel, names: list[str], kept: list[int], violation: str
) -> bool:
    way = follow(model, [names[one] for one in kept])
    complete = way.lost is None and len(way.actions) == len(kept)
    return complete and way.violation == violation
