"""Types that cannot travel: creating a decoder names message and field."""

import enum
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec
import pytest

from ccw_actors.errors import MessageError
from ccw_actors.transport import Codec, Message, Request
from tests.transport.kinds import (
    ACCEPTED,
    CODEC,
    Ref,
    Reference,
    ref_from_wire,
    ref_to_wire,
)

T = TypeVar("T")


class Box(msgspec.Struct, Generic[T]):
    """A struct with anything in it."""

    inside: T


class Named(NamedTuple):
    """A tuple with a path in it."""

    path: Path


@dataclass
class Data:
    """A dataclass with one."""

    path: Path


class Typed(TypedDict):
    """A dict with one."""

    path: Path


class Tree(msgspec.Struct):
    """A struct with others of its kind in it, and a path."""

    left: "Tree | None"
    path: Path


class Fine(Message, frozen=True):
    """A message that can travel."""

    number: int


class Answer(Request[Fine], frozen=True):
    """A request that cannot."""

    path: Path


class Odd(enum.Enum):
    """An enum that cannot."""

    ONE = 1.5


PATH = "Path cannot travel in a message; expected its text, from str()"


def message(kind: Any) -> Any:
    """Return a message type with a field of that type."""
    return msgspec.defstruct("Held", [("held", kind)], bases=(Message,), frozen=True)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Path, f"Held.held: {PATH}"),
        (Path | None, f"Held.held: {PATH}"),
        (list[dict[str, tuple[int, Path]]], f"Held.held: {PATH}"),
        (dict[Path, int], f"Held.held: {PATH}"),
        (Box[Path], f"Box.inside: {PATH}"),
        (list[Named], f"Named.path: {PATH}"),
        (Data | None, f"Data.path: {PATH}"),
        (Typed, f"Typed.path: {PATH}"),
        (Tree, f"Tree.path: {PATH}"),
        (Fine | Answer, f"Answer.path: {PATH}"),
        (object, "Held.held: object cannot travel in a message; expected Any"),
        (deque[int], "Held.held: deque cannot .*; expected a list or a tuple"),
        (Iterable[int], "Held.held: Iterable cannot .*; expected a list or a tuple"),
        (OrderedDict[str, int], "Held.held: OrderedDict cannot .*; expected a dict"),
        (Callable[[int], int], "Held.held: Callable cannot .*; expected a name for it"),
        (ValueError, "Held.held: ValueError cannot .*; expected its text, from str()"),
        (Codec, "Held.held: Codec cannot .*; expected a msgspec.Struct or a dataclass"),
        (str | bytes, "Held.held: Type unions may not contain more than one str-like"),
        (Box[str | bytes], "Held.held: Type unions may not contain more than one str-"),
        (list[Box[int] | Data], "Held.held: Type unions may not contain more than one"),
        (Odd, "Held.held: Enums must contain either all str or all int values"),
    ],
    ids=str,
)
def test_types_that_cannot_travel(kind: Any, text: str) -> None:
    """The error names message, field and type, and what to use instead."""
    for make in (Codec().decoder, Codec().raw_decoder):
        with pytest.raises(TypeError, match=f"^{text.replace('()', r'[(][)]')}"):
            make(message(kind))


def test_place_in_a_struct_in_a_message() -> None:
    """A type that msgspec refuses is located, inside any container."""

    class Inner(msgspec.Struct):
        fine: int
        wrong: list[str | bytes]

    class Outer(msgspec.Struct):
        inner: dict[str, Inner]

    with pytest.raises(TypeError, match=r"^Inner\.wrong: Type unions may not"):
        Codec().decoder(message(Outer | None))
    accepted: Any = Fine | message(Outer)
    with pytest.raises(TypeError, match=r"^Inner\.wrong: Type unions may not"):
        Codec().decoder(accepted)


def test_name_that_is_not_defined() -> None:
    """An annotation with an undefined name is also located."""

    class Forward(Fine, frozen=True):
        known: int
        unknown: "list[Nothing]"  # type: ignore[name-defined] # noqa: F821 # pyright: ignore[reportUndefinedVariable]

    with pytest.raises(NameError, match=r"^Forward\.unknown: name 'Nothing' is not"):
        Codec().decoder(Forward)


def test_messages_that_do_not_go_together() -> None:
    """An error of a union, and not of a field, has msgspec's text."""

    class Other(Message, frozen=True, tag="Fine"):
        number: int

    accepted: Any = Fine | Other
    with pytest.raises((TypeError, ValueError), match="tag"):
        Codec().decoder(accepted)


def test_types_that_the_codec_knows() -> None:
    """A codec with `custom_types` accepts those, and no others."""
    codec = Codec(ref_to_wire, ref_from_wire, custom_types=(Ref,))
    decode: Callable[[bytes], Message] = codec.decoder(ACCEPTED)
    reference = Reference(Ref("a"))
    assert decode(codec.encode(reference)) == reference
    with pytest.raises(TypeError, match=r"^Answer\.path: Path cannot travel"):
        codec.decoder(Answer)


def test_types_that_only_the_codec_can_know() -> None:
    """A codec without `custom_types` refuses none in advance."""
    decode = CODEC.decoder(Answer)
    with pytest.raises(MessageError, match=r"expected .*Path"):
        decode(b"\x92\xa6Answer\xa1a")


def test_any_is_no_type_that_cannot_travel() -> None:
    """A field of type Any takes all values of msgpack."""
    held = message(dict[Any, list[Any]])
    value = held({1: [b"a", {"b": None}]})
    assert Codec().decoder(held)(Codec().encode(value)) == value
