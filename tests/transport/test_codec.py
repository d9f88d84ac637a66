"""Messages as bytes: as plain msgpack sees them, and hostile bytes."""

from typing import Any, cast

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.errors import MessageError
from ccw_actors.transport import Codec, Message, Request


class Inner(msgspec.Struct, frozen=True, array_like=True):
    """A value in a message."""

    number: int
    data: bytes = b""


class Everything(Message, frozen=True):
    """A message with a field of every kind."""

    number: int
    real: float
    text: str
    data: bytes
    inner: Inner
    inners: tuple[Inner, ...]
    names: dict[str, int]
    kinds: frozenset[str]
    flag: bool = False
    maybe: Inner | None = None
    anything: Any = None


class Empty(Message, frozen=True):
    """A message without fields."""


class Question(Request[Empty], frozen=True):
    """A request."""

    number: int


INNERS = st.builds(Inner, st.integers(-(2**63), 2**64 - 1), st.binary(max_size=9))
MESSAGES = st.one_of(
    st.builds(
        Everything,
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False),
        st.text(max_size=9),
        st.binary(max_size=9),
        INNERS,
        st.lists(INNERS, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=3),
        st.frozensets(st.text(max_size=3), max_size=3),
        st.booleans(),
        st.none() | INNERS,
        st.none() | st.integers(0, 9) | st.text(max_size=3),
    ),
    st.builds(Empty),
    st.builds(Question, st.integers(0, 9)),
)
ACCEPTED: Any = Everything | Empty | Question


class Point:
    """A value that msgpack does not know."""

    def __init__(self, x: int) -> None:
        self.x = x


class Move(Message, frozen=True):
    """A message that carries one."""

    to: Point


def point_to_wire(value: Any) -> Any:
    """Encode a point as its coordinate."""
    if isinstance(value, Point):
        return value.x
    raise TypeError(f"{type(value).__name__} cannot travel")


def point_from_wire(kind: type, value: Any) -> Any:
    """Decode a point."""
    if kind is Point and isinstance(value, int):
        return Point(value)
    raise ValueError(f"no {kind.__name__}: {value!r}")


@given(MESSAGES)
def test_round_trip(message: Message) -> None:
    """Decoding returns an equal message."""
    codec = Codec()
    assert codec.decoder(ACCEPTED)(codec.encode(message)) == message


def plain(value: object) -> object:
    """Return a value as plain msgpack shows it."""
    if isinstance(value, msgspec.Struct):
        head = [type(value).__name__] if isinstance(value, Message) else []
        return head + [plain(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, tuple):
        return [plain(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    return value


@given(MESSAGES)
def test_plain_msgpack_reads_it(message: Message) -> None:
    """A message is the array of its type's name and its fields to any msgpack."""
    assert msgpack.unpackb(Codec().encode(message)) == plain(message)


@given(MESSAGES)
def test_plain_msgpack_writes_it(message: Message) -> None:
    """Another program's bytes in that form are the message."""
    packed = msgpack.packb(plain(message))
    assert Codec().decoder(ACCEPTED)(packed) == message


@given(
    st.dictionaries(st.text(max_size=3), st.integers(0, 9)),
    st.randoms(use_true_random=False),
)
def test_equal_messages_are_equal_bytes(names: dict[str, int], order: Any) -> None:
    """The order in which a dict was filled does not show in the bytes."""
    shuffled = list(names.items())
    order.shuffle(shuffled)
    one, other = (
        Everything(1, 1.0, "", b"", Inner(1), (), mapping, frozenset())
        for mapping in (names, dict(shuffled))
    )
    codec = Codec()
    assert codec.encode(one) == codec.encode(other)


def test_as_is_keeps_the_order_of_dicts() -> None:
    """`encode_as_is` keeps the order, with any keys."""
    codec = Codec()
    for mapping in ({"b": 1, "a": 2}, {2: 1, 1: 2}):
        back = msgspec.msgpack.decode(codec.encode_as_is(mapping))
        assert list(back.items()) == list(mapping.items())


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (["Question"], "Question: Expected `array` of at least length 2"),
        (["Question", 1, 2], "Question: Expected `array` of at most length"),
        (["Question", "1"], "Question: Expected `int`, got `str` - at `number`$"),
        (["Answer", 1], "Answer: Invalid value 'Answer'"),
        ([], "1 bytes: Expected `array`"),
        ({"number": 1}, "9 bytes: Expected `array`, got `object`"),
        (None, "1 bytes: Expected `array`, got `None`"),
    ],
    ids=str,
)
def test_what_is_refused(payload: object, reason: str) -> None:
    """The error names the message and the place in it."""
    with pytest.raises(MessageError, match=f"^{reason}"):
        Codec().decoder(ACCEPTED)(msgpack.packb(payload))


def deep(levels: int) -> bytes:
    """Pack arrays in arrays, without recursion."""
    return b"\x91" * levels + b"\xc0"


NASTY = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from(
            [b"\x81", b"\x91", b"\xa1", b"\xc4", b"\xd6", b"\xdd", b"\xff"]
        ),
        max_size=30,
    ).map(b"".join),
    st.integers(0, 6000).map(deep),
)


@given(NASTY, st.sampled_from([b"", b"\x9c\xaaEverything", b"\x92\xa4Move"]))
def test_hostile_bytes(tail: bytes, head: bytes) -> None:
    """Any bytes decode to an accepted message or raise MessageError, nothing else."""
    codec = Codec(point_to_wire, point_from_wire)
    try:
        accepted: Any = ACCEPTED | Move
        message = codec.decoder(accepted)(head + tail)
    except MessageError:
        return
    assert isinstance(message, ACCEPTED | Move)


@given(MESSAGES, st.data())
def test_damaged_messages(message: Message, data: st.DataObject) -> None:
    """A message with some bytes changed or cut decodes, or raises MessageError."""
    payload = bytearray(Codec().encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))
    try:
        found = Codec().decoder(ACCEPTED)(bytes(payload[:cut]))
    except MessageError:
        return
    assert isinstance(found, ACCEPTED)


@pytest.mark.parametrize(
    "tail",
    [
        b"\xa1\xff",
        b"\x81\x80\x01",
        deep(60_000),
        b"\xdd\xff\xff\xff\xff",
    ],
    ids=["not utf-8", "dict as key", "deep", "four billion elements"],
)
def test_bytes_that_msgspec_stumbles_on(tail: bytes) -> None:
    """Bytes for which msgspec raises Python's errors are refused like others."""

    class Open(Message, frozen=True):
        anything: Any

    with pytest.raises(MessageError, match=r"^Open: "):
        Codec().decoder(Open)(b"\x92\xa4Open" + tail)


def test_custom_values() -> None:
    """Custom values travel in the form that the codec's functions give them."""
    codec = Codec(point_to_wire, point_from_wire)
    payload = codec.encode(Move(Point(3)))
    assert msgpack.unpackb(payload) == ["Move", 3]
    assert codec.decoder(Move)(payload).to.x == 3
    with pytest.raises(MessageError, match="Move: no Point: 'x'"):
        codec.decoder(Move)(msgpack.packb(["Move", "x"]))
    text = r"^Move\.to: Point cannot travel in a message; expected a msgspec\.Struct"
    with pytest.raises(TypeError, match=text):
        Codec().encode(Move(Point(3)))


def test_message_is_immutable() -> None:
    """A message cannot be changed after its creation."""
    message = Question(1)
    with pytest.raises(AttributeError):
        message.number = 2  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
