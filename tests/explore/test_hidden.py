"""Handlers that are no functions of state and message are found out, by name."""

import itertools
from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec
import pytest

from ccw_actors.explore import HiddenStateError, World, explore
from ccw_actors.runtime import Actor, Message, Request, receive


class Poke(Message, frozen=True):
    """Has something done."""


class TallyState(msgspec.Struct):
    """How often it was poked."""

    count: int = 0


class Tally(Actor):
    """Counts pokes, honestly."""

    state: TallyState

    def __init__(self) -> None:
        self.state = TallyState()

    @receive
    def poke(self, _message: Poke) -> None:
        """Count."""
        self.state.count += 1


class InList(Tally):
    """Keeps something in a list of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    @receive
    def poke(self, _message: Poke) -> None:
        """Keep it."""
        self.seen.append(1)


class InClass(Tally):
    """Keeps something in its class."""

    seen: dict[str, set[int]] = {"x": set()}  # noqa: RUF012 - that is its fault

    @receive
    def poke(self, _message: Poke) -> None:
        """Keep it."""
        self.seen["x"].add(1)


class Box:
    """An object."""

    def __init__(self) -> None:
        self.value = 0


class InObject(Tally):
    """Keeps something in an object."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Box()

    @receive
    def poke(self, _message: Poke) -> None:
        """Keep it."""
        self.box.value += 1


class InStruct(Tally):
    """Keeps something in a second struct."""

    def __init__(self) -> None:
        super().__init__()
        self.other = TallyState()

    @receive
    def poke(self, _message: Poke) -> None:
        """Keep it."""
        self.other.count += 1


class InSlot(Tally):
    """Keeps something in a slot."""

    __slots__ = ("last",)

    @receive
    def poke(self, _message: Poke) -> None:
        """Keep it."""
        self.last = 1


def poked(make: Callable[[], Actor[Any]], recheck: int = 3) -> None:
    """Explore some actors that are poked."""

    def scenario(world: World) -> None:
        for path in "abc":
            ref = world.spawn(make(), path)
            for _ in range(3):
                world.inject(ref, Poke())

    assert explore(scenario, recheck=recheck).verdict == "verified"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (InList, "seen"),
        (InClass, "InClass.seen"),
        (InObject, "box"),
        (InStruct, "other"),
        (InSlot, "last"),
    ],
)
def test_attribute_is_named(make: Callable[[], Actor[Any]], name: str) -> None:
    """The error names the attribute that holds state outside of `state`."""
    with pytest.raises(HiddenStateError, match="move that into `state`") as caught:
        poked(make)
    assert caught.value.attributes == (name,)
    assert caught.value.actor == "a"


def test_what_is_outside_is_found_by_doing_it_again() -> None:
    """A handler that counts in a closure does something else the second time."""
    counter = itertools.count()

    class Elsewhere(Tally):
        @receive
        def poke(self, _message: Poke) -> None:
            """Take a number."""
            self.state.count += next(counter) % 7

    with pytest.raises(HiddenStateError, match="did something else") as caught:
        poked(Elsewhere)
    assert caught.value.attributes == ()


def test_a_step_that_is_taken_only_once_is_done_again() -> None:
    """A small scenario is looked at in full, without asking for it."""
    counter = itertools.count()

    class Elsewhere(Tally):
        @receive
        def poke(self, _message: Poke) -> None:
            """Take a number."""
            self.state.count += next(counter)

    def scenario(world: World) -> None:
        world.inject(world.spawn(Elsewhere(), "one"), Poke())

    with pytest.raises(HiddenStateError, match="did something else"):
        explore(scenario)
    assert explore(scenario, recheck=0).verdict == "verified"


def test_honest_actors_pass() -> None:
    """Configuration, caches of it and state are no fault."""

    class Honest(Tally):
        table = {"step": 1}  # noqa: RUF012 - nobody changes it

        @cached_property
        def step(self) -> int:
            """What is added."""
            return self.table["step"]

        @receive
        def poke(self, _message: Poke) -> None:
            """Count."""
            self.state.count += self.step

    poked(Honest, recheck=1)


class Paged(Actor):
    """Has a snapshot of its own."""

    def __init__(self) -> None:
        self.pages = [0, 0]

    @receive
    def poke(self, _message: Poke) -> None:
        """Write to a page."""
        self.pages[0] += 1

    def snapshot(self) -> object:
        """Return the pages."""
        return tuple(self.pages)

    def restore(self, snapshot: Any) -> None:
        """Set the pages."""
        self.pages = list(snapshot)


def test_own_snapshot_says_what_is_state() -> None:
    """An actor with its own snapshot is explored by that; predicates are given it."""

    def scenario(world: World) -> None:
        ref = world.spawn(Paged(), "paged")
        other = world.spawn(Paged(), "other")
        for one in (ref, other):
            world.inject(one, Poke(), source="x")
            world.inject(one, Poke(), source="y")
        world.invariant(ref, "few", lambda actor: actor.pages[0] <= 2)
        world.final("all", lambda view: view[ref].pages == view[other].pages == [2, 0])

    result = explore(scenario, recheck=2)
    assert (result.verdict, result.states) == ("verified", 16)


class Answer(Message, frozen=True):
    """An answer."""


class Question(Request[Answer], frozen=True):
    """A question."""


class Knows(Actor[Question]):
    """Answers."""

    @receive
    def question(self, _message: Question) -> Answer:
        """Answer."""
        return Answer()


class InModule(Actor[Poke]):
    """Keeps something in its module, after it has waited."""

    state: TallyState

    def __init__(self) -> None:
        self.state = TallyState()

    @receive
    async def poke(self, _message: Poke) -> None:
        """Keep it."""
        await self.system.ref("knows").ask(Question())
        self.state.count = next(NUMBERS)


class InAttribute(InModule):
    """Keeps something in an attribute, after it has waited."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    @receive
    async def poke(self, _message: Poke) -> None:
        """Keep it."""
        await self.system.ref("knows").ask(Question())
        self.seen += 1


NUMBERS = itertools.count(1)


@pytest.mark.parametrize(
    ("make", "what"),
    [(InModule, "depends on something else"), (InAttribute, "in seen")],
)
def test_handler_that_waits(make: Callable[[], Actor[Any]], what: str) -> None:
    """What a handler does after it has waited is held against the same rule."""

    def scenario(world: World) -> None:
        world.spawn(Knows(), "knows")
        world.inject(world.spawn(make(), "actor"), Poke())

    with pytest.raises(HiddenStateError, match=what):
        explore(scenario)
