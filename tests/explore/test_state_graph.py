"""Graphs of states have what the engine "states" visits, and go on behind a fault."""

from typing import Any

import pytest

from ccw_actors.explore import (
    ExploreError,
    Network,
    Scenario,
    StateGraph,
    TransitionSystem,
    UnsoundError,
    explore,
    state_graph,
)
from examples.explore.bank import transfer, transfer_buggy
from examples.explore.first import two_clients
from examples.explore.lease import careful, careless
from examples.explore.plain_system import jugs


def distance(graph: StateGraph) -> int | None:
    """Return how many steps lead to the nearest state in which something is wrong."""
    found = set(range(graph.initial))
    reached, steps = found, 0
    while reached:
        if any(graph.states[one].violation for one in reached):
            return steps
        reached = {one.target for one in graph.steps if one.source in reached} - found
        found |= reached
        steps += 1
    return None


@pytest.mark.parametrize("scenario", [transfer, careful])
def test_all_states_of_a_verified_scenario(scenario: Scenario) -> None:
    """There are as many states and steps as `explore` counts."""
    graph, result = state_graph(scenario), explore(scenario, engine="states")
    assert result.verdict == "verified"
    assert (len(graph.states), len(graph.steps)) == (result.states, result.steps)
    assert not any(one.violation for one in graph.states)


@pytest.mark.parametrize("scenario", [two_clients, transfer_buggy, careless, jugs])
def test_nearest_fault(scenario: Scenario | TransitionSystem[Any, Any]) -> None:
    """The nearest wrong state is as far away as the shortest counterexample says."""
    graph, result = state_graph(scenario), explore(scenario, engine="states")
    assert result.verdict == "refuted"
    assert distance(graph) == len(result.counterexample)
    wrong = {number for number, one in enumerate(graph.states) if one.violation}
    assert result.violation in {graph.states[one].violation for one in wrong}
    assert not wrong & {step.source for step in graph.steps}


def test_steps_go_round_and_begin_twice() -> None:
    """Initial states come first; a step may lead back, and each is there once."""
    system = TransitionSystem[int, str](
        [3, 1],
        lambda _: ("up", "same"),
        lambda state, action: (state + 1) % 4 if action == "up" else state,
        finals={"never asked": lambda _: False},
    )
    graph = state_graph(system)
    assert graph.initial == 2
    assert [one.actors for one in graph.states] == [{"": n} for n in "3102"]
    steps = {(one.source, one.target, one.text) for one in graph.steps}
    ring = {(0, 2, "up"), (2, 1, "up"), (1, 3, "up"), (3, 0, "up")}
    assert steps == ring | {(n, n, "same") for n in range(4)}
    assert len(graph.steps) == len(steps)


def test_final_property() -> None:
    """A state without steps is wrong if a final property does not hold."""
    system = TransitionSystem[int, int](
        [0],
        lambda state: (1, 2) if state == 0 else (),
        lambda _, action: action,
        finals={"ends in 1": lambda state: state == 1},
    )
    found = [one.violation for one in state_graph(system).states]
    assert found == ["", "", "ends in 1"]


def test_states_of_actors() -> None:
    """Each state has those of the actors that have one; a failure has none."""
    graph = state_graph(two_clients)
    assert graph.states[0].actors == {"counter": "Counted(count=0)"}


def test_options() -> None:
    """Delivery, time and no-ops are those of the engine."""
    deliveries: tuple[Network, ...] = "mailbox", "unordered"
    for delivery in deliveries:
        graph = state_graph(transfer, delivery=delivery)
        result = explore(transfer, engine="states", delivery=delivery)
        assert len(graph.states) == result.states
    with pytest.raises(UnsoundError, match="no state is the last"):
        state_graph(transfer, delivery="unordered", noops="kept")


def test_too_many_states() -> None:
    """A graph larger than the limit is refused; one as large is not."""
    states = len(state_graph(careful).states)
    assert len(state_graph(careful, states_max=states).states) == states
    with pytest.raises(ExploreError, match=f"more than {states - 1} states"):
        state_graph(careful, states_max=states - 1)
    with pytest.raises(ExploreError, match="no actor"):
        state_graph(lambda _: None)
