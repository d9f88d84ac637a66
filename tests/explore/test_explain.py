"""Explanations of counterexamples are true."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from ccw_actors.explore import (
    CounterexampleError,
    Engine,
    Explanation,
    Limits,
    Network,
    Result,
    Scenario,
    TransitionSystem,
    World,
    explain,
    explore,
    replay,
)
from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._causality import causality
from ccw_actors.explore._global_state import State
from ccw_actors.explore._replay import follow
from ccw_actors.runtime import Actor, ActorRef, Message, Restart, receive
from examples.explore.bank import transfers
from tests.explore.test_agreement import DELIVERIES, SETTINGS, holds, scenarios

_SHORT = 6


class Put(Message, frozen=True):
    """A letter to be kept."""

    letter: str


class Letters(Struct):
    """The letters so far."""

    letters: str = ""


class Box(Actor[Put]):
    """Keeps letters, and passes each on if there is somebody."""

    state: Letters

    def __init__(self, to: str = "") -> None:
        self.state = Letters()
        self._to = to

    @receive
    def put(self, message: Put) -> None:
        """Keep it."""
        self.state.letters += message.letter
        if message.letter == "!":
            raise ValueError("no")
        if self._to:
            ref: ActorRef[Put] = self.system.ref(self._to)
            ref.tell(message)


def explained(
    build: Callable[[World], None],
    delivery: Network = "channel",
    engine: Engine = "states",
) -> tuple[Result, Explanation]:
    """Explore, and explain."""
    result = explore(build, delivery=delivery, engine=engine)
    assert result.verdict == "refuted"
    return result, explain(build, result)


def two_ways(world: World) -> None:
    """Have "a" come straight, "b" by way of another box, and "x" somewhere else."""
    box = world.spawn(Box(), "box")
    other = world.spawn(Box("box"), "other")
    world.inject(world.spawn(Box(), "apart"), Put("x"))
    world.inject(other, Put("b"), source="b")
    world.inject(box, Put("a"), source="a")
    world.invariant(box, "a before b", lambda state: state.letters != "ba")


def test_race_and_the_other_order() -> None:
    """The race is that of the two letters, and the other order passes to its end."""
    _, told = explained(two_ways)
    assert [str(step) for step in told.steps] == [
        "b > other: Put(letter='b')",
        "other > box: Put(letter='b')",
        "a > box: Put(letter='a')",
    ]
    assert told.race == (1, 2)
    names = [step.name for step in told.passing]
    assert names.index("a>box") < names.index("other>box")
    again = replay(two_ways, names)
    assert (again.violation, again.is_over) == ("", True)
    assert told.causes == (-1, 0, -1)
    assert told.remarks()[0] == (
        "Race at box: step 2 (Put from other) comes before step 3 (Put from a)."
        " The other order can avoid the fault."
    )


def test_point_of_no_return() -> None:
    """It is the step after which "a" can no longer come first."""
    _, told = explained(two_ways)
    assert told.no_return == 2
    assert told.way_out is not None
    assert told.way_out.name in {"a>box", ">apart"}
    assert told.remarks()[-1] == (
        f"Point of no return: step 2. Taking {told.way_out.name} instead could have"
        " avoided the fault."
    )


def test_overtakings() -> None:
    """A message that is handled before an older one overtakes it."""
    _, told = explained(two_ways)
    assert [tuple(one) for one in told.overtakings] == [(2, 3)]


def test_steps_that_are_not_needed() -> None:
    """A random schedule may have steps that are not needed; they are left out.

    With few states to look at, no shorter way is found, and they are not needed.
    """
    result = explore(two_ways, engine="random")
    shortest = explain(two_ways, result)
    assert [step.name for step in shortest.steps] == ["b>other", "other>box", "a>box"]
    told = explain(two_ways, result, states_max=1)
    assert len(told.steps) == len(result.counterexample)
    needed = [told.steps[number].name for number in told.needed]
    assert needed == ["b>other", "other>box", "a>box"]
    assert replay(two_ways, needed).violation == result.violation


def test_failure_of_a_handler() -> None:
    """The step that fails is the last one."""

    def build(world: World) -> None:
        box = world.spawn(Box(), "box")
        world.inject(box, Put("a"), source="a")
        world.inject(box, Put("!"), source="b")

    _, told = explained(build)
    assert told.steps[-1].name == "b>box"
    assert told.no_return == 0
    assert told.race is None
    assert told.passing == ()
    assert str(told).endswith("Every schedule meets a fault.")


def test_property_of_several_actors() -> None:
    """Properties of several actors and of the end are explained."""

    def build(world: World) -> None:
        left = world.spawn(Box(), "left")
        right = world.spawn(Box(), "right")
        for ref, source in ((left, "a"), (right, "b")):
            world.inject(ref, Put("x"), source=source)
        world.system_invariant(
            "left is not behind",
            lambda view: view[left].letters >= view[right].letters,
        )

    _, told = explained(build)
    assert [step.name for step in told.steps] == ["b>right"]
    assert told.race is None
    assert told.way_out is not None
    assert told.way_out.name == "a>left"


def test_crash_in_an_explanation() -> None:
    """A crash is a step like others."""

    def build(world: World) -> None:
        box = world.spawn(Box("end"), "box", supervision=Restart())
        end = world.spawn(Box(), "end")
        world.inject(box, Put("a"))
        world.may_crash(box)
        world.final("it comes", lambda view: view[end].letters == "a")

    _, told = explained(build)
    assert told.steps[0].name == ">box!"
    assert told.no_return == 1
    assert "crashes on Put" in str(told)


def test_plain_system() -> None:
    """A plain transition system has a point of no return."""
    moves = {0: [1, 2], 1: [3], 2: [], 3: []}
    system = TransitionSystem[int, int](
        [0],
        lambda state: moves[state],
        lambda _state, action: action,
        invariants={"not 3": lambda state: state != 3},
    )
    told = explain(system, explore(system))
    assert [step.message for step in told.steps] == ["1", "3"]
    assert told.no_return == 1
    assert told.way_out is not None
    assert told.way_out.message == "2"


def test_nothing_to_explain() -> None:
    """A verified scenario has no fault to explain."""
    result = explore(transfers())
    with pytest.raises(CounterexampleError, match="got 'verified'"):
        explain(transfers(), result)


def test_what_never_happens() -> None:
    """A vacuous scenario has no steps to explain."""

    def build(world: World) -> None:
        box = world.spawn(Box(), "box")
        world.sometimes("full", lambda state: state.letters == "ab", of=box)

    result = explore(build)
    assert result.verdict == "vacuous"
    with pytest.raises(CounterexampleError, match="got 'vacuous'"):
        explain(build, result)


def test_too_many_states() -> None:
    """If the search for the point of no return is given up, it is None."""
    scenario = transfers(tellers=3, buggy=True)
    told = explain(scenario, explore(scenario), states_max=1)
    assert told.no_return is None
    assert "Point of no return" not in str(told)


def test_lines_are_bounded() -> None:
    """The text has at most so many steps, and says how many are left out."""
    scenario = transfers(tellers=3, buggy=True)
    lines = explain(scenario, explore(scenario, engine="random")).lines(3)
    assert len([line for line in lines if line.startswith("  ")]) == 4
    assert any("steps left out" in line for line in lines)


@settings(SETTINGS, max_examples=25)
@given(scenarios("", "raise"), DELIVERIES, st.sampled_from(("mood", "timer")))
def test_explanations_are_true(
    scenario: Scenario, delivery: Network, what: str
) -> None:
    """The steps needed meet the fault, the other order passes, the steps are a way."""

    def watched(world: World) -> None:
        scenario(world)
        ref = world.system.ref("b")
        world.invariant(ref, f"{what} is 0", lambda state: holds(state, what))

    limits = Limits(schedules=30, depth=60)
    result = explore(watched, delivery=delivery, engine="random", limits=limits)
    assume(result.verdict == "refuted" and len(result.counterexample) > 1)
    told = explain(watched, result, states_max=2_000)
    names = [step.name for step in told.steps]
    assert len(names) <= len(result.names)
    assert replay(watched, names, delivery=delivery).violation == result.violation
    needed = [names[number] for number in told.needed]
    assert replay(watched, needed, delivery=delivery).violation == result.violation
    if told.race is not None:
        passing = [step.name for step in told.passing]
        again = replay(watched, passing, delivery=delivery)
        assert (again.violation, again.is_over) == ("", True)
    if told.no_return is not None and len(names) <= _SHORT:
        assert told.no_return == _no_return(watched, delivery, names)


def _no_return(scenario: Scenario, delivery: Network, names: list[str]) -> int:
    """Return after how many steps every way has a fault, by trying all."""
    model = ActorModel(scenario, delivery, 0)
    way = follow(model, names)

    def is_lost(state: State, path: frozenset[State]) -> bool:
        if model.violation(state):
            return True
        if state in path:
            return False
        moves = model.moves(state)
        if not moves:
            return bool(model.rest(state))
        return all(is_lost(after, path | {state}) for _, after in moves)

    lost = [is_lost(state, frozenset()) for state in way.states]
    return lost.index(True)


class Parent(Actor):
    """Keeps letters itself, later, or lets a child keep them."""

    @receive
    def put(self, message: Put) -> None:
        """Have a child keep it, later."""
        if message.letter == "a":
            self.after(1.0, Put("b"))
        else:
            self.spawn(Box(), "child").tell(Put("c"))


def test_causes_of_timers_and_children() -> None:
    """The cause of a timer is the step that set it, that of a message its sender's."""

    def build(world: World) -> None:
        parent = world.spawn(Parent(), "parent")
        world.inject(parent, Put("a"))

    model = ActorModel(build, "channel", 0)
    way: Any = follow(model, [">parent", "parent@1", "parent>parent/child"])
    assert way.lost is None
    found = causality(model, way.states, way.actions)
    assert found.causes == (-1, 0, 1)
    assert found.before == (0, 0b1, 0b11)


class Endless(Box):
    """Sends itself messages forever."""

    @receive
    def put(self, message: Put) -> None:
        """Do so, and keep ever more."""
        self.state.letters += message.letter
        self.ref.tell(message)


def beside_what_never_ends(world: World) -> None:
    """Have a race beside an actor whose states never end."""
    box = world.spawn(Box(), "box")
    world.inject(world.spawn(Endless(), "endless"), Put("x"))
    for letter in "ab":
        world.inject(box, Put(letter), source=letter)
    world.invariant(box, "a comes first", lambda state: state.letters[:1] != "b")


@pytest.mark.parametrize(
    ("bound", "words"),
    [({"states_max": 500}, "500 states"), ({"seconds_max": 0.0}, "0 seconds")],
    ids=["states", "seconds"],
)
def test_bounds_of_an_explanation(bound: dict[str, Any], words: str) -> None:
    """Each part is given up within its bound, and the explanation says which."""
    result = explore(beside_what_never_ends)
    assert result.verdict == "refuted"
    explanation = explain(beside_what_never_ends, result, **bound)
    late = f"Not found after {words}: the point of no return."
    assert late in explanation.not_found
    assert explanation.no_return is None
    assert late in str(explanation)
    assert explanation.steps
