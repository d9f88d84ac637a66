"""Errors of a message use the names of its fields."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgpack
import pytest
from msgspec import Struct, field

from ccw_actors.errors import MessageError
from ccw_actors.transport import Codec, Message, refusal


class Line(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A part of an order."""

    price: int
    notes: dict[str, "Line"] = field(default_factory=dict[str, "Line"])


class Buyer(NamedTuple):
    """The buyer."""

    name: str
    age: int


@dataclass
class Place:
    """The address."""

    street: str
    lines: list[Line]


class Cash(Struct, frozen=True, array_like=True, tag=True):
    """One way to pay."""

    amount: int


class Card(Struct, frozen=True, array_like=True, tag=True):
    """Another one."""

    number: int


class State(enum.Enum):
    """The position of an order."""

    OPEN = "open"
    DONE = "done"


class Order(Message, frozen=True):
    """A message with all of them."""

    number: int
    lines: tuple[Line, ...] = ()
    buyer: Buyer | None = None
    place: Place | None = None
    pair: tuple[int, str] = (1, "")
    payment: Cash | Card | None = None
    by_line: dict[Line, list[int]] = field(default_factory=dict[Line, list[int]])
    state: State | None = None
    level: Literal[1, 2] = 1


class Cancel(Message, frozen=True):
    """A message without fields."""


class Mapped(Message, frozen=True, array_like=False):
    """A message that is a map."""

    number: int
    lines: list[Line] = field(default_factory=list[Line])


ALL: Any = Order | Cancel


def order(**fields: Any) -> list[Any]:
    """Return an order as plain msgpack shows it, with other values for some fields."""
    values: dict[str, Any] = {
        "number": 1,
        "lines": [],
        "buyer": None,
        "place": None,
        "pair": [1, ""],
        "payment": None,
        "by_line": {},
        "state": None,
        "level": 1,
    }
    return ["Order", *(values | fields).values()]


NO_INT = "Expected `int`, got `str`"
CASES: list[tuple[Any, Any, str]] = [
    (ALL, order(number="x"), f"Order: {NO_INT} - at `number`"),
    (ALL, order(lines=[[1], ["x"]]), f"Order: {NO_INT} - at `lines[1].price`"),
    (
        ALL,
        order(lines=[[1, {"a": [2, {"b": ["x"]}]}]]),
        f"Order: {NO_INT} - at `lines[0].notes[...].notes[...].price`",
    ),
    (ALL, order(buyer=["a", "x"]), f"Order: {NO_INT} - at `buyer.age`"),
    (
        ALL,
        order(place={"street": "", "lines": [["x"]]}),
        f"Order: {NO_INT} - at `place.lines[0].price`",
    ),
    (ALL, order(pair=[1, 2]), "Order: Expected `str`, got `int` - at `pair[1]`"),
    (ALL, order(pair=[1]), "Order: Expected `array` of length 2, got 1 - at `pair`"),
    (ALL, order(payment=["Cash", "x"]), f"Order: {NO_INT} - at `payment[1]`"),
    (
        ALL,
        order(payment=["Cheque", 1]),
        "Order: Invalid value 'Cheque' - at `payment`; expected `Cash` or `Card`",
    ),
    (ALL, order(by_line={("x",): []}), f"Order: {NO_INT} - at `key[0]` in `by_line`"),
    (ALL, order(by_line={(1,): ["x"]}), f"Order: {NO_INT} - at `by_line[...][0]`"),
    (
        ALL,
        order(state="lost"),
        "Order: Invalid enum value 'lost' - at `state`; expected `'open'` or `'done'`",
    ),
    (
        ALL,
        order(level=3),
        "Order: Invalid enum value 3 - at `level`; expected `1` or `2`",
    ),
    (
        ALL,
        ["Order"],
        "Order: Expected `array` of at least length 2, got 1; `number` is missing",
    ),
    (
        ALL,
        order(lines=[[]]),
        (
            "Order: Expected `array` of at least length 1, got 0 - at `lines[0]`;"
            " `price` is missing"
        ),
    ),
    (
        ALL,
        order(buyer=["a"]),
        "Order: Expected `array` of length 2, got 1 - at `buyer`; `age` is missing",
    ),
    (
        ALL,
        [*order(), 1],
        (
            "Order: Expected `array` of at most length 9, got 10;"
            " `Order` has no field after `level`"
        ),
    ),
    (
        ALL,
        order(lines=[[1, {}, 3]]),
        (
            "Order: Expected `array` of at most length 2, got 3 - at `lines[0]`;"
            " `Line` has no field after `notes`"
        ),
    ),
    (
        ALL,
        ["Cancel", 1],
        (
            "Cancel: Expected `array` of at most length 0, got 1;"
            " `Cancel` has no field at all"
        ),
    ),
    (ALL, ["Ordr", 1], "Ordr: Invalid value 'Ordr'; expected `Order` or `Cancel`"),
    (Order, ["Cancel"], "Cancel: Invalid value 'Cancel'; expected `Order`"),
    (ALL, [1], "2 bytes: Expected `str`, got `int`; expected `Order` or `Cancel`"),
    (ALL, {}, "1 bytes: Expected `array`, got `object`"),
    (
        Mapped,
        {"type": "Mapped", "number": 1, "lines": [["x"]]},
        f"31 bytes: {NO_INT} - at `lines[0].price`",
    ),
    (
        Mapped,
        {"type": "Mapped"},
        "13 bytes: Object missing required field `number`",
    ),
    (list[str], ["Order", 1], "Order: Expected `str`, got `int` - at `[1]`"),
    (tuple[Line, int], [["x"], 1], f"5 bytes: {NO_INT} - at `[0].price`"),
]


