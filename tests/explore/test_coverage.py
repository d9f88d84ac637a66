"""Coverage: which messages were handled in which state, and which never were."""

from enum import Enum
from typing import Literal

import msgspec

from ccw_actors.explore import Combination, Coverage, Engine, World, explore
from ccw_actors.explore import TransitionSystem as Plain
from ccw_actors.runtime import Actor, Message, receive


class Open(Message, frozen=True):
    """Opens."""


class Close(Message, frozen=True):
    """Closes."""


class Knock(Message, frozen=True):
    """Knocks."""


class Position(Enum):
    """Where the door is."""

    SHUT = 0
    AJAR = 1


class DoorState(msgspec.Struct):
    """Where the door is, who said so, and how often it was knocked at."""

    position: Position = Position.SHUT
    by: Literal["nobody", "somebody"] = "nobody"
    knocks: int = 0


class Door(Actor[Open | Close | Knock]):
    """Can be opened and shut."""

    state: DoorState

    def __init__(self) -> None:
        self.state = DoorState()

    @receive
    def open(self, _message: Open) -> None:
        """Open."""
        self.state.position = Position.AJAR
        self.state.by = "somebody"

    @receive
    def close(self, _message: Close) -> None:
        """Shut."""
        self.state.position = Position.SHUT

    @receive
    def knock(self, _message: Knock) -> None:
        """Count."""
        self.state.knocks += 1


def coverage(
    *messages: Message, engine: Engine = "states", label: bool = False
) -> Coverage:
    """Explore a door that gets these messages in this order."""

    def scenario(world: World) -> None:
        door = world.spawn(Door(), "door")
        for message in messages:
            world.inject(door, message)
        if label:
            world.label(door, lambda state: f"{state.knocks} knocks")

    found = explore(scenario, engine=engine).coverage
    assert found is not None
    return found


def test_enumerations_name_the_state() -> None:
    """It has every state seen with every message that has a handler."""
    for engine in ("states", "orders", "brute force", "random"):
        found = coverage(Knock(), Open(), Knock(), engine=engine)
        assert set(map(str, found.handled)) == {
            "door (shut nobody): Knock",
            "door (shut nobody): Open",
            "door (ajar somebody): Knock",
        }
        assert set(map(str, found.missed)) == {
            "door (shut nobody): Close",
            "door (ajar somebody): Open",
            "door (ajar somebody): Close",
        }


def test_label_of_the_scenario() -> None:
    """A scenario may name states itself."""
    found = coverage(Knock(), Close(), label=True)
    assert found.handled == (
        Combination("door", "0 knocks", "Knock"),
        Combination("door", "1 knocks", "Close"),
    )
    assert len(found.missed) == 4


def test_text() -> None:
    """The text counts the combinations, and lists the missed ones."""
    assert str(coverage(Knock())) == (
        "1 of 3 combinations handled; never:\n"
        "  door (shut nobody): Close\n"
        "  door (shut nobody): Open"
    )


class Gate(Actor):
    """Is shut, or ajar."""

    @receive
    def open(self, _message: Open) -> None:
        """Open."""
        self.become("ajar")

    @receive(state="ajar")
    def close(self, _message: Close) -> None:
        """Shut."""
        self.become("")


def test_behaviours_name_the_state() -> None:
    """The behaviour of an actor names its state."""

    def scenario(world: World) -> None:
        gate = world.spawn(Gate(), "gate")
        world.inject(gate, Open())
        world.inject(gate, Close())

    found = explore(scenario).coverage
    assert found is not None
    assert set(found.handled) == {
        Combination("gate", "", "Open"),
        Combination("gate", "ajar", "Close"),
    }
    assert set(found.missed) == {
        Combination("gate", "", "Close"),
        Combination("gate", "ajar", "Open"),
    }


def test_no_coverage_of_a_plain_system() -> None:
    """A plain transition system has no messages."""
    assert explore(Plain([0], lambda _: [], lambda state, _: state)).coverage is None
