"""Rules for commands that search, format and read, without a golden program."""

import pytest
from msgspec.structs import replace

from ccw_actors.devices import Track
from tests.devices.chain_runner import Disk
from tests.devices.test_eckd import (
    CHECKED,
    COMMAND_REJECT,
    COUNT_TOO_SMALL,
    DEFINE_EXTENT,
    END_OF_CYLINDER,
    END_OF_FILE,
    FILE_PROTECTED,
    INVALID_ARGUMENT,
    INVALID_SEQUENCE,
    INVALID_TRACK_FORMAT,
    MATCHED,
    MULTITRACK,
    NORMAL,
    READ_COUNT,
    READ_DATA,
    SEARCH_ID,
    SET_FILE_MASK,
    WHOLE_VOLUME,
    WRITE_DATA,
    cchh,
    disk,
    locate,
    search,
    seek,
    sensed,
)

WRITE_SPECIAL_CKD, WRITE_KEY_DATA, READ_KEY_DATA, ERASE = 0x01, 0x0D, 0x0E, 0x11
WRITE_R0, WRITE_HOME_ADDRESS, READ_HOME_ADDRESS = 0x15, 0x19, 0x1A
WRITE_CKD, READ_CKD, SET_SECTOR, READ_MULTIPLE_CKD = 0x1D, 0x1E, 0x23, 0x5E
SEARCH_HOME_ADDRESS, SEARCH_KEY, SEARCH_KEY_HIGH = 0x39, 0x29, 0x49
SEARCH_ID_HIGH, SEARCH_ID_EQUAL_HIGH, READ_TRACK = 0x51, 0x71, 0xDE
RESERVE, RELEASE, STEAL, SUSPEND_RECONNECTION = 0xB4, 0x94, 0x14, 0x5B
SET_PATH_GROUP, SENSE_PATH_GROUP = 0xAF, 0x34
PERFORM_FUNCTION, READ_SUBSYSTEM_DATA = 0x27, 0x3E
KEYED = (1, 1)
"""A track with R1 to R5, keys of 8 bytes (EBCDIC KEY00001 ...) and data of 80."""

ANY_MASK = (SET_FILE_MASK, b"\xc0")


def key(number: int) -> bytes:
    """Return the key of a record of the keyed track."""
    return f"KEY{number:05}".encode("cp037")


def count(cylinder: int, head: int, record: int, key: int, data: int) -> bytes:
    """Return a count area."""
    return cchh(cylinder, head) + bytes([record, key]) + data.to_bytes(2)


@pytest.mark.parametrize(
    ("code", "argument", "misses", "found"),
    [
        (SEARCH_ID_HIGH, cchh(1, 1) + b"\2", 3, 3),
        (SEARCH_ID_EQUAL_HIGH, cchh(1, 1) + b"\2", 2, 2),
        (SEARCH_KEY, key(4), 3, 4),
        (SEARCH_KEY_HIGH, key(4), 4, 5),
    ],
)
def test_searches(code: int, argument: bytes, misses: int, found: int) -> None:
    """Each search stops at the first record that matches; R0 has no key."""
    device = disk()
    _, *ends, read = device.run(
        seek(*KEYED), *[(code, argument)] * (misses + 1), (READ_DATA, 80)
    )
    assert [end.status for end in ends] == [NORMAL] * misses + [MATCHED]
    assert read.data == Track.from_bytes(device.tracks[16]).records[found].data


def test_search_key_stops_before_the_data() -> None:
    """After a key the data of the same record come next."""
    device = disk()
    *_, end = device.run(seek(*KEYED), (SEARCH_KEY, key(1)), (READ_DATA, 80))
    assert end.data == Track.from_bytes(device.tracks[16]).records[1].data


def test_search_of_a_track_without_keys() -> None:
    """A record without a key matches nothing."""
    device = disk()
    *_, end = device.run(seek(1, 0), (SEARCH_KEY, key(1)))
    assert end.status == NORMAL


