"""Timers in the order of their times, where messages take none."""

from collections.abc import Callable

import pytest
from msgspec import Struct

from ccw_actors.explore import Network, Result, UnsoundError, World, explore, replay
from ccw_actors.runtime import Actor, Message, Restart, receive
from tests.explore.cast import note_ends

DELIVERIES: tuple[Network, ...] = ("channel", "mailbox")


class Say(Message, frozen=True):
    """A word."""

    word: str


class Words(Struct):
    """The words so far."""

    words: list[str]


class Clock(Actor):
    """Sets a timer for each "word:seconds", and tells `to` what comes of it."""

    state: Words

    def __init__(self, to: str = "") -> None:
        self.state = Words([])
        self._to = to

    @receive
    def say(self, message: Say) -> None:
        """Keep the word, or set the timer."""
        word, _, seconds = message.word.partition(":")
        if word == "fail":
            raise ValueError(word)
        if seconds:
            self.after(float(seconds), Say(word))
        else:
            self.state.words.append(word)
            if self._to:
                self.system.ref(self._to).tell(message)


def ends(
    build: Callable[[World], str], delivery: Network = "channel"
) -> tuple[Result, set[str]]:
    """Return what the clock at the path that `build` returns may have in the end."""
    found: set[str] = set()

    def scenario(world: World) -> None:
        path = build(world)
        note_ends(world, found, lambda view: " ".join(view[path].words))

    return explore(scenario, delivery=delivery, time="ordered"), found


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_order_of_two_actors_timers(delivery: Network) -> None:
    """The timer that is due first fires first, whoever has set it."""

    def build(world: World) -> str:
        for path, words in (("x", ("a:3", "c:1")), ("y", ("b:2",))):
            ref = world.spawn(Clock("book"), path)
            for word in words:
                world.inject(ref, Say(word), source=path)
        world.spawn(Clock(), "book")
        return "book"

    result, found = ends(build, delivery)
    assert found == {"c b a"}
    assert result.time == "ordered"
    assert "timers firing in the order of their times" in result.scope


def test_timers_of_one_time() -> None:
    """Those that are due at the same time fire in any order."""

    def build(world: World) -> str:
        for path in ("x", "y"):
            ref = world.spawn(Clock("book"), path)
            world.inject(ref, Say(f"{path}:0.1"), source=path)
            world.inject(ref, Say(f"{path}{path}:0.3"), source=path)
        world.spawn(Clock(), "book")
        return "book"

    _, found = ends(build)
    assert found == {"x y xx yy", "x y yy xx", "y x xx yy", "y x yy xx"}


def test_messages_before_timers() -> None:
    """Messages take no time: a timer waits until nothing else is left to do."""

    def build(world: World) -> str:
        book = world.spawn(Clock(), "book")
        world.inject(book, Say("rang:0.001"))
        world.inject(book, Say("told"))
        return "book"

    assert ends(build)[1] == {"told rang"}


def test_pause_before_a_restart() -> None:
    """A pause of supervision has its place among the timers."""

    def build(world: World) -> str:
        one = world.spawn(Clock("book"), "one", supervision=Restart(delay=2.0))
        other = world.spawn(Clock("book"), "other")
        world.spawn(Clock(), "book")
        world.may_fail(one)
        world.inject(one, Say("fail"), source="x")
        world.inject(one, Say("again"), source="x")
        world.inject(other, Say("early:1"), source="y")
        world.inject(other, Say("late:3"), source="y")
        return "book"

    assert ends(build)[1] == {"early again late"}


class Ticker(Actor):
    """Ticks for ever."""

    def on_start(self) -> None:
        """Begin."""
        self.every(0.1, Say("tick"))

    @receive
    def say(self, _message: Say) -> None:
        """Do nothing."""


def test_periodic_timers_close_the_space() -> None:
    """Time is relative, so that a timer which goes on for ever ends in a cycle."""

    def scenario(world: World) -> None:
        world.spawn(Ticker(), "ticker")

    result = explore(scenario, time="ordered")
    assert result.verdict == "verified"
    assert result.schedules is None, "there is a cycle"
    assert result.states is not None
    assert result.states <= 3


def test_replay_in_the_same_time() -> None:
    """A counterexample of one kind of time is replayed in it."""

    def scenario(world: World) -> None:
        book = world.spawn(Clock(), "book")
        world.inject(book, Say("b:2"))
        world.inject(book, Say("a:1"))
        world.final("b comes first", lambda view: view[book].words == ["b", "a"])

    result = explore(scenario, time="ordered")
    assert result.names == (">book", ">book", "book@2", "book@1")
    again = replay(scenario, result.names, time="ordered")
    assert (again.steps, again.violation) == (result.counterexample, "b comes first")


def test_orders_refuses() -> None:
    """Orders cannot see what an order of times makes dependent, and says so."""

    def scenario(world: World) -> None:
        world.spawn(Clock(), "book")

    with pytest.raises(UnsoundError, match="depends on all actors; use engine='states"):
        explore(scenario, engine="orders", time="ordered")
