"""A scenario that tests nothing of what it says is not verified, but vacuous."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.explore import (
    ExploreError,
    PropertyError,
    Scenario,
    TransitionSystem,
    Verdict,
    View,
    World,
    explore,
)
from ccw_actors.runtime import Actor, ActorRef, Message, receive


class Beat(Message, frozen=True):
    """Comes again and again."""


class Stray(Message, frozen=True):
    """Nobody handles it."""


class Beats(Struct):
    """How many there were, up to two."""

    count: int = 0


class Heart(Actor[Beat]):
    """Beats: for ever if it has an interval, or for others."""

    state: Beats

    def __init__(self, interval: float = 0.0, to: str = "") -> None:
        self.state = Beats()
        self._interval = interval
        self._to = to

    def on_start(self) -> None:
        """Begin."""
        if self._interval:
            self.every(self._interval, Beat())

    @receive
    def beat(self, message: Beat) -> None:
        """Count, and pass it on."""
        self.state.count = min(self.state.count + 1, 2)
        if self._to:
            self.system.ref(self._to).tell(message)


def beating(world: World, *, to: str = "") -> ActorRef[Any]:
    """Have a heart beat once."""
    heart = world.spawn(Heart(to=to), "heart")
    world.inject(heart, Beat())
    return heart


def says(*, of: object = None) -> Callable[[View], object]:
    """Return what always holds."""
    del of
    return lambda _view: True


def never_at_rest(world: World) -> None:
    """Have a final property of what goes on for ever."""
    world.spawn(Heart(1.0), "heart")
    world.final("false", lambda _view: False)


def never_seen(world: World) -> None:
    """Look for what never is."""
    beating(world)
    world.sometimes("two beats", lambda view: view["heart"].count == 2)


def never_seen_of_one(world: World) -> None:
    """Look for what one actor never is."""
    heart = beating(world)
    world.sometimes("two beats", lambda state: state.count == 2, of=heart)


def nobodys_invariant(world: World) -> None:
    """Say something of nobody."""
    beating(world)
    world.invariant(world.system.ref("lung"), "breathes", lambda _state: False)


def nobodys_crash(world: World) -> None:
    """Have nobody crash."""
    beating(world)
    world.may_crash(world.system.ref("lung"))


def nobodys_monitor(world: World) -> None:
    """Follow nobody."""
    beating(world)
    world.monitor(0, lambda value, _event: value, of=world.system.ref("lung"))


def told_to_nobody(world: World) -> None:
    """Misspell a path."""
    beating(world, to="hart")


def not_handled(world: World) -> None:
    """Inject what is not handled."""
    heart = beating(world)
    world.inject(heart, Stray())
    world.may_fail(heart)


def nobody(world: World) -> None:
    """Have no actor."""
    world.system_invariant("true", says())


def nothing(world: World) -> None:
    """Have nothing happen."""
    world.spawn(Heart(), "heart")
    world.final("true", says())


@pytest.mark.parametrize(
    ("scenario", "why"),
    [
        (never_at_rest, "never checked, as nothing ever comes to rest: false"),
        (never_seen, "never: two beats"),
        (never_seen_of_one, "never: two beats"),
        (nobodys_invariant, "never checked, as no actor was ever at 'lung': breathes"),
        (nobodys_crash, "no actor was ever at 'lung'"),
        (nobodys_monitor, "no actor was ever at 'lung'"),
        (told_to_nobody, "no actor was ever at 'hart', the recipient of Beat"),
        (not_handled, "'heart' has no handler for Stray, which is injected"),
        (nobody, "there is no actor"),
        (nothing, "nothing ever happens"),
    ],
)
def test_vacuous(scenario: Scenario, why: str) -> None:
    """The verdict says what was never asked, or never there, and is no success."""
    result = explore(scenario)
    assert (result.verdict, result.violation) == ("vacuous", why)
    assert not result
    assert str(result) == f"VACUOUS: {why}"


def test_all_that_is_vacuous_is_said() -> None:
    """There may be more than one reason."""

    def scenario(world: World) -> None:
        never_seen(world)
        world.invariant(world.system.ref("lung"), "breathes", lambda _state: False)

    violation = explore(scenario).violation
    assert violation == (
        "never: two beats; never checked, as no actor was ever at 'lung': breathes"
    )


@pytest.mark.parametrize(
    ("limit", "verdict"), [(0, "vacuous"), (1, "vacuous"), (2, "verified")]
)
def test_constraint_may_make_it_vacuous(limit: int, verdict: Verdict) -> None:
    """What lies behind a constraint was not asked either."""

    def scenario(world: World) -> None:
        heart = beating(world)
        world.inject(heart, Beat())
        world.sometimes("two beats", lambda state: state["heart"].count == 2)
        world.final("true", says())

    def is_within(view: View) -> bool:
        return bool(view["heart"].count <= limit - 1) or limit == 2

    assert explore(scenario, within=is_within).verdict == verdict


def test_plain_transition_system() -> None:
    """The same goes for one without actors, which may turn round for ever."""
    system = TransitionSystem(
        [0], lambda _n: [1], lambda n, _a: 1 - n, finals={"false": lambda _n: False}
    )
    result = explore(system)
    assert result.verdict == "vacuous"
    assert result.violation == "never checked, as nothing ever comes to rest: false"


# -- what is a mistake at once -------------------------------------------------------


async def always(_view: object) -> bool:
    """Return what nobody awaits."""
    return False


class Always:
    """A predicate that is an object."""

    async def __call__(self, _view: object) -> bool:
        """Return what nobody awaits."""
        return False


@pytest.mark.parametrize("predicate", [always, Always()], ids=["function", "object"])
def test_async_predicates(predicate: Any) -> None:
    """What a coroutine function returns would always be true, so it is refused."""
    world = World("channel")
    ref = world.spawn(Heart(), "heart")
    uses: tuple[Callable[[], None], ...] = (
        lambda: world.invariant(ref, "x", predicate),
        lambda: world.system_invariant("x", predicate),
        lambda: world.final("x", predicate),
        lambda: world.sometimes("x", predicate),
        lambda: world.monitor(0, predicate),
    )
    for use in uses:
        with pytest.raises(ExploreError, match="is async, and nobody awaits it"):
            use()


def test_lambda_that_returns_a_coroutine() -> None:
    """One that only shows when it is asked is refused then."""

    def scenario(world: World) -> None:
        beating(world)
        world.final("x", lambda view: always(view))  # noqa: PLW0108 - on purpose

    with pytest.raises(ExploreError, match="'x' returns a coroutine"):
        explore(scenario)


def test_one_monitor_and_one_name() -> None:
    """A second monitor would take the place of the first; so would a name."""
    world = World("channel")
    world.monitor(0, lambda value, _event: value)
    world.sometimes("seen", says())
    with pytest.raises(ExploreError, match="a monitor exists already"):
        world.monitor(0, lambda value, _event: value)
    with pytest.raises(ExploreError, match="a `sometimes` 'seen' exists already"):
        world.sometimes("seen", says(), of=world.spawn(Heart(), "heart"))


def test_predicate_that_raises() -> None:
    """A predicate that raises says nothing; its name and the cause are told."""

    def scenario(world: World) -> None:
        beating(world)
        world.final("nobody there", lambda view: view["lung"].count)

    with pytest.raises(
        PropertyError, match="'nobody there' cannot be evaluated"
    ) as caught:
        explore(scenario)
    assert caught.value.name == "nobody there"
    assert isinstance(caught.value.__cause__, KeyError)
