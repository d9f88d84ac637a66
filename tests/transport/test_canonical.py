"""One form for equal messages, whatever is in their dicts and sets."""

import datetime as dt
import enum
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from types import GenericAlias
from typing import Any, ClassVar, NamedTuple, TypedDict, cast
from uuid import UUID

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.transport import Codec, Message
from tests.transport.kinds import CODEC, MESSAGES, Ref

codec = Codec()


class Colour(enum.Enum):
    """Members that have no order."""

    RED = "r"
    BLUE = "b"


class Level(enum.IntEnum):
    """Members that are ints."""

    LOW = 1
    HIGH = 300


class Mode(enum.Flag):
    """Members that are bits."""

    READ = 1
    WRITE = 2


class Point(msgspec.Struct, frozen=True, array_like=True):
    """A struct that has no order."""

    x: int
    y: int = 0


class Named(msgspec.Struct, frozen=True, tag=True):
    """A struct that is a map, with a tag in it."""

    x: int


@dataclass(frozen=True)
class Pair:
    """A dataclass that has no order."""

    x: Any


class Triple(NamedTuple):
    """A tuple whose fields have names."""

    x: int


class Open(Message, frozen=True):
    """A message with anything in it."""

    anything: Any


KEYS: dict[str, tuple[Any, list[Any]]] = {
    "None": (None, [None]),
    "bool": (bool, [True, False]),
    "int": (int, [300, -1, 2**64 - 1, -(2**63), 0, 7]),
    "float": (float, [1.5, -0.5, float("inf"), 300.0]),
    "str": (str, ["b", "", "a" * 40, "\U0001f600", "\uffff"]),
    "bytes": (bytes, [b"\xff", b"", b"b" * 300]),
    "Literal": (int | str, [1, "a", 2]),
    "enum": (Colour, [Colour.RED, Colour.BLUE]),
    "IntEnum": (Level, [Level.HIGH, Level.LOW]),
    "Flag": (Mode, [Mode.READ | Mode.WRITE, Mode.READ]),
    "UUID": (UUID, [UUID(int=5), UUID(int=3)]),
    "Decimal": (Decimal, [Decimal("1.10"), Decimal(-2), Decimal("1E+3")]),
    "datetime": (
        dt.datetime,
        [dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(1900, 1, 1)],  # noqa: DTZ001 - one without
    ),
    "date": (dt.date, [dt.date(2026, 1, 1), dt.date(1900, 1, 1)]),
    "time": (dt.time, [dt.time(23), dt.time(1, 2, 3, 4)]),
    "timedelta": (dt.timedelta, [dt.timedelta(1), dt.timedelta(microseconds=-1)]),
    "tuple": (tuple[int, str], [(300, "a"), (1, "b"), (1, "a")]),
    "long tuple": (tuple[int, ...], [(300,) * 20, (1,), ()]),
    "tuple of tuples": (tuple[tuple[int, ...], ...], [((1,), (2,)), ((),), ()]),
    "frozenset": (frozenset[int], [frozenset({300, 1}), frozenset({2}), frozenset()]),
    "array-like struct": (Point, [Point(300), Point(1, 2)]),
    "struct": (Named, [Named(300), Named(1)]),
    "dataclass": (Pair, [Pair(300), Pair(1)]),
    "NamedTuple": (Triple, [Triple(300), Triple(1)]),
    "custom": (Ref[Any], [Ref("b"), Ref("a")]),
    "several": (int | str | None, [1, "1", None, 300, "a"]),
}


def message_of(annotation: Any) -> type[Any]:
    """Return a message type with one field of that type."""
    return msgspec.defstruct(
        "Held", [("held", annotation)], bases=(Message,), frozen=True
    )


@pytest.mark.parametrize("name", KEYS)
def test_keys_of_every_type(name: str) -> None:
    """A dict comes back as it was, and its order does not show in the bytes."""
    kind, keys = KEYS[name]
    held = message_of(GenericAlias(dict, (kind, int)))
    items = list(zip(keys, range(100), strict=False))
    one, other = held(dict(items)), held(dict(reversed(items)))
    payload = CODEC.encode(one)
    assert payload == CODEC.encode(other)
    back = CODEC.decoder(held)(payload).held
    assert back == one.held
    assert {type(key) for key in back} == {type(key) for key in keys}


