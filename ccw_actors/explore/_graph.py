"""All states of a small scenario, and the steps between them."""

from typing import Any

import msgspec

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._entry import model_of
from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._model import Model
from ccw_actors.explore._plain import PlainModel, TransitionSystem, is_plain
from ccw_actors.explore._result import Network, Noops, Time
from ccw_actors.explore._world import Scenario
from ccw_actors.explore._worlds import FAILED
from ccw_actors.runtime import Actor

__all__ = ["GRAPH_STATES_MAX", "GraphState", "GraphStep", "StateGraph", "state_graph"]

GRAPH_STATES_MAX = 500
"""How many states a graph has at most by default: nobody reads a larger one."""


class GraphState(msgspec.Struct, frozen=True):
    """A state: `actors` has the states of the actors that have one, as text, by path.

    A plain transition system has one, without a path. `violation` is what is wrong
    there, "" for nothing.
    """

    actors: dict[str, str]
    violation: str


class GraphStep(msgspec.Struct, frozen=True):
    """A step between states, which are numbers; its `text` is that of `Step`."""

    source: int
    target: int
    text: str


class StateGraph(msgspec.Struct, frozen=True):
    """States, by number, and all steps between them. The first `initial` states begin.

    No step leaves a state in which something is wrong.
    """

    states: tuple[GraphState, ...]
    steps: tuple[GraphStep, ...]
    initial: int


def state_graph(
    scenario: Scenario | TransitionSystem[Any, Any],
    *,
    delivery: Network = "channel",
    noops: Noops = "consumed",
    time: Time = "untimed",
    states_max: int = GRAPH_STATES_MAX,
) -> StateGraph:
    """Return the states of a scenario and the steps between them, nearest first.

    They are those that the engine "states" visits, and those that it would visit after
    the first fault.
    `delivery`, `noops` and `time` mean what they mean for `explore`.

    Raises `ExploreError` if there are more than `states_max` states, or no actor, and
    `HiddenStateError` and `PropertyError` as `explore` does.
    """
    model: Model[Any, Any]
    if is_plain(scenario):
        model = PlainModel(scenario)
    else:
        assert not isinstance(scenario, TransitionSystem), "`is_plain` has said so"
        model = model_of(scenario, delivery, time, noops=noops)
    return _Visit(model, states_max).graph()


class _Visit:
    """Visits the states of a model, nearest first."""

    def __init__(self, model: Model[Any, Any], states_max: int) -> None:
        self._model = model
        self._states_max = states_max
        self._numbers: dict[Any, int] = {}
        self._found: list[Any] = []
        self._steps: list[GraphStep] = []

    def graph(self) -> StateGraph:
        """Visit all states, and return them."""
        for state in self._model.initial():
            self._number(state)
        initial = len(self._found)
        # The list grows on the way.
        states = [self._visited(at, state) for at, state in enumerate(self._found)]
        return StateGraph(tuple(states), tuple(self._steps), initial)

    def _visited(self, at: int, state: Any) -> GraphState:
        """Take all steps of a state."""
        model = self._model
        violation = model.violation(state)
        moves = () if violation else tuple(model.moves(state))
        for action, after in moves:
            text = str(model.step(state, action))
            self._steps.append(GraphStep(at, self._number(after), text))
        if not violation and not moves:
            violation = model.rest(state)
        return GraphState(self._actors(state), violation)

    def _number(self, state: Any) -> int:
        """Return the number of a state; a new one is visited later."""
        number = self._numbers.setdefault(state, len(self._found))
        if number == len(self._found):
            if number == self._states_max:
                raise ExploreError(f"there are more than {self._states_max} states")
            self._found.append(state)
        return number

    def _actors(self, state: Any) -> dict[str, str]:
        if not isinstance(self._model, ActorModel):
            return {"": str(state)}
        if state[0] == FAILED:
            return {}
        view = self._model.checks.view(state)
        states = ((path, view[path]) for path in view)
        # An actor without a state stands for it.
        return {path: str(one) for path, one in states if not isinstance(one, Actor)}
