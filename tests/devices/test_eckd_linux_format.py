"""How Linux formats a disk: several tracks with one program (WRITE CKD NEXT TRACK).

Arguments as dasdfmt of s390-tools 2.16 on Linux 6.1 had them sent; the rules are in
drivers/s390/block/dasd_eckd.c, dasd_eckd_build_format and dasd_eckd_build_check.
"""

import pytest

from ccw_actors.devices import Track
from tests.devices.chain_runner import Disk
from tests.devices.test_eckd import (
    CHECKED,
    COMMAND_REJECT,
    FILE_PROTECTED,
    INVALID_SEQUENCE,
    NORMAL,
    disk,
    locate,
    search,
    seek,
    sensed,
)

DEFINE_EXTENT, LOCATE_RECORD, READ_COUNT = 0x63, 0x47, 0x12
WRITE_R0, READ_R0, WRITE_CKD, WRITE_CKD_NEXT_TRACK = 0x15, 0x16, 0x1D, 0x9D
READ_DATA, SEARCH_HOME_ADDRESS = 0x06, 0x39

TRACKS_1_TO_3 = DEFINE_EXTENT, bytes.fromhex("00c40000 00000004 00000001 00000003")
"""File mask 00: all writes but those of home address and R0."""
TRACKS_1_TO_3_WITH_R0 = (
    DEFINE_EXTENT,
    bytes.fromhex("c2c40000 00000000 00000001 00000003"),
)


def format_writes(count: int) -> tuple[int, bytes]:
    """Return a LOCATE RECORD of R0 of track 1, to write records of 4096 bytes."""
    argument = f"038000{count:02x} 00000001 00000001 00001000"
    return LOCATE_RECORD, bytes.fromhex(argument)


def record(head: int, number: int, length: int = 4096) -> bytes:
    """Return the count area of a record of cylinder zero, without data."""
    return bytes((0, 0, 0, head, number, 0)) + length.to_bytes(2)


def records_of(device: Disk, track: int) -> list[tuple[int, int, int, int]]:
    """Return cylinder, head, number and length of all records of a track."""
    found = Track.from_bytes(device.tracks[track]).records
    return [(one.cc, one.hh, one.r, len(one.data)) for one in found]


def formatted(*heads: int) -> list[tuple[int, bytes]]:
    """Return the writes that format tracks with 12 records of 4096 bytes each."""
    return [
        (
            WRITE_CKD_NEXT_TRACK if number == 1 and head != heads[0] else WRITE_CKD,
            record(head, number),
        )
        for head in heads
        for number in range(1, 13)
    ]


def test_one_program_formats_several_tracks() -> None:
    """WRITE CKD NEXT TRACK writes behind R0 of the next track, and only there."""
    device = disk()
    before = dict(device.tracks)
    ends = device.run(TRACKS_1_TO_3, format_writes(36), *formatted(1, 2, 3))
    assert [end.status for end in ends] == [NORMAL] * 38
    for head in (1, 2, 3):
        r0 = Track.from_bytes(before[head]).records[0]
        assert Track.from_bytes(device.tracks[head]).records[0] == r0
        expected = [(0, head, number, 4096) for number in range(1, 13)]
        assert records_of(device, head)[1:] == expected
    changed = {number for number in before if before[number] != device.tracks[number]}
    assert changed == {1, 2, 3}


def test_format_writes_end_with_the_extent() -> None:
    """The track behind the extent is file protected, and stays as it was."""
    device = disk()
    before = device.tracks[4]
    ends = device.run(TRACKS_1_TO_3, format_writes(48), *formatted(1, 2, 3, 4))
    assert [end.status for end in ends[2:]] == [NORMAL] * 36 + [CHECKED]
    assert sensed(device) == (FILE_PROTECTED, 0)
    assert device.tracks[4] == before


def test_format_writes_cross_cylinders() -> None:
    """Behind the last track of a cylinder comes the first one of the next."""
    device = disk()
    extent = DEFINE_EXTENT, bytes.fromhex("00c40000 00000004 0000000e 00010000")
    where = LOCATE_RECORD, bytes.fromhex("03800002 0000000e 0000000e 00001000")
    ends = device.run(
        extent,
        where,
        (WRITE_CKD, record(14, 1)),
        (WRITE_CKD_NEXT_TRACK, bytes.fromhex("0001000001001000")),
    )
    assert ends[-1].status == NORMAL
    assert records_of(device, 15)[1:] == [(1, 0, 1, 4096)]


