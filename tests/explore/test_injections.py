"""Messages from outside come at any time, and meet the actors of that time."""

from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.explore import ExploreError, Network, Scenario, World, explore, replay
from ccw_actors.runtime import (
    Actor,
    Failure,
    Mailbox,
    Message,
    Request,
    Restart,
    Terminated,
    receive,
)
from tests.explore.cast import note_ends

DELIVERIES: tuple[Network, ...] = ("channel", "mailbox", "unordered")


class Go(Message, frozen=True):
    """Has something begun."""


class Word(Message, frozen=True):
    """A word."""

    word: str


class Heard(Struct):
    """The words so far."""

    words: tuple[str, ...] = ()


class Ear(Actor[Word]):
    """Hears words; it ends on "end", and fails on "fail"."""

    state: Heard

    def __init__(self) -> None:
        self.state = Heard()

    @receive
    def word(self, message: Word) -> None:
        """Note it."""
        if message.word == "fail":
            raise ValueError(message.word)
        if message.word == "end":
            self.stop()
        self.state.words = (*self.state.words, message.word)


class Speaker(Actor[Go]):
    """Tells an ear a word."""

    @receive
    def go(self, _message: Go) -> None:
        """Do."""
        self.system.ref("ear").tell(Word("told"))


def ends(scenario: Scenario, delivery: Network, path: str = "ear") -> set[Any]:
    """Return what the words at a path may be in the end, "gone" if nobody is there."""
    found: set[Any] = set()

    def noted(world: World) -> None:
        scenario(world)
        note_ends(
            world,
            found,
            lambda view: view[path].words if path in view else "gone",
        )

    result = explore(noted, delivery=delivery)
    assert result.verdict == "verified", str(result)
    return found


def told_and_injected(world: World) -> None:
    """Have one word told by an actor, and one come from outside."""
    ear = world.spawn(Ear(), "ear")
    world.inject(world.spawn(Speaker(), "speaker"), Go(), source="x")
    world.inject(ear, Word("injected"), source="y")


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_late_injection(delivery: Network) -> None:
    """An injected message may come after later ones, under each delivery."""
    both = {("told", "injected"), ("injected", "told")}
    assert ends(told_and_injected, delivery) == both


def test_arrival_is_a_step() -> None:
    """Under mailbox delivery, arrival is a step with a name, and can be replayed."""

    def scenario(world: World) -> None:
        told_and_injected(world)
        world.final("told first", lambda view: view["ear"].words[0] == "told")

    result = explore(scenario, delivery="mailbox")
    arrivals = [step.name for step in result.counterexample if step.arrives]
    assert sorted(arrivals) == ["x>speaker+", "y>ear+"]
    again = replay(scenario, result.names, delivery="mailbox")
    assert (again.steps, again.violation) == (result.counterexample, "told first")
    assert not any(step.arrives for step in explore(scenario).counterexample)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_injected_into_an_actor_that_has_ended(delivery: Network) -> None:
    """A message that comes too late is a dead letter."""

    def scenario(world: World) -> None:
        ear = world.spawn(Ear(), "ear")
        world.inject(ear, Word("end"), source="x")
        world.inject(ear, Word("late"), source="y")

    assert ends(scenario, delivery) == {"gone"}
    (letter,) = explore(scenario, delivery=delivery).dead_letters[:1]
    assert (letter.actor, letter.message) == ("ear", "Word")


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
def test_bounded_mailbox(delivery: Network) -> None:
    """If a mailbox is full when a message arrives, its policy decides."""

    def scenario(world: World) -> None:
        ear = world.spawn(Ear(), "ear", mailbox=Mailbox(1, "drop newest"))
        for word in ("one", "two"):
            world.inject(ear, Word(word), source=word)

    each = {("one",), ("two",), ("one", "two"), ("two", "one")}
    assert ends(scenario, delivery) == each