@pytest.mark.parametrize("name", KEYS)
def test_members_of_every_type(name: str) -> None:
    """So does a set, whether its members can be compared or not.

    Except for sets in a set, which msgspec compares although they have no order.
    """
    kind, members = KEYS[name]
    held = message_of(GenericAlias(frozenset, (kind,)))
    one = held(frozenset(members))
    payload = CODEC.encode(one)
    if name != "frozenset":
        assert payload == CODEC.encode(held(frozenset(reversed(members))))
    assert CODEC.decoder(held)(payload) == one


HASHABLE: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=3)
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    HASHABLE | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | inner.map(Pair)
        | inner.map(Point)
        | inner.map(Named)
    ),
    max_leaves=12,
)


def shuffled(value: Any, draw: st.DrawFn) -> Any:
    """Return an equal value whose dicts and sets were filled in another order."""
    if isinstance(value, dict):
        pairs = draw(st.permutations(list(cast("dict[object, object]", value).items())))
        return {key: shuffled(item, draw) for key, item in pairs}
    if isinstance(value, set):
        return set(draw(st.permutations(list(cast("set[object]", value)))))
    if isinstance(value, list):
        return [shuffled(item, draw) for item in cast("list[object]", value)]
    if isinstance(value, (Pair, Point, Named)):
        return type(value)(shuffled(value.x, draw))
    return value


def as_plain(value: Any) -> Any:
    """Return a value as any msgpack shows it; a dict's arrays of keys are tuples."""
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return {key: as_plain(item) for key, item in pairs}
    if isinstance(value, set):
        members = cast("set[object]", value)
        return sorted((as_plain(one) for one in members), key=msgpack.packb)
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in cast("list[object]", value)]
    if isinstance(value, Point):
        return [as_plain(value.x), 0]
    if isinstance(value, (Pair, Named)):
        tag = {"type": "Named"} if isinstance(value, Named) else {}
        return {**tag, "x": as_plain(value.x)}
    return value


def in_order(value: Any) -> Any:
    """Return the parts of a decoded value, independent of their order."""
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return "map", sorted((repr(key), repr(in_order(item))) for key, item in pairs)
    if isinstance(value, (list, tuple)):
        items = cast("list[object]", value)
        return "array", sorted(repr(in_order(item)) for item in items)
    return value


@given(VALUES, st.data())
def test_equal_messages_are_equal_bytes(value: Any, data: st.DataObject) -> None:
    """At any depth, the order of filling dicts and sets makes no difference."""
    other = data.draw(st.composite(lambda draw: shuffled(value, draw))())
    assert codec.encode(Open(value)) == codec.encode(Open(other))


@given(VALUES)
def test_nothing_is_lost(value: Any) -> None:
    """Dicts and sets of all kinds are read by msgspec with the same content."""
    name, found = msgspec.msgpack.decode(codec.encode(Open(value)))
    assert name == "Open"
    assert repr(in_order(found)) == repr(in_order(as_plain(value)))


@given(MESSAGES)
def test_what_msgspec_sorts_is_as_it_was(message: Message) -> None:
    """Messages with text keys keep their old bytes."""
    encoder = msgspec.msgpack.Encoder(
        enc_hook=lambda value: value.path, order="deterministic"
    )
    assert CODEC.encode(message) == encoder.encode(message)


def test_order_of_keys() -> None:
    """Keys are in the order of their bytes, whatever their types."""
    payload = codec.encode({(1,): 0, "a": 0, 300: 0, None: 0, -1: 0, 7: 0, b"a": 0})
    found = msgspec.msgpack.decode(payload)
    assert list(found) == [7, (1,), "a", None, b"a", 300, -1]


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_bytes_are_the_same_in_every_process(seed: str) -> None:
    """A set of any values has the same bytes in every process."""
    program = """
import sys
from ccw_actors.transport import Codec
mixed = frozenset([*"abcdefgh", *range(8), b"a", None, ("a", 1), ("a", "b")])
sys.stdout.buffer.write(Codec().encode({one: mixed for one in mixed}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        check=True,
    )
    mixed = {*"abcdefgh", *range(8), b"a", None, ("a", 1), ("a", "b")}
    assert done.stdout == codec.encode(dict.fromkeys(mixed, mixed))


# -- What dicts may be in ----------------------------------------------------------


class Renamed(msgspec.Struct, frozen=True, rename="upper", tag=7, tag_field="kind"):
    """A struct whose fields and tag have other names, and one that may be absent."""

    held: Any
    absent: int | msgspec.UnsetType = msgspec.UNSET


class Sparse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A struct that omits defaults."""

    held: Any
    usual: dict[int, int] = {}