def test_home_address() -> None:
    """The home address can be searched for and read; it has five bytes with the bin."""
    device = disk()
    _, found, read = device.run(
        seek(1, 2), (SEARCH_HOME_ADDRESS, cchh(1, 2)), (READ_HOME_ADDRESS, 5)
    )
    assert found.status == MATCHED
    assert read.data == b"\0" + cchh(1, 2)
    *_, missed = device.run(seek(1, 2), (SEARCH_HOME_ADDRESS, cchh(1, 3)))
    assert missed.status == NORMAL


def test_format_a_track() -> None:
    """R0 and records are written one behind the other; the old records are gone."""
    device = disk()
    records = [count(1, 0, n, 4, 10) + b"keyN" + bytes([n]) * 10 for n in (1, 2, 3)]
    r0 = count(1, 0, 0, 0, 8) + bytes(8)
    ends = device.run(
        ANY_MASK,
        seek(1, 0),
        (SEARCH_HOME_ADDRESS, cchh(1, 0)),
        (WRITE_R0, r0),
        *[(WRITE_CKD, record) for record in records],
    )
    assert [end.status for end in ends[3:]] == [NORMAL] * 4
    track = Track.from_bytes(device.tracks[15])
    assert [one.to_bytes() for one in track.records] == [r0, *records]


def overflowing(last_head: int) -> Disk:
    """Write a record that starts at cylinder 1, head 0 and ends on another head."""
    device = disk()
    for head in range(last_head + 1):
        record = count(1, head, 1, 0, 10) + bytes([head + 1]) * 10
        *_, end = device.run(
            ANY_MASK, seek(1, head), search(1, head, 0), (WRITE_CKD, record)
        )
        assert (end.status, end.transferred) == (NORMAL, 18)
        if head != last_head:
            overflow(device, 15 + head)
    return device


def overflow(device: Disk, number: int) -> None:
    """Let the last record of a track continue on the next one.

    A 3390 does not write such records, but its image may have some.
    """
    track = Track.from_bytes(device.tracks[number])
    *others, last = track.records
    records = (*others, replace(last, cc=last.cc | 0x8000))
    device.tracks[number] = replace(track, records=records).to_bytes()


def test_overflow_record_is_not_written() -> None:
    """A 3390 has the command, and rejects it."""
    device = disk()
    place = ANY_MASK, seek(1, 1), search(1, 1, 0)
    assert device.run(*place, (WRITE_SPECIAL_CKD, bytes(8)))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_overflow_record() -> None:
    """A record is read across its tracks, and its count area is as it was written."""
    device = overflowing(2)
    *_, end = device.run(seek(1, 0), search(1, 0, 0), search(1, 0, 1), (READ_DATA, 40))
    assert end.data == b"\1" * 10 + b"\2" * 10 + b"\3" * 10
    assert (end.status, end.length) == (NORMAL, 30)
    *_, end = device.run(seek(1, 0), search(1, 0, 0), (READ_COUNT, 8))
    assert end.data == count(1, 0, 1, 0, 10)
    *_, end = device.run(seek(1, 1), search(1, 1, 0), (READ_CKD, 40))
    assert end.data == count(1, 1, 1, 0, 10) + b"\2" * 10 + b"\3" * 10
    track = Track.from_bytes(device.tracks[15])
    assert track.records[1].cc == 0x8001


def test_overflow_record_stays_in_its_cylinder() -> None:
    """An overflow record cannot continue behind the last track of its cylinder."""
    device = overflowing(14)
    record = count(1, 14, 1, 0, 10) + bytes(10)
    device.run(ANY_MASK, seek(1, 14), search(1, 14, 0), (WRITE_CKD, record))
    overflow(device, 29)
    *_, end = device.run(seek(1, 0), search(1, 0, 0), search(1, 0, 1), (READ_DATA, 200))
    assert end.status == CHECKED
    assert sensed(device)[0] == END_OF_CYLINDER


def test_overflow_record_without_end() -> None:
    """In a domain, which crosses cylinders, the number of tracks is limited."""
    device = disk()
    for number in range(15, 45):
        cylinder, head = divmod(number, 15)
        record = count(cylinder, head, 1, 0, 10) + bytes(10)
        place = (seek(cylinder, head), search(cylinder, head, 0))
        device.run(ANY_MASK, *place, (WRITE_CKD, record))
        overflow(device, number)
    *_, end = device.run(WHOLE_VOLUME, locate(0x06, 1, cchh(1, 0), 1), (READ_DATA, 500))
    assert end.status == CHECKED
    assert sensed(device)[0] == INVALID_TRACK_FORMAT