def test_oldest_of_several_channels() -> None:
    """Under channel delivery the oldest message is undefined, so it is refused."""

    def scenario(world: World) -> None:
        ear = world.spawn(Ear(), "ear", mailbox=Mailbox(1, "drop oldest"))
        for word in ("one", "two"):
            world.inject(ear, Word(word), source=word)

    with pytest.raises(ExploreError, match="explore it with delivery='mailbox'"):
        explore(scenario)
    each = {("one",), ("two",), ("one", "two"), ("two", "one")}
    assert ends(scenario, "mailbox") == each


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
def test_stop_after_what_was_told(delivery: Network) -> None:
    """If a scenario tells and then stops an actor, both come in this order."""

    class Echo(Ear):
        @receive
        def word(self, message: Word) -> None:
            self.system.ref("ear").tell(message)

    def scenario(world: World) -> None:
        world.spawn(Ear(), "ear")
        echo = world.spawn(Echo(), "echo")
        echo.tell(Word("told"))
        echo.stop()

    assert ends(scenario, delivery) == {("told",)}


# -- an actor ends while a message is on its way -------------------------------------


class Notes(Ear):
    """Watches, or tells, an actor that may have ended."""

    @receive
    def go(self, _message: Go) -> None:
        """Watch it, and tell it something."""
        ref = self.system.ref("other")
        self.watch(ref)
        ref.tell(Word("told"))

    @receive
    def terminated(self, _message: Terminated) -> None:
        """Note it."""
        self.state.words = (*self.state.words, "ended")

    @receive
    def failed(self, message: Failure) -> None:
        """Note it."""
        assert message.request == "Word"
        self.state.words = (*self.state.words, "lost")


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_told_of_an_end(delivery: Network) -> None:
    """A watcher or sender hears that an actor has ended, however late that is."""

    def scenario(world: World) -> None:
        world.inject(world.spawn(Notes(), "ear"), Go(), source="x")
        world.inject(world.spawn(Ear(), "other"), Word("end"), source="y")

    found = ends(scenario, delivery)
    assert {tuple(sorted(words)) for words in found} == {
        ("ended",),
        ("ended", "lost"),
    }


class Watcher(Ear):
    """Watches an actor that may have ended, and wants to hear of nothing else."""

    @receive
    def go(self, _message: Go) -> None:
        """Watch it."""
        self.watch(self.system.ref("other"))

    @receive
    def terminated(self, _message: Terminated) -> None:
        """Note it."""
        self.state.words = (*self.state.words, "ended")


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_watching_too_late(delivery: Network) -> None:
    """So does an actor that only watches."""

    def scenario(world: World) -> None:
        world.inject(world.spawn(Watcher(), "ear"), Go(), source="x")
        world.inject(world.spawn(Ear(), "other"), Word("end"), source="y")

    assert ends(scenario, delivery) == {("ended",)}


def test_message_for_a_child_that_has_ended() -> None:
    """On an unordered network it is still there after the world has changed back."""

    class Parent(Actor[Go]):
        @receive
        def go(self, _message: Go) -> None:
            child = self.spawn(Ear(), "child")
            child.tell(Word("end"))
            child.tell(Word("late"))

    def scenario(world: World) -> None:
        world.inject(world.spawn(Parent(), "parent"), Go())

    result = explore(scenario, delivery="unordered")
    assert result.verdict == "verified"
    assert [one.actor for one in result.dead_letters] == ["parent/child"]


class Said(Message, frozen=True):
    """An answer."""


class Say(Request[Said], frozen=True):
    """A request."""


class Mouth(Ear):
    """Answers."""

    @receive
    def say(self, _message: Say) -> Said:
        """Answer."""
        return Said()


class Asker(Actor[Go]):
    """Asks, and notes the answer."""

    state: Heard

    def __init__(self) -> None:
        self.state = Heard()

    @receive
    async def go(self, _message: Go) -> None:
        """Ask."""
        try:
            await self.system.ref("mouth").ask(Say())
            self.state.words = ("answered",)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.state.words = (type(error).__name__,)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_restart_while_an_ask_is_under_way(delivery: Network) -> None:
    """An ask that has not been taken up outlives a restart, wherever it waits."""

    def scenario(world: World) -> None:
        mouth = world.spawn(Mouth(), "mouth", supervision=Restart())
        world.inject(world.spawn(Asker(), "ear"), Go(), source="x")
        world.inject(mouth, Word("fail"), source="y")
        world.may_fail(mouth)

    assert ends(scenario, delivery) == {("answered",)}
