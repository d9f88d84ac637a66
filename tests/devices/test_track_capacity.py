"""How many records a track takes, as manuals and other programs count them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.devices.ckd_types import CKD_TYPES, CkdType
from ccw_actors.devices.track_capacity import fits

R0 = (0, 8)
BLOCK_SIZES = (512, 1024, 2048, 4096)
TYPES = pytest.mark.parametrize(
    "kind", CKD_TYPES, ids=lambda kind: f"{kind.name}-{kind.track_size}"
)


def count_of(kind: CkdType, key_length: int, data_length: int) -> int:
    """Return how many records of these lengths a track takes."""
    record = (key_length, data_length)
    count = 0
    while fits(kind.capacity, [R0] + [record] * (count + 1)):
        count += 1
    return count


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("2305", (15, 10, 5, 3)),
        ("2311", (6, 3, 1, 0)),
        ("2314", (11, 6, 3, 1)),
        ("3330", (20, 11, 6, 3)),
        ("3340", (12, 7, 3, 2)),
        ("3350", (27, 15, 8, 4)),
        ("3375", (40, 25, 14, 8)),
        ("3380", (46, 31, 18, 10)),
        ("3390", (49, 33, 21, 12)),
        ("9345", (41, 28, 17, 10)),
    ],
)
def test_blocks_of_a_track(name: str, counts: tuple[int, ...]) -> None:
    """A track has as many blocks as VM's table says (Hercules dasdtab.c, CKDIOT).

    That table is wrong for a 3380 and for blocks of 4096 bytes on a 9345: the numbers
    for a 3380 are Linux' (dasd_eckd.c, recs_per_track), and ten blocks of 4096 take all
    48280 bytes of a 9345. Type 2305 is model 1.
    """
    kind = next(one for one in CKD_TYPES if one.name == name)
    assert tuple(count_of(kind, 0, size) for size in BLOCK_SIZES) == counts


@TYPES
def test_dscbs_and_directory_blocks(kind: CkdType) -> None:
    """A track takes the keyed records that the format-4 DSCB of its type promises."""
    assert count_of(kind, 44, 96) == kind.vtoc.dscbs
    assert count_of(kind, 8, 256) == kind.vtoc.directory_blocks


@TYPES
def test_longest_record(kind: CkdType) -> None:
    """The longest record fits to the byte; a key or another record does not."""
    longest = (0, kind.record_max)
    assert fits(kind.capacity, [R0, longest])
    assert not fits(kind.capacity, [R0, (0, kind.record_max + 1)])
    assert not fits(kind.capacity, [R0, (1, kind.record_max)])
    assert not fits(kind.capacity, [R0, (0, 1), longest])


@TYPES
def test_record_zero_takes_its_space(kind: CkdType) -> None:
    """A long R0 leaves as much less for the other records."""
    half = kind.record_max // 2
    assert not fits(kind.capacity, [(0, half), (0, kind.record_max)])
    assert fits(kind.capacity, [(0, half), (0, half // 2)])


@given(
    st.sampled_from(CKD_TYPES),
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 20000)), max_size=20),
)
def test_image_has_room(kind: CkdType, records: list[tuple[int, int]]) -> None:
    """What fits on the real track fits in its image: home address, counts, end mark."""
    all_of_them = [R0, *records]
    size = 5 + sum(8 + key + data for key, data in all_of_them) + 8
    if fits(kind.capacity, all_of_them):
        assert size <= kind.track_size
