"""States are compared by value, however they came about."""

import math
from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.explore import Engine, HiddenStateError, World, explore
from ccw_actors.runtime import Actor, Message, receive

ENGINES: tuple[Engine, ...] = ("states", "orders", "brute force")


class Put(Message, frozen=True):
    """A word to be kept."""

    word: str


class Look(Message, frozen=True):
    """Has a keeper look at what it keeps."""


class InDict(Struct):
    """What is kept in a dict."""

    kept: dict[str, int]
    seen: str = ""


class InSet(Struct):
    """What is kept in a set."""

    kept: set[str]
    seen: str = ""


class Keeper(Actor[Put | Look]):
    """Keeps words; what it sees first of them is said by `pick`."""

    state: InDict | InSet

    def __init__(self, state: InDict | InSet, at_least: int = 0) -> None:
        self.state = state
        self._at_least = at_least

    @receive
    def put(self, message: Put) -> None:
        """Keep it."""
        if isinstance(self.state, InDict):
            self.state.kept[message.word] = 1
        else:
            self.state.kept.add(message.word)

    @receive
    def look(self, _message: Look) -> None:
        """See the first word, once there are enough."""
        if len(self.state.kept) >= self._at_least:
            self.state.seen = self.pick(list(self.state.kept))

    def pick(self, words: list[str]) -> str:
        """Return the first word in order."""
        return min(words, default="")


class Careless(Keeper):
    """Sees the word that was kept first."""

    def pick(self, words: list[str]) -> str:
        """Return it."""
        return words[0]


def kept(world: World, keeper: Keeper, words: str) -> None:
    """Have these words kept, in any order."""
    ref = world.spawn(keeper, "keeper")
    for word in words:
        world.inject(ref, Put(word), source=word)


@pytest.mark.parametrize(
    "make", [lambda: InDict({}), lambda: InSet(set())], ids=["dict", "set"]
)
@pytest.mark.parametrize("words", ["abc", "abcde"])
def test_order_of_insertion(make: Any, words: str) -> None:
    """Of words that are kept it matters which there are, not which came first."""
    result = explore(lambda world: kept(world, Keeper(make()), words))
    assert result.verdict == "verified"
    assert result.states == 2 ** len(words)
    assert result.schedules == math.factorial(len(words))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("words", ["ab", "abc"])
def test_handler_that_depends_on_that(engine: Engine, words: str) -> None:
    """It is found out by every engine, whichever of the orders it sees first."""

    def scenario(world: World) -> None:
        kept(world, Careless(InDict({}), len(words)), words)
        ref = world.system.ref("keeper")
        world.inject(ref, Look(), source="look")
        world.invariant(ref, "the last is never first", lambda s: s.seen != words[-1])

    with pytest.raises(HiddenStateError, match="order in which a dict or a set") as e:
        explore(scenario, engine=engine)
    assert e.value.actor == "keeper"
    assert not e.value.attributes


@pytest.mark.parametrize("engine", ENGINES)
def test_handler_that_does_not(engine: Engine) -> None:
    """One that sorts what it goes through is right."""

    def scenario(world: World) -> None:
        kept(world, Keeper(InDict({}), 3), "abc")
        world.inject(world.system.ref("keeper"), Look(), source="look")

    assert explore(scenario, engine=engine, recheck=1).verdict == "verified"
