"""Strategies for what the commands of a count-key-data disk take from storage."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from hypothesis import strategies as st

from tests.oracle.live.volumes import CYLINDERS, HEADS, KEYS

__all__ = [
    "DEFINE_EXTENT",
    "EXTENTS",
    "LOCATE_RECORD",
    "OPERATIONS",
    "TRACKS",
    "Place",
    "argument",
    "cchh",
    "locations",
    "masks",
]

Place: TypeAlias = tuple[int, int]
"""Cylinder and head."""

DEFINE_EXTENT: Final = 0x63
LOCATE_RECORD: Final = 0x47
LAST: Final = (CYLINDERS - 1, HEADS - 1)
TRACKS: Final[list[Place]] = [
    *((0, head) for head in (0, 12, 13, 14)),
    *((1, head) for head in range(HEADS)),
]
EXTENTS: Final[list[tuple[Place, Place]]] = [
    ((0, 0), LAST),
    ((0, 13), (1, 2)),
    ((1, 0), LAST),
    ((1, 1), (1, 2)),
    ((1, 3), (1, 6)),
    ((1, 8), (1, 8)),
    ((1, 12), LAST),
    ((0, 12), (0, 14)),
]
OPERATIONS: Final = (0x00, 0x01, 0x03, 0x06, 0x0B, 0x0C, 0x16)
_OUTSIDE: Final[list[Place]] = [(CYLINDERS, 0), (1, HEADS), (0, 255)]
_BODY: Final = KEYS[2] * 6 + bytes(at % 251 for at in range(500))

tracks = st.sampled_from(TRACKS)


def rarely(usual: int, *others: int) -> st.SearchStrategy[int]:
    """Return a strategy that draws the usual value most of the time."""
    return st.sampled_from([usual] * 4 * len(others) + list(others))


def cchh(place: Place) -> bytes:
    """Return a track's address, four bytes."""
    return place[0].to_bytes(2) + place[1].to_bytes(2)


def masks() -> st.SearchStrategy[int]:
    """Draw a file mask: those that differ in what they permit, or any byte."""
    writes, seeks = (0x00, 0x40, 0x80, 0xC0), (0x00, 0x08, 0x10, 0x18)
    both = [write | seek for write in writes for seek in seeks]
    return st.one_of(st.just(0xC0), st.sampled_from(both), st.integers(0, 255))


@st.composite
def seeks(draw: st.DrawFn, _place: Place) -> bytes:
    """Draw the argument of SEEK."""
    place = draw(st.one_of(tracks, tracks, st.sampled_from(_OUTSIDE)))
    return bytes((0, draw(rarely(0, 1)))) + cchh(place)


@st.composite
def extents(draw: st.DrawFn, _place: Place) -> bytes:
    """Draw the argument of DEFINE EXTENT, mostly valid."""
    first, last = draw(st.sampled_from(EXTENTS))
    if not draw(st.integers(0, 24)):
        first, last = last, first
    if not draw(st.integers(0, 24)):
        last = draw(st.sampled_from(_OUTSIDE))
    head = bytes((draw(masks()), draw(rarely(0xC0, 0xD0, 0xC4, 0x00, 0x40))))
    size = draw(st.sampled_from([0, 0, 0, 80, 100, 512, 4096, 65535]))
    unused = bytes((draw(rarely(0, 1)), 0, 0, draw(rarely(0, 1))))
    return head + size.to_bytes(2) + unused + cchh(first) + cchh(last)


@st.composite
def identifiers(draw: st.DrawFn, place: Place) -> bytes:
    """Draw CCHHR, mostly of a record on that track."""
    if not draw(st.integers(0, 9)):
        place = draw(tracks)
    record = draw(st.sampled_from([1, 1, 1, 2, 2, 0, 3, 4, 5, 12, 200]))
    return cchh(place) + bytes([record])


@st.composite
def locations(draw: st.DrawFn, place: Place, operation: int | None = None) -> bytes:
    """Draw the argument of LOCATE RECORD, mostly valid."""
    if operation is None:
        known = st.sampled_from(OPERATIONS)
        operation = draw(st.one_of(known, known, known, st.integers(0, 0x3F)))
    orientation = draw(st.sampled_from([0x00, 0x00, 0x40, 0x80, 0xC0]))
    length = draw(st.sampled_from([0, 0, 80, 100, 512, 96]))
    auxiliary = 0x80 if length else draw(rarely(0x00, 0x80))
    if not draw(st.integers(0, 15)):
        auxiliary = draw(st.integers(0, 255))
    usual = st.sampled_from([1, 1, 1, 2, 2, 3, 5, 255, 0])
    count = draw(usual if operation else rarely(0, 1))
    head = bytes((operation | orientation, auxiliary, draw(rarely(0, 1)), count))
    sector = bytes([draw(rarely(0, 5, 0xFF, 0xE0))])
    record = draw(identifiers(place))
    return head + cchh(place) + record + sector + length.to_bytes(2)


