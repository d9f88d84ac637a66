"""Allowed changes of a message type while old and new programs run."""

import enum
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    TypedDict,
    TypeVar,
    cast,
)

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from ccw_actors.errors import MessageError
from ccw_actors.transport import Codec, Message, Request
from tests.transport import kinds
from tests.transport.hostile import FRAGMENTS, GROWTH, check_text, hostile_bytes, traced
from tests.transport.kinds import ACCEPTED, CODEC, MESSAGES, PLAIN, Path, plain

T = TypeVar("T")

# Additional memory of decoding: the error, and what it quotes.
CONSTANT = 1 << 16

strict = Codec()
tolerant = Codec(unknown_fields="accept")


def record(name: str, *fields: Any, **options: Any) -> type[Any]:
    """Return a message type: fields are names of ints, or (name, type[, default])."""
    options = {"tag": "Order", **options}
    whole = [(one, int) if isinstance(one, str) else one for one in fields]
    return msgspec.defstruct(name, whole, bases=(Message,), frozen=True, **options)


def reads(codec: Codec, reader: Any, message: Any) -> list[Any] | None:
    """Return the fields that a reader finds in a message, None if it refuses it."""
    try:
        found = codec.decoder(reader)(codec.encode(message))
    except MessageError:
        return None
    return [getattr(found, name) for name in found.__struct_fields__]


OLD = record("Old", "number")
NEW = record("New", "number", ("note", str, ""))
OPEN = record("Open", "number", forbid_unknown_fields=False)

# -- A field that is new --------------------------------------------------------------


def test_new_field_with_a_default_in_an_old_message() -> None:
    """A reader that has a new field with a default takes messages without it."""
    assert reads(strict, NEW, OLD(1)) == [1, ""]


def test_new_field_is_refused_unless_it_is_said() -> None:
    """A reader refuses an unknown field, and says what it knows."""
    with pytest.raises(MessageError, match=r"^Order: .* no field after `number`$"):
        strict.decoder(OLD)(strict.encode(NEW(1, "x")))


def test_new_field_where_the_message_says_so() -> None:
    """A message type with `forbid_unknown_fields=False` is read without it."""
    assert reads(strict, OPEN, NEW(1, "x")) == [1]


def test_new_field_where_the_codec_says_so() -> None:
    """A codec that accepts unknown fields reads any message without it."""
    assert reads(tolerant, OLD, NEW(1, "x")) == [1]


def test_new_field_without_a_default() -> None:
    """A reader refuses a message that lacks a field without a default."""
    newer = record("Newer", "number", ("note", str))
    assert reads(strict, newer, OLD(1)) is None
    assert reads(tolerant, newer, OLD(1)) is None
    assert reads(tolerant, OLD, newer(1, "x")) == [1]


def test_field_that_is_not_at_the_end() -> None:
    """A field put before another is taken for it: the position decides."""
    newer = record("Newer", ("rank", int, 0), ("number", int, 0))
    assert reads(strict, newer, OLD(7)) == [7, 0]
    assert reads(tolerant, OLD, newer(1, 7)) == [1]


def test_fields_in_another_order() -> None:
    """Reordered fields are taken for each other."""
    one, other = record("One", "a", "b"), record("Other", "b", "a")
    assert reads(strict, other, one(1, 2)) == [1, 2]


# -- Other changes ---------------------------------------------------------------------


def test_field_that_is_gone() -> None:
    """The reverse of a new field: a writer may drop one with a default."""
    assert reads(strict, NEW, OLD(1)) == [1, ""]
    assert reads(tolerant, OLD, NEW(1, "x")) == [1]
    assert reads(strict, OLD, NEW(1, "x")) is None


def test_field_that_is_renamed() -> None:
    """The name of a field does not travel."""
    renamed = record("Renamed", "count")
    assert reads(strict, renamed, OLD(1)) == [1]
    assert reads(strict, OLD, renamed(1)) == [1]


def test_message_that_is_renamed() -> None:
    """The name of a class travels, unless the class has a tag."""

    class Order(Message, frozen=True):
        number: int

    class Purchase(Message, frozen=True, tag="Order"):
        number: int

    class Sale(Message, frozen=True):
        number: int

    assert reads(strict, Purchase, Order(1)) == [1]
    assert reads(strict, Order, Purchase(1)) == [1]
    assert reads(tolerant, Sale, Order(1)) is None