class Checked(msgspec.Struct, frozen=True, array_like=True):
    """A struct with a side effect at its creation."""

    made: ClassVar[list[object]] = []
    held: Any

    def __post_init__(self) -> None:
        self.made.append(self.held)


@dataclass(frozen=True, slots=True)
class Slots:
    """A dataclass with slots, and a field that is not encoded."""

    held: Any
    _hidden: int = 1
    absent: Any = field(default=msgspec.UNSET)


class Attrs:
    """A class made by attrs."""

    class _Attribute(NamedTuple):
        name: str

    __attrs_attrs__ = (_Attribute("held"), _Attribute("_hidden"))

    def __init__(self, held: Any) -> None:
        self.held = held
        self._hidden = 1


class Typed(TypedDict):
    """A dict whose keys are named."""

    held: Any


class Odd(enum.Enum):
    """An enum whose value is a tuple with a set in it."""

    ONE = (frozenset({1, "b"}), "a")


class Loose:
    """A value that only the codec's functions can encode."""

    def __init__(self, held: Any) -> None:
        self.held = held


HOLDERS: dict[str, Callable[[Any], Any]] = {
    "list": lambda held: [1, held],
    "tuple": lambda held: (held, 2),
    "dict": lambda held: {"a": held},
    "message": Open,
    "struct": Named,
    "renamed struct": Renamed,
    "sparse struct": Sparse,
    "struct that checks": Checked,
    "dataclass": Pair,
    "dataclass with slots": Slots,
    "attrs": Attrs,
    "NamedTuple": Triple,
    "TypedDict": lambda held: Typed(held=held),
    "custom": Loose,
    "custom in a custom": lambda held: Loose(Loose(held)),
    "much": lambda held: [held] * 70_000,
    "wide": lambda held: {str(number): held for number in range(10)},
    "deep": lambda held: Open([{"a": (Pair(Loose(Named(held))),)}]),
}


@pytest.mark.parametrize("name", HOLDERS)
@pytest.mark.parametrize("held", [{1: 2}, {(1, 2): b"x"}, {None: {Colour.RED: 1}}])
def test_what_a_dict_is_in(name: str, held: Any) -> None:
    """The surroundings of a dict with other keys are encoded as with any dict.

    A dict with one key has only one order, so msgspec gives the reference.
    """
    loose = Codec(to_wire=lambda value: value.held)
    value = HOLDERS[name](held)
    assert loose.encode(value) == loose.encode_as_is(value)


def test_structs_are_not_made_again() -> None:
    """Encoding a struct does not repeat the side effects of its creation."""
    value = Checked({1: 2})
    count = len(Checked.made)
    codec.encode(value)
    assert len(Checked.made) == count
    assert value.held == {1: 2}


def test_enum_of_a_tuple() -> None:
    """An enum is encoded as its value, of any type."""
    assert codec.encode({Odd.ONE: 1}) == codec.encode({(frozenset({1, "b"}), "a"): 1})


def test_msgspec_is_asked_once_for_what_it_sorts() -> None:
    """Values that msgspec encodes are not processed a second time."""
    asked: list[object] = []

    def to_wire(value: Any) -> Any:
        asked.append(value)
        return value.held

    Codec(to_wire).encode(Open(Loose({"b": 1, "a": {"c"}})))
    assert len(asked) == 1


# -- What cannot be encoded ----------------------------------------------------------


class Line(msgspec.Struct, frozen=True, array_like=True):
    """A part of an order."""

    price: Any
    notes: Any = ()


class Order(Message, frozen=True):
    """A message with parts."""

    lines: tuple[Line, ...] = ()
    by_key: Any = None
    tags: frozenset[Any] = frozenset()


NO_COMPLEX = "complex cannot travel in a message; expected a tuple of two floats"
LOOP: list[Any] = []
LOOP.append(LOOP)

