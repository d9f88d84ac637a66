"""Explores a scenario, or a plain transition system, and says what was found."""

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any, Literal, NamedTuple, get_args

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._brute import explore_all
from ccw_actors.explore._coverage import Coverage
from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._known import chance_of_a_miss
from ccw_actors.explore._orders import explore_orders
from ccw_actors.explore._plain import PlainModel, TransitionSystem, is_plain
from ccw_actors.explore._result import (
    DeadLetter,
    Engine,
    Limits,
    Network,
    Noops,
    Result,
    Tick,
    Time,
    Verdict,
)
from ccw_actors.explore._sample import explore_some
from ccw_actors.explore._scope import covers, leaves_out
from ccw_actors.explore._states import Found, explore_states
from ccw_actors.explore._world import Scenario

__all__ = ["explore", "model_of"]

_RECHECK = 512
_COLLECT_AFTER = 50_000


class _Scope(NamedTuple):
    engine: Engine
    delivery: Network | None
    noops: Noops
    time: Time | None
    what: str
    fingerprints: bool


def _plain_scope(noops: Noops, cut: str, *, fingerprints: bool) -> _Scope:
    what = f"all states of a transition system{cut}"
    return _Scope("states", None, noops, None, what, fingerprints)


class _Seen(NamedTuple):
    """What a model has seen while it was explored."""

    vacuous: tuple[str, ...]
    coverage: Coverage | None = None
    dead_letters: tuple[DeadLetter, ...] = ()


def _seen(model: ActorModel) -> _Seen:
    return _Seen(model.vacuous(), model.coverage(), model.dead_letters)


