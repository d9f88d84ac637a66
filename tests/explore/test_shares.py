"""Shares have together what one process has, whatever the number of shares."""

from typing import Any

import pytest

from ccw_actors.explore import ExploreError, TransitionSystem, explore
from ccw_actors.explore.shares import Setting
from ccw_actors.scenarios import SCENARIOS
from examples.explore.published.algorithms import ALGORITHMS
from examples.explore.published.bugs import BUGS
from examples.explore.published.registry import Count, explored
from tests.explore.in_shares import explored_in_shares

_QUICK = 3_000
"""States that a count has at most by default."""

COUNTS = [
    pytest.param(
        count,
        id=f"{algorithm.name}: {count.of}: {count.source}",
        marks=[pytest.mark.slow] * (count.states > _QUICK),
    )
    for algorithm in ALGORITHMS
    for count in algorithm.counts
    if not count.slow
]

FAULTS = [
    pytest.param(of, how, id=name)
    for name, of, how in (
        *((one.name, one.broken, one.how or one.counts[0].how) for one in ALGORITHMS),
        *((one.name, one.uncured, one.how) for one in BUGS),
    )
]

FAR = ["bare-interruption-crash", "absent", "in-clear", "restart"]
"""Scenarios in which actors crash, end, restart, or are spawned."""


def setting(of: Any, how: Any) -> Setting:
    """Return how a published system is explored."""
    given = {key: one for key, one in how.items() if key not in ("engine", "limits")}
    within = given.pop("within", None)
    return Setting(
        lambda: of, **given, within=None if within is None else lambda: within
    )


class Stuck:
    """A state that stays in its process."""

    def __reduce__(self) -> Any:
        raise TypeError("it stays here")

    def __repr__(self) -> str:
        return "Stuck()"


@pytest.mark.parametrize("count", COUNTS)
def test_count_is_the_published_one(count: Count) -> None:
    """All shares together have the published number of states, whichever share."""
    found = explored_in_shares(setting(count.system, count.how), 3)
    assert (found.states, found.fault) == (count.states, None)
    if count.generated is not None and not callable(count.system):
        assert len(count.system.initial()) + found.steps == count.generated


@pytest.mark.parametrize(("of", "how"), FAULTS)
def test_counterexample_is_a_shortest_one(of: Any, how: Any) -> None:
    """Shares find a fault with no more steps than one process needs."""
    one = explored(of, {**how, "engine": "states"})
    found = explored_in_shares(setting(of, how), 2)
    assert found.fault is not None
    assert len(found.path) == len(one.counterexample)


@pytest.mark.parametrize("name", FAR)
def test_steps_that_change_anything(name: str) -> None:
    """Actors that are spawned or end are the same in every share."""
    scenario = SCENARIOS[name]
    one = explore(scenario, engine="states")
    found = explored_in_shares(Setting(lambda: scenario), 3)
    assert (found.states, found.steps) == (one.states, one.steps)


def test_states_are_shared_out_evenly() -> None:
    """Each of N shares has about one state in N."""
    found = explored_in_shares(Setting(lambda: SCENARIOS["clear-twice"]), 4)
    assert len(found.of_each) == 4
    assert max(found.of_each) < 1.2 * found.states / 4


def test_state_that_cannot_be_pickled() -> None:
    """The error names the state."""
    stuck = Stuck()
    system = TransitionSystem[Any, str](
        [0],
        lambda state: ["begin"] if state == 0 else [],
        lambda _state, _action: stuck,
    )
    with pytest.raises(ExploreError, match="cannot go to another process"):
        explored_in_shares(Setting(lambda: system), 64)
