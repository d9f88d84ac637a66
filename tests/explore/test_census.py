"""Census: how many classes fail, and how many random schedules."""

from collections import defaultdict

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ccw_actors.explore import (
    Census,
    Event,
    ExploreError,
    Limits,
    Network,
    Progress,
    Rate,
    Scenario,
    Time,
    UnsoundError,
    View,
    World,
    census,
    explore,
    sample_rate,
)
from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._global_state import State
from ccw_actors.runtime import Actor, Restart, receive
from examples.explore.bank import transfers
from tests.explore.cast import Hop
from tests.explore.test_agreement import DELIVERIES, FATES, SETTINGS, scenarios
from tests.explore.test_orders import Go, Item, Sink, producers, strangers

History = tuple[tuple[int, int, bool], ...]

STEPS_MAX = 5_000


def by_hand(scenario: Scenario, delivery: Network = "channel") -> Census:
    """Take every schedule, and group those that are the same for every actor.

    A group counts as wrong if one order in it is.
    """
    model = ActorModel(scenario, delivery, 0)
    groups: dict[frozenset[tuple[int, History]], bool] = defaultdict(bool)
    (first,) = model.initial()
    left: list[tuple[State, dict[int, History]]] = [(first, {})]
    steps = 0
    while left and steps <= STEPS_MAX:
        state, histories = left.pop()
        moves = model.moves(state)
        steps += len(moves)
        if not moves:
            wrong = bool(model.violation(state) or model.rest(state))
            groups[frozenset(histories.items())] |= wrong
        for offer, after in moves:
            if offer.arrives:
                left.append((after, histories))
                continue
            one = offer.envelope, offer.timer, offer.crash
            history = (*histories.get(offer.owner, ()), one)
            left.append((after, histories | {offer.owner: history}))
    return Census(len(groups), sum(groups.values()), "too many" if left else "")


def watched(scenario: Scenario, what: str) -> Scenario:
    """Add a property of one clerk that looks back, or of two at once."""

    def also(world: World) -> None:
        scenario(world)
        if what == "system":
            world.system_invariant(
                "one is in mood 0", lambda view: not (view["a"].mood and view["b"].mood)
            )
        else:
            noted(world)

    return also


def noted(world: World) -> None:
    """Have the letters that b handles be in order."""

    def update(value: tuple[int, bool], event: Event) -> tuple[int, bool]:
        assert event.actor == "b"
        if not isinstance(event.message, Hop):
            return value
        last, good = value
        return event.message.letter, good and event.message.letter >= last

    world.monitor((0, True), update, of=world.system.ref("b"))
    world.final("b's letters are in order", lambda view: view.monitor[1])


# -- a census --------------------------------------------------------------------------


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
def test_all_that_is_wrong_is_counted(delivery: Network) -> None:
    """Of the six classes of two tellers, the four in which both look first fail."""
    found = census(transfers(buggy=True), delivery=delivery)
    assert found == Census(classes=6, violating=4, limit="")
    assert found == by_hand(transfers(buggy=True), delivery)


def test_nothing_wrong_is_counted_where_nothing_is() -> None:
    """A verified scenario has as many classes as Orders counts, and none fails."""
    verified = explore(producers(3, 1), engine="orders")
    assert census(producers(3, 1)) == Census(verified.classes or 0, 0, "")


@SETTINGS
@given(scenarios(""), DELIVERIES, st.sampled_from(("monitor", "system")))
def test_counts_are_those_of_all_orders(
    scenario: Scenario, delivery: Network, what: str
) -> None:
    """Brute force finds as many classes, and as many that fail."""
    expected = by_hand(watched(scenario, what), delivery)
    assume(not expected.limit)
    assert census(watched(scenario, what), delivery=delivery) == expected


@settings(SETTINGS, max_examples=20)
@given(scenarios(*FATES) | scenarios("", "", "raise", crashes=1), DELIVERIES)
def test_no_class_is_left_out_where_a_step_may_change_anything(
    scenario: Scenario, delivery: Network
) -> None:
    """If actors fail, which ends the schedule, a census counts at least as many."""

    def strict(world: World) -> None:
        scenario(world)
        world.properties.may_fail.clear()

    expected = by_hand(strict, delivery)
    assume(not expected.limit)
    found = census(strict, delivery=delivery)
    assert found.classes >= expected.classes
    assert found.violating >= expected.violating
    assert bool(found.violating) == bool(expected.violating)