@pytest.mark.parametrize(
    "before",
    [
        [TRACKS_1_TO_3, format_writes(1)],
        [seek(0, 1), search(0, 1, 0)],
    ],
    ids=["first-in-domain", "no-domain"],
)
def test_next_track_needs_a_record_just_written(
    before: list[tuple[int, bytes]],
) -> None:
    """It is out of sequence behind anything but a WRITE CKD of the same domain."""
    device = disk()
    tracks = dict(device.tracks)
    ends = device.run(*before, (WRITE_CKD_NEXT_TRACK, record(2, 1)))
    assert [end.status & 2 for end in ends][-1] == 2
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert device.tracks == tracks


def test_a_track_is_invalidated_by_an_empty_record() -> None:
    """Only one record without data is left (intensity 04 of Linux)."""
    device = disk()
    where = LOCATE_RECORD, bytes.fromhex("03800001 00000001 00000001 00000008")
    ends = device.run(TRACKS_1_TO_3, where, (WRITE_CKD, record(1, 1, 0)))
    assert ends[-1].status == NORMAL
    assert records_of(device, 1)[1:] == [(0, 1, 1, 0)]


def test_r0_is_written_in_a_domain() -> None:
    """Orientation 40 is behind the home address; R0 follows, then the other records."""
    device = disk()
    where = LOCATE_RECORD, bytes.fromhex("43000003 00000001 00000001 00000000")
    ends = device.run(
        TRACKS_1_TO_3_WITH_R0,
        where,
        (WRITE_R0, record(1, 0, 8)),
        (WRITE_CKD, record(1, 1)),
        (WRITE_CKD, record(1, 2)),
    )
    assert [end.status for end in ends] == [NORMAL] * 5
    expected = [(0, 1, 0, 8), (0, 1, 1, 4096), (0, 1, 2, 4096)]
    assert records_of(device, 1) == expected


@pytest.mark.parametrize(
    ("extent", "where"),
    [
        (TRACKS_1_TO_3, "43000001 00000001 00000001 00000000"),
        (TRACKS_1_TO_3_WITH_R0, "03000001 00000001 00000001 00000000"),
    ],
    ids=["file-mask", "behind-a-record"],
)
def test_r0_needs_its_mask_and_its_place(extent: tuple[int, bytes], where: str) -> None:
    """Another file mask, or a place behind a record, is out of sequence."""
    device = disk()
    tracks = dict(device.tracks)
    location = LOCATE_RECORD, bytes.fromhex(where)
    *_, end = device.run(extent, location, (WRITE_R0, record(1, 0, 8)))
    assert end.status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert device.tracks == tracks


def test_r0_is_read_in_a_domain() -> None:
    """Operation 16 at the index reads R0 (locate_record of Linux)."""
    device = disk()
    extent = DEFINE_EXTENT, bytes.fromhex("40c00000 00000000 00000001 00000001")
    where = LOCATE_RECORD, bytes.fromhex("d6000001 00000001 00000001 00000000")
    *_, end = device.run(extent, where, (READ_R0, 16))
    r0 = Track.from_bytes(device.tracks[1]).records[0]
    assert (end.status, end.data) == (NORMAL, r0.to_bytes())


def test_what_was_formatted_is_found() -> None:
    """The check of dasdfmt counts the records of each track that was formatted."""
    device = disk()
    device.run(TRACKS_1_TO_3, format_writes(36), *formatted(1, 2, 3))
    whole = DEFINE_EXTENT, bytes.fromhex("40c40000 00000000 00000001 00000003")
    where = LOCATE_RECORD, bytes.fromhex("06000024 00000001 00000001 00000000")
    counts = [(READ_COUNT | 0x80, 8)] * 36
    ends = device.run(whole, where, *counts)
    assert [end.data[3:5] for end in ends[2:]] == [
        bytes((head, number)) for head in (1, 2, 3) for number in range(1, 13)
    ]
    assert device.run(whole, locate(0x06, 1, bytes(4), 1), (READ_DATA, 8))[1].status & 2