def test_write_key_and_data() -> None:
    """Key and data are replaced together, and padded."""
    device = disk()
    *_, end = device.run(
        ANY_MASK,
        seek(*KEYED),
        search(1, 1, 0),
        search(1, 1, 1),
        (WRITE_KEY_DATA, b"newkey00data"),
    )
    assert (end.status, end.transferred, end.length) == (NORMAL, 12, 88)
    record = Track.from_bytes(device.tracks[16]).records[1]
    assert (record.key, record.data) == (b"newkey00", b"data".ljust(80, b"\0"))


def test_erase() -> None:
    """ERASE removes everything behind the record that was found."""
    device = disk()
    *_, end = device.run(
        ANY_MASK, seek(*KEYED), search(1, 1, 0), search(1, 1, 1), (ERASE, bytes(8))
    )
    assert end.status == NORMAL
    assert [one.r for one in Track.from_bytes(device.tracks[16]).records] == [0, 1]


@pytest.mark.parametrize(
    ("mask", "update", "formats", "r0", "home_address"),
    [
        (0x00, True, True, False, False),
        (0x40, False, False, False, False),
        (0x80, True, False, False, False),
        (0xC0, True, True, True, True),
    ],
)
def test_write_control(
    mask: int, *, update: bool, formats: bool, r0: bool, home_address: bool
) -> None:
    """The file mask limits the writes, as in the table of `_writes.py`."""
    record = count(1, 0, 1, 0, 4096) + bytes(4096)
    for allowed, chain in (
        (update, [search(1, 0, 0), search(1, 0, 1), (WRITE_DATA, bytes(4096))]),
        (formats, [search(1, 0, 0), (WRITE_CKD, record)]),
        (formats, [search(1, 0, 0), search(1, 0, 1), (ERASE, bytes(8))]),
        (
            r0,
            [
                (SEARCH_HOME_ADDRESS, cchh(1, 0)),
                (WRITE_R0, count(1, 0, 0, 0, 8) + bytes(8)),
            ],
        ),
        (home_address, [(WRITE_HOME_ADDRESS, b"\0" + cchh(1, 0))]),
    ):
        device = disk()
        before = dict(device.tracks)
        *_, end = device.run((SET_FILE_MASK, bytes([mask])), seek(1, 0), *chain)
        assert end.status == (NORMAL if allowed else CHECKED)
        if not allowed:
            assert device.tracks == before
            protected = chain[-1][0] == WRITE_HOME_ADDRESS
            rejected = (COMMAND_REJECT, INVALID_SEQUENCE)
            assert sensed(device) == ((FILE_PROTECTED, 0) if protected else rejected)


@pytest.mark.parametrize("code", [WRITE_CKD, ERASE, WRITE_R0, WRITE_DATA])
def test_writes_need_their_place(code: int) -> None:
    """A write is rejected unless its place has just been found."""
    device = disk()
    before = dict(device.tracks)
    *_, end = device.run(ANY_MASK, seek(1, 0), (READ_COUNT, 8), (code, bytes(16)))
    assert end.status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert device.tracks == before


def test_record_without_a_count_area() -> None:
    """A record shorter than its count area is rejected."""
    device = disk()
    *_, end = device.run(ANY_MASK, seek(1, 0), search(1, 0, 0), (WRITE_CKD, bytes(7)))
    assert end.status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, COUNT_TOO_SMALL)


def test_record_beyond_the_track() -> None:
    """A record that does not fit is an invalid track format; nothing is written."""
    device = disk()
    before = dict(device.tracks)
    record = count(1, 0, 1, 0, 56832) + bytes(100)
    *_, end = device.run(ANY_MASK, seek(1, 0), search(1, 0, 0), (WRITE_CKD, record))
    assert end.status == CHECKED
    assert sensed(device) == (INVALID_TRACK_FORMAT, 0)
    assert device.tracks == before


