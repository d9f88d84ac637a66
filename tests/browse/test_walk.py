"""Walks: what is possible after a way, what it would do, and whether it can fail."""

from collections.abc import Sequence
from typing import Any

import pytest

from ccw_actors.browse import BrowseError, Outlook, Outlooks, Place, Walk
from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import (
    Limits,
    Network,
    TransitionSystem,
    World,
    explore,
    replay,
)
from ccw_actors.runtime import Actor, Mailbox, Message, receive
from ccw_actors.scenarios import SCENARIOS
from examples.explore.first import two_clients
from examples.explore.lease import careful, careless
from examples.explore.plain_system import jugs


def names_of(place: Place) -> list[str]:
    """Return the names of the steps that are possible at a place."""
    return [one.name for one in place.picture.choices]


def outlook(walk: Walk, *way: str) -> Outlook:
    """Return whether a fault can follow a way, as far as a search finds out."""
    return Outlooks(walk).after(way)


def test_a_walk_begins_with_what_is_outside() -> None:
    """Nothing has happened, and both clients can get their message."""
    place = Walk(two_clients, "two clients").at([])
    assert place.way == ()
    assert names_of(place) == [">alice", ">bob"]
    assert not place.violation
    assert not place.is_over
    assert place.picture.schedules[0].events == ()


def test_a_choice_says_what_it_would_do() -> None:
    """Its message, the messages that it sends, and the state that it changes."""
    walk = Walk(two_clients, "two clients")
    place = walk.at([">alice", "alice>counter", "counter>alice"])
    choice = next(one for one in place.picture.choices if one.name == "alice>counter")
    lanes = [lane.path for lane in place.picture.lanes]
    assert lanes[choice.event.actor] == "counter"
    assert choice.event.type == "Count"
    (change,) = choice.changes
    assert lanes[change.actor] == "counter"
    assert change.before != change.after
    reads = walk.at([]).picture.choices[0]
    assert [one.type for one in reads.sent] == ["Read"]


def test_trying_a_choice_changes_nothing() -> None:
    """What each would change is what it does change once it is taken."""
    walk = Walk(careless, "careless")
    way = ["bob>lock", "lock>bob"]
    tried = walk.at(way).picture
    assert len(tried.choices) == 3
    for one in tried.choices:
        after = walk.at([*way, one.name]).picture.schedules[0]
        assert after.events[:2] == tried.schedules[0].events
        changed = {state.actor for state in after.states if state.event == 2}
        assert {change.actor for change in one.changes} == changed


def test_a_fault_ends_a_way() -> None:
    """Its place has no choices, and steps behind the fault are not taken."""
    result = explore(careless)
    place = Walk(careless, "careless").at([*result.names, "more>steps"])
    assert place.way == result.names
    assert place.violation == result.violation
    assert place.picture.verdict == "fault"
    assert names_of(place) == []


def test_the_choice_that_fails_at_once_is_marked() -> None:
    """It names the fault; no other choice before it does."""
    result = explore(careless)
    walk = Walk(careless, "careless")
    for count in range(len(result.names)):
        place = walk.at(result.names[:count])
        wrong = {one.name for one in place.picture.choices if one.violation}
        is_last = count == len(result.names) - 1
        assert wrong == ({result.names[-1]} if is_last else set())


def test_a_step_that_is_not_possible_is_named() -> None:
    """The error says which are possible instead."""
    with pytest.raises(BrowseError, match=r"step 2, x>y, is not possible; possible: "):
        Walk(two_clients, "two clients").at([">alice", "x>y"])


def test_an_unordered_network_cannot_be_walked() -> None:
    """Several steps could have one name there."""
    with pytest.raises(BrowseError, match="'unordered'"):
        Walk(two_clients, "two clients", delivery="unordered")


def test_a_shipped_scenario_is_walked_to_its_end() -> None:
    """Each step is one of those that were possible; in the end nothing is left."""
    walk = Walk(SCENARIOS["seed"], "seed")
    way: tuple[str, ...] = ()
    while names := walk.look(way).names:
        way = (*way, names[-1])
    assert len(way) > 30
    place = walk.at(way)
    assert place.is_over
    assert not place.picture.notes
    assert len(place.picture.schedules[0].events) == len(way)
    assert place.picture.verdict == "at rest"


def test_a_crash_is_walked_as_it_is_explored() -> None:
    """An actor that crashes between two messages has restarted afterwards."""
    walk = Walk(SCENARIOS["crash-halt"], "crash-halt")
    way = ["device!", "cpu0>cpu0"]
    place = walk.at(way)
    assert not place.picture.notes
    assert names_of(place) == list(walk.look(way).names)
    assert place.picture.schedules[0].events[0].kind == "crash"


class Numbered(Message, frozen=True):
    """A message that is told from others."""

    number: int


class Ear(Actor[Numbered]):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.state: list[int] = []

    @receive
    def hear(self, message: Numbered) -> None:
        """Note the number."""
        self.state.append(message.number)


def two_from_one_source(world: World, mailbox: Mailbox | None = None) -> None:
    """Two messages to one actor, which arrive one after the other."""
    ear = world.spawn(Ear(), "ear", mailbox=mailbox)
    world.inject(ear, Numbered(1))
    world.inject(ear, Numbered(2))


class Quitter(Actor[Numbered]):
    """Ends the process."""

    @receive
    def hear(self, _message: Numbered) -> None:
        """Exit."""
        raise SystemExit(3)


def quits(world: World) -> None:
    """Send a message to an actor that ends the process."""
    world.inject(world.spawn(Quitter(), "quitter"), Numbered(1))


def two_to_a_small_mailbox(world: World) -> None:
    """Two messages to an actor whose mailbox has a bound."""
    two_from_one_source(world, Mailbox(1, "drop newest"))


