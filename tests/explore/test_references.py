"""Messages from outside do the same as in scenarios that spell them out."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from ccw_actors.explore import Event, Limits, Network, Noops, Scenario, View, World
from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._brute import explore_all
from ccw_actors.explore._states import explore_states
from ccw_actors.runtime import Actor, Message, receive
from tests.explore.cast import Clerk, Hop, Waiter
from tests.explore.test_agreement import (
    DELIVERIES,
    FATES,
    SETTINGS,
    Restful,
    scenarios,
)

LIMITS = Limits(steps=20_000, seconds=60.0, states=2_000, depth=300)
NOOPS: st.SearchStrategy[Noops] = st.sampled_from(("consumed", "kept"))
FEW = settings(SETTINGS, max_examples=15)
MORE = settings(SETTINGS, max_examples=2000)


class Next(Message, frozen=True):
    """Has a sender send what is next."""


class Sent(Struct):
    """How much was sent."""

    count: int = 0


class Sender(Actor[Next]):
    """Sends letters, one after the other, whenever it comes to that."""

    state: Sent

    def __init__(self, letters: list[tuple[str, Hop]]) -> None:
        self.state = Sent()
        self._letters = tuple(letters)

    def on_start(self) -> None:
        """Begin."""
        self.ref.tell(Next())

    @receive
    def next(self, message: Next) -> None:
        """Send one, and go on."""
        path, letter = self._letters[self.state.count]
        self.system.ref(path).tell(letter)
        self.state.count += 1
        if self.state.count < len(self._letters):
            self.ref.tell(message)


def spelled_out(scenario: Scenario) -> Scenario:
    """Return the same with an actor in the place of each source, one for each clerk.

    What a source sends to one actor keeps its order; to several, it does not.
    """

    def told(world: World) -> None:
        scenario(world)
        letters: dict[str, list[tuple[str, Hop]]] = {}
        decode = world.system.codec.raw_decoder(Hop)
        for path, source, payload in world.injected:
            sender = f"{source} to {path}"
            letters.setdefault(sender, []).append((path, decode(payload)))
        world.injected.clear()
        for sender, sent in letters.items():
            world.spawn(Sender(sent), sender)

    return told


def clerks(view: View) -> object:
    """Return what the clerks are, in words."""
    paths = sorted(path for path in view if not path.startswith("source"))
    return tuple((path, repr(view[path])) for path in paths)


def ends_of(scenario: Scenario, delivery: Network) -> set[object]:
    """Return what the clerks may be in the end."""
    model = Restful(scenario, delivery, recheck=7)
    found = explore_states(model, LIMITS)
    assume(not found.limit)
    assert not found.violation
    return {clerks(model.checks.view(state)) for state in found.final}


def same_as_spelled_out(scenario: Scenario, delivery: Network) -> None:
    """Hold that sources do what actors in their places do."""
    ends = ends_of(scenario, delivery)
    assert ends == ends_of(spelled_out(scenario), delivery)


OUTSIDE = (
    scenarios(*FATES)
    | scenarios("", bound=1)
    | scenarios("", "stop", bound=2)
    | scenarios(*FATES, kind=Waiter)
)


@FEW
@given(OUTSIDE, DELIVERIES)
def test_outside_is_an_actor_that_sends(scenario: Scenario, delivery: Network) -> None:
    """An injected message comes when it would if an actor sent it."""
    same_as_spelled_out(scenario, delivery)


@pytest.mark.slow
@MORE
@given(OUTSIDE, DELIVERIES)
def test_outside_is_an_actor_more_often(scenario: Scenario, delivery: Network) -> None:
    """The same holds for many more scenarios."""
    same_as_spelled_out(scenario, delivery)


# -- crashes ----------------------------------------------------------------------


class Crash(Message, frozen=True):
    """Has a clerk crash."""


class Fragile(Clerk):
    """A clerk that can be told to crash."""

    @receive
    def crash(self, _message: Crash) -> None:
        """Do so."""
        raise ValueError("crash")


def told_to_crash(scenario: Scenario, path: str) -> Scenario:
    """Return a scenario in which a clerk is told to crash, and what follows is noted.

    The monitor is 1 after the crash, and 2 once something else has been handled.
    """

    def note(value: int, event: Event) -> int:
        if isinstance(event.message, Crash):
            return 1
        return 2 if value and event.message is not None else value

    def told(world: World) -> None:
        scenario(world)
        world.inject(world.system.ref(path), Crash(), source="crash")
        world.monitor(0, note)

    return told


@pytest.mark.slow
@FEW
@given(
    scenarios("", "spawn", kind=Fragile),
    DELIVERIES,
    st.sampled_from(("a", "b")),
)
def test_crash_is_a_message_that_raises(
    scenario: Scenario, delivery: Network, path: str
) -> None:
    """A crash between two messages can do what a message that fails an actor does.

    Except for a crash with no step left, which is not explored.
    """

    def crashing(world: World) -> None:
        scenario(world)
        world.may_crash(world.system.ref(path))

    model = Restful(told_to_crash(scenario, path), delivery, recheck=7)
    found = explore_states(model, LIMITS)
    assume(not found.limit)
    views = [model.checks.view(state) for state in found.final]
    assert ends_of(crashing, delivery) >= {clerks(v) for v in views if v.monitor == 2}


# -- unordered --------------------------------------------------------------------


def seen_by(model: ActorModel, states: set[Any]) -> set[object]:
    """Return states in words that do not depend on the model."""
    return {clerks(model.checks.view(state)) for state in states}


def watched(scenario: Scenario, found: set[object]) -> Scenario:
    """Return the same scenario, of which all states are noted."""

    def noted(world: World) -> None:
        def note(view: View) -> bool:
            found.add(clerks(view))
            return True

        scenario(world)
        world.system_invariant("noted", note)

    return noted


def same_on_a_network(scenario: Scenario, noops: Noops) -> None:
    """Hold that States and brute force find the same on an unordered network."""
    by_brute, by_states = set[object](), set[object]()
    limits = Limits(steps=2_000, seconds=60.0, states=100_000, depth=200)
    one = Restful(watched(scenario, by_brute), "unordered", 7)
    every = explore_all(one, limits, keeps_noops=noops == "kept")
    assume(not every.limit)
    other = Restful(watched(scenario, by_states), "unordered", 7, noops=noops)
    states = explore_states(other, limits)
    assert by_brute == by_states
    assert (states.states, states.schedules) == (every.states, every.schedules)
    assert states.violation == every.violation == ""


UNORDERED = (
    scenarios("")
    | scenarios(*FATES)
    | scenarios("", "spawn", crashes=1)
    | scenarios(*FATES, kind=Waiter)
)


@FEW
@given(UNORDERED, NOOPS)
def test_unordered_network(scenario: Scenario, noops: Noops) -> None:
    """Brute force finds the same states and schedules, for both kinds of noops."""
    same_on_a_network(scenario, noops)


@pytest.mark.slow
@MORE
@given(UNORDERED, NOOPS)
def test_unordered_network_more_often(scenario: Scenario, noops: Noops) -> None:
    """The same holds for many more scenarios."""
    same_on_a_network(scenario, noops)