def test_read_key_and_data_of_an_empty_record() -> None:
    """A record without data gives its key alone, and unit exception."""
    device = disk()
    *_, end = device.run(
        WHOLE_VOLUME, locate(0x06, 1, cchh(1, 2), 3), (READ_KEY_DATA, 100)
    )
    assert (end.status, end.data) == (END_OF_FILE, b"")


def test_read_multiple() -> None:
    """All records up to the end of the track are read with one command."""
    device = disk()
    *_, end = device.run(seek(*KEYED), (READ_MULTIPLE_CKD, 0xFFFF))
    track = Track.from_bytes(device.tracks[16])
    assert end.data == b"".join(one.to_bytes() for one in track.records[1:])


def test_read_tracks_of_the_next_cylinder_wait_for_the_extent() -> None:
    """The next track of a domain has to be in the extent."""
    device = disk()
    narrow = (DEFINE_EXTENT, WHOLE_VOLUME[1][:8] + cchh(1, 1) + cchh(1, 1))
    *_, end = device.run(
        narrow,
        locate(0x0C, 2, cchh(1, 1), 0),
        (READ_TRACK, 0xFFFF),
        (READ_TRACK, 0xFFFF),
    )
    assert end.status == CHECKED
    assert sensed(device) == (FILE_PROTECTED, 0)


def test_read_ckd_multitrack() -> None:
    """At the end of the track the multitrack form continues on the next one."""
    device = disk()
    code = READ_CKD | MULTITRACK
    ends = device.run(seek(*KEYED), *[(code, 200)] * 6)
    assert ends[-1].data[:5] == cchh(1, 2) + b"\1"


@pytest.mark.parametrize("sector", [0, 0xDF, 0xFF])
def test_set_sector(sector: int) -> None:
    """SET SECTOR accepts a sector of the track, or none."""
    assert disk().run(seek(1, 0), (SET_SECTOR, bytes([sector])))[-1].status == NORMAL


def test_set_sector_beyond_the_track() -> None:
    """A sector above 223 is rejected, and so is one before a seek."""
    device = disk()
    assert device.run(seek(1, 0), (SET_SECTOR, b"\xe0"))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)
    assert device.run((SET_SECTOR, b"\0"))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


@pytest.mark.parametrize("code", [RESERVE, STEAL])
def test_reserve_comes_first(code: int) -> None:
    """RESERVE reads sense data, and has to come first in a chain, or after 5B."""
    device = disk()
    (end,) = device.run((code, 32))
    assert (end.status, len(end.data)) == (NORMAL, 32)
    assert device.run((SUSPEND_RECONNECTION, 1), (code, 32))[-1].status == NORMAL
    assert device.run(seek(1, 0), (code, 32))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_path_group_outlives_the_chain_and_clear() -> None:
    """The path group identifier stays until another one is set."""
    device = disk()
    device.run((SET_PATH_GROUP, bytes(range(12))))
    device.run((0xFF, 1))
    device.state = device.model.reset(device.state)
    (end,) = device.run((SENSE_PATH_GROUP, 12))
    assert end.data == bytes(range(12))


def test_subsystem_data_are_prepared_in_the_same_chain() -> None:
    """Prepared data are forgotten at the end of the chain."""
    device = disk()
    order = (PERFORM_FUNCTION, b"\x18" + bytes(11))
    assert device.run(order, (READ_SUBSYSTEM_DATA, 16))[-1].status == NORMAL
    assert device.run((READ_SUBSYSTEM_DATA, 16))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert device.run((PERFORM_FUNCTION, b"\x77" + bytes(11)))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)


def test_search_id_after_a_record_was_written() -> None:
    """Record by record a track can be searched and written in one chain."""
    device = disk()
    *_, end = device.run(
        ANY_MASK,
        seek(*KEYED),
        search(1, 1, 0),
        (WRITE_CKD, count(1, 1, 1, 0, 4) + b"only"),
        (SEARCH_ID, cchh(1, 1) + b"\1"),
    )
    assert end.status == NORMAL, "the record has passed already"
