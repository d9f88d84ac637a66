"""Explores a scenario, or a plain transition system, and says what was found."""

from time import perf_counter
from typing import Any, Literal, NamedTuple, get_args

from ccw_actors.explore.actors import ActorModel
from ccw_actors.explore.brute import explore_all
from ccw_actors.explore.coverage import Coverage
from ccw_actors.explore.errors import ExploreError
from ccw_actors.explore.orders import explore_orders
from ccw_actors.explore.plain import TransitionSystem, is_plain
from ccw_actors.explore.result import (
    NEVER,
    Engine,
    Limits,
    Network,
    Result,
    Tick,
    Time,
    Verdict,
)
from ccw_actors.explore.sample import explore_some
from ccw_actors.explore.states import Found, explore_states
from ccw_actors.explore.world import Scenario

__all__ = ["explore", "model_of"]

_RECHECK = 512
_TIMERS: dict[Time, str] = {
    "untimed": "timers firing at any time after they are set",
    "ordered": "messages taking no time and timers firing in the order of their times",
}


class _Scope(NamedTuple):
    engine: Engine
    delivery: Network | None
    time: Time | None
    what: str


def explore(
    scenario: Scenario | TransitionSystem[Any, Any],
    *,
    engine: Engine | Literal["auto"] = "auto",
    delivery: Network = "channel",
    time: Time = "untimed",
    limits: Limits | None = None,
    recheck: int = _RECHECK,
    tick: Tick | None = None,
) -> Result:
    """Go through every order in which a scenario's messages can be handled.

    | engine | what it visits | what it can check |
    |---|---|---|
    | states | every state once; the counterexample is a shortest one | everything |
    | orders | one of all orders that differ for no actor | single actors, and the end |
    | brute force | every order | everything, of tiny scenarios |
    | random, pos | some orders, by lot | everything, but verify nothing |

    "auto" is states; orders if that reaches a limit and they can check it; random if
    that does, too. A plain transition system has states only.

    The exploration ends at the first fault.
    The first `recheck` new steps, and one in `recheck` of all others, are taken twice,
    to see that a handler does the same again (0 for none). `tick` is called now and
    then with a `Progress`.

    A limit that is reached makes the verdict "incomplete", never "verified". Raises
    `UnsoundError` for what the engine cannot check, `HiddenStateError` for a handler
    that is no function of state and message, and `ExploreError` for what cannot be
    explored at all.
    """
    if engine != "auto" and engine not in get_args(Engine):
        listed = ", ".join(map(repr, ("auto", *get_args(Engine))))
        raise ExploreError(f"no engine {engine!r}, expected one of {listed}")
    bounds = Limits() if limits is None else limits
    began = perf_counter()
    if is_plain(scenario):
        if engine not in ("auto", "states"):
            raise ExploreError(
                f"a plain transition system has states only, no engine {engine!r}"
            )
        found = explore_states(scenario, bounds, tick)
        scope = _Scope("states", None, None, "all states of a transition system")
        return _result(found, scope, scenario.unseen(), perf_counter() - began)
    assert not isinstance(scenario, TransitionSystem), "that has been dealt with"
    model = model_of(scenario, delivery, time, recheck)
    if engine == "auto":
        used, found = _by_turns(model, bounds, tick)
    else:
        used, found = engine, _run(model, engine, bounds, tick)
    scope = _Scope(used, delivery, time, _what(model))
    took = perf_counter() - began
    return _result(found, scope, model.unseen(), took, model.coverage())


def model_of(
    scenario: Scenario, delivery: Network, time: Time, recheck: int = _RECHECK
) -> ActorModel:
    """Return the actors of a scenario as a transition system.

    Raises `ExploreError` if there are none.
    """
    model = ActorModel(scenario, delivery, recheck, time)
    if not model.compact.paths:
        raise ExploreError("a scenario without an actor: nothing can happen in it")
    return model


def _by_turns(
    model: ActorModel, limits: Limits, tick: Tick | None
) -> tuple[Engine, Found]:
    """Try States, Orders if they can check this, and at last some orders by lot."""
    found = _run(model, "states", limits, tick)
    if not found.limit:
        return "states", found
    if _fits_orders(model):
        other = _run(model, "orders", limits, tick)
        if not other.limit:
            return "orders", other
    if model.world.delivery != "unordered":
        other = _run(model, "random", limits, tick)
        if other.violation:
            return "random", other
        found = found._replace(limit=f"{found.limit}, and {other.limit}")
    return "states", found


def _what(model: ActorModel) -> str:
    crashes = "".join(
        f", with at most {budget} crash{'es' * (budget > 1)} of"
        f" {' or '.join(sorted(paths))}"
        for paths, budget in model.world.properties.crashes
    )
    count = len(model.compact.paths)
    who = (
        "one actor can handle its" if count == 1 else f"{count} actors can handle their"
    )
    return (
        f"all orders in which {who} messages under {model.world.delivery} delivery"
        f"{crashes}, one handler at a time, {_TIMERS[model.time]}, handlers being"
        " functions of state and message"
    )


def _run(model: ActorModel, engine: Engine, limits: Limits, tick: Tick | None) -> Found:
    if engine == "states":
        return explore_states(model, limits, tick)
    if engine == "orders":
        return explore_orders(model, limits, tick)
    if engine == "brute force":
        return explore_all(model, limits, tick)
    return explore_some(model, limits, tick, by_priority=engine == "pos")


def _fits_orders(model: ActorModel) -> bool:
    several = model.world.properties.over_several()
    timed = model.time == "ordered" or model.world.delivery == "unordered"
    return not several and not timed


def _result(
    found: Found,
    of: _Scope,
    unseen: tuple[str, ...],
    seconds: float,
    coverage: Coverage | None = None,
) -> Result:
    verdict: Verdict = "verified"
    violation, scope = found.violation, f"Of {of.what}: all were covered."
    if violation:
        verdict = "refuted"
        scope = f"Of {of.what}: those covered until the first fault."
    elif found.limit:
        verdict = "incomplete"
        scope = f"Of {of.what}: those covered within the limit of {found.limit}."
    elif unseen:
        verdict = "refuted"
        violation = NEVER + ", ".join(unseen)
    return Result(
        verdict=verdict,
        scope=scope,
        engine=of.engine,
        delivery=of.delivery,
        time=of.time,
        violation=violation,
        counterexample=found.path,
        schedules=found.schedules,
        classes=found.classes,
        states=found.states,
        steps=found.steps,
        blocked=found.blocked,
        seconds=seconds,
        coverage=coverage,
    )
