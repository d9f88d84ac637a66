"""The space of a compressed image: nothing is given out twice, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.devices import Geometry
from ccw_actors.devices.cckd_image import CckdHeader
from ccw_actors.devices.cckd_space import (
    SIZE_MAX,
    Counters,
    Piece,
    SpaceMap,
    free_list,
    tables_size,
)
from ccw_actors.errors import ImageError

HEADER = CckdHeader(Geometry("3390", 3, 15, 56832))
START = tables_size(HEADER)

ACTIONS = st.lists(
    st.tuples(st.booleans(), st.integers(6, 3000), st.booleans()), max_size=60
)


def listed(space: SpaceMap) -> tuple[tuple[int, int], ...]:
    """Return the free space as a reader of the file finds it."""
    found = space.listed()
    raw = bytearray(found.file_size)
    at = found.counters.free_offset
    raw[at : at + len(found.data)] = found.data if at else b""

    def read(length: int, offset: int) -> bytes:
        return bytes(raw[offset : offset + length])

    return free_list(HEADER, found.counters, len(raw), read)


@given(actions=ACTIONS)
def test_space_is_used_once(actions: list[tuple[bool, int, bool]]) -> None:
    """After any takes and releases, pieces and free space cover the file, once."""
    space = SpaceMap(HEADER, ())
    taken: list[Piece] = []
    for take, length, exact in actions:
        if take or not taken:
            offset, size = space.take(length, exact=exact)
            assert size == length if exact else size >= length
            taken.append(Piece(offset, size, length))
        else:
            piece = taken.pop(length % len(taken))
            space.release(piece.offset, piece.size, piece.length)
    counters = space.listed().counters
    parts = sorted([(one.offset, one.size) for one in taken] + list(space.free))
    end = START
    for offset, size in parts:
        assert offset == end
        end += size
    assert end == counters.size
    assert counters.used == START + sum(one.length for one in taken)
    assert counters.size == counters.used + counters.free
    assert counters.imbedded == sum(one.size - one.length for one in taken)
    assert listed(space) == space.free
    assert SpaceMap(HEADER, taken).listed() == space.listed()


def test_free_pieces_that_touch_are_one() -> None:
    """Three neighbours given back in any order leave one piece."""
    for order in ((0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2)):
        space = SpaceMap(HEADER, ())
        pieces = [space.take(1000) for _ in range(4)]
        for number in order:
            space.release(*pieces[number], 1000)
        assert list(space.free) == [(START, 3000)]
        space.release(*pieces[3], 1000)
        assert list(space.free) == []
        assert space.listed().file_size == START


def test_crumbs_go_with_an_image() -> None:
    """A piece of a few bytes more than an image is given out as a whole."""
    space = SpaceMap(HEADER, ())
    piece = space.take(1000)
    space.take(1000)
    space.release(*piece, 1000)
    assert space.take(950) == (START, 1000)
    assert space.listed().counters.imbedded == 50
    space.release(START, 1000, 950)
    assert space.take(950, exact=True) == (START + 2000, 950)


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([Piece(START, 10, 11, "it")], "it has 11 bytes at offset .* a space of 10"),
        (
            [Piece(START, 10, 9), Piece(START + 9, 5, 5, "it")],
            "it at offset .* overlaps",
        ),
        ([Piece(START - 1, 10, 9, "it")], "overlaps what is before it"),
    ],
)
def test_pieces_that_are_refused(pieces: list[Piece], said: str) -> None:
    """Pieces that overlap each other or the tables are damage."""
    with pytest.raises(ImageError, match=said):
        SpaceMap(HEADER, pieces)


def test_a_file_has_a_largest_size() -> None:
    """Offsets have four bytes."""
    space = SpaceMap(HEADER, [Piece(SIZE_MAX - 100, 50, 50)])
    space.take(50)
    with pytest.raises(ImageError, match="expected at most 4294967294"):
        space.take(SIZE_MAX)


@given(raw=st.binary(min_size=1200, max_size=1600), pieces=st.integers(0, 1 << 32))
def test_any_list_ends_in_an_error(raw: bytes, pieces: int) -> None:
    """A list of free space made of anything is read, or refused."""
    offset = int.from_bytes(raw[:2])
    counters = Counters(len(raw), 0, offset, 0, 0, pieces, 0)

    def read(length: int, offset: int) -> bytes:
        return raw[offset : offset + length]

    try:
        found = free_list(HEADER, counters, len(raw), read)
    except ImageError:
        return
    assert len(found) == (pieces if offset else 0)


def test_both_forms_of_a_list_are_read() -> None:
    """A chain of free pieces is the same as a list."""
    raw = bytearray(START + 300)
    ends = (START + 100, START + 200)
    raw[ends[0] : ends[0] + 8] = ends[1].to_bytes(4, "little") + (50).to_bytes(
        4, "little"
    )
    raw[ends[1] : ends[1] + 8] = bytes(4) + (60).to_bytes(4, "little")
    counters = Counters(len(raw), 0, ends[0], 0, 0, 2, 0)

    def read(length: int, offset: int) -> bytes:
        return bytes(raw[offset : offset + length])

    found = free_list(HEADER, counters, len(raw), read)
    assert found == ((ends[0], 50), (ends[1], 60))
