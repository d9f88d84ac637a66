"""Brute force, States and Orders agree on random scenarios."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from ccw_actors.explore import Limits, Network, Scenario, World
from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._brute import explore_all
from ccw_actors.explore._global_state import State
from ccw_actors.explore._orders import explore_orders
from ccw_actors.explore._states import Found, explore_states
from tests.explore.cast import Act, Clerk, ClerkState, Table, Waiter, troupe

LIMITS = Limits(steps=5_000, seconds=60.0, states=100_000, depth=200)
FATES = ("", "", "", "stop", "raise", "spawn")


def scenarios(
    *fates: str, bound: int = 0, crashes: int = 0, kind: type[Clerk] = Clerk
) -> st.SearchStrategy[Scenario]:
    """Return scenarios of two to four clerks, which meet one of these fates.

    With a `bound` some have mailboxes that drop what is more. Two may crash. Clerks of
    the kind `Waiter` wait for answers.
    """
    sends = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=2)
    acts = st.builds(
        Act,
        mood=st.integers(0, 1),
        sends=sends.map(tuple),
        arms=st.integers(-1, 1),
        cancels=st.booleans(),
        stashes=st.sampled_from((False, False, True)),
        unstashes=st.booleans(),
        fate=st.sampled_from(fates),
        asks=st.lists(st.integers(0, 3), max_size=2).map(tuple),
    )
    keys = st.tuples(st.integers(0, 1), st.integers(0, 1))
    tables: st.SearchStrategy[Table] = st.dictionaries(keys, acts, min_size=2)
    letter = st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 2))
    return st.builds(
        troupe,
        st.lists(tables, min_size=2, max_size=4),
        st.lists(letter, min_size=1, max_size=3),
        st.integers(1, 3),
        st.sampled_from((0, bound)),
        st.just(crashes),
        st.just(kind),
    )


DELIVERIES: st.SearchStrategy[Network] = st.sampled_from(("channel", "mailbox"))
SETTINGS = settings(
    max_examples=30,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
PUT_BACK = troupe(
    [
        {
            (0, 0): Act(0, ((0, 1),), cancels=True, stashes=True, unstashes=True),
            (0, 1): Act(1, ((1, 0),), arms=1, unstashes=True),
            (1, 0): Act(1, ((0, 1),), cancels=True),
            (1, 1): Act(0, ((1, 1), (1, 0))),
        },
        {
            (0, 0): Act(1, ((0, 1),), stashes=True),
            (0, 1): Act(0, ((0, 1), (0, 1)), arms=0),
            (1, 0): Act(1, unstashes=True),
            (1, 1): Act(0, unstashes=True),
        },
    ],
    [(1, 1, 2)],
    2,
)
"""A message that is put back comes before one that came earlier or later."""

ALIKE = troupe(
    [
        {
            (0, 0): Act(0, arms=0, unstashes=True),
            (0, 1): Act(1, arms=0, unstashes=True),
            (1, 0): Act(0, ((0, 0), (0, 0))),
            (1, 1): Act(0, ((1, 0),), cancels=True, stashes=True),
        },
        {
            (0, 0): Act(1, ((0, 1), (0, 1))),
            (1, 0): Act(0, ((0, 1),), arms=1, unstashes=True),
            (1, 1): Act(0, ((0, 0), (1, 0)), arms=1),
        },
    ],
    [(0, 1, 1), (1, 0, 0), (1, 0, 2)],
    1,
)
"""The message that is put back is equal to the one behind it."""

CANCELLED = troupe(
    [
        {
            (0, 0): Act(1, ((1, 1), (2, 1)), cancels=True),
            (0, 1): Act(0, arms=0, cancels=True),
            (1, 1): Act(0, ((2, 1), (1, 1))),
        },
        {
            (0, 0): Act(0, ((0, 1),), arms=1),
            (1, 0): Act(1, arms=0),
            (1, 1): Act(1, ((1, 0),), cancels=True),
        },
        {
            (0, 0): Act(1, ((1, 0),), arms=1),
            (0, 1): Act(1, ((0, 0),)),
            (1, 0): Act(1),
            (1, 1): Act(0, ((2, 0),), arms=0),
        },
    ],
    [(0, 1, 2), (2, 0, 1)],
    2,
)
"""A timer is cancelled where it is not tried, as it has been tried before."""


class Restful(ActorModel):
    """A model that may come to rest with messages set aside."""

    def rest(self, state: State) -> str:
        """Find nothing wrong."""
        del state
        return ""


def ends_of(model: ActorModel, found: Found) -> set[object]:
    """Return the final states in words that do not depend on the model."""
    views = [model.checks.view(state) for state in found.final]
    return {tuple((path, repr(view[path])) for path in sorted(view)) for view in views}


def explored(
    scenario: Scenario, delivery: Network, limits: Limits = LIMITS
) -> tuple[list[ActorModel], Found, Found, Found]:
    """Explore by brute force, States and Orders, in this order.

    Where brute force reaches a limit there is nothing to compare with.
    """
    models: list[ActorModel] = [Restful(scenario, delivery, recheck=7) for _ in "123"]
    every = explore_all(models[0], limits)
    assume(not every.limit)
    states = explore_states(models[1], limits)
    return models, every, states, explore_orders(models[2], limits)


@SETTINGS
@given(scenarios(""), DELIVERIES)
@example(PUT_BACK, "mailbox")
@example(ALIKE, "mailbox")
def test_counts_and_ends_agree(scenario: Scenario, delivery: Network) -> None:
    """All three find the same ends, and the counts that two of them have are equal."""
    models, every, states, orders = explored(scenario, delivery)
    ends = ends_of(models[0], every)
    assert ends_of(models[1], states) == ends
    assert ends_of(models[2], orders) == ends
    assert (states.states, states.schedules) == (every.states, every.schedules)
    assert orders.classes == every.classes


ANYTHING = (
    scenarios(*FATES)
    | scenarios("", bound=1)
    | scenarios("", "spawn", crashes=1)
    | scenarios("", crashes=2)
    | scenarios(*FATES, kind=Waiter)
)


@settings(SETTINGS, max_examples=12)
@given(ANYTHING, DELIVERIES)
def test_ends_agree_where_a_step_may_change_anything(
    scenario: Scenario, delivery: Network
) -> None:
    """So they do if actors stop, fail, crash, restart, spawn, wait, or are full.

    There, Orders may count more than one schedule of a class.
    """
    check_ends(scenario, delivery)


def check_ends(scenario: Scenario, delivery: Network) -> None:
    """Hold that all three find the same ends, and Orders no class too few."""
    models, every, states, orders = explored(scenario, delivery)
    ends = ends_of(models[0], every)
    assert ends_of(models[1], states) == ends
    assert ends_of(models[2], orders) == ends
    assert (states.states, states.schedules) == (every.states, every.schedules)
    assert orders.classes is not None
    assert every.classes is not None
    assert orders.classes >= every.classes


@SETTINGS
@given(scenarios("", "", "raise"), DELIVERIES)
def test_ends_agree_where_time_is_ordered(
    scenario: Scenario, delivery: Network
) -> None:
    """Brute force and States agree when timers fire in the order of their times.

    All ends of ordered time are also ends of untimed.
    """
    check_ordered(scenario, delivery)


def check_ordered(scenario: Scenario, delivery: Network) -> None:
    """Hold that States finds the ends of ordered time, and that untimed has them."""
    models = [Restful(scenario, delivery, 7, "ordered") for _ in "12"]
    every = explore_all(models[0], LIMITS)
    assume(not every.limit)
    states = explore_states(models[1], LIMITS)
    ends = ends_of(models[0], every)
    assert ends_of(models[1], states) == ends
    assert (states.states, states.schedules) == (every.states, every.schedules)
    untimed = Restful(scenario, delivery, 7)
    found = explore_states(untimed, LIMITS)
    assert found.limit or ends <= ends_of(untimed, found)


WHAT = st.sampled_from(("mood", "timer", "rest"))


@SETTINGS
@given(scenarios(""), DELIVERIES, WHAT)
def test_violations_agree(scenario: Scenario, delivery: Network, what: str) -> None:
    """All three have the same verdict on a property; States has a shortest fault."""
    check_violations(scenario, delivery, what)


def check_violations(scenario: Scenario, delivery: Network, what: str) -> None:
    """Hold that all three violate a property of b, or none, and States soonest."""

    def watched(world: World) -> None:
        scenario(world)
        ref = world.system.ref("b")
        if what == "rest":
            world.final("b is in mood 0", lambda view: view[ref].mood == 0)
        else:
            world.invariant(ref, f"{what} is 0", lambda state: holds(state, what))

    models = [ActorModel(watched, delivery, recheck=7) for _ in "123"]
    every = explore_all(models[0], LIMITS)
    assume(not every.limit)
    states = explore_states(models[1], LIMITS)
    orders = explore_orders(models[2], LIMITS)
    assume(not states.limit)
    assert bool(states.violation) == bool(every.violation) == bool(orders.violation)
    if what != "rest" and "not handled" not in every.violation:
        assert len(states.path) <= min(len(every.path), len(orders.path))


def holds(state: Any, what: str) -> bool:
    """Whether a field of a clerk is 0."""
    assert isinstance(state, ClerkState)
    return not getattr(state, what)


@pytest.mark.slow
def test_cancelled_timer_that_sleeps() -> None:
    """Steps that might come before a timer are tried, even if the timer was tried."""
    limits = Limits(steps=300_000)
    _, every, states, orders = explored(CANCELLED, "mailbox", limits)
    assert every.classes == orders.classes == 38
    assert every.schedules == states.schedules == 71_880


@pytest.mark.slow
@settings(SETTINGS, max_examples=3000)
@given(scenarios(""), DELIVERIES)
def test_counts_agree_more_often(scenario: Scenario, delivery: Network) -> None:
    """The same holds for many more scenarios."""
    models, every, states, orders = explored(scenario, delivery)
    ends = ends_of(models[0], every)
    assert ends_of(models[1], states) == ends == ends_of(models[2], orders)
    assert orders.classes == every.classes


@pytest.mark.slow
@settings(SETTINGS, max_examples=300)
@given(ANYTHING, DELIVERIES)
def test_ends_agree_more_often(scenario: Scenario, delivery: Network) -> None:
    """So do the ends, where a step may change anything."""
    check_ends(scenario, delivery)


@pytest.mark.slow
@settings(SETTINGS, max_examples=800)
@given(scenarios("", "", "raise"), DELIVERIES)
def test_ends_of_ordered_time_agree_more_often(
    scenario: Scenario, delivery: Network
) -> None:
    """And those of ordered time."""
    check_ordered(scenario, delivery)


@pytest.mark.slow
@settings(SETTINGS, max_examples=800)
@given(scenarios(""), DELIVERIES, WHAT)
def test_violations_agree_more_often(
    scenario: Scenario, delivery: Network, what: str
) -> None:
    """And the verdicts."""
    check_violations(scenario, delivery, what)
