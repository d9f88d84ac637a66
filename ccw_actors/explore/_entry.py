"""Explores a scenario or a plain transition system, and makes the result."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, Final, Literal, NamedTuple, get_args

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._brute import explore_all
from ccw_actors.explore._coverage import Coverage
from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._garbage import rare_collections
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

__all__ = ["RECHECK", "Scope", "Seen", "explore", "model_of", "result_of"]

RECHECK: Final = 512
"""How many new steps are taken twice by default, and one in how many of all others."""


class Scope(NamedTuple):
    """How a scenario was explored, and in words which schedules that covers."""

    engine: Engine
    delivery: Network | None
    noops: Noops
    time: Time | None
    what: str
    fingerprints: bool


def _plain_scope(noops: Noops, cut: str, *, fingerprints: bool) -> Scope:
    what = f"states of a transition system{cut}"
    return Scope("states", None, noops, None, what, fingerprints)


class Seen(NamedTuple):
    """What was seen of a model while it was explored."""

    vacuous: tuple[str, ...]
    coverage: Coverage | None = None
    dead_letters: tuple[DeadLetter, ...] = ()


def _seen(model: ActorModel) -> Seen:
    return Seen(model.vacuous(), model.coverage(), model.dead_letters)


@rare_collections()
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
    recheck: int = RECHECK,
    tick: Tick | None = None,
) -> Result:
    """Explore every schedule of a scenario, and return the verdict.

    | engine | what it visits | what it can check |
    |---|---|---|
    | states | every state once; the counterexample is a shortest one | everything |
    | orders | one schedule of each class | single actors, and the end |
    | brute force | every schedule | everything, of tiny scenarios |
    | random, pos | random schedules | everything, but they verify nothing |

    A class is all schedules that are the same for every actor. "auto" takes "states";
    if that reaches a limit, "orders" where it can check the properties, then "random".
    A plain transition system has "states" only.

    The exploration ends at the first fault. The first `recheck` new steps, and one in
    `recheck` of all others, are taken twice, to check that a handler does the same
    again (0 for none). Of a plain transition system, the actions and their results are
    asked for twice. `tick` is called at intervals with a `Progress`.

    Three options leave something out. `within` is a predicate over all actors (or the
    state of a plain transition system): a state in which it does not hold is not left.
    With a `capacity` no step is taken that puts more messages than that into a channel
    (0 for any number). With `fingerprints` the engine "states" keeps 64 bits of each
    state instead of the state. The scope of the result names each of them.

    A limit that is reached makes the verdict "incomplete". A covered scenario that left
    something untested, such as a property, is "vacuous". Raises `UnsoundError` for
    properties that the engine cannot check, `HiddenStateError` for a handler that is
    not a function of state and message, `PropertyError` for a predicate that raises,
    and `ExploreError` for a scenario that cannot be explored at all.
    """
    _check_options(scenario, engine, capacity, fingerprints=fingerprints)
    bounds = Limits() if limits is None else limits
    began = perf_counter()
    if is_plain(scenario):
        plain = PlainModel(scenario, recheck, within)
        found = explore_states(plain, bounds, tick, fingerprints=fingerprints)
        what = leaves_out(within, capacity)
        scope = _plain_scope(noops, what, fingerprints=fingerprints)
        return result_of(found, scope, Seen(plain.vacuous()), perf_counter() - began)
    assert not isinstance(scenario, TransitionSystem), "`is_plain` has said so"
    make = partial(ActorModel, scenario, delivery, recheck, time)
    model = _model(make, engine, noops, within, capacity)
    used, found = _run(model, engine, noops, bounds, tick, fingerprints=fingerprints)
    what = covers(model, noops) + leaves_out(within, capacity)
    scope = Scope(used, delivery, noops, time, what, fingerprints)
    return result_of(found, scope, _seen(model), perf_counter() - began)


def _model(
    make: Callable[..., ActorModel],
    engine: Engine | Literal["auto"],
    noops: Noops,
    within: Callable[[Any], object] | None,
    capacity: int,
) -> ActorModel:
    model = make(noops, within=within, capacity=capacity)
    if engine == "brute force" and noops == "kept":
        # Brute force decides itself which messages change nothing.
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
        raise ExploreError(
            f"capacity: expected 0 (no bound) or more messages, got {capacity}"
        )
    if fingerprints and engine not in ("auto", "states"):
        raise ExploreError(f"fingerprints: expected engine 'states', got {engine!r}")
    if is_plain(scenario):
        _check_plain(engine, capacity)


def model_of(
    scenario: Scenario,
    delivery: Network,
    time: Time,
    recheck: int = RECHECK,
    noops: Noops = "consumed",
) -> ActorModel:
    """Return the actors of a scenario as a transition system.

    Raises `ExploreError` if there are none.
    """
    model = ActorModel(scenario, delivery, recheck, time, noops)
    if not model.compact.paths:
        raise ExploreError("the scenario has no actor, so nothing can happen in it")
    return model


def _check_plain(engine: Engine | Literal["auto"], capacity: int) -> None:
    if engine not in ("auto", "states"):
        raise ExploreError(
            f"a plain transition system has engine 'states' only, not {engine!r}"
        )
    if capacity:
        raise ExploreError(
            "a plain transition system has no channels: leave out capacity"
        )


def _run(
    model: ActorModel,
    engine: Engine | Literal["auto"],
    noops: Noops,
    limits: Limits,
    tick: Tick | None,
    *,
    fingerprints: bool,
) -> tuple[Engine, Found]:
    """Explore with an engine; return the one that was used and its findings."""
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
            found = explore_some(model, limits, tick, by_priority=by_priority).found
    return engine, found


def _by_turns(
    model: ActorModel, limits: Limits, tick: Tick | None, *, fingerprints: bool
) -> tuple[Engine, Found]:
    """Try "states", then "orders" if it can check this, then random schedules."""
    found = explore_states(model, limits, tick, fingerprints=fingerprints)
    if not found.limit:
        return "states", found
    if _fits_orders(model):
        other = explore_orders(model, limits, tick)
        if not other.limit:
            return "orders", other
    if model.world.delivery != "unordered":
        other = explore_some(model, limits, tick, by_priority=False).found
        if other.violation:
            return "random", other
        found = found._replace(limit=f"{found.limit}, and {other.limit}")
    return "states", found


def _fits_orders(model: ActorModel) -> bool:
    several = model.world.properties.over_several()
    timed = model.time == "ordered" or model.world.delivery == "unordered"
    return not several and not timed and not model.is_cut


def _verdict(found: Found, seen: Seen) -> tuple[Verdict, str]:
    """Return the verdict, and how much was covered."""
    if found.violation:
        return "refuted", ", up to the first fault, the"
    if found.limit:
        return "incomplete", f", within the limit of {found.limit}, the"
    return "vacuous" if seen.vacuous else "verified", " all"


def _by_fingerprints(found: Found, of: Scope) -> str:
    """Return the chance that a state was missed, in words; "" if it is 0."""
    if not of.fingerprints or of.engine != "states" or not found.states:
        return ""
    chance = chance_of_a_miss(found.states)
    return (
        " States were told apart by fingerprints of 64 bits: the chance that one"
        f" was missed is at most {chance:.0e}."
    )


def result_of(found: Found, of: Scope, seen: Seen, seconds: float) -> Result:
    """Return the result of an exploration, with the verdict."""
    verdict, covered = _verdict(found, seen)
    violation = "; ".join(seen.vacuous) if verdict == "vacuous" else found.violation
    return Result(
        verdict=verdict,
        scope=f"Covers{covered} {of.what}.{_by_fingerprints(found, of)}",
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
