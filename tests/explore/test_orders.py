"""Orders: how many there are, and what must not be asked of one of many."""

import math

import msgspec
import pytest

from ccw_actors.explore import (
    Engine,
    Limits,
    Network,
    Scenario,
    UnsoundError,
    World,
    explore,
)
from ccw_actors.runtime import Actor, ActorRef, Message, receive


class Item(Message, frozen=True):
    """Something to be collected."""

    name: str


class Go(Message, frozen=True):
    """Begins."""


class SinkState(msgspec.Struct):
    """What has come, in order."""

    names: list[str]


class Sink(Actor):
    """Collects."""

    state: SinkState

    def __init__(self) -> None:
        self.state = SinkState([])

    @receive
    def item(self, message: Item) -> None:
        """Keep it."""
        self.state.names.append(message.name)


class Producer(Actor):
    """Sends items to a sink."""

    def __init__(self, sink: ActorRef[Item], count: int) -> None:
        self._sink = sink
        self._count = count

    @receive
    def go(self, _message: Go) -> None:
        """Send all of them."""
        for number in range(self._count):
            self._sink.tell(Item(f"{self.path}{number}"))


def producers(count: int, each: int) -> Scenario:
    """Return a scenario of some producers and one sink."""

    def scenario(world: World) -> None:
        sink = world.spawn(Sink(), "sink")
        for number in range(count):
            ref = world.spawn(Producer(sink, each), f"p{number}")
            world.inject(ref, Go())
        total = count * each
        world.final("all came", lambda view: len(view[sink].names) == total)

    return scenario


@pytest.mark.parametrize(("count", "each"), [(2, 1), (2, 2), (3, 1), (3, 2)])
def test_as_many_as_there_are(count: int, each: int) -> None:
    """Under channel delivery n producers of k items make (nk)! / (k!)^n orders."""
    result = explore(producers(count, each), engine="orders")
    expected = math.factorial(count * each) // math.factorial(each) ** count
    assert (result.verdict, result.classes) == ("verified", expected)


@pytest.mark.parametrize(("count", "each"), [(2, 1), (2, 2), (3, 1), (3, 2)])
def test_mailbox_keeps_what_is_sent_together_together(count: int, each: int) -> None:
    """Under mailbox delivery only the n! orders of the producers are left."""
    result = explore(producers(count, each), engine="orders", delivery="mailbox")
    assert (result.verdict, result.classes) == ("verified", math.factorial(count))


class Flag(Actor):
    """Remembers whether it has been told to go."""

    state: SinkState

    def __init__(self) -> None:
        self.state = SinkState([])

    @receive
    def go(self, _message: Go) -> None:
        """Remember."""
        self.state.names.append("gone")


def strangers(world: World) -> None:
    """Have two actors that never talk; y may go before x."""
    x, y = world.spawn(Flag(), "x"), world.spawn(Flag(), "y")
    world.inject(x, Go())
    world.inject(y, Go())
    world.system_invariant(
        "y does not go first", lambda view: view[x].names or not view[y].names
    )


def test_states_sees_what_strangers_do() -> None:
    """A property over two actors that never talk is refuted by States."""
    result = explore(strangers)
    assert (result.verdict, result.engine) == ("refuted", "states")
    assert [str(one) for one in result.counterexample] == ["(outside) > y: Go()"]


def test_orders_refuses_properties_over_several_actors() -> None:
    """Orders takes one of several orders that are the same to each actor: it refuses.

    Otherwise it would find nothing here.
    """
    with pytest.raises(
        UnsoundError, match="'y does not go first': it takes one schedule"
    ):
        explore(strangers, engine="orders")

    def monitored(world: World) -> None:
        producers(2, 1)(world)
        world.monitor(0, lambda value, _event: value)
        world.sometimes("something", bool)

    with pytest.raises(UnsoundError) as caught:
        explore(monitored, engine="orders")
    assert caught.value.names == ("something", "the monitor")


def test_orders_refuses_an_unordered_network() -> None:
    """A message that need not be delivered belongs to no order."""
    with pytest.raises(UnsoundError, match="unordered"):
        explore(producers(2, 1), engine="orders", delivery="unordered")


def bad_end(delivery: Network, engine: Engine) -> tuple[str, list[str]]:
    """Explore whether the first producer's item always comes first."""

    def scenario(world: World) -> None:
        producers(2, 1)(world)
        world.invariant(
            world.system.ref("sink"),
            "p0 comes first",
            lambda state: state.names[:1] in ([], ["p00"]),
        )

    result = explore(scenario, engine=engine, delivery=delivery)
    return result.verdict, [str(step) for step in result.counterexample]


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
def test_race_is_found(delivery: Network) -> None:
    """Every engine finds the order in which the second producer is faster."""
    verdict, steps = bad_end(delivery, "states")
    assert verdict == "refuted"
    assert steps[-1] == "p1 > sink: Item(name='p10')"
    assert bad_end(delivery, "orders")[0] == "refuted"
    assert bad_end(delivery, "brute force")[0] == "refuted"


def test_auto_falls_back_to_orders() -> None:
    """Where there are too many states but few orders, "auto" counts orders."""

    def strangers_only(world: World) -> None:
        for number in range(10):
            world.inject(world.spawn(Flag(), f"f{number}"), Go())

    result = explore(strangers_only, limits=Limits(states=500))
    assert (result.verdict, result.engine, result.classes) == ("verified", "orders", 1)
    several = explore(strangers_only, limits=Limits(states=5, steps=5))
    assert (several.verdict, several.engine) == ("incomplete", "states")


class Endless(Actor):
    """Goes on for ever."""

    @receive
    def go(self, message: Go) -> None:
        """Go on."""
        self.ref.tell(message)


@pytest.mark.parametrize("engine", ["orders", "brute force"])
def test_endless_orders_are_incomplete(engine: Engine) -> None:
    """An order that does not end is given up at the depth, and never verified."""

    def scenario(world: World) -> None:
        world.inject(world.spawn(Endless(), "endless"), Go())

    result = explore(scenario, engine=engine, limits=Limits(depth=50))
    assert result.verdict == "incomplete"
    assert "50 steps in one schedule" in result.scope
    assert explore(scenario).verdict == "verified"