class Colour(enum.Enum):
    """An enum as readers have it."""

    RED = "r"


class MoreColour(enum.Enum):
    """An enum as writers have it."""

    RED = "r"
    BLUE = "b"


class Kept(Message, frozen=True):
    """A message that readers and writers have."""

    number: int


class Added(Message, frozen=True):
    """A message that only writers have."""


@pytest.mark.parametrize(
    ("narrow", "wide", "beyond"),
    [
        (int, int | None, None),
        (int, int | str, "x"),
        (Kept, Kept | Added, Added()),
        (Colour, MoreColour, MoreColour.BLUE),
        (Literal["a"], Literal["a", "b"], "b"),
        (Annotated[int, Meta(le=9)], int, 10),
        (tuple[int, int], tuple[int, ...], (1, 2, 3)),
    ],
    ids=["None", "union", "messages", "enum", "Literal", "Meta", "tuple"],
)
def test_type_that_takes_more(narrow: Any, wide: Any, beyond: object) -> None:
    """Readers of the wider type take all, those of the narrower refuse the rest."""
    old, new = record("Old", ("field", narrow)), record("New", ("field", wide))
    common: Any = {Kept: Kept(1), Colour: Colour.RED, Literal["a"]: "a"}.get(narrow, 1)
    common = (1, 2) if narrow == tuple[int, int] else common
    for codec in (strict, tolerant):
        assert reads(codec, new, old(common)) is not None
        assert reads(codec, old, new(common)) is not None
        assert reads(codec, new, new(beyond)) == [beyond]
        assert reads(codec, old, new(beyond)) is None


def test_int_that_becomes_a_float() -> None:
    """A field for floats takes ints, one for ints no floats."""
    old, new = record("Old", ("field", int)), record("New", ("field", float))
    assert reads(strict, new, old(3)) == [3.0]
    assert reads(strict, old, new(3.0)) is None


@pytest.mark.parametrize(("old", "new"), [(int, str), (str, bytes), (int, tuple[int])])
def test_type_that_is_another(old: Any, new: Any) -> None:
    """No value passes for one of another type."""
    values: dict[Any, Any] = {int: 1, str: "1", bytes: b"1", tuple[int]: (1,)}
    one, other = record("One", ("field", old)), record("Other", ("field", new))
    assert reads(tolerant, other, one(values[old])) is None
    assert reads(tolerant, one, other(values[new])) is None


def test_message_that_is_new() -> None:
    """A reader refuses a message that it does not know, whatever its codec accepts."""
    known: Any = Kept | Tree
    for codec in (strict, tolerant):
        with pytest.raises(MessageError, match=r"^Added: Invalid value 'Added'"):
            codec.decoder(known)(codec.encode(Added()))


def test_message_that_becomes_a_map() -> None:
    """A message with `array_like=False` is another one on the wire."""
    mapped = record("Mapped", "number", array_like=False)
    for codec in (strict, tolerant):
        assert reads(codec, mapped, OLD(1)) is None
        assert reads(codec, OLD, mapped(1)) is None


def test_fields_that_travel_with_their_names() -> None:
    """A message that is a map may have new or reordered fields anywhere."""
    old = record("Old", "number", array_like=False)
    new = record("New", ("note", str, ""), ("number", int, 0), array_like=False)
    renamed = record("Renamed", "count", array_like=False)
    assert msgpack.unpackb(strict.encode(new(number=1))) == {
        "type": "Order",
        "note": "",
        "number": 1,
    }
    assert reads(strict, new, old(1)) == ["", 1]
    assert reads(strict, old, new("x", 1)) is None
    assert reads(tolerant, old, new("x", 1)) == [1]
    assert reads(tolerant, renamed, old(1)) is None


# -- Where a field may be unknown ----------------------------------------------------


