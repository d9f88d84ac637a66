"""Bytes from outside, damaged in every way: a message or a typed error, never more."""

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings

from ccw_actors.errors import MessageError
from ccw_actors.transport import DECODE_ERRORS, Message, tag_of
from ccw_actors.transport._bounds import SMALL
from tests.transport.hostile import (
    FRAGMENTS,
    GROWTH,
    TEXT_MAX,
    Raw,
    check_text,
    hostile_bytes,
    pack,
    places,
    traced,
)
from tests.transport.kinds import (
    ACCEPTED,
    CODEC,
    MESSAGES,
    Bare,
    Box,
    Deep,
    Many,
    Nest,
    Open,
    Optionals,
    Question,
    Ref,
    Reference,
    Scalars,
    fits,
    plain,
)

BOX = Box(255, b"\x00")
DEEP = Deep(2**63, (BOX, BOX), BOX)
SCALARS = Scalars(True, -(2**31), 200, 2**40, 0.5, "a\u00e9\U0001f600", b"\xff\x00")  # noqa: FBT003 - a field
OPTIONALS = Optionals(b"ab", "a", 1.5, DEEP)
REFERENCE = Reference(Ref("/a"), (Ref("/b"), Ref("")), Ref("/c"))
MANY = Many(
    (0, -1, 2**64 - 1), (b"", b"ab"), (DEEP,), (1, "a"), {"a": 1}, frozenset("a")
)
SAMPLES: tuple[Message, ...] = (
    Bare(),
    SCALARS,
    Optionals(None),
    OPTIONALS,
    MANY,
    REFERENCE,
    Open({"a": [1, None, b"b"]}, "no"),
    Nest(Nest(Scalars(False, 0, 0, 0, 0.0, ""))),  # noqa: FBT003 - a field
    Question(MANY),
    Question(Optionals(b"a")),
)

# Additional memory of decoding: the error, and what it quotes.
CONSTANT = 1 << 16

decode: Callable[[bytes], Message] = CODEC.decoder(ACCEPTED)
decode_raw: Callable[[bytes], Message] = CODEC.raw_decoder(ACCEPTED)


def decoded(payload: bytes) -> Message | MessageError:
    """Decode, and compare the memory with the size, if it is traced."""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        result: Message | MessageError = decode(payload)
    except MessageError as error:
        result = error
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before <= GROWTH * len(payload) + CONSTANT
    return result


def check_result(payload: bytes, result: Message | MessageError) -> None:
    """Check that a message is fully valid, and that an error names its type."""
    if isinstance(result, MessageError):
        check_text(result)
        what = tag_of(payload) or f"{len(payload)} bytes"
        if what.isprintable() and len(what) < TEXT_MAX // 4:
            assert str(result).startswith(f"{what}: ")
        return
    assert tag_of(payload) in ("", type(result).__name__)
    assert fits(result, ACCEPTED)
    # `encode_as_is`: maps in a field of type Any may have keys that cannot be sorted.
    again = CODEC.encode_as_is(result)
    back = decode(again)
    # A NaN is not equal to itself, its bytes are.
    assert back == result or CODEC.encode_as_is(back) == again


# -- Messages -----------------------------------------------------------------------


@settings(max_examples=500)
@given(hostile_bytes())
def test_hostile_messages(payload: bytes) -> None:
    """Any bytes are a valid message or a MessageError, within bounds."""
    with traced():
        result = decoded(payload)
    check_result(payload, result)


@settings(max_examples=100)
@given(hostile_bytes())
def test_raw_decoder_raises_what_is_listed(payload: bytes) -> None:
    """The raw decoder agrees with the other one, and raises the listed errors.

    The other one first counts the values of large messages, and may refuse them.
    """
    found = decoded(payload)
    if len(payload) > SMALL:
        assert isinstance(found, MessageError | ACCEPTED)
    elif isinstance(found, MessageError):
        with pytest.raises(DECODE_ERRORS) as info:
            decode_raw(payload)
        assert type(found.__cause__) is type(info.value)
    else:
        message = decode_raw(payload)
        assert CODEC.encode_as_is(message) == CODEC.encode_as_is(found)


