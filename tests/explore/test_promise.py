"""What "verified" does not say, and how a scenario says it all the same."""

import os
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from ccw_actors.explore import Engine, View, World, explain, explore, replay
from ccw_actors.runtime import Actor, Message, receive
from tests.explore.cast import note_ends


class Number(Message, frozen=True):
    """A number."""

    number: int


class Go(Message, frozen=True):
    """Begin."""


class Lose(Message, frozen=True):
    """Has what comes next be lost."""


class Double(Message, frozen=True):
    """Has what comes next come twice."""


class Numbers(msgspec.Struct):
    """Some numbers, in the order in which they came."""

    numbers: tuple[int, ...] = ()


class Book(Actor[Number]):
    """Writes down what comes."""

    state: Numbers

    def __init__(self) -> None:
        self.state = Numbers()

    @receive
    def number(self, message: Number) -> None:
        """Write it down."""
        self.state.numbers = (*self.state.numbers, message.number)


SET = """
import sys
from msgspec import Struct, field
from ccw_actors.explore import World, explore
from ccw_actors.runtime import Actor, Message, receive

class Go(Message, frozen=True):
    pass

class Word(Message, frozen=True):
    word: str

class Heard(Struct):
    words: list[str] = field(default_factory=list)

class Words(Struct):
    words: set[str] = field(default_factory=lambda: set("abcdef"))

class Ear(Actor):
    def __init__(self):
        self.state = Heard()

    @receive
    def word(self, message: Word) -> None:
        self.state.words.append(message.word)

class Mouth(Actor):
    def __init__(self):
        self.state = Words()

    @receive
    def go(self, _message: Go) -> None:
        for word in HOW[sys.argv[1]](self.state.words):
            self.system.ref("ear").tell(Word(word))

HOW = {"sorted": sorted, "as it is": list}
ends = set()

def scenario(world):
    world.spawn(Ear(), "ear")
    world.inject(world.spawn(Mouth(), "mouth"), Go())
    world.final("noted", lambda view: ends.add("".join(view["ear"].words)) or True)

print(explore(scenario, recheck=1).verdict, *ends)
"""


@pytest.mark.parametrize(("how", "is_one"), [("sorted", True), ("as it is", False)])
def test_order_of_a_set_of_texts(how: str, is_one: bool) -> None:  # noqa: FBT001
    """Each run of Python has an order of its own, and explores that one alone."""
    found = {
        subprocess.run(
            [sys.executable, "-c", SET, how],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert all(line.startswith("verified ") for line in found)
    assert (found == {"verified abcdef\n"}) is is_one
    assert (len(found) == 1) is is_one


class Stubborn(Actor[Go]):
    """Puts what comes aside, and never takes it out again."""

    @receive
    def go(self, _message: Go) -> None:
        """Put it aside."""
        self.stash()


class Ticker(Actor[Go]):
    """Has a timer that goes on for ever, or one that ends."""

    def __init__(self, *, endless: bool) -> None:
        self._endless = endless

    def on_start(self) -> None:
        """Set it."""
        if self._endless:
            self.every(1.0, Go())
        else:
            self.after(1.0, Go())

    @receive
    def go(self, _message: Go) -> None:
        """Do nothing."""


@pytest.mark.parametrize("endless", [False, True])
def test_what_waits_beside_what_never_rests(endless: bool) -> None:  # noqa: FBT001
    """An actor that waits forever is a fault, even while a timer goes on forever."""

    def scenario(world: World) -> None:
        stubborn = world.spawn(Stubborn(), "stubborn")
        world.inject(stubborn, Go())
        world.spawn(Ticker(endless=endless), "ticker")

    result = explore(scenario)
    assert result.verdict == "refuted"
    what = "leaves 1 message forever" if endless else "at rest, and leaves 1 message"
    assert result.violation == f"stubborn: {what}"
    assert replay(scenario, result.names).violation == result.violation
    assert explain(scenario, result).steps == result.counterexample


class Weather(msgspec.Struct):
    """How often what comes next is passed on."""

    times: int = 1


class Wire(Actor[Number | Lose | Double]):
    """Stands between two actors, and passes on what comes, more or less."""

    state: Weather

    def __init__(self) -> None:
        self.state = Weather()

    @receive
    def lose(self, _message: Lose) -> None:
        """Pass on nothing of what comes next."""
        self.state.times = 0

    @receive
    def double(self, _message: Double) -> None:
        """Pass on twice what comes next."""
        self.state.times = 2

    @receive
    def number(self, message: Number) -> None:
        """Pass it on."""
        for _ in range(self.state.times):
            self.system.ref("book").tell(message)
        self.state.times = 1


@pytest.mark.parametrize("engine", ["states", "orders"])
def test_wire_that_loses_and_doubles(engine: Engine) -> None:
    """What a network may do is an actor in between, and messages that make it do so."""
    ends: set[Any] = set()

    def found(view: View) -> object:
        return view["book"].numbers

    def scenario(world: World) -> None:
        world.spawn(Book(), "book")
        wire = world.spawn(Wire(), "wire")
        for number in (1, 2):
            world.inject(wire, Number(number), source="sender")
        world.inject(wire, Lose(), source="weather")
        world.inject(wire, Double(), source="weather")
        note_ends(world, ends, found)

    assert explore(scenario, engine=engine).verdict == "verified"
    assert ends == {(1, 2), (2,), (1,), (1, 1, 2), (1, 2, 2), (2, 2)}
