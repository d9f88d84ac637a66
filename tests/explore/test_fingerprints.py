"""Less room or less to look at: fingerprints, a constraint, a capacity."""

from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.explore import (
    ExploreError,
    Network,
    TransitionSystem,
    UnsoundError,
    View,
    World,
    explore,
)
from ccw_actors.explore._known import ExactStates, Fingerprints, print_of
from ccw_actors.runtime import Actor, Message, receive

DELIVERIES: tuple[Network, ...] = ("channel", "mailbox", "unordered")


class Add(Message, frozen=True):
    """A number to be added."""

    number: int


class Sum(Struct):
    """What has been added."""

    total: int = 0


class Adder(Actor[Add]):
    """Adds what it is told, and tells another one, some times in a row."""

    state: Sum

    def __init__(self, to: str = "", times: int = 1) -> None:
        self.state = Sum()
        self._to = to
        self._times = times

    @receive
    def add(self, message: Add) -> None:
        """Add it, and pass it on."""
        self.state.total += message.number
        if self._to:
            for _ in range(self._times):
                self.system.ref(self._to).tell(message)


def added(world: World, *, times: int = 2, worst: int = 99) -> None:
    """Have numbers added twice over."""
    one = world.spawn(Adder("other", times), "one")
    other = world.spawn(Adder(), "other")
    for number in (1, 2, 4):
        world.inject(one, Add(number), source=f"of {number}")
    world.invariant(other, "not as much", lambda state: state.total < worst)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_counts_and_ways_are_the_same(delivery: Network) -> None:
    """Fingerprints find the states that exact ones do, and the same way to a fault."""
    exact = explore(added, delivery=delivery)
    found = explore(added, delivery=delivery, fingerprints=True)
    assert (found.verdict, found.states, found.steps) == (
        "verified",
        exact.states,
        exact.steps,
    )
    assert found.schedules is None

    def wrong(world: World) -> None:
        added(world, worst=8)

    ways = {
        explore(wrong, delivery=delivery, fingerprints=bits).names
        for bits in (False, True)
    }
    assert len(ways) == 1
    assert ways != {()}


def test_scope_says_the_chance() -> None:
    """A verdict from fingerprints says how likely it is that a state was missed."""
    scope = explore(added, fingerprints=True).scope
    assert "fingerprints of 64 bits: the chance that one was missed is at most" in scope
    assert "fingerprint" not in explore(added).scope
    with pytest.raises(ExploreError, match="expected engine 'states', got"):
        explore(added, engine="orders", fingerprints=True)


def test_plain_transition_system() -> None:
    """Equal states have one fingerprint, in whatever order they came about."""

    def grown(state: frozenset[str], word: str) -> frozenset[str]:
        return state | {word}

    system = TransitionSystem([frozenset[str]()], lambda _s: "abcdefgh", grown)
    found = explore(system, fingerprints=True)
    assert found.states == explore(system).states == 2**8


def test_table_that_grows() -> None:
    """The table of fingerprints finds what it has been given, and nothing else."""
    known: Fingerprints[int] = Fingerprints(lambda n: print_of(str(n).encode()))
    exact: ExactStates[int] = ExactStates()
    numbers = [n * n % 5_003 for n in range(9_000)]
    assert [known.add(n) for n in numbers] == [exact.add(n) for n in numbers]
    assert len(known) == len(exact) == len(set(numbers))


def test_two_states_of_one_fingerprint() -> None:
    """They are taken for one: that is what may be missed."""
    known: Fingerprints[int] = Fingerprints(lambda n: n % 10)
    assert [known.add(n) for n in (3, 4, 13)] == [(0, True), (1, True), (0, False)]


# -- a constraint and a capacity -----------------------------------------------------


def test_within() -> None:
    """Nothing leads out of a state outside of a constraint, and the scope says so."""

    def little_is_done(view: View) -> bool:
        return bool(view["one"].total < 3)

    result = explore(added, within=little_is_done)
    every = explore(added)
    assert result.verdict == "verified"
    assert result.states is not None
    assert every.states is not None
    assert result.states < every.states
    words = "only as far as within the constraint of little is done"
    assert words in result.scope
    assert "constraint" not in every.scope
    found = explore(lambda world: added(world, worst=3), within=little_is_done)
    assert found.verdict == "refuted", "what is within is looked at"


def test_end_behind_a_constraint() -> None:
    """A state that is left out is no end: no final property is asked there."""

    def scenario(world: World) -> None:
        added(world)
        world.final("all was added", lambda view: view["one"].total == 7)

    result = explore(scenario, within=lambda view: view["one"].total < 3)
    assert result.verdict == "vacuous", result.violation


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_capacity(delivery: Network) -> None:
    """No channel ever holds more than its capacity, on every kind of network."""
    states = [
        explore(added, delivery=delivery, capacity=capacity).states
        for capacity in (2, 4, 6, 0)
    ]
    assert states[-1] == states[-2]
    assert states[0] is not None
    assert states[1] is not None
    assert states[-1] is not None
    assert states[0] < states[1] < states[-1]
    result = explore(added, delivery=delivery, capacity=1)
    assert "no channel holding more than 1 messages" in result.scope
    assert explore(lambda w: added(w, worst=1), capacity=1).verdict == "verified"


def test_refused() -> None:
    """What would not be covered, or has no channel, is refused."""
    system = TransitionSystem([0], lambda _s: [1], lambda s, a: min(s + a, 3))
    wrong: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (
            added,
            {"capacity": -1},
            "capacity: expected 0 .no bound. or more messages, got -1",
        ),
        (system, {"capacity": 1}, "no channels: leave out capacity"),
    )
    for scenario, options, words in wrong:
        with pytest.raises(ExploreError, match=words):
            explore(scenario, **options)
    with pytest.raises(UnsoundError, match="left out of some schedules only"):
        explore(added, engine="orders", capacity=1)
    assert explore(system, within=lambda state: state < 2).states == 3
