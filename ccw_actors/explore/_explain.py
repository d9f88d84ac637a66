"""Makes of a counterexample what a reader wants to know of it.

| part | what it says |
|---|---|
| slice | which steps are needed: without any of them the fault is not met |
| order | the same in the order in which messages were sent, as far as that goes |
| race | two steps of one actor, of which the other order would have passed |
| passing | the order in which that happens, to its end |
| no return | the step after which every continuation meets a fault |
"""

from collections.abc import Iterable, Sequence
from typing import Any

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._causality import Causality, causality
from ccw_actors.explore._compact import Offer, State
from ccw_actors.explore._effort import Bound, Effort
from ccw_actors.explore._errors import CounterexampleError
from ccw_actors.explore._explanation import Explanation, Overtaking
from ccw_actors.explore._model import Model
from ccw_actors.explore._plain import PlainModel, TransitionSystem, is_plain
from ccw_actors.explore._replay import Way, follow
from ccw_actors.explore._result import Limits, Result, Step
from ccw_actors.explore._states import explore_states
from ccw_actors.explore._world import Scenario

__all__ = ["explain"]

_STATES_MAX = 50_000
_SECONDS_MAX = 10.0
_STEPS_MAX = 2_000
_TRIED_MAX = 300


def explain(
    scenario: Scenario | TransitionSystem[Any, Any],
    result: Result,
    *,
    states_max: int = _STATES_MAX,
    seconds_max: float = _SECONDS_MAX,
) -> Explanation:
    """Explain what refutes a scenario.

    Each part (a shorter way, what is needed, the race, the point of no return) looks at
    no more than `states_max` states and takes no longer than `seconds_max`; what is not
    found by then is named in the explanation. Raises `CounterexampleError` for a result
    that refutes nothing, and `ReplayError` if the scenario is another one.
    """
    bound = Bound(states_max, seconds_max)
    if result.verdict != "refuted":
        raise CounterexampleError(f"a scenario that is {result.verdict} has no fault")
    if not result.counterexample:
        return _bare(result, (), None, None)
    if is_plain(scenario):
        return _explain_plain(scenario, result, bound)
    assert not isinstance(scenario, TransitionSystem), "that has been dealt with"
    delivery, time = result.delivery or "channel", result.time or "untimed"
    model = ActorModel(scenario, delivery, 0, time, result.noops)
    way = _taken(model, result.names)
    if result.engine != "states":
        way = _shorter(model, way, bound)
    causal = causality(model, way.states, way.actions)
    way = _in_order_sent(model, way, causal)
    causal = causality(model, way.states, way.actions)
    steps = _steps(model, way.states, way.actions)
    not_found: list[str] = []
    needed = _needed(model, way, causal, bound.begin("what is needed", not_found))
    race: tuple[int, int] | None = None
    passing: tuple[Step, ...] = ()
    no_return: int | None = None
    out: Step | None = None
    if not way.goes_round:
        race, passing = _race(model, way, causal, bound.begin("a race", not_found))
        no_return, out = _point_of_no_return(
            model, way, bound.begin("the point of no return", not_found)
        )
    return Explanation(
        violation=result.violation,
        steps=steps,
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
    found = _point_of_no_return(model, way, search)
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
    """Return a shortest way to the same fault, if one is found with so much effort."""
    limits = Limits(states=bound.states, seconds=bound.seconds)
    found = explore_states(model, limits)
    if found.violation != way.violation:
        return way
    return _taken(model, [step.name for step in found.path])


def _steps(
    model: Model[Any, Any], states: Sequence[Any], actions: Sequence[Any]
) -> tuple[Step, ...]:
    pairs = zip(states, actions, strict=False)
    return tuple(model.step(state, action) for state, action in pairs)


# -- order ------------------------------------------------------------------------


def _in_order_sent(
    model: ActorModel, way: Way[State, Offer], causal: Causality
) -> Way[State, Offer]:
    """Return an equivalent way that handles the oldest message first where it can."""
    names = [step.name for step in _steps(model, way.states, way.actions)]
    left = dict.fromkeys(range(len(names)))
    last = left.popitem()[0]
    order: list[int] = []
    done = 0
    while left:
        ready = [one for one in left if not causal.before[one] & ~done]
        one = min(ready, key=lambda number: (_place(order, causal, number), number))
        del left[one]
        order.append(one)
        done |= 1 << one
    again = follow(model, [names[number] for number in (*order, last)])
    same = again.lost is None and again.violation == way.violation
    return again if same and len(again.actions) == len(names) else way


def _place(order: list[int], causal: Causality, number: int) -> tuple[int, int]:
    """Return when, in a new order, the message of a step was sent."""
    cause, at = causal.sent_at[number]
    return (order.index(cause) if cause in order else -1, at)


def _overtakings(way: Way[State, Offer], causal: Causality) -> tuple[Overtaking, ...]:
    """Return which steps handle a message though an older one waits."""
    found: list[Overtaking] = []
    for one, action in enumerate(way.actions):
        for other in range(one + 1, len(way.actions)):
            later = way.actions[other]
            timers = action.timer or later.timer
            if later.owner != action.owner or timers or later.crash:
                continue
            if causal.sent_at[other] < causal.sent_at[one]:
                found.append(Overtaking(one + 1, other + 1))
                break
    return tuple(found)


# -- what is needed -----------------------------------------------------------------


def _needed(
    model: ActorModel, way: Way[State, Offer], causal: Causality, effort: Effort
) -> tuple[int, ...]:
    """Return the steps of which none can be left out, with all that it has caused.

    With no effort left, the others are taken to be needed.
    """
    names = [step.name for step in _steps(model, way.states, way.actions)]
    kept = list(range(len(names)))
    last = len(names) - 1
    past = [one for one in kept if causal.before[last] >> one & 1 or one == last]
    if _meets(model, names, past, way.violation):
        kept = past
    if len(kept) > _TRIED_MAX:
        return tuple(kept)
    for one in reversed(kept[:-1]):
        if effort.spend(len(kept)):
            break
        rest = [
            other
            for other in kept
            if other != one and not causal.before[other] >> one & 1
        ]
        if last in rest and _meets(model, names, rest, way.violation):
            kept = rest
    return tuple(kept)


def _meets(
    model: ActorModel, names: list[str], kept: list[int], violation: str
) -> bool:
    way = follow(model, [names[one] for one in kept])
    complete = way.lost is None and len(way.actions) == len(kept)
    return complete and way.violation == violation


# -- the race ---------------------------------------------------------------------


def _race(
    model: ActorModel, way: Way[State, Offer], causal: Causality, effort: Effort
) -> tuple[tuple[int, int] | None, tuple[Step, ...]]:
    """Return the last pair whose exchange passes, and the way that is then taken.

    The last `_TRIED_MAX` pairs are tried.
    """
    names = [step.name for step in _steps(model, way.states, way.actions)]
    tried = 0
    for other in reversed(range(len(names))):
        for one in reversed(range(other)):
            if not _raced(way, causal, one, other):
                continue
            tried += 1
            if tried > _TRIED_MAX:
                return None, ()
            between = [
                number
                for number in range(one + 1, other)
                if not causal.before[number] >> one & 1
            ]
            after = [number for number in range(one + 1, len(names)) if number != other]
            rest = [number for number in after if number not in between]
            order = [*range(one), *between, other, one, *rest]
            wanted = [names[number] for number in order]
            passing = _passes(model, way.states[0], wanted, effort)
            if passing:
                return (one, other), passing
            if effort.is_spent:
                return None, ()
    return None, ()


def _raced(way: Way[State, Offer], causal: Causality, one: int, other: int) -> bool:
    """Whether two steps of one actor could have come the other way round."""
    first, second = way.actions[one], way.actions[other]
    if first.owner != second.owner or first.process == second.process:
        return False
    cause = causal.causes[other]
    return cause < one or (cause != one and not causal.before[cause] >> one & 1)


def _passes(
    model: ActorModel, state: State, names: list[str], effort: Effort
) -> tuple[Step, ...]:
    """Take steps of these names where they can be taken, then any, to the end.

    Return them if nothing was wrong on the way, nothing if there was.
    """
    steps: list[Step] = []
    wanted = list(names)
    while len(steps) < _STEPS_MAX and not effort.spend():
        moves = model.moves(state)
        if not moves:
            return () if model.rest(state) else tuple(steps)
        by_name = {model.step(state, offer).name: (offer, at) for offer, at in moves}
        name = next((one for one in wanted if one in by_name), next(iter(by_name)))
        if name in wanted:
            del wanted[: wanted.index(name) + 1]
        offer, after = by_name[name]
        steps.append(model.step(state, offer))
        state = after
        if model.violation(state):
            return ()
    return ()


# -- the point of no return ---------------------------------------------------------


def _point_of_no_return(
    model: Model[Any, Any], way: Way[Any, Any], effort: Effort
) -> tuple[int | None, Step | None]:
    """Return after how many steps all is lost, and a step that would have helped.

    None and None with no effort left.
    """
    doomed: set[Any] = set()
    for number in reversed(range(len(way.actions))):
        state = way.states[number]
        for action, after in model.moves(state):
            if after == way.states[number + 1]:
                continue
            escapes = _escapes(model, after, doomed, effort)
            if escapes is None:
                return None, None
            if escapes:
                return number + 1, model.step(state, action)
        doomed.add(state)
    return 0, None


def _escapes(
    model: Model[Any, Any], start: Any, doomed: set[Any], effort: Effort
) -> bool | None:
    """Whether some way from a state meets no fault; None with no effort left.

    States that none leads out of are put in `doomed`.
    """
    if start in doomed or model.violation(start):
        return False
    path: list[tuple[Any, list[Any]]] = [(start, _after(model, start))]
    on_path = {start}
    while path:
        state, todo = path[-1]
        if todo is _OVER:
            if not model.rest(state):
                return True
        elif todo:
            after = todo.pop()
            if after in on_path:
                return True
            if after not in doomed and not model.violation(after):
                if effort.spend():
                    return None
                path.append((after, _after(model, after)))
                on_path.add(after)
            continue
        path.pop()
        on_path.discard(state)
        doomed.add(state)
    return False


_OVER: list[Any] = []


def _after(model: Model[Any, Any], state: Any) -> list[Any]:
    targets = [after for _, after in model.moves(state)]
    return targets[::-1] if targets else _OVER
