"""An actor that waits forever is found although others go on forever."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from ccw_actors.explore import Network, World, explain, explore, replay
from ccw_actors.explore._endless import dead_ends
from ccw_actors.runtime import Actor, Message, Request, Restart, receive

DELIVERIES: tuple[Network, ...] = ("channel", "mailbox", "unordered")


class Tick(Message, frozen=True):
    """Comes again and again."""


class Go(Message, frozen=True):
    """Has something begun."""


class Answer(Message, frozen=True):
    """An answer."""


class Ask(Request[Answer], frozen=True):
    """A request."""


class Turns(Struct):
    """Whether it is this turn, or the other."""

    odd: int = 0


class Clock(Actor[Tick]):
    """Goes on forever."""

    state: Turns

    def __init__(self) -> None:
        self.state = Turns()

    def on_start(self) -> None:
        """Begin."""
        self.every(1.0, Tick())

    @receive
    def tick(self, _message: Tick) -> None:
        """Take turns."""
        self.state.odd = 1 - self.state.odd


class Asker(Actor[Go]):
    """Asks, and waits."""

    state: Turns

    def __init__(self) -> None:
        self.state = Turns()

    @receive
    async def go(self, _message: Go) -> None:
        """Ask."""
        await self.system.ref("other").ask(Ask())


class Asked(Actor[Ask]):
    """Answers what it is asked, unless it is busy forever."""

    def __init__(self, *, is_busy: bool) -> None:
        self._is_busy = is_busy

    @receive
    def ask(self, _message: Ask) -> Answer | None:
        """Answer, or put the request aside."""
        if self._is_busy:
            self.stash()
            return None
        return Answer()


def asking(world: World, *, is_busy: bool = True, may_crash: bool = False) -> None:
    """Have one ask another, beside a clock."""
    world.spawn(Clock(), "clock")
    one = world.spawn(Asker(), "one", supervision=Restart())
    world.inject(one, Go())
    world.spawn(Asked(is_busy=is_busy), "other")
    if may_crash:
        world.may_crash(one)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_deadlock_beside_a_clock(delivery: Network) -> None:
    """It is a fault though the clock goes on, and is replayed and explained as one."""
    result = explore(asking, delivery=delivery)
    assert result.violation == "one: waits for other to answer Ask forever"
    again = replay(asking, result.names, delivery=delivery)
    assert (again.violation, again.is_over) == (result.violation, False)
    assert explain(asking, result).violation == result.violation


def test_crash_that_need_not_come() -> None:
    """That one of them might crash is no way out, as it need not."""
    result = explore(lambda world: asking(world, may_crash=True))
    assert result.violation == "one: waits for other to answer Ask forever"


def test_busy_for_ever_without_a_clock() -> None:
    """Where nothing goes on, it is found at rest."""

    def scenario(world: World) -> None:
        world.spawn(Asked(is_busy=True), "other")
        world.inject(world.spawn(Asker(), "one"), Go())

    assert explore(scenario).violation == "other: at rest, and leaves 1 message"


def test_one_who_asks_beside_a_clock() -> None:
    """One that is answered does not wait forever."""

    def scenario(world: World) -> None:
        asking(world, is_busy=False)

    result = explore(scenario)
    assert (result.verdict, result.schedules) == ("verified", None)


class Keeper(Actor[Go | Tick]):
    """Keeps what it is told until a tick."""

    @receive
    def go(self, _message: Go) -> None:
        """Put it aside."""
        self.stash()

    @receive
    def tick(self, _message: Tick) -> None:
        """End."""
        self.stop()


class Two(Actor[Go]):
    """Sends two ticks at once."""

    @receive
    def go(self, _message: Go) -> None:
        """Do."""
        for _ in range(2):
            self.system.ref("keeper").tell(Tick())


def keeping(world: World) -> None:
    """Have a message put aside until more comes than a channel of one may hold."""
    world.spawn(Clock(), "clock")
    world.inject(world.spawn(Keeper(), "keeper"), Go(), source="x")
    world.inject(world.spawn(Two(), "two"), Go(), source="y")


def test_cut_is_a_way_out() -> None:
    """What would go on behind a bound or a constraint does not wait forever."""
    assert explore(keeping).verdict == "verified"
    assert explore(keeping, capacity=2).verdict == "verified"
    assert explore(keeping, capacity=1).verdict == "verified"
    behind = explore(keeping, within=lambda view: view["two"] is None)
    assert behind.verdict == "vacuous", "nothing was looked at"


# -- against a definition -----------------------------------------------------------


GRAPHS = st.integers(1, 7).flatmap(
    lambda count: st.lists(
        st.lists(
            st.tuples(st.integers(0, count - 1), st.booleans()), max_size=3, unique=True
        ),
        min_size=count,
        max_size=count,
    )
)


@given(GRAPHS, st.sets(st.integers(0, 6)))
def test_dead_ends(graph: list[list[tuple[int, bool]]], cut: set[int]) -> None:
    """They are what is reached from all that it reaches, and from itself again."""
    known = {state for state in cut if state < len(graph)}
    starts, targets = [0], array("i")
    for ways in graph:
        targets.extend(-1 - to if optional else to for to, optional in ways)
        starts.append(len(targets))
    after = [{to for to, optional in ways if not optional} for ways in graph]
    reached = [reachable(after, state) for state in range(len(graph))]
    expected = {
        min(found)
        for state, found in enumerate(reached)
        if found
        and not found & known
        and all(reached[other] == found for other in found | {state})
    }
    assert set(dead_ends(starts, targets, known)) == expected


def reachable(after: list[set[int]], start: int) -> set[int]:
    """Return all that follows a state, itself if it comes again."""
    found: set[int] = set()
    open_ = [start]
    while open_:
        for state in after[open_.pop()] - found:
            found.add(state)
            open_.append(state)
    return found