@pytest.mark.parametrize(("accepted", "tree", "text"), CASES, ids=str)
def test_what_is_wrong(accepted: Any, tree: Any, text: str) -> None:
    """The text names the field, the expectation, and missing or unknown fields."""
    decode: Callable[[bytes], object] = Codec().decoder(accepted)
    with pytest.raises(MessageError) as info:
        decode(msgpack.packb(tree))
    assert str(info.value) == text


def test_many_types() -> None:
    """The first of many expected types are named, the rest counted."""
    kinds: Any = Order
    for number in range(9):
        kinds |= type(f"Kind{number}", (Message,), {}, frozen=True)
    decode: Callable[[bytes], object] = Codec().decoder(kinds)
    with pytest.raises(MessageError) as info:
        decode(msgpack.packb(["Ordr"]))
    names = "`Order`, `Kind0`, `Kind1`, `Kind2` or 6 more"
    assert str(info.value) == f"Ordr: Invalid value 'Ordr'; expected {names}"


def test_refusal_without_the_types() -> None:
    """Without types the places are msgspec's positions."""
    payload = msgpack.packb(order(lines=[["x"]]))
    decode: Callable[[bytes], object] = Codec().raw_decoder(ALL)
    with pytest.raises(ValueError, match="Expected") as info:
        decode(payload)
    error = info.value
    assert str(refusal(payload, error)) == f"Order: {NO_INT} - at `$[2][0][0]`"
    known = refusal(payload, error, ALL)
    assert str(known) == f"Order: {NO_INT} - at `lines[0].price`"


@pytest.mark.parametrize(
    "quoted", [" - at `key" * 50_000, " - at `$[1]`", "`" * 90_000, "$[0]" * 50_000]
)
def test_text_that_quotes_what_looks_like_a_place(quoted: str) -> None:
    """A quotation of a message is not taken for a place, and takes no longer."""

    def from_wire(kind: type, value: object) -> object:
        raise ValueError(f"no {kind.__name__}: {value}")

    class Thing:
        """A value that msgspec does not know."""

    class Holder(Message, frozen=True):
        things: list[Thing]

    decode = Codec(from_wire=from_wire).decoder(Holder)
    with pytest.raises(MessageError) as info:
        decode(msgpack.packb(["Holder", [quoted]]))
    assert str(info.value).startswith("Holder: no Thing: ")
    assert str(info.value).endswith(" - at `things[0]`")