@pytest.mark.parametrize("fragment", FRAGMENTS.values(), ids=FRAGMENTS)
def test_every_fragment_at_every_place(fragment: bytes) -> None:
    """A hostile value in place of any value of any message has no effect.

    Unless it is in place of the type's name, the error begins with that name.
    """
    for sample in SAMPLES:
        for number, _ in enumerate(places(plain(sample))):
            tree = plain(sample)
            where, key = list(places(tree))[number]
            where[key] = Raw(fragment)
            payload = pack(tree)
            with traced():
                result = decoded(payload)
            check_result(payload, result)
            if number and isinstance(result, MessageError):
                assert str(result).startswith(f"{type(sample).__name__}: ")


@pytest.mark.parametrize("fragment", FRAGMENTS.values(), ids=FRAGMENTS)
def test_every_fragment_alone(fragment: bytes) -> None:
    """A hostile value in place of a message is refused, or is one."""
    with traced():
        result = decoded(fragment)
    check_result(fragment, result)


def test_every_truncation() -> None:
    """A message that lacks its end, or has one byte too many, is refused."""
    for sample in SAMPLES:
        payload = CODEC.encode(sample)
        for end in range(len(payload)):
            assert isinstance(decoded(payload[:end]), MessageError)
        for more in range(256):
            assert isinstance(decoded(payload + bytes([more])), MessageError)


class Tags(Message, frozen=True):
    """A message with a set of anything."""

    kinds: frozenset[Any]


@pytest.mark.parametrize("element", [{}, {"a": 1}, msgpack.ExtType(5, b"a")])
def test_what_cannot_be_in_a_set(element: object) -> None:
    """Elements that cannot be hashed are refused, though they are of the type."""
    payload = msgpack.packb(["Tags", [1, element]])
    with pytest.raises(DECODE_ERRORS):
        CODEC.raw_decoder(Tags)(payload)
    # The texts of msgspec before 0.23, and since.
    said = r"^Tags: (unhashable |Expected a hashable value)"
    with pytest.raises(MessageError, match=said):
        CODEC.decoder(Tags)(payload)


VALUES: dict[str, object] = {
    "None": None,
    "true": True,
    "int": 1,
    "negative": -1,
    "large": 256,
    "real": 1.0,
    "text": "1",
    "bytes": b"1",
    "array": [],
    "map": {},
}


@pytest.mark.parametrize(
    ("sample", "field", "taken"),
    [
        (SCALARS, "flag", "true"),
        (SCALARS, "number", "int negative large"),
        (SCALARS, "small", "int"),
        (SCALARS, "address", "int large"),
        (SCALARS, "real", "int negative large real"),
        (SCALARS, "text", "text"),
        (SCALARS, "data", "bytes"),
        (OPTIONALS, "data", "None bytes"),
        (OPTIONALS, "text", "None text"),
        (OPTIONALS, "timeout", "None int negative large real"),
        (OPTIONALS, "deep", "None"),
        (MANY, "numbers", "array"),
        (MANY, "pair", ""),
        (MANY, "names", "map"),
        (MANY, "kinds", "array"),
        (REFERENCE, "to", "text"),
        (REFERENCE, "maybe", "None text"),
        (Open(), "anything", " ".join(VALUES)),
        (Nest(None), "inside", "None"),
        (Question(MANY), "operation", ""),
    ],
)
def test_no_value_is_taken_for_another(sample: Message, field: str, taken: str) -> None:
    """A field takes values of its type and no others: "1" is no int, and 1.0 none."""
    tree = plain(sample)
    found: list[str] = []
    for name, value in VALUES.items():
        tree[1 + sample.__struct_fields__.index(field)] = value
        if isinstance(decoded(msgpack.packb(tree)), Message):
            found.append(name)
    assert found == taken.split()


def test_size_of_a_message() -> None:
    """A message of the size allowed is decoded, one that is a byte larger refused."""
    payload = CODEC.encode(Open(b"x" * 1000))
    size = len(payload)
    exact = CODEC.decoder(ACCEPTED, message_size_max=size)
    assert exact(payload) == Open(b"x" * 1000)
    small = CODEC.decoder(ACCEPTED, message_size_max=size - 1)
    text = f"^Open: expected at most {size - 1} bytes, got {size}$"
    with pytest.raises(MessageError, match=text):
        small(payload)