class Small(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value as readers have it."""

    a: int


class Large(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The same as writers have it."""

    a: int
    b: str = "new"
    c: tuple[int, ...] = (1, 2)


class SmallMap(Struct, frozen=True, forbid_unknown_fields=True):
    """A value that is a map, as readers have it."""

    a: int


class LargeMap(Struct, frozen=True, forbid_unknown_fields=True):
    """The same as writers have it."""

    b: str
    a: int


class SmallTagged(SmallMap, frozen=True, tag="tagged"):
    """A value with a tag."""


class LargeTagged(LargeMap, frozen=True, tag="tagged"):
    """The same as writers have it."""


class Other(SmallMap, frozen=True, tag="other"):
    """Another one."""


class SmallOf(Message, Generic[T], frozen=True):
    """A message with a value of some type in it."""

    a: T


class LargeOf(Message, Generic[T], frozen=True, tag="SmallOf"):
    """The same as writers have it."""

    a: T
    b: int = 0


class SmallTuple(NamedTuple):
    """A tuple as readers have it."""

    a: int


class LargeTuple(NamedTuple):
    """The same as writers have it."""

    a: int
    b: int = 2


@dataclass(frozen=True)
class SmallData:
    """A dataclass as readers have it."""

    a: Small


@dataclass(frozen=True)
class LargeData:
    """The same as writers have it."""

    a: Large
    b: int = 2


class SmallDict(TypedDict):
    """A dict as readers have it."""

    a: Small


class LargeDict(TypedDict):
    """The same as writers have it."""

    a: Large
    b: int


SMALL, LARGE = Small(1), Large(1)


class SmallNumbered(
    Struct, frozen=True, array_like=True, tag=1, forbid_unknown_fields=True
):
    """A value with a number for a name, as readers have it."""

    a: int


class LargeNumbered(Struct, frozen=True, array_like=True, tag=1):
    """The same as writers have it."""

    a: int
    b: int = 2


class OtherNumbered(Struct, frozen=True, array_like=True, tag=2):
    """Another one."""


class Tree(Message, frozen=True):
    """A message with others of its kind in it."""

    left: "Tree | None" = None
    value: int = 0


PLACES: dict[str, tuple[Any, Any, Any]] = {
    "struct": (Small, LARGE, SMALL),
    "list": (list[Small], [LARGE, SMALL], [SMALL, SMALL]),
    "tuple": (tuple[int, Small], (1, LARGE), (1, SMALL)),
    "tuple of many": (tuple[Small, ...], (LARGE,) * 3, (SMALL,) * 3),
    "set": (frozenset[Small], frozenset({LARGE}), frozenset({SMALL})),
    "value": (dict[str, Small], {"k": LARGE}, {"k": SMALL}),
    "key": (dict[Small, int], {LARGE: 1, Large(2): 3}, {SMALL: 1, Small(2): 3}),
    "key in a key": (dict[tuple[Small], int], {(LARGE,): 1}, {(SMALL,): 1}),
    "optional": (Small | None, LARGE, SMALL),
    "union": (int | list[Small] | None, [LARGE], [SMALL]),
    "annotated": (
        Annotated[list[Small], Meta(max_length=2, description="x")],
        [LARGE],
        [SMALL],
    ),
    "deep": (dict[str, list[tuple[Small, ...]]], {"": [(LARGE,)]}, {"": [(SMALL,)]}),
    "map": (SmallMap, LargeMap("x", 1), SmallMap(1)),
    "tagged map": (SmallTagged, LargeTagged("x", 1), SmallTagged(1)),
    "union of maps": (SmallTagged | Other, LargeTagged("x", 1), SmallTagged(1)),
    "maps": (list[SmallTagged | Other], [Other(2), LargeTagged("x", 1)], None),
    "numbered": (OtherNumbered | SmallNumbered, LargeNumbered(1), SmallNumbered(1)),
    "message": (SmallOf[int], LargeOf(1), SmallOf(1)),
    "messages": (list[SmallOf[Small] | Kept], [Kept(2), LargeOf(LARGE)], None),
    "generic": (SmallOf[Small], LargeOf(LARGE, 3), SmallOf(SMALL)),
    "NamedTuple": (SmallTuple, LargeTuple(1), SmallTuple(1)),
    "NamedTuples": (list[SmallTuple], [LargeTuple(1)], [SmallTuple(1)]),
    "dataclass": (SmallData, LargeData(LARGE), SmallData(SMALL)),
    "TypedDict": (SmallDict, LargeDict(a=LARGE, b=1), SmallDict(a=SMALL)),
}
PLACES["maps"] = (*PLACES["maps"][:2], [Other(2), SmallTagged(1)])
PLACES["messages"] = (*PLACES["messages"][:2], [Kept(2), SmallOf(SMALL)])


@pytest.mark.parametrize("place", PLACES)
def test_unknown_field_at_any_place(place: str) -> None:
    """A field is dropped wherever its type stands, and all the others are there."""
    kind, written, read = PLACES[place]
    reader = record("Reader", ("field", kind), "number")
    writer = record("Writer", ("field", Any), "number")
    assert reads(strict, reader, writer(written, 7)) is None
    assert reads(tolerant, reader, writer(written, 7)) == [read, 7]
    newer = record("Newer", ("field", Any), "number", ("more", Any))
    assert reads(tolerant, reader, newer(written, 7, [LARGE])) == [read, 7]


def test_unknown_field_in_a_message_of_its_own_kind() -> None:
    """A recursive type is followed as deep as the message goes."""
    tree: Any = ["Tree", None, 0, "more"]
    expected = Tree()
    for depth in range(1, 50):
        tree = ["Tree", tree, depth, {"more": depth}]
        expected = Tree(expected, depth)
    assert tolerant.decoder(Tree)(msgpack.packb(tree)) == expected


@pytest.mark.parametrize(
    "reader", [SmallOf[int] | Kept, Kept | SmallOf[int]], ids=["first", "last"]
)
def test_unknown_field_where_one_message_of_several_says_so(reader: Any) -> None:
    """In a union each message decides whether it accepts unknown fields."""

    class Loose(Message, frozen=True, forbid_unknown_fields=False):
        number: int

    class LooseNew(Message, frozen=True, tag="Loose"):
        number: int
        note: str

    both = reader | Loose
    assert reads(strict, both, LooseNew(1, "x")) == [1]
    assert reads(strict, both, LargeOf(1, 2)) is None
    assert reads(tolerant, both, LargeOf(1, 2)) == [1]


def test_unknown_field_where_a_part_says_so() -> None:
    """A struct in a message decides for itself, and accepts them by default."""

    class Loose(Struct, frozen=True, array_like=True):
        a: int

    reader = record("Reader", ("field", list[Loose]))
    closed = record("Closed", ("field", list[Small]), forbid_unknown_fields=False)
    writer = record("Writer", ("field", Any))
    assert reads(strict, reader, writer([LARGE])) == [[Loose(1)]]
    assert reads(strict, closed, writer([LARGE])) is None


def test_default_in_a_part_of_an_old_message() -> None:
    """A part with a new field that has a default is read from old messages."""
    reader = record("Reader", ("field", list[Large]))
    assert reads(strict, reader, record("Old", ("field", Any))([SMALL])) == [[LARGE]]


def test_answer_with_an_unknown_field() -> None:
    """Requests are messages: the same applies to them."""

    class Read(Request[Kept], frozen=True):
        place: int

    class ReadNew(Request[Kept], frozen=True, tag="Read"):
        place: int
        timeout: float = 1.0

    assert reads(strict, ReadNew, Read(1)) == [1, 1.0]
    assert reads(tolerant, Read, ReadNew(1)) == [1]


def test_fields_of_any_type_are_left_as_they_are() -> None:
    """A value without a type has no unknown fields."""
    reader = record("Reader", ("field", Any))
    newer = record("Newer", ("field", Any), "more")
    value = {"b": [1, [2, "x"]], "a": b"x", "c": {(1, 2): None, 3: 1.5}}
    assert reads(tolerant, reader, newer(value, 1)) == [value]


@pytest.mark.parametrize("value", ["accepts", True, None, ""])
def test_what_a_codec_may_be_told(value: Any) -> None:
    """Any other value is refused, naming both valid ones."""
    with pytest.raises(ValueError, match="'refuse' or 'accept', got "):
        Codec(unknown_fields=value)


# -- Messages of all kinds, and hostile ones -----------------------------------------

TOLERANT = Codec(kinds.ref_to_wire, kinds.ref_from_wire, unknown_fields="accept")
decode: Callable[[bytes], Message] = TOLERANT.decoder(ACCEPTED)
decode_strict: Callable[[bytes], Message] = CODEC.decoder(ACCEPTED)


def grown(value: Any, draw: st.DrawFn) -> Any:
    """Return a value as plain msgpack shows it, with more fields than it has."""
    if isinstance(value, Struct):
        head = [type(value).__name__] if isinstance(value, Message) else []
        fields = [grown(getattr(value, one), draw) for one in value.__struct_fields__]
        return [*head, *fields, *draw(st.lists(PLAIN, max_size=2))]
    if isinstance(value, Path):
        return value.path
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    if isinstance(value, tuple):
        return [grown(item, draw) for item in cast("tuple[object, ...]", value)]
    return value


@given(MESSAGES, st.data())
def test_messages_that_have_grown(message: Message, data: st.DataObject) -> None:
    """A message is read, however many fields a newer writer has added to its values."""
    payload = msgpack.packb(
        data.draw(st.composite(lambda draw: grown(message, draw))())
    )
    found = decode(payload)
    assert type(found) is type(message)
    assert repr(plain(found)) == repr(plain(message))


@given(MESSAGES)
def test_messages_that_have_not(message: Message) -> None:
    """An accepting codec decodes everything that a refusing one decodes."""
    payload = CODEC.encode(message)
    assert repr(plain(decode(payload))) == repr(plain(decode_strict(payload)))


class Mapped(Message, frozen=True, array_like=False):
    """A message whose fields travel with their names."""

    to: kinds.Ref[Any]
    number: int = 0


TREES: list[tuple[Any, int]] = [
    (["Reference", "a"], 1),
    (["Reference", "a", 5], 1),
    (["Reference", "a", [], None, "more"], 2),
    ({"type": "Mapped", "to": "a"}, 1),
    ({"type": "Mapped", "to": "a", "number": "1"}, 1),
    ({"type": "Mapped", "to": "a", "more": 1}, 2),
]


@pytest.mark.parametrize(("tree", "times"), TREES, ids=str)
def test_messages_are_decoded_once(tree: object, times: int) -> None:
    """Only a message with unknown fields is decoded a second time."""
    asked: list[object] = []

    def from_wire(kind: Any, value: Any) -> Any:
        asked.append(value)
        return kinds.ref_from_wire(kind, value)

    codec = Codec(kinds.ref_to_wire, from_wire, unknown_fields="accept")
    accepted: Any = Mapped if isinstance(tree, dict) else ACCEPTED
    with suppress(MessageError):
        codec.decoder(accepted)(msgpack.packb(tree))
    assert asked == ["a"] * times


def test_tuple_that_is_too_long() -> None:
    """A tuple has as many elements as its type says: none of them is a field."""
    reader = record("Reader", ("field", tuple[int, Small]))
    writer = record("Writer", ("field", Any))
    assert reads(tolerant, reader, writer((1, LARGE))) == [(1, SMALL)]
    assert reads(tolerant, reader, writer((1, LARGE, 3))) is None


def check_hostile(payload: bytes) -> None:
    """Check that bytes are a message or a MessageError, and take no more memory."""
    with traced():
        try:
            found: Message | MessageError = decode(payload)
        except MessageError as error:
            found = error
        _, peak = tracemalloc.get_traced_memory()
    assert peak <= 2 * GROWTH * len(payload) + CONSTANT
    if isinstance(found, MessageError):
        check_text(found)
        with pytest.raises(MessageError):
            decode_strict(payload)
        return
    assert isinstance(found, ACCEPTED)
    assert kinds.fits(found, ACCEPTED)


@settings(max_examples=200)
@given(hostile_bytes())
def test_hostile_messages(payload: bytes) -> None:
    """Any bytes are a valid message or a MessageError."""
    check_hostile(payload)


@pytest.mark.parametrize("fragment", FRAGMENTS.values(), ids=FRAGMENTS)
def test_hostile_fields(fragment: bytes) -> None:
    """A hostile value in an unknown field has no effect."""
    for head in (b"\x92\xa4Bare", b"\x93\xa4Nest\xc0", b"\x92\xa4Nest\x92\xa4Bare"):
        check_hostile(head + fragment)