@contextmanager
def _rare_collections() -> Generator[None]:
    """Have the garbage collector look less often: nearly all that is made stays."""
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(max(before[0], _COLLECT_AFTER), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@_rare_collections()
def explore(
    scenario: Scenario | TransitionSystem[Any, Any],
    *,
    engine: Engine | Literal["auto"] = "auto",
    delivery: Network = "channel",
    noops: Noops = "consumed",
    time: Time = "untimed",
    within: Callable[[Any], object] | None = None,
    capacity: int = 0,
    fingerprints: bool = False,
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

    The exploration ends at the first fault. The first `recheck` new steps, and one in
    `recheck` of all others, are taken twice, to see that a handler does the same again
    (0 for none); of a plain transition system, what leads out of a state is asked
    twice. `tick` is called now and then with a `Progress`.

    Less is looked at with `within`, a predicate over all actors (or the state of a
    plain transition system): nothing leads out of a state in which it does not hold.
    With a `capacity` no step is taken that makes a channel hold more messages than
    that (0 for any number). With `fingerprints` the engine "states" keeps 64 bits of a
    state in place of the state. The scope of the result says each of these.

    A limit that is reached makes the verdict "incomplete", and a scenario of which all
    was covered, but some of its properties were never asked, is "vacuous"; neither is
    ever "verified". Raises `UnsoundError` for what the engine cannot check,
    `HiddenStateError` for a handler that is no function of state and message,
    `PropertyError` for a predicate that raises, and `ExploreError` for what cannot be
    explored at all.
    """
    _check_options(scenario, engine, capacity, fingerprints=fingerprints)
    bounds = Limits() if limits is None else limits
    began = perf_counter()
    if is_plain(scenario):
        plain = PlainModel(scenario, recheck, within)
        found = explore_states(plain, bounds, tick, fingerprints=fingerprints)
        what = leaves_out(within, capacity)
        scope = _plain_scope(noops, what, fingerprints=fingerprints)
        return _result(found, scope, _Seen(plain.vacuous()), perf_counter() - began)
    assert not isinstance(scenario, TransitionSystem), "that has been dealt with"
    make = partial(ActorModel, scenario, delivery, recheck, time)
    model = _model(make, engine, noops, within, capacity)
    used, found = _run(model, engine, noops, bounds, tick, fingerprints=fingerprints)
    what = covers(model, noops) + leaves_out(within, capacity)
    scope = _Scope(used, delivery, noops, time, what, fingerprints)
    return _result(found, scope, _seen(model), perf_counter() - began)


def _model(
    make: Callable[..., ActorModel],
    engine: Engine | Literal["auto"],
    noops: Noops,
    within: Callable[[Any], object] | None,
    capacity: int,
) -> ActorModel:
    model = make(noops, within=within, capacity=capacity)
    if engine == "brute force" and noops == "kept":
        # It decides for itself what changes nothing.
        return make(within=within, capacity=capacity)
    return model


def _check_options(
    scenario: Scenario | TransitionSystem[Any, Any],
    engine: Engine | Literal["auto"],
    capacity: int,
    *,
    fingerprints: bool,
) -> None:
    if engine != "auto" and engine not in get_args(Engine):
        listed = ", ".join(map(repr, ("auto", *get_args(Engine))))
        raise ExploreError(f"no engine {engine!r}, expected one of {listed}")
    if capacity < 0:
        raise ExploreError(f"a capacity is 0 (none) or more messages, not {capacity}")
    if fingerprints and engine not in ("auto", "states"):
        raise ExploreError(f"fingerprints are for states, not for engine {engine!r}")
    if is_plain(scenario):
        _check_plain(engine, capacity)


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


def _check_plain(engine: Engine | Literal["auto"], capacity: int) -> None:
    if engine not in ("auto", "states"):
        raise ExploreError(
            f"a plain transition system has states only, no engine {engine!r}"
        )
    if capacity:
        raise ExploreError("a plain transition system has no channel, so no capacity")


def _run(
    model: ActorModel,
    engine: Engine | Literal["auto"],
    noops: Noops,
    limits: Limits,
    tick: Tick | None,
    *,
    fingerprints: bool,
) -> tuple[Engine, Found]:
    """Explore with an engine; return which it was, and what it has found."""
    match engine:
        case "auto":
            return _by_turns(model, limits, tick, fingerprints=fingerprints)
        case "states":
            found = explore_states(model, limits, tick, fingerprints=fingerprints)
        case "orders":
            found = explore_orders(model, limits, tick)
        case "brute force":
            found = explore_all(model, limits, tick, keeps_noops=noops == "kept")
        case "random" | "pos":
            by_priority = engine == "pos"
            found = explore_some(model, limits, tick, by_priority=by_priority)
    return engine, found


def _by_turns(
    model: ActorModel, limits: Limits, tick: Tick | None, *, fingerprints: bool
) -> tuple[Engine, Found]:
    """Try States, Orders if they can check this, and at last some orders by lot."""
    found = explore_states(model, limits, tick, fingerprints=fingerprints)
    if not found.limit:
        return "states", found
    if _fits_orders(model):
        other = explore_orders(model, limits, tick)
        if not other.limit:
            return "orders", other
    if model.world.delivery != "unordered":
        other = explore_some(model, limits, tick, by_priority=False)
        if other.violation:
            return "random", other
        found = found._replace(limit=f"{found.limit}, and {other.limit}")
    return "states", found


def _fits_orders(model: ActorModel) -> bool:
    several = model.world.properties.over_several()
    timed = model.time == "ordered" or model.world.delivery == "unordered"
    return not several and not timed and not model.is_cut


def _verdict(found: Found, seen: _Seen) -> tuple[Verdict, str]:
    """Return the verdict, and what of all that there is was covered."""
    if found.violation:
        return "refuted", "those covered until the first fault"
    if found.limit:
        return "incomplete", f"those covered within the limit of {found.limit}"
    return "vacuous" if seen.vacuous else "verified", "all were covered"


def _by_fingerprints(found: Found, of: _Scope) -> str:
    """Return how sure it is that no state was missed, "" if it is certain."""
    if not of.fingerprints or of.engine != "states" or not found.states:
        return ""
    chance = chance_of_a_miss(found.states)
    return (
        " States were told apart by fingerprints of 64 bits: the chance that one"
        f" was missed is at most {chance:.0e}."
    )


def _result(found: Found, of: _Scope, seen: _Seen, seconds: float) -> Result:
    verdict, covered = _verdict(found, seen)
    violation = "; ".join(seen.vacuous) if verdict == "vacuous" else found.violation
    return Result(
        verdict=verdict,
        scope=f"Of {of.what}: {covered}.{_by_fingerprints(found, of)}",
        engine=of.engine,
        delivery=of.delivery,
        noops=of.noops,
        time=of.time,
        violation=violation,
        counterexample=found.path,
        schedules=found.schedules,
        classes=found.classes,
        states=found.states,
        steps=found.steps,
        blocked=found.blocked,
        seconds=seconds,
        coverage=seen.coverage,
        dead_letters=seen.dead_letters,
    )