def test_size_of_a_message_unless_said() -> None:
    """By default at most sixteen MiB are decoded."""
    most = 1 << 24
    overhead = len(CODEC.encode(Open(b"x" * (most // 2)))) - most // 2
    payload = CODEC.encode(Open(b"x" * (most - overhead)))
    assert len(payload) == most
    assert isinstance(decode(payload), Open)
    with pytest.raises(MessageError, match=f"^Open: .* got {most + 1}$"):
        decode(CODEC.encode(Open(b"x" * (most - overhead + 1))))


@pytest.mark.parametrize("name", ["\n" * 255, "x" * 255, "\u202e\x1b[2J", "x" * 5000])
def test_hostile_names(name: str) -> None:
    """An invalid name is quoted in one short line."""
    payload = msgpack.packb([name])
    error = decoded(payload)
    assert isinstance(error, MessageError)
    check_text(error)


def test_name_that_is_cut() -> None:
    """A truncated name is no name."""
    payload = CODEC.encode(Bare())
    assert [tag_of(payload[:end]) for end in range(7)] == [*[""] * 6, "Bare"]


def test_place_in_a_long_error() -> None:
    """A long quotation does not hide the place in the message."""
    error = decoded(msgpack.packb(["Reference", "/a", [b"x" * 5000]]))
    assert isinstance(error, MessageError)
    assert str(error).startswith("Reference: expected ")
    assert str(error).endswith(" - at `more[0]`")


# -- Messages and plain msgpack -------------------------------------------------------


@settings(max_examples=300)
@given(MESSAGES)
def test_plain_msgpack_reads_what_the_type_says(message: Message) -> None:
    """To any msgpack a message is its name and its fields, with their types.

    The text of a value tells 1 from 1.0 and True, and is the same for two NaN.
    """
    assert repr(msgpack.unpackb(CODEC.encode(message))) == repr(plain(message))


@settings(max_examples=300)
@given(MESSAGES)
def test_plain_msgpack_writes_what_the_type_says(message: Message) -> None:
    """A list of the name and the fields, packed by any msgpack, is the message."""
    found = decode(msgpack.packb(plain(message)))
    assert type(found) is type(message)
    assert fits(found, ACCEPTED)
    assert repr(plain(found)) == repr(plain(message))


# -- More of the same -----------------------------------------------------------------


def every_change() -> Iterator[bytes]:
    """Yield the samples with each byte changed, each fragment put in, each splice.

    A change of a byte comes alone, and with each of a few heads as the byte after it.
    """
    heads = (b"\x00", b"\x81", b"\x92", b"\xa1", b"\xc0", b"\xc4", b"\xcb", b"\xff")
    payloads = [CODEC.encode(sample) for sample in SAMPLES]
    small = [fragment for fragment in FRAGMENTS.values() if len(fragment) < 400]
    for data in payloads:
        for place in range(len(data)):
            for value in range(256):
                changed = data[:place] + bytes([value])
                yield changed + data[place + 1 :]
                for head in heads:
                    yield changed + head + data[place + 2 :]
            for fragment in small:
                yield data[:place] + fragment + data[place:]
                yield data[:place] + fragment + data[place + 1 :]
    for data in payloads:
        for other in payloads:
            for end in range(len(data)):
                for start in range(len(other)):
                    yield data[:end] + other[start:]


@pytest.mark.slow
def test_every_change_of_every_sample() -> None:
    """Changing any byte of a message causes at most an error.

    Refused messages leave nothing behind.
    """
    with traced():
        before, _ = tracemalloc.get_traced_memory()
        count = 0
        for payload in every_change():
            check_result(payload, decoded(payload))
            count += 1
        after, _ = tracemalloc.get_traced_memory()
    assert count > 1_000_000
    assert after - before < 1 << 20


@pytest.mark.slow
@settings(max_examples=20_000)
@given(hostile_bytes())
def test_many_hostile_messages(payload: bytes) -> None:
    """The same for many hostile messages."""
    with traced():
        result = decoded(payload)
    check_result(payload, result)
