"""Streams of msgpack values: whole, cut, damaged, hostile, and arriving slowly."""

import io
import os
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.errors import StreamError
from ccw_actors.transport import ValueSplitter, read_stream

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=4)
    ),
    max_leaves=9,
)


class Dribble(io.RawIOBase):
    """A source that returns a few bytes at a time, as a socket may."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__()
        self._data = io.BytesIO(data)
        self._size = size

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read less than was asked for."""
        del size
        return self._data.read(self._size)


def read_all(data: bytes, value_size_max: int = 1 << 26) -> tuple[list[object], str]:
    """Return the values of a stream, and the text of the error that ends it."""
    values: list[object] = []
    try:
        for value in read_stream(io.BytesIO(data), value_size_max=value_size_max):
            values.append(value)  # noqa: PERF402 - those before an error are kept
    except StreamError as error:
        return values, str(error)
    return values, ""


@given(st.lists(VALUES, max_size=5), st.integers(1, 7))
def test_round_trip(values: list[object], size: int) -> None:
    """Values come out as they went in, in any pieces."""
    data = b"".join(map(msgpack.packb, values))
    assert read_all(data) == (values, "")
    assert list(read_stream(Dribble(data, size))) == values  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@given(st.lists(VALUES, min_size=1, max_size=4), st.data())
def test_truncated(values: list[object], data: st.DataObject) -> None:
    """A truncated stream yields the whole values, then an error."""
    packed = [msgpack.packb(value) for value in values]
    whole = b"".join(packed)
    cut = data.draw(st.integers(0, len(whole) - 1))
    ends = [sum(map(len, packed[: i + 1])) for i in range(len(packed))]
    count = sum(end <= cut for end in ends)
    start = ends[count - 1] if count else 0
    found, error = read_all(whole[:cut])
    assert found == values[:count]
    expected = (
        f"the stream ends inside the value at byte {start}:"
        f" {cut - start} bytes of it are there"
    )
    assert error == (expected if cut > start else "")


@given(st.binary(max_size=60))
def test_foreign_bytes(data: bytes) -> None:
    """Any bytes yield values or raise StreamError, nothing else."""
    read_all(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\xc1", "the bytes from 3 on are not msgpack: FormatError"),
        (b"\x91" * 5000, "the bytes from 3 on are not msgpack: StackError"),
        (b"\xa1\xff", "the bytes from 3 on are not msgpack: 'utf-8' codec"),
        (b"\x81\x80\xc0", "the bytes from 3 on are not msgpack: unhashable"),
        (b"\xc7\x03\xff123", "the bytes from 3 on are not msgpack: invalid timestamp"),
    ],
    ids=["reserved byte", "too deep", "not utf-8", "map as key", "bad timestamp"],
)
def test_damaged(data: bytes, error: str) -> None:
    """The error has the first byte that is not msgpack."""
    values, found = read_all(b"\x01\x02\x03" + data)
    assert values == [1, 2, 3]
    assert found.startswith(error)


@pytest.mark.parametrize("length", [1000, 100_000, 1_000_000])
def test_oversized(length: int) -> None:
    """A value of the size allowed is read, one that is a byte larger is refused."""
    value = b"x" * length
    packed = msgpack.packb(value)
    size = len(packed)
    assert read_all(b"\x01" + packed, size) == ([1, value], "")
    error = f"the value at byte 1 is larger than {size - 1} bytes"
    assert read_all(b"\x01" + packed, size - 1) == ([1], error)
    assert read_all(b"\x01" + packed[:-1] * 2, size - 1) == ([1], error)


@pytest.mark.parametrize("size", [1, 1 << 17], ids=["small", "large"])
def test_arrays_as_keys(size: int) -> None:
    """A key that is an array is a tuple, and the values of it lists as elsewhere."""
    value = {(1, ("a", ())): [[b"x" * size]], 2: {(): [1]}}
    assert read_all(msgpack.packb(value)) == ([value], "")


@pytest.mark.parametrize(
    "header",
    [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"],
    ids=["array", "map", "bytes"],
)
def test_claims_take_no_memory(header: bytes) -> None:
    """A header that announces four billion elements allocates nothing for them."""
    tracemalloc.start()
    try:
        values, error = read_all(header * 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert values == []
    assert error.startswith("the stream ends inside the value at byte 0")
    assert peak < 1 << 24


def test_value_is_yielded_when_it_is_there() -> None:
    """A complete value is yielded before more data arrives."""

    def arriving() -> Iterator[object]:
        there, here = os.pipe()
        with open(there, "rb") as source, open(here, "wb", buffering=0) as target:  # noqa: PTH123
            values = read_stream(source)
            for number in range(3):
                target.write(msgpack.packb([number]))
                yield next(values)

    assert list(arriving()) == [[0], [1], [2]]


def test_empty() -> None:
    """An empty stream has no values."""
    empty: BinaryIO = io.BytesIO()
    assert list(read_stream(empty)) == []


@given(st.lists(VALUES, max_size=9), st.integers(1, 40))
def test_splitter_finds_the_same_values_in_any_pieces(
    values: list[object], size: int
) -> None:
    """Each value comes out with its place, once, as soon as its last byte is in."""
    encoded = [msgpack.packb(value) for value in values]
    stream = b"".join(encoded)
    splitter, found, fed = ValueSplitter(1 << 16), list[bytes](), 0
    for at in range(0, len(stream), size):
        piece = stream[at : at + size]
        fed += len(piece)
        for start, data in splitter.feed(piece):
            assert start == sum(map(len, found))
            found.append(data)
        whole = [
            one
            for one in range(len(encoded) + 1)
            if len(b"".join(encoded[:one])) <= fed
        ]
        assert len(found) == whole[-1]
    assert found == encoded
    splitter.end()


def test_splitter_at_the_end_inside_a_value() -> None:
    """An end inside a value is an error; one between two is none."""
    splitter = ValueSplitter()
    assert list(splitter.feed(b"\x01\x92\x01")) == [(0, b"\x01")]
    with pytest.raises(StreamError, match="inside the value at byte 1: 2 bytes"):
        splitter.end()
    assert list(splitter.feed(b"\x02")) == [(1, b"\x92\x01\x02")]
    splitter.end()