class Fragile(Actor):
    """Takes items until one of them is bad."""

    @receive
    def item(self, message: Item) -> None:
        """Fail if it is."""
        assert message.name != "bad", "a bad item"


def test_order_that_ends_in_a_failure_is_wrong() -> None:
    """With one bad item among good ones, every schedule fails."""

    def scenario(world: World) -> None:
        ref = world.spawn(Fragile(), "fragile")
        for source, name in enumerate(("bad", "good", "good")):
            world.inject(ref, Item(name), source=f"source{source}")

    # None, one or the other, both in either order come before the bad one.
    assert census(scenario) == by_hand(scenario) == Census(5, 5, "")


def both_gone(world: World) -> None:
    """Require that two actors that never talk have not both gone."""
    strangers(world)
    world.properties.system_invariants.clear()
    world.system_invariant(
        "not both", lambda view: not (view["x"].names and view["y"].names)
    )


def test_system_invariants_are_asked_at_the_end() -> None:
    """Faults on the way are not counted, nor is a `sometimes`."""

    def never(world: World) -> None:
        strangers(world)
        world.sometimes("never", lambda _: False)

    assert census(never) == Census(1, 0, "")
    assert census(both_gone) == Census(1, 1, "")


def test_monitor_of_all_actors_is_refused() -> None:
    """It differs within a class, so it is refused; one of a single actor is not."""

    def scenario(world: World) -> None:
        strangers(world)
        world.monitor((), lambda value, event: (*value, event.actor))

    with pytest.raises(UnsoundError, match="with `of` which actor") as caught:
        census(scenario)
    assert caught.value.names == ("the monitor",)


@pytest.mark.parametrize(
    ("delivery", "time", "why"),
    [
        ("unordered", "untimed", "unordered network.*no classes to be counted"),
        ("channel", "ordered", "which timer fires.*no classes to be counted"),
    ],
)
def test_what_has_no_classes_is_refused(
    delivery: Network, time: Time, why: str
) -> None:
    """Where no schedule stands for a class there is nothing to count."""
    with pytest.raises(UnsoundError, match=why):
        census(producers(2, 1), delivery=delivery, time=time)


def test_scenario_of_nobody_is_refused() -> None:
    """A scenario without an actor has no schedule to count or take."""
    for count in (census, sample_rate):
        with pytest.raises(ExploreError, match="has no actor"):
            count(lambda _world: None)


def test_classes_up_to_the_limit_are_counted() -> None:
    """The limit ends the census only if there is one more class."""
    assert census(producers(3, 1), classes_max=6) == Census(6, 0, "")
    assert census(producers(3, 1), classes_max=5) == Census(5, 0, "5 classes")
    found = census(transfers(buggy=True), classes_max=3)
    assert (found.classes, found.limit) == (3, "3 classes")
    assert 1 <= found.violating <= 3


def test_limits_end_a_census() -> None:
    """Steps and seconds are also limits, and the counts cover what was seen."""
    found = census(producers(3, 2), limits=Limits(steps=20))
    assert found.limit == "20 steps"
    assert 0 < found.classes < 90
    found = census(producers(3, 2), limits=Limits(seconds=0.0))
    assert found.limit == "0 seconds"
    assert 0 < found.classes < 90


class Retrying(Actor):
    """Sends itself an item again for as long as it has not been told to go."""

    state: list[bool]

    def __init__(self) -> None:
        self.state = [False]

    @receive
    def item(self, message: Item) -> None:
        """Try again."""
        if not self.state[0]:
            self.ref.tell(message)

    @receive
    def go(self, _message: Go) -> None:
        """Have it end."""
        self.state[0] = True


def test_endless_order_ends_a_census() -> None:
    """A schedule that is longer than the depth ends the census."""

    def scenario(world: World) -> None:
        ref = world.spawn(Retrying(), "retrying")
        world.inject(ref, Item("again"), source="one")
        world.inject(ref, Go(), source="other")

    assert census(scenario, limits=Limits(depth=30)).limit == "30 steps in one schedule"


def test_census_says_how_far_it_is() -> None:
    """The tick gets the number of classes, as from the engine."""
    told: list[Progress] = []
    found = census(producers(3, 2), tick=told.append)
    assert told
    assert {one.engine for one in told} == {"orders"}
    assert [one.found for one in told] == sorted(one.found for one in told)
    assert told[-1].found <= found.classes == 90


# -- a monitor of one actor ------------------------------------------------------------


