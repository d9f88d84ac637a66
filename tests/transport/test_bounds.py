"""Messages from outside that would become large in memory are bounded."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from ccw_actors.errors import MessageError
from ccw_actors.transport import OBJECTS_MAX, SIZE_MAX, Codec, Message

ELEMENTS = {
    "nil": (b"\xc0", 0),
    "empty array": (b"\x90", 0),
    "empty map": (b"\x80", 0),
    "map of one": (b"\x81\x01\xc0", 2),
    "array of one": (b"\x91\x90", 1),
    "array of three": (b"\x93\x80\x80\x80", 3),
    "text": (b"\xa1a", 0),
    "number": (b"\xcb" + bytes(8), 0),
}
PER_OBJECT = 120


class Open(Message, frozen=True):
    """A message with anything in it."""

    anything: Any


decode = Codec().decoder(Open)


def message(count: int, element: bytes) -> bytes:
    """Return a message with an array of one element again and again."""
    return b"\x92\xa4Open\xdd" + count.to_bytes(4) + element * count


def peak(payload: bytes, decode: Callable[[bytes], object] = decode) -> tuple[int, str]:
    """Decode; return the peak memory and the error."""
    error = ""
    tracemalloc.start()
    try:
        decode(payload)
    except MessageError as refused:
        error = str(refused)
    finally:
        _, size = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return size, error


@pytest.mark.parametrize("name", ELEMENTS)
def test_message_of_too_many_values(name: str) -> None:
    """A message of the largest size is refused for its values, before decoding them."""
    element, inside = ELEMENTS[name]
    count = (SIZE_MAX - 10) // len(element)
    size, error = peak(message(count, element))
    assert size <= SIZE_MAX + PER_OBJECT * OBJECTS_MAX
    if count * (1 + inside) > OBJECTS_MAX:
        assert error.startswith("Open: ")


@pytest.mark.parametrize("name", ELEMENTS)
def test_message_of_as_many_values_as_there_may_be(name: str) -> None:
    """An accepted message takes no more memory than documented.

    Here there may be an eighth of the values, as tracing memory is slow. What a value
    takes is the same.
    """
    element, inside = ELEMENTS[name]
    objects_max = OBJECTS_MAX // 8
    payload = message((objects_max - 2) // (1 + inside), element)
    size, error = peak(payload, Codec().decoder(Open, objects_max=objects_max))
    assert error == ""
    assert size <= len(payload) + PER_OBJECT * objects_max


def test_largest_message_of_what_takes_most() -> None:
    """So does one of as many values as there may be by default, each a map."""
    element, inside = ELEMENTS["map of one"]
    size, error = peak(message((OBJECTS_MAX - 2) // (1 + inside), element))
    assert error == ""
    assert size <= SIZE_MAX + PER_OBJECT * OBJECTS_MAX


@pytest.mark.parametrize("name", ["nil", "empty map"])
def test_memory_where_unknown_fields_are_accepted(name: str) -> None:
    """Dropping unknown fields takes as much again, and no more."""
    element, inside = ELEMENTS[name]
    objects_max = OBJECTS_MAX // 8
    count = (objects_max - 3) // (1 + inside)
    payload = b"\x93" + message(count, element)[1:] + b"\xc0"
    codec = Codec(unknown_fields="accept")
    size, error = peak(payload, codec.decoder(Open, objects_max=objects_max))
    assert error == ""
    assert size <= 2 * (len(payload) + PER_OBJECT * objects_max)


def test_bound_can_be_raised() -> None:
    """A larger bound allows more values in a message."""
    payload = message(OBJECTS_MAX + 1, b"\xc0")
    with pytest.raises(MessageError):
        decode(payload)
    more = Codec().decoder(Open, objects_max=OBJECTS_MAX * 2)
    assert more(payload) == Open([None] * (OBJECTS_MAX + 1))


def test_large_message_of_few_values() -> None:
    """Bytes and text count as one value each, however long they are."""
    payload = Codec().encode(Open([bytes(1 << 23), "x" * (1 << 22)]))
    assert decode(payload).anything == [bytes(1 << 23), "x" * (1 << 22)]
