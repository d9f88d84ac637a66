"""Bytes that are almost messages or announce much data, and their allowed effects."""

import struct
import tracemalloc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import msgpack
from hypothesis import strategies as st

from tests.transport.kinds import BYTES, KINDS, MESSAGES, PLAIN, TEXT, plain

# The memory of one byte: an array that announces fifteen elements is 200 bytes.
GROWTH = 200
# A line of a log: the type's name, the error and its place.
TEXT_MAX = 400


@contextmanager
def traced() -> Generator[None]:
    """Trace allocations inside the block."""
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def check_text(error: Exception) -> None:
    """Check that an error's text is fit for a log: not empty, not long, one line."""
    text = str(error)
    assert 0 < len(text) <= TEXT_MAX
    assert text.isprintable()


class Raw(NamedTuple):
    """Bytes that take the place of a value."""

    data: bytes


def pack(tree: Any) -> bytes:
    """Pack a plain value that may have raw bytes in it."""
    packer = msgpack.Packer()
    if isinstance(tree, Raw):
        return tree.data
    if isinstance(tree, list):
        items = cast("list[object]", tree)
        return packer.pack_array_header(len(items)) + b"".join(map(pack, items))
    if isinstance(tree, dict):
        pairs = cast("dict[object, object]", tree).items()
        packed = [pack(key) + pack(item) for key, item in pairs]
        return packer.pack_map_header(len(packed)) + b"".join(packed)
    return packer.pack(tree)


_HEADERS = {
    "bin": ((0xC4, "B"), (0xC5, "H"), (0xC6, "I")),
    "ext": ((0xC7, "B"), (0xC8, "H"), (0xC9, "I")),
    "str": ((0xD9, "B"), (0xDA, "H"), (0xDB, "I")),
    "array": ((0xDC, "H"), (0xDD, "I")),
    "map": ((0xDE, "H"), (0xDF, "I")),
}
_CLAIMS = {"B": (0, 1, 0xFF), "H": (0, 0xFFFF), "I": (1, 0x7FFF_FFFF, 0xFFFF_FFFF)}

