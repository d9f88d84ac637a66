"""Steps in words."""

import asyncio

import pytest
from msgspec import Struct

from ccw_actors.errors import AskTimeoutError
from ccw_actors.explore import (
    CounterexampleError,
    EventLoopError,
    ExploreError,
    Network,
    Scenario,
    World,
    explain,
    explore,
)
from ccw_actors.runtime import Actor, Message, Request, Restart, receive


class Go(Message, frozen=True):
    """Has something begun."""


class Sum(Message, frozen=True):
    """An answer, which its asker has no handler for."""

    left: int
    right: str


class Add(Request[Sum], frozen=True):
    """A request."""


class Done(Struct):
    """The result."""

    what: str = ""


class Adder(Actor[Add | Go]):
    """Answers, and fails or ends where it is to."""

    state: Done

    def __init__(self) -> None:
        self.state = Done()

    @receive
    def add(self, _message: Add) -> Sum:
        """Answer."""
        return Sum(1, "two")

    @receive
    def go(self, _message: Go) -> None:
        """Fail."""
        raise ValueError


class Asker(Actor[Go]):
    """Waits for an answer, for a while."""

    state: Done

    def __init__(self, timeout: float | None) -> None:
        self.state = Done()
        self._timeout = timeout

    @receive
    async def go(self, _message: Go) -> None:
        """Ask."""
        ref = self.system.ref("adder")
        try:
            answer = await ref.ask(Add(), timeout=self._timeout)
        except AskTimeoutError:
            self.state.what = "expired"
        else:
            assert isinstance(answer, Sum)
            self.state.what = "answered"


class Sleeper(Actor[Go]):
    """Sleeps for a while."""

    state: Done

    def __init__(self) -> None:
        self.state = Done()

    @receive
    async def go(self, _message: Go) -> None:
        """Sleep."""
        await self.sleep(1.0)
        self.state.what = "awake"


class Stopper(Actor[Go]):
    """Has the adder end, at once or after what waits."""

    def __init__(self, *, drain: bool) -> None:
        self._drain = drain

    @receive
    def go(self, _message: Go) -> None:
        """Have it end."""
        self.system.ref("adder").stop(drain=self._drain)


def asking(what: str, timeout: float | None = None) -> Scenario:
    """Return a scenario in which it is wrong that this comes of an ask."""

    def scenario(world: World) -> None:
        world.spawn(Adder(), "adder")
        asker = world.spawn(Asker(timeout), "asker")
        world.inject(asker, Go(), source="x")
        world.invariant(asker, f"not {what}", lambda state: state.what != what)

    return scenario


def restarting(world: World) -> None:
    """Say that an adder never comes back."""
    adder = world.spawn(Adder(), "adder", supervision=Restart())
    world.may_fail(adder)
    world.inject(adder, Go(), source="x")
    world.final("never", lambda _view: False)


def sleeping(world: World) -> None:
    """Say that a sleeper never wakes."""
    ref = world.spawn(Sleeper(), "sleeper")
    world.inject(ref, Go(), source="x")
    world.invariant(ref, "asleep", lambda state: not state.what)


def stopping(*, drain: bool) -> Scenario:
    """Return a scenario in which it is wrong that an adder ends."""

    def scenario(world: World) -> None:
        adder = world.spawn(Adder(), "adder")
        world.inject(world.spawn(Stopper(drain=drain), "stopper"), Go(), source="x")
        world.system_invariant("it is there", lambda view: adder in view)

    return scenario


@pytest.mark.parametrize(
    ("scenario", "last"),
    [
        (asking("answered"), "adder > asker: Sum(left=1, right='two')"),
        (asking("expired", 2.0), "asker timer 1: its ask expires"),
        (restarting, "adder > adder: restarts"),
        (sleeping, "sleeper timer 1: its sleep ends"),
        (stopping(drain=False), "stopper > adder: is to stop"),
        (stopping(drain=True), "stopper > adder: is to stop, after its messages"),
    ],
    ids=["answer", "expiry", "restart", "sleep", "stop", "drain"],
)
def test_words(scenario: Scenario, last: str) -> None:
    """A signal, an expiry, a sleep, an answer: each step says what happens."""
    result = explore(scenario)
    words = [str(step) for step in result.counterexample]
    assert last in words, words


@pytest.mark.parametrize("delivery", ["channel", "mailbox", "unordered"])
@pytest.mark.parametrize("what", ["answered", "expired"])
def test_handlers_that_wait(delivery: Network, what: str) -> None:
    """Such steps are explored and explained on each kind of network."""
    scenario = asking(what, 2.0)
    result = explore(scenario, delivery=delivery)
    assert result.violation == f"asker: not {what}"
    assert explain(scenario, result).violation == result.violation
    states = explore(asking("neither", 2.0), delivery=delivery)
    brute = explore(asking("neither", 2.0), delivery=delivery, engine="brute force")
    assert states.verdict == brute.verdict == "verified"
    assert (states.states, states.schedules) == (brute.states, brute.schedules)


class Awaits(Actor[Go]):
    """Awaits asyncio itself."""

    @receive
    async def go(self, _message: Go) -> None:
        """Do."""
        await asyncio.sleep(1.0)


def test_event_loop() -> None:
    """A handler that needs an event loop is refused, not refuted."""

    def scenario(world: World) -> None:
        world.inject(world.spawn(Awaits(), "awaits"), Go())

    with pytest.raises(EventLoopError, match="awaits on Go awaits asyncio itself"):
        explore(scenario)
    assert issubclass(EventLoopError, ExploreError)
    assert issubclass(CounterexampleError, ExploreError)
