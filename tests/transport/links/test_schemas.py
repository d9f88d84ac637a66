"""Fingerprints of message types: what both ends of a link understand."""

import enum
from typing import Any, Literal, NamedTuple

import msgspec
import pytest

from ccw_actors.transport import Message
from ccw_actors.transport.links import differing, known_schemas


class Colour(enum.Enum):
    """Some colours."""

    RED = "red"
    BLUE = "blue"


class Point(NamedTuple):
    """A place."""

    x: int
    y: int


class Tree(msgspec.Struct, frozen=True, array_like=True):
    """A value that has values of its own type."""

    children: tuple["Tree", ...] = ()


KINDS: dict[str, Any] = {
    "int": int,
    "float": float,
    "text": str,
    "bytes": bytes,
    "list": list[int],
    "list of text": list[str],
    "tuple": tuple[int, str],
    "map": dict[str, int],
    "one of two": int | str,
    "none": int | None,
    "literal": Literal["a", "b"],
    "other literal": Literal["a", "c"],
    "enum": Colour,
    "named": Point,
    "tree": Tree,
}


def test_every_type_has_its_own() -> None:
    """Types that look different on the wire have different numbers."""
    seen: dict[tuple[int, ...], str] = {}
    for number, (name, kind) in enumerate(KINDS.items()):
        made = msgspec.defstruct(
            f"Made{number}", [("field", kind)], bases=(Message,), frozen=True
        )
        (schema,) = known_schemas()[made.__name__]
        assert schema not in seen, (name, seen.get(schema))
        seen[schema] = name


@pytest.mark.parametrize("accepts", [False, True])
def test_same_types(accepts: bool) -> None:  # noqa: FBT001 - a table
    """A process understands itself."""
    ours = known_schemas()
    assert differing(ours, ours, accepts_unknown=accepts) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "refuses", "accepts"),
    [
        ((1, 2), (1, 2), [], []),
        ((1, 2), (1, 2, 3), ["Note"], []),
        ((1, 2), (1,), ["Note"], ["Note"]),
        ((1, 2), (2, 1), ["Note"], ["Note"]),
        ((), (1,), ["Note"], []),
    ],
)
def test_fields_that_differ(
    ours: tuple[int, ...],
    theirs: tuple[int, ...],
    refuses: list[str],
    accepts: list[str],
) -> None:
    """One who accepts unknown fields reads more of them at the end, nothing else."""
    mine, other = {"Note": [ours]}, {"Note": [theirs]}
    assert differing(mine, other, accepts_unknown=False) == refuses
    assert differing(mine, other, accepts_unknown=True) == accepts


def test_types_that_one_end_has() -> None:
    """They are no difference."""
    assert differing({"A": [(1,)]}, {"B": [(2,)]}, accepts_unknown=False) == []


def test_two_types_of_one_name() -> None:
    """It is enough that one of them is the same."""
    ours, theirs = {"A": [(1,), (2,)]}, {"A": [(2,), (3,)]}
    assert differing(ours, theirs, accepts_unknown=False) == []
    assert differing(theirs, ours, accepts_unknown=True) == []
