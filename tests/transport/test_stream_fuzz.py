"""Streams from outside, damaged in every way: values, then an end or a StreamError."""

import io
import tracemalloc
from itertools import cycle
from typing import Any, BinaryIO, cast

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccw_actors.errors import StreamError
from ccw_actors.transport import read_stream
from tests.transport.hostile import FRAGMENTS, GROWTH, check_text, hostile_bytes, traced
from tests.transport.kinds import MESSAGES, PLAIN, plain

# The buffers of the reader: two chunks of 64 KiB, and the 1 MiB of msgpack.
CONSTANT = 3 << 19


class Pieces:
    """A source whose reads end anywhere, as those of a socket."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = io.BytesIO(data)
        self._sizes = cycle(sizes)

    def read(self, size: int) -> bytes:
        """Read up to n bytes, and at least one if there is one."""
        return self._data.read(min(size, next(self._sizes)))


def streamed(
    data: bytes, sizes: list[int], size_max: int, memory_max: int
) -> tuple[list[object], StreamError | None]:
    """Read a stream to its end or error, and check the memory against its bound."""
    values: list[object] = []
    failure = None
    source = cast("BinaryIO", Pieces(data, sizes))
    with traced():
        try:
            for value in read_stream(source, value_size_max=size_max):
                values.append(value)  # noqa: PERF402 - those before an error are kept
        except StreamError as error:
            failure = error
        _, peak = tracemalloc.get_traced_memory()
    assert peak <= memory_max
    return values, failure


def check_stream(good: list[Any], rest: bytes, sizes: list[int], size_max: int) -> None:
    """Check the result of good values followed by hostile bytes."""
    packed = [msgpack.packb(value) for value in good]
    allowed = max([size_max, *map(len, packed)])
    data = b"".join(packed) + rest
    memory_max = GROWTH * len(data) + CONSTANT
    values, failure = streamed(data, sizes, allowed, memory_max)
    assert repr(values[: len(good)]) == repr(good)
    if failure:
        check_text(failure)
    whole, failure_of_whole = streamed(data, [len(data) + 1], allowed, memory_max)
    assert repr(whole) == repr(values)
    assert (failure_of_whole is None) == (failure is None)


GOOD = st.lists(MESSAGES.map(plain) | PLAIN, max_size=3)
SIZES = st.lists(st.integers(1, 9) | st.integers(1, 5000), min_size=1, max_size=4)
SIZE_MAX = st.sampled_from([1, 30, 1000, 1 << 26])


@settings(max_examples=200)
@given(GOOD, hostile_bytes(), SIZES, SIZE_MAX)
def test_hostile_streams(
    good: list[Any], rest: bytes, sizes: list[int], size_max: int
) -> None:
    """A stream yields whole values, then ends or raises StreamError, within bounds.

    The pieces make no difference.
    """
    check_stream(good, rest, sizes, size_max)


@pytest.mark.parametrize("fragment", FRAGMENTS.values(), ids=FRAGMENTS)
@pytest.mark.parametrize("size", [7, 1 << 16])
def test_every_fragment_in_a_stream(fragment: bytes, size: int) -> None:
    """A hostile value is yielded or refused, after the value before it."""
    check_stream([["Bare"]], fragment, [size], 1 << 26)
    check_stream([["Bare"]], b"\x92" + fragment + b"\x01", [size], 1 << 26)


@pytest.mark.parametrize("head", [b"\xc6\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff"])
def test_value_without_end(head: bytes) -> None:
    """An endless value is given up at the size limit, and not kept."""
    data = head + b"\x00" * (1 << 23)
    values, failure = streamed(data, [1 << 16], 1 << 16, 1 << 21)
    assert values == []
    assert str(failure) == "the value at byte 0 is larger than 65536 bytes"


@pytest.mark.slow
@settings(max_examples=5_000)
@given(GOOD, hostile_bytes(), SIZES, SIZE_MAX)
def test_many_hostile_streams(
    good: list[Any], rest: bytes, sizes: list[int], size_max: int
) -> None:
    """The same for many hostile streams."""
    check_stream(good, rest, sizes, size_max)