def test_monitor_of_one_actor_sees_its_steps_only() -> None:
    """Steps of other actors do not change the value."""
    events: list[Event] = []

    def scenario(world: World) -> None:
        refs = [
            world.spawn(Fragile, path, supervision=Restart())
            for path in ("one", "other")
        ]
        for ref in refs:
            world.inject(ref, Item("good"))
            world.may_crash(ref)

        def update(value: tuple[bool, ...], event: Event) -> tuple[bool, ...]:
            events.append(event)
            return (*value, event.crash)

        world.monitor((), update, of=refs[0])
        # Of one that has crashed on a message, beginning again is a step as well; one
        # that crashes before its message, or after it, begins again with the crash.
        steps = {(False,), (True, False), (False, True)}
        world.final("steps of one", lambda view: view.monitor in steps)

    assert explore(scenario).verdict == "verified"
    assert {one.actor for one in events} == {"one"}


def first_comes(world: World) -> None:
    """Have a monitor of the sink note whether the first producer was first."""
    producers(2, 1)(world)
    sink = world.system.ref("sink")

    def update(value: str, event: Event) -> str:
        return value or event.sender

    world.monitor("", update, of=sink)
    world.final("p0 was first", lambda view: view.monitor == "p0")


def test_orders_takes_a_monitor_of_one_actor() -> None:
    """Schedules of a class agree on it; "auto" falls back to Orders as well."""
    assert explore(first_comes, engine="orders").violation == "p0 was first"
    found = explore(first_comes, limits=Limits(states=2, schedules=0))
    assert (found.engine, found.violation) == ("orders", "p0 was first")
    assert census(first_comes) == by_hand(first_comes) == Census(2, 1, "")


# -- the rate of random schedules ------------------------------------------------------


def test_seed_decides_the_rate() -> None:
    """The same seed takes the same schedules, another seed others."""
    scenario = transfers(buggy=True)
    rates = [sample_rate(scenario, seed=seed) for seed in (0, 0, *range(1, 6))]
    assert rates[0] == rates[1]
    assert len(set(map(str, rates))) > 1
    assert all(one.schedules == 1_000 and 0 < one.violating < 1_000 for one in rates)


def test_rate_is_that_of_the_engine() -> None:
    """About as many schedules of the engine "random" have a fault."""
    scenario = transfers(buggy=True)
    results = [
        explore(scenario, engine="random", limits=Limits(schedules=1, seed=seed))
        for seed in range(400)
    ]
    failed = sum(one.verdict == "refuted" for one in results) / 400
    rate = sample_rate(scenario, schedules=400)
    assert failed == pytest.approx(rate.violating / rate.schedules, abs=0.1)
    assert 0.1 < failed < 0.9


def test_faults_on_the_way_and_at_rest_count() -> None:
    """A rate checks any property, in all states, and on any network."""

    def lost(world: World) -> None:
        sink = world.spawn(Sink(), "sink")
        world.inject(sink, Item("one"))
        world.final("nothing came", lambda view: not view[sink].names)

    def monitored(world: World) -> None:
        strangers(world)
        world.properties.system_invariants.clear()
        world.monitor("", lambda value, event: value or event.actor)
        world.final("x goes first", lambda view: view.monitor == "x")

    def wrong_from_the_start(world: World) -> None:
        world.spawn(Sink(), "sink")
        world.system_invariant("never", lambda view: "sink" not in view)

    assert sample_rate(lost, schedules=10) == Rate(10, 10)
    assert sample_rate(wrong_from_the_start, schedules=10) == Rate(10, 10)
    for scenario in (strangers, monitored):
        rate = sample_rate(scenario, schedules=100)
        assert 0 < rate.violating < 100
    rate = sample_rate(transfers(buggy=True), delivery="unordered", schedules=100)
    assert 0 < rate.violating < 100


def test_order_is_left_at_the_depth() -> None:
    """A fault beyond the depth is not met."""

    def late(world: World) -> None:
        sink = world.spawn(Sink(), "sink")
        for number in range(5):
            world.inject(sink, Item(str(number)))

        def fewer(view: View) -> bool:
            return len(view[sink].names) < 5

        world.system_invariant("fewer than five", fewer)

    assert sample_rate(late, schedules=3, depth=4) == Rate(3, 0)
    assert sample_rate(late, schedules=3, depth=5) == Rate(3, 3)


def test_no_order_is_begun_when_time_is_over() -> None:
    """The rate is of fewer schedules than asked for."""
    assert sample_rate(producers(2, 1), seconds=0.0) == Rate(0, 0)