def extended_locations(place: Place) -> st.SearchStrategy[bytes]:
    """Draw the argument of LOCATE RECORD EXTENDED."""
    return locations(place).map(lambda argument: argument + bytes(4))


@st.composite
def records(draw: st.DrawFn, place: Place) -> bytes:
    """Draw a record to write: count area, key and data."""
    key = draw(rarely(0, 8, 44))
    size = draw(st.sampled_from([0, 1, 80, 100, 500]))
    stated = draw(rarely(size, 65535, 56664, 4096, size + 1))
    count = draw(identifiers(place)) + bytes([key]) + stated.to_bytes(2)
    return count + _BODY[:key] + _BODY[44 : 44 + size]


@st.composite
def orders(draw: st.DrawFn, _place: Place) -> bytes:
    """Draw an order of PERFORM SUBSYSTEM FUNCTION."""
    order = draw(st.sampled_from([0x18, 0x18, 0x1B, 0x1D, 0x10, 0x16, 0x1E, 0xB0, 0]))
    suborder = draw(st.sampled_from([0, 1, 3, 0x0E, 0x41, 0xFF]))
    return bytes((order, 0, 0, 0, 0, 0, suborder)).ljust(66, b"\0")


def _one_of(*values: bytes) -> Callable[[Place], st.SearchStrategy[bytes]]:
    return lambda _place: st.sampled_from(values)


def _bytes(*values: int) -> Callable[[Place], st.SearchStrategy[bytes]]:
    return _one_of(*(bytes([value]) for value in values))


def _updates(_place: Place) -> st.SearchStrategy[bytes]:
    return st.sampled_from([bytes(size * [0xA5]) for size in (1, 8, 80, 88, 100, 512)])


_ARGUMENTS: Final[Mapping[int, Callable[[Place], st.SearchStrategy[bytes]]]] = (
    MappingProxyType(
        {
            0x01: records,
            0x05: _updates,
            0x07: seeks,
            0x0B: seeks,
            0x0D: _updates,
            0x11: lambda place: records(place).map(lambda record: record[:8]),
            0x15: records,
            0x19: lambda place: st.just(b"\0" + cchh(place)),
            0x1B: seeks,
            0x1D: records,
            0x1F: lambda _place: masks().map(lambda mask: bytes([mask])),
            0x23: _bytes(0, 1, 0xDD, 0xDF, 0xE0, 0xFE, 0xFF),
            0x27: orders,
            0x29: _one_of(*KEYS, KEYS[0][:3], KEYS[0] * 5 + bytes(4), b"\xff" * 8),
            0x31: identifiers,
            0x39: lambda place: st.sampled_from([cchh(place), cchh(LAST)]),
            LOCATE_RECORD: locations,
            0x4B: extended_locations,
            0x5B: _one_of(b"\0PATHGROUP01"),
            DEFINE_EXTENT: extents,
            0x85: _updates,
            0x8D: _updates,
            0x9D: records,
            0xAF: _one_of(
                *(bytes([flag]) + b"\x80GROUP00001" for flag in range(0, 256, 32))
            ),
        }
    )
)
_SEARCH_KEYS: Final = (0x29, 0x49, 0x69)
_SEARCH_IDS: Final = (0x31, 0x51, 0x71)


def argument(code: int, place: Place) -> st.SearchStrategy[bytes]:
    """Draw what a command takes from storage, empty for one that stores.

    Most arguments of a command at a place are valid there.
    """
    known = _ARGUMENTS.get(code)
    if known is None and code & 0x7F in _SEARCH_KEYS:
        known = _ARGUMENTS[0x29]
    if known is None and code & 0x7F in _SEARCH_IDS:
        known = identifiers
    if known is None and code & 0x7F == 0x39:
        known = _ARGUMENTS[0x39]
    if known is not None:
        return known(place)
    if code & 1:
        return st.sampled_from([bytes(1), bytes(8), bytes(20)])
    return st.just(b"")
