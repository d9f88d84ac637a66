"""Faults as values: what fits together, their sense data, and their turn."""

from typing import Any

import pytest

from ccw_actors.channel import DeviceCommand
from ccw_actors.errors import FaultError
from ccw_actors.faults import SENSE_NAMES, Fault, check_fault
from ccw_actors.faults._place import Place
from ccw_actors.faults._plan import Plan, met, needs_place, planned
from ccw_actors.faults._sense import sense_over

READ = DeviceCommand(0x06, 8)
SENSE = DeviceCommand(0x04, 32)


def happens(fault: Fault, commands: int, place: Place | None = None) -> list[int]:
    """Return the numbers of the commands, from 1, to which a fault happens."""
    plan: Plan = (planned(1, fault),)
    found: list[int] = []
    for number in range(1, commands + 1):
        plan, it = met(plan, READ, place or Place())
        found += [number] * (it is not None)
    return found


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({}, [1]),
        ({"nth": 3}, [3]),
        ({"times": 2}, [1, 2]),
        ({"times": "always"}, [1, 2, 3, 4, 5, 6, 7]),
        ({"nth": 2, "every": 3, "times": "always"}, [2, 5]),
        ({"nth": 2, "every": 3, "times": 1}, [2]),
        ({"commands": (0x06,)}, [1]),
        ({"commands": (0x05, 0x0D)}, []),
    ],
)
def test_turn(fault: dict[str, Any], expected: list[int]) -> None:
    """It happens to the n-th command, to every k-th behind it, as often as it may."""
    assert happens(Fault("path on", **fault), 7) == expected


def test_random_turns() -> None:
    """The same seed gives the same turns, another one others, as often as is likely."""
    some = Fault("path on", probability=0.25, times="always")
    first = happens(some, 1000)
    assert first == happens(some, 1000)
    other = Fault("path on", probability=0.25, times="always", seed=1)
    assert happens(other, 1000) != first
    assert 200 < len(first) < 300


def test_sense_is_no_command() -> None:
    """SENSE meets a fault only if it is named."""
    usual = planned(1, Fault("path on"))
    named = planned(2, Fault("path on", commands=(0x04,)))
    assert met((usual, named), SENSE, Place())[1] == named.fault


def test_first_of_two() -> None:
    """A command meets the first of two faults; both have seen it."""
    one, other = planned(1, Fault("path on")), planned(2, Fault("path off"))
    plan, found = met((one, other), READ, Place())
    assert found == one.fault
    assert [(its.seen, its.happened) for its in plan] == [(1, 1), (1, 0)]


@pytest.mark.parametrize(
    ("fault", "place", "is_there"),
    [
        ({"track": (1, 2)}, Place(((0, 1), (1, 2))), True),
        ({"track": (1, 2)}, Place(((1, 1),)), False),
        ({"record": 4}, Place(((1, 1),), 4), True),
        ({"track": (1, 1), "record": 4}, Place(((1, 1),), 5), False),
        ({"block": 11}, Place(blocks=(8, 4)), True),
        ({"block": 12}, Place(blocks=(8, 4)), False),
        ({"block": 0}, Place(), False),
    ],
)
def test_place(fault: dict[str, Any], place: Place, *, is_there: bool) -> None:
    """It happens at its track, record or block only."""
    assert bool(happens(Fault("path on", **fault), 1, place)) is is_there


def test_when_the_place_decides() -> None:
    """The place is needed while a fault waits for a command of this kind there."""
    fault = Fault("late interrupt", seconds=1, track=(0, 1), commands=(0x06,))
    plan = (planned(1, fault),)
    assert needs_place(plan, READ)
    assert not needs_place(plan, DeviceCommand(0x05, 8))
    assert not needs_place(plan, DeviceCommand(0x06, 8, chaining=True))
    after, _ = met(plan, READ, Place(((0, 1),)))
    assert not needs_place(after, READ)


def test_sense_by_name_and_in_hexadecimal() -> None:
    """Bytes that a fault says replace the usual ones."""
    usual = bytes(range(32))
    named = sense_over("permanent data check", usual)
    assert named == b"\x08\x80" + usual[2:]
    assert sense_over("0840", usual) == b"\x08\x40" + usual[2:]
    assert sense_over("end of cylinder", b"") == b"\x00\x20"


@pytest.mark.parametrize("name", SENSE_NAMES)
def test_every_name(name: str) -> None:
    """Every name is a fault that can be."""
    check_fault(Fault("unit check", sense=name))


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"effect": "pain"}, "effect: expected one of unit check, busy"),
        ({"effect": "stall"}, "seconds: expected more than 0 for stall"),
        ({"effect": "stall", "seconds": -1}, "seconds: expected a number of seconds"),
        ({"effect": "busy", "sense": "08"}, "sense: busy takes no sense"),
        ({"effect": "unit check"}, "got none"),
        ({"effect": "unit check", "sense": "pain"}, "got 'pain'"),
        ({"effect": "unit check", "sense": "00" * 33}, "1 to 32 bytes"),
        ({"effect": "path on", "track": (1,)}, "track: expected a cylinder and a head"),
        ({"effect": "path on", "commands": (256,)}, "commands: expected a list"),
        ({"effect": "path on", "nth": 0}, "nth: expected a number of commands"),
        ({"effect": "path on", "times": "often"}, "times: expected a number"),
        ({"effect": "path on", "probability": 0}, "probability: expected a number"),
        ({"effect": "path on", "after": 1, "nth": 2}, "nth: after is given"),
        ({"effect": "path on", "block": 1, "record": 2}, "block: expected no track"),
        (
            {"effect": "lost interrupt", "after": 1.0},
            "after: expected an effect that needs no command",
        ),
    ],
)
def test_what_cannot_be(fault: dict[str, Any], text: str) -> None:
    """An error names the field, and says what was expected."""
    with pytest.raises(FaultError) as caught:
        check_fault(Fault(**fault))
    assert text in str(caught.value)