@pytest.mark.parametrize(
    ("scenario", "delivery"),
    [(two_from_one_source, "mailbox"), (two_to_a_small_mailbox, "channel")],
    ids=["mailbox", "bounded"],
)
def test_what_has_arrived_is_handled_between_arrivals(
    scenario: Any, delivery: Network
) -> None:
    """The next message from the same source stays outside until it arrives."""
    walk = Walk(scenario, "two", delivery=delivery)
    first = walk.at([">ear+"])
    assert sorted(names_of(first)) == [">ear", ">ear+"]
    assert not first.picture.notes
    place = walk.at([">ear+", ">ear", ">ear+", ">ear"])
    assert not place.picture.notes
    events = place.picture.schedules[0].events
    assert [one.kind for one in events] == ["arrival", "message"] * 2
    assert [one.cause for one in events] == [-1, 0, -1, 2]
    assert [one.body[-2:-1] for one in events] == [b"1", b"1", b"2", b"2"]


# -- whether a fault can follow -------------------------------------------------------


@pytest.mark.parametrize("scenario", [two_clients, careless], ids=["count", "lease"])
def test_outlooks_are_those_of_every_continuation(scenario: Any) -> None:
    """They are what trying each continuation finds, from the places of one way."""
    walk = Walk(scenario, "small")
    outlooks = Outlooks(walk)
    found: dict[tuple[str, ...], bool] = {}

    def fails(way: tuple[str, ...]) -> bool:
        seen = walk.look(way)
        further = [fails((*way, name)) for name in seen.names]
        found[way] = bool(seen.violation) or any(further)
        return found[way]

    fails(explore(scenario).names[:1])
    assert set(found.values()) == {True, False}
    for way, wrong in found.items():
        said = outlooks.after(way)
        assert said.finding == ("fails" if wrong else "cannot fail"), way


def test_a_failing_continuation_can_be_taken() -> None:
    """Its steps lead from the place to the fault that it names."""
    way = [">bob", "bob>counter"]
    said = outlook(Walk(two_clients, "two clients"), *way)
    assert said.finding == "fails"
    assert said.names
    again = replay(two_clients, [*way, *said.names])
    assert again.violation == said.violation


def test_a_search_that_is_not_over_says_nothing() -> None:
    """Neither finding is claimed within one state."""
    said = Outlooks(Walk(careful, "careful"), states=1).after([])
    assert said.finding == "not known"
    assert "was not over" in said.why


def test_the_whole_exploration_says_what_a_search_does_not() -> None:
    """A verified scenario cannot fail anywhere; a known fault is followed."""
    outlooks = Outlooks(Walk(careful, "careful"), states=1)
    outlooks.explore()
    assert outlooks.known.state == "verified"
    assert outlooks.after([]).finding == "cannot fail"
    outlooks = Outlooks(Walk(careless, "careless"), states=1)
    outlooks.explore()
    first = outlooks.known.names[0]
    said = outlooks.after([first])
    assert said.finding == "fails"
    assert replay(careless, [first, *said.names]).violation == said.violation


def test_an_exploration_that_reaches_a_limit_says_nothing() -> None:
    """It is no proof that there is no fault."""
    limits = Limits(states=2, schedules=1, seconds=1)
    outlooks = Outlooks(
        Walk(careful, "careful"), states=1, limits=limits, engine="states"
    )
    outlooks.explore()
    assert outlooks.known.state == "incomplete"
    assert outlooks.after([]).finding == "not known"


def test_a_monitor_goes_on_from_where_it_was() -> None:
    """A fault that a monitor sees, half of it before the place, is found."""

    def both(world: World) -> None:
        two_clients(world)
        world.properties.finals.clear()
        world.monitor(0, lambda count, event: count + (event.actor == "counter"))
        world.system_invariant("at most 3", lambda view: view.monitor <= 3)

    way = [">alice", ">bob", "alice>counter", "bob>counter"]
    said = outlook(Walk(both, "both"), *way)
    assert said.finding == "fails"
    assert said.violation == "at most 3"
    assert len(said.names) == 4


def test_a_message_that_has_arrived_is_no_place_to_search_from() -> None:
    """Under mailbox delivery it would be outside again, so nothing is claimed."""
    walk = Walk(two_clients, "two clients", delivery="mailbox")
    said = outlook(walk, ">alice+")
    assert said.finding == "not known"
    assert "outside waits in a mailbox" in said.why
    assert outlook(walk, ">alice+", ">alice").finding == "fails"


def test_a_plain_system_is_walked() -> None:
    """Its steps are its actions."""
    walk = Walk(jugs, "jugs")
    place = walk.at([])
    first = names_of(place)[0]
    said = outlook(walk, first)
    assert said.finding == "fails"
    assert walk.at([first, *said.names]).violation


def test_a_system_that_goes_round_cannot_fail() -> None:
    """It never rests, and all of it is covered."""
    system: Any = TransitionSystem(
        [0], lambda _: ["on"], lambda state, _: (state + 1) % 3
    )
    assert outlook(Walk(system, "round"), "on").finding == "cannot fail"


def test_an_exploration_that_ends_the_process_is_an_error() -> None:
    """The thread that explores goes on to say so."""
    outlooks = Outlooks(Walk(quits, "quits"))
    outlooks.explore()
    assert outlooks.known.state == "error"


def test_moving_on_ends_a_search_that_has_not_begun() -> None:
    """Also while the place is still looked at, before anything is explored."""

    class Interrupted(Walk):
        def look(self, way: Sequence[str]) -> Any:
            outlooks.move_on()
            return super().look(way)

    outlooks = Outlooks(Interrupted(SCENARIOS["seed"], "seed"))
    with pytest.raises(CcwActorsError, match="another place was asked for"):
        outlooks.after([])
