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
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from ccw_actors.explore.actors import ActorModel
from ccw_actors.explore.causality import Causality, causality
from ccw_actors.explore.compact import Offer, State
from ccw_actors.explore.errors import CounterexampleError
from ccw_actors.explore.model import Model
from ccw_actors.explore.plain import PlainModel, TransitionSystem, is_plain
from ccw_actors.explore.replay import Way, follow
from ccw_actors.explore.result import Limits, Result, Step
from ccw_actors.explore.states import explore_states
from ccw_actors.explore.world import Scenario

__all__ = ["Explanation", "Overtaking", "explain"]

_STATES_MAX = 50_000
_SECONDS_MAX = 10.0
_LINES_MAX = 10
_STEPS_MAX = 2_000
_TRIED_MAX = 300


class Overtaking(NamedTuple):
    """Step `by` handles a message sent after that of step `overtaken`, which is later.

    Steps count from 1.
    """

    by: int
    overtaken: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a counterexample comes down to.

    `steps` is a shortest way to the fault if one was found, in an order with few
    `overtakings`; `causes` are the numbers (from 0) of the steps that sent what each
    handles, -1 for what was there at first. `needed` are the numbers of those that the
    fault cannot do without. `race` are two numbers, None if no race decides. `passing`
    are the steps of the nearest order without a fault, to its end, empty if none was
    found. After `no_return` steps every continuation meets a fault; None if that is not
    known, and 0 if it was so from the start. `way_out` is a step that would have led
    past it. `not_found` says of each part that was given up what it was, and after how
    many states or seconds.
    """

    violation: str
    steps: tuple[Step, ...]
    causes: tuple[int, ...]
    needed: tuple[int, ...]
    overtakings: tuple[Overtaking, ...]
    race: tuple[int, int] | None
    passing: tuple[Step, ...]
    no_return: int | None
    way_out: Step | None
    not_found: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines(_LINES_MAX))

    def lines(self, steps_max: int) -> list[str]:
        """Return what is to be said, with at most so many of the steps needed."""
        shown = self.needed[-steps_max:]
        hidden = len(self.steps) - len(shown)
        lines = [f"REFUTED: {self.violation}"]
        if hidden:
            lines.append(f"     ({hidden} steps are left out)")
        lines += [f"{number + 1:4} {self.steps[number]}" for number in shown]
        return lines + self.remarks()

    def remarks(self) -> list[str]:
        """Return what is to be said of the steps."""
        lines: list[str] = []
        if self.race is not None:
            one, other = (self.steps[number] for number in self.race)
            first, second = (number + 1 for number in self.race)
            lines.append(
                f"the race at {one.actor}: step {first}, {_short(one)}, and step"
                f" {second}, {_short(other)}; the other way round nothing is wrong"
            )
        lines += [f"step {by} overtakes step {late}" for by, late in self.overtakings]
        if self.no_return is not None and self.steps:
            lines.append(_no_return(self.no_return, len(self.steps), self.way_out))
        return lines + list(self.not_found)


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
    bound = _Bound(states_max, seconds_max)
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
    system: TransitionSystem[Any, Any], result: Result, bound: "_Bound"
) -> Explanation:
    model = PlainModel(system)
    way = follow(model, result.names)
    if way.lost is not None:
        raise way.lost
    not_found: list[str] = []
    search = bound.begin("the point of no return", not_found)
    found = _point_of_no_return(model, way, search)
    return _bare(result, result.counterexample, *found, tuple(not_found))


class _Bound(NamedTuple):
    """How much each part of an explanation may look at."""

    states: int
    seconds: float

    def begin(self, part: str, not_found: list[str]) -> "_Effort":
        """Return what a part spends; it is noted in `not_found` if that is all."""
        return _Effort(self, part, not_found)


class _Effort:
    """What one part of an explanation has spent."""

    def __init__(self, bound: _Bound, part: str, not_found: list[str]) -> None:
        self._bound = bound
        self._part = part
        self._not_found = not_found
        self._states = 0
        self._began = perf_counter()
        self.is_spent = False

    def spend(self, states: int = 1) -> bool:
        """Spend something on so many states more; return whether nothing is left."""
        self._states += states
        states_max, seconds_max = self._bound
        if self.is_spent:
            return True
        if self._states > states_max:
            self._give_up(f"{states_max:,} states")
        elif perf_counter() - self._began > seconds_max:
            self._give_up(f"{seconds_max:g} seconds")
        return self.is_spent

    def _give_up(self, limit: str) -> None:
        self.is_spent = True
        self._not_found.append(f"{self._part} was not found within {limit}")


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
    model: ActorModel, way: Way[State, Offer], bound: _Bound
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
    model: ActorModel, way: Way[State, Offer], causal: Causality, effort: _Effort
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
    model: ActorModel, way: Way[State, Offer], causal: Causality, effort: _Effort
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
    model: ActorModel, state: State, names: list[str], effort: _Effort
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
    model: Model[Any, Any], way: Way[Any, Any], effort: _Effort
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
    model: Model[Any, Any], start: Any, doomed: set[Any], effort: _Effort
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


# -- in words ---------------------------------------------------------------------


def _short(step: Step) -> str:
    what = step.message.partition("(")[0]
    if step.timer:
        return f"timer {step.timer} with {what}"
    return f"{what} from {step.sender or 'outside'}"


def _no_return(number: int, count: int, out: Step | None) -> str:
    if number == 0:
        return "every order there is meets a fault"
    when = "with the last step" if number == count else f"after step {number}"
    instead = "" if out is None else f"; before it, {out.name} would have led past it"
    return f"{when} no continuation is right any more{instead}"
