"""The data of whole tracks, which Linux reads and writes behind a 2107.

Arguments as Linux drivers/s390/block/dasd_eckd.c builds them: prefix_LRE,
locate_record_ext, dasd_eckd_build_cp_cmd_track.
"""

import pytest
from msgspec.structs import replace

from ccw_actors.devices import Track
from tests.devices.chain_runner import Disk
from tests.devices.test_eckd import (
    CHECKED,
    COMMAND_REJECT,
    INVALID_ARGUMENT,
    INVALID_COMMAND,
    INVALID_TRACK_FORMAT,
    NO_RECORD_FOUND,
    NORMAL,
    cchh,
    disk,
    sensed,
)
from tests.devices.test_eckd_whole_tracks import PREFIX, extent, prefixed

WRITE_TRACK_DATA, READ_TRACK_DATA, PREFIX_FOR_READS = 0xA5, 0xA6, 0xEA
BLOCK = 4096
"""The tracks of the volume have twelve records of so many bytes, as by dasdfmt."""


def behind(control_unit: str = "2107") -> Disk:
    """Return a volume formatted for Linux; each record has its own bytes."""
    device = disk("lnx3390", control_unit=control_unit)
    for number, image in device.tracks.items():
        track = Track.from_bytes(image)
        r0, *others = track.records
        own = (replace(one, data=bytes((number, one.r)) * 2048) for one in others)
        made = replace(track, records=(r0, *own))
        device.tracks[number] = made.to_bytes()
    return device


def blocks(device: Disk, head: int) -> bytes:
    """Return the data of a track of cylinder 1."""
    track = Track.from_bytes(device.tracks[15 + head])
    return b"".join(record.data for record in track.records[1:])


def reads(first: int, record: int, tracks: int, length: int) -> bytes:
    """Announce READ TRACK DATA from a record on; `length` is that of the last track."""
    place = cchh(1, first)
    start = b"\x0c\x80\0" + bytes((tracks,)) + place * 2 + bytes((record, 0))
    return start + length.to_bytes(2) + bytes(4)


def writes(first: int, record: int, tracks: int, length: int = BLOCK) -> bytes:
    """Announce WRITE TRACK DATA from a record on, of records of that length."""
    place = cchh(1, first)
    start = b"\x3f\x80\0" + bytes((tracks,)) + place * 2 + bytes((record, 0))
    return start + length.to_bytes(2) + bytes.fromhex("00230000")


def test_data_are_read_from_track_to_track() -> None:
    """The first track from the record on, the last one up to the transfer length."""
    device = behind()
    start = PREFIX, prefixed(extent(0x40, 3, 5), reads(3, 11, 3, 2 * BLOCK))
    counts = 2 * BLOCK, 12 * BLOCK, 2 * BLOCK
    ends = device.run(start, *((READ_TRACK_DATA, count) for count in counts))
    assert [end.status for end in ends] == [NORMAL] * 4
    assert ends[1].data == blocks(device, 3)[10 * BLOCK :]
    assert ends[2].data == blocks(device, 4)
    assert ends[3].data == blocks(device, 5)[: 2 * BLOCK]
    assert [end.length for end in ends[1:]] == list(counts)


def test_data_are_written_from_track_to_track() -> None:
    """Only the records named change, and their counts stay."""
    device = behind()
    before = [blocks(device, head) for head in range(15)]
    start = PREFIX, prefixed(extent(0x80, 3, 4), writes(3, 12, 2))
    first, second = b"a" * BLOCK, b"b" * 2 * BLOCK
    ends = device.run(start, (WRITE_TRACK_DATA, first), (WRITE_TRACK_DATA, second))
    assert [(end.status, end.transferred) for end in ends[1:]] == [
        (NORMAL, len(first)),
        (NORMAL, len(second)),
    ]
    after = [blocks(device, head) for head in range(15)]
    assert after[3] == before[3][: 11 * BLOCK] + first
    assert after[4] == second + before[4][2 * BLOCK :]
    assert after[:3] + after[5:] == before[:3] + before[5:]


def test_records_of_another_length_are_not_written() -> None:
    """They are an invalid track format, and the track stays."""
    device = behind()
    before = dict(device.tracks)
    start = PREFIX, prefixed(extent(0x80, 3, 3), writes(3, 1, 1, 512))
    assert device.run(start, (WRITE_TRACK_DATA, bytes(512)))[-1].status == CHECKED
    assert sensed(device) == (INVALID_TRACK_FORMAT, 0)
    assert device.tracks == before


def test_track_without_records() -> None:
    """There is nothing to read on it."""
    device = behind()
    empty = Track.from_bytes(device.tracks[19])
    image = Track(0, 1, 4, empty.records[:1], b"").to_bytes()
    device.tracks[19] = image.ljust(len(device.tracks[19]), b"\0")
    start = PREFIX, prefixed(extent(0x40, 3, 4), reads(3, 12, 2, BLOCK))
    ends = device.run(start, (READ_TRACK_DATA, BLOCK), (READ_TRACK_DATA, BLOCK))
    assert [end.status for end in ends[1:]] == [NORMAL, CHECKED]
    assert sensed(device) == (NO_RECORD_FOUND, 0)


@pytest.mark.parametrize(
    "located",
    [
        writes(3, 1, 0),
        writes(3, 1, 1, 0),
        b"\x3f\0" + writes(3, 1, 1)[2:],
        writes(3, 1, 1)[:19] + b"\2\x80\0",
    ],
    ids=["no-tracks", "no-length", "length-invalid", "track-set"],
)
def test_bad_arguments(located: bytes) -> None:
    """WRITE TRACK DATA needs a count and a length, and has no parameter."""
    device = behind()
    assert device.run((PREFIX, prefixed(extent(0x80, 3, 4), located)))[-1].status == (
        CHECKED
    )
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)


def test_prefix_for_reads() -> None:
    """It announces reads, and no writes."""
    device = behind()
    good = prefixed(extent(0x40, 3, 3), reads(3, 1, 1, BLOCK))
    ends = device.run((PREFIX_FOR_READS, good), (READ_TRACK_DATA, BLOCK))
    assert ends[-1].data == blocks(device, 3)[:BLOCK]
    bad = prefixed(extent(0x80, 3, 3), writes(3, 1, 1))
    assert device.run((PREFIX_FOR_READS, bad))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)


@pytest.mark.parametrize("unit", ["3990-2", "3990-6"])
@pytest.mark.parametrize("code", [WRITE_TRACK_DATA, READ_TRACK_DATA, PREFIX_FOR_READS])
def test_older_control_units(unit: str, code: int) -> None:
    """Only a 2107 has these commands."""
    device = behind(unit)
    assert device.run((code, bytes(64)))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_COMMAND)