REFUSED: dict[str, tuple[Message, type[Exception], str]] = {
    "custom": (
        Order((Line(1), Line(1j))),
        TypeError,
        f"Order.lines[1].price: {NO_COMPLEX}",
    ),
    "large int": (
        Order((), {"a": {3: 2**64}}),
        OverflowError,
        (
            "Order.by_key['a'][3]: an int of 65 bits;"
            " expected one from -2**63 to 2**64 - 1"
        ),
    ),
    "small int": (
        Open(-(2**63) - 1),
        OverflowError,
        "Open.anything: an int of 64 bits; expected one from -2**63 to 2**64 - 1",
    ),
    "huge int": (
        Open([1, 1 << 100_000]),
        OverflowError,
        (
            "Open.anything[1]: an int of 100001 bits;"
            " expected one from -2**63 to 2**64 - 1"
        ),
    ),
    "text": (
        Open("a\ud800"),
        TypeError,
        (
            "Open.anything: a str with the surrogate U+D800 at 1;"
            " expected text that UTF-8 can encode, or bytes"
        ),
    ),
    "key": (
        Order((), {1: 0, 2j: 1}),
        TypeError,
        f"Order.by_key key complex: {NO_COMPLEX}",
    ),
    "key that is a huge int": (
        Open({1: 0, 1 << 100_000: 1}),
        OverflowError,
        (
            "Open.anything key int: an int of 100001 bits;"
            " expected one from -2**63 to 2**64 - 1"
        ),
    ),
    "value of a long key": (
        Order((), {"a" * 5000: 2j}),
        TypeError,
        (f"Order.by_key['{'a' * 39}...]: {NO_COMPLEX}"),
    ),
    "member": (
        Order((), None, frozenset({1, 2j})),
        TypeError,
        f"Order.tags: {NO_COMPLEX}",
    ),
    "field of a dataclass": (
        Open(Pair(cast("Any", object))),
        TypeError,
        "Open.anything.x: type cannot travel in a message; expected a name for it",
    ),
    "date out of range": (
        Open(dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=1)))),
        OverflowError,
        "Open.anything: datetime: date value out of range",
    ),
    "absent": (
        Open(msgspec.UNSET),
        TypeError,
        (
            "Open.anything: UnsetType cannot travel in a message; expected None, or a"
            " struct with array_like=False to leave it out of"
        ),
    ),
    "memory with gaps": (
        Open(memoryview(b"abcd")[::2]),
        TypeError,
        "Open.anything: memoryview: underlying buffer is not C-contiguous",
    ),
    "keys that are one": (
        Open({Colour.RED: 1, "r": 2}),
        TypeError,
        (
            "Open.anything: a dict with two keys that are both 'r' in msgpack;"
            " expected them to differ there"
        ),
    ),
    "members that are one": (
        Open({(1, 2), Triple(1), (1,), frozenset({1})}),
        TypeError,
        (
            "Open.anything: a set with two members that are both [1] in msgpack;"
            " expected them to differ there"
        ),
    ),
    "within itself": (
        Order((Line(LOOP),)),
        RecursionError,
        "Order.lines: nested too deeply, or contains itself",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_encoded(name: str) -> None:
    """The error names message, field and type of the value, and the problem.

    It has one of three types, and one short line of text.
    """
    message, kind, text = REFUSED[name]
    with pytest.raises(kind) as info:
        codec.encode(message)
    assert type(info.value) is kind
    assert str(info.value) == text


@pytest.mark.parametrize("name", [name for name in REFUSED if "are one" not in name])
def test_what_cannot_be_encoded_as_it_is(name: str) -> None:
    """The same without sorting, with the same text."""
    message, kind, text = REFUSED[name]
    with pytest.raises(kind) as info:
        codec.encode_as_is(message)
    assert str(info.value) == text


@pytest.mark.parametrize("error", [TypeError, ValueError, OverflowError])
def test_what_custom_values_are_refused_for(error: type[Exception]) -> None:
    """The text has the reason of the codec's function, with the value's type."""

    def to_wire(value: Any) -> Any:
        raise error(f"no {value.imag:g}")

    kind = OverflowError if error is OverflowError else TypeError
    with pytest.raises(kind) as info:
        Codec(to_wire).encode(Open({1: 2j}))
    assert str(info.value) == (
        "Open.anything[1]: complex: no 2; expected a tuple of two floats"
    )
    assert isinstance(info.value.__cause__, error)


def test_long_way_to_what_is_wrong() -> None:
    """The text has the beginning and the end of a long path to a value."""
    value: Any = {"a": 1j}
    for _ in range(100):
        value = [value]
    text = r"^Open\.anything\[0\]\[0\]\[0\]\.\.\.\[0\]\[0\]\[0\]\['a'\]: complex"
    with pytest.raises(TypeError, match=text):
        codec.encode(Open(value))


def test_depth() -> None:
    """Dicts with any keys may be nested as deeply as other values."""
    value: Any = {1: 1}
    for _ in range(300):
        value = {(1,): [value]}
    payload = codec.encode(Open(value))
    assert codec.decoder(Open)(payload) == Open(value)