FRAGMENTS: dict[str, bytes] = {
    f"{kind} of {claim} in {struct.calcsize(width)}": struct.pack(
        f">B{width}", head, claim
    )
    for kind, forms in _HEADERS.items()
    for head, width in forms
    for claim in _CLAIMS[width]
} | {
    "nothing": b"",
    "None": b"\xc0",
    "reserved": b"\xc1",
    "true": b"\xc3",
    "zero": b"\x00",
    "minus one": b"\xff",
    "largest int": b"\xcf" + b"\xff" * 8,
    "smallest int": b"\xd3\x80" + b"\x00" * 7,
    "one in 8 bytes": b"\xd3" + b"\x00" * 7 + b"\x01",
    "float of 4 bytes": b"\xca" + struct.pack(">f", 3.0),
    "integral float": b"\xcb" + struct.pack(">d", 3.0),
    "huge float": b"\xcb" + struct.pack(">d", 1e300),
    "NaN": b"\xcb\x7f\xf8" + b"\x00" * 6,
    "infinity": b"\xcb\x7f\xf0" + b"\x00" * 6,
    "empty text": b"\xa0",
    "text": b"\xa1a",
    "text in 4 bytes": b"\xdb\x00\x00\x00\x01a",
    "bytes": b"\xc4\x01a",
    "not utf-8": b"\xa1\xff",
    "surrogate": b"\xa3\xed\xa0\x80",
    "overlong": b"\xa2\xc0\x80",
    "text that is cut": b"\xa1\xf0",
    "lines of text": b"\xa5a\nb\x1b\x00",
    "much text": b"\xda\xff\xff" + b"\n" * 0xFFFF,
    "much astral text": b"\xda\xa0\x00" + "\U0001f600".encode() * 0x2800,
    "many bytes": b"\xc5\xff\xff" + b"\xff" * 0xFFFF,
    "empty array": b"\x90",
    "array in 4 bytes": b"\xdd\x00\x00\x00\x01\x00",
    "array of arrays": b"\xdc\x10\x00" + b"\x90" * 0x1000,
    "array of maps": b"\xdc\x10\x00" + b"\x80" * 0x1000,
    "array of wide arrays": b"\x9f" * 15,
    "array of chains": b"\xdc\x00\x10" + (b"\x81\x00" * 100 + b"\x80") * 16,
    "empty map": b"\x80",
    "map": b"\x81\xa1a\x01",
    "key twice": b"\x82\xa1a\x01\xa1a\x02",
    "keys of all kinds": b"\x84\x01\x01\xc3\x02\xc0\x03\xc4\x01a\x04",
    "key is NaN, twice": (b"\x82" + (b"\xcb\x7f\xf8" + b"\x00" * 6 + b"\x01") * 2),
    "key is an array": b"\x81\x91\x01\x01",
    "key is many arrays": b"\x81" + b"\x91" * 1000 + b"\xc0\x01",
    "key is a map": b"\x81\x80\x01",
    "key is an array of maps": b"\x81\x91\x81\x01\x01\x01",
    "key is an extension": b"\x81\xd4\x05a\x01",
    "key is not utf-8": b"\x81\xa1\xff\x01",
    "extension": b"\xd4\x05a",
    "extension that is reserved": b"\xd4\xfea",
    "empty extension": b"\xc7\x00\x05",
    "time": b"\xd6\xff\x00\x00\x00\x01",
    "time with nanoseconds": b"\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x01",
    "time before all": b"\xc7\x0c\xff\x00\x00\x00\x00\x80" + b"\x00" * 7,
    "time after all": b"\xc7\x0c\xff\x00\x00\x00\x00\x7f" + b"\xff" * 7,
    "nanoseconds beyond": b"\xd7\xff" + b"\xff" * 8,
    "time of no form": b"\xc7\x03\xff123",
    "message": b"\x91\xa4Bare",
    "unknown message": b"\x91\xa7Unknown",
    "message without a name": b"\x91\xa0",
    "message of no kind": b"\x92\xda\x20\x00" + b"\n" * 0x2000 + b"\x01",
    "60 messages": b"\x92\xa4Nest" * 60 + b"\xc0",
    "60 arrays": b"\x91" * 60 + b"\xc0",
    "60 maps": b"\x81\xa1a" * 60 + b"\xc0",
    # Deeper than every recursion limit, that of later Pythons included.
    "100000 messages": b"\x92\xa4Nest" * 100_000,
    "100000 arrays": b"\x91" * 100_000 + b"\xc0",
    "100000 wide arrays": b"\x9f" * 100_000,
    "100000 maps": b"\x81\xa1a" * 100_000 + b"\xc0",
    "100000 keys": b"\x81" * 100_000,
    "100000 arrays that claim": b"\xdd\x7f\xff\xff\xff" * 100_000,
    "100000 maps that claim": b"\xdf\xff\xff\xff\xff\x00" * 100_000,
}


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the place of each value in a plain message: container, and index or key."""
    if isinstance(tree, list):
        keys: list[Any] = list(range(len(cast("list[object]", tree))))
    elif isinstance(tree, dict):
        keys = list(cast("dict[Any, object]", tree))
    else:
        return
    for key in keys:
        yield tree, key
        yield from places(tree[key])


_NAMES = st.sampled_from([kind.__name__ for kind in KINDS]) | TEXT
_FRAGMENTS = st.sampled_from(list(FRAGMENTS.values()))
_JUNK = st.one_of(_FRAGMENTS.map(Raw), PLAIN, _NAMES, MESSAGES.map(plain))


@st.composite
def bent_trees(draw: st.DrawFn) -> Any:
    """Draw a plain message with up to two values replaced, dropped or added."""
    tree = plain(draw(MESSAGES))
    for _ in range(draw(st.integers(0, 2))):
        spots = list(places(tree))
        if not spots:
            break
        where, key = draw(st.sampled_from(spots))
        how = draw(st.sampled_from(["replace", "replace", "drop", "add"]))
        if how == "drop":
            del where[key]
        elif how == "add" and isinstance(where, list):
            cast("list[object]", where).insert(key, draw(_JUNK))
        else:
            where[key] = draw(_JUNK)
    return tree


@st.composite
def hostile_bytes(draw: st.DrawFn) -> bytes:
    """Draw the bytes of a bent message, damaged in up to three places."""
    data = pack(draw(bent_trees()))
    for _ in range(draw(st.integers(0, 3))):
        # Damage deep inside large data would hit only its filling.
        start = draw(st.integers(0, min(len(data), 200)))
        stop = draw(st.integers(start, min(len(data), start + 20)))
        how = draw(
            st.sampled_from(["flip", "cut", "drop", "insert", "twice", "splice"])
        )
        if how == "flip" and start < len(data):
            bit = 1 << draw(st.integers(0, 7))
            data = data[:start] + bytes([data[start] ^ bit]) + data[start + 1 :]
        elif how == "cut":
            data = data[:start]
        elif how == "drop":
            data = data[:start] + data[stop:]
        elif how == "insert":
            data = data[:start] + draw(_FRAGMENTS | BYTES) + data[start:]
        elif how == "twice":
            data = data[:stop] + data[start:]
        else:
            other = pack(plain(draw(MESSAGES)))
            data = data[:start] + other[draw(st.integers(0, len(other))) :]
    return data
