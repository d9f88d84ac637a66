"""Where a chain goes on: settled by chains put to a live Hercules 3.13."""

import pytest

from tests.devices.test_eckd import (
    CHECKED,
    COMMAND_REJECT,
    FILE_PROTECTED,
    INVALID_SEQUENCE,
    NO_RECORD_FOUND,
    NORMAL,
    READ_COUNT,
    READ_DATA,
    READ_R0,
    SEARCH_ID,
    SET_FILE_MASK,
    WHOLE_VOLUME,
    cchh,
    disk,
    locate,
    seek,
    sensed,
)
from tests.devices.test_eckd_records import (
    ANY_MASK,
    KEYED,
    READ_CKD,
    READ_HOME_ADDRESS,
    WRITE_HOME_ADDRESS,
    count,
)

MULTITRACK = 0x80
ONE_RECORD = (1, 3)
RECALIBRATE, RESTORE, READ_IPL = 0x13, 0x17, 0x02
FIRST, SECOND = count(*KEYED, 1, 8, 80), count(*KEYED, 2, 8, 80)


@pytest.mark.parametrize("code", [READ_CKD, READ_CKD | MULTITRACK])
def test_all_of_a_record_is_that_of_the_next(code: int) -> None:
    """Also behind a LOCATE RECORD that has found a count area."""
    device = disk()
    chain = WHOLE_VOLUME, locate(0x06, 1, cchh(*KEYED), 1), (code, 96)
    assert device.run(*chain)[-1].data[:8] == SECOND
    at_index = WHOLE_VOLUME, locate(0xD6, 1, cchh(*KEYED), 0), (code, 96)
    assert device.run(*at_index)[-1].data[:8] == FIRST


@pytest.mark.parametrize(
    ("operation", "takes"), [(6, True), (0xD6, True), (0x16, False)]
)
def test_home_address_in_a_domain(operation: int, *, takes: bool) -> None:
    """That of reads of data takes it, that of reads if it began at the index."""
    device = disk()
    record = 0 if operation == 0xD6 else 1
    chain = WHOLE_VOLUME, locate(operation, 1, cchh(*KEYED), record)
    end = device.run(*chain, (READ_HOME_ADDRESS, 5))[-1]
    if takes:
        assert (end.status, end.data) == (NORMAL, b"\0" + cchh(*KEYED))
    else:
        assert end.status == CHECKED
        assert sensed(device)[0] & COMMAND_REJECT


@pytest.mark.parametrize(
    ("operation", "takes"), [(0x16, False), (0x96, False), (0x56, True), (0xD6, True)]
)
def test_record_zero_in_a_domain(operation: int, *, takes: bool) -> None:
    """One of reads takes it if it began at the index, or at the home address."""
    chain = WHOLE_VOLUME, locate(operation, 1, cchh(*KEYED), 1), (READ_R0, 16)
    end = disk().run(*chain)[-1]
    assert (end.status == NORMAL) == takes


def test_end_of_file_in_a_domain_that_is_not_complete() -> None:
    """Only the unit check is shown."""
    device = disk()
    chain = WHOLE_VOLUME, locate(0x06, 2, cchh(1, 2), 3), (READ_DATA, 80)
    assert device.run(*chain)[-1].status == CHECKED


def test_home_address_behind_an_initial_program() -> None:
    """READ IPL begins a domain of reads of data."""
    end = disk().run((READ_IPL, 24), (READ_HOME_ADDRESS, 5))[-1]
    assert (end.status, end.data) == (NORMAL, bytes(5))


def test_home_address_is_written_wherever_the_head_is() -> None:
    """It waits for the begin of the track."""
    write = (WRITE_HOME_ADDRESS, b"\0" + cchh(*KEYED))
    ends = disk().run(ANY_MASK, seek(*KEYED), (READ_COUNT, 8), write, (READ_COUNT, 8))
    assert [end.status for end in ends[2:]] == [NORMAL] * 3
    assert ends[2].data == ends[4].data == FIRST


def test_recalibrate_moves_to_the_first_track() -> None:
    """It needs no seek before it, and a file mask that permits all seeks."""
    device = disk("ckd3380")
    end = device.run(seek(*KEYED), (RECALIBRATE, b"\0"), (READ_HOME_ADDRESS, 5))[-1]
    assert (end.status, end.data) == (NORMAL, bytes(5))
    for mask in (0x08, 0x04):
        chain = (SET_FILE_MASK, bytes([mask])), (RECALIBRATE, b"\0")
        assert device.run(*chain)[-1].status == CHECKED
        assert sensed(device) == (FILE_PROTECTED, 0)


def test_a_3390_lacks_recalibrate() -> None:
    """Every disk has RESTORE, which does nothing."""
    device = disk()
    assert device.run((RECALIBRATE, b"\0"))[-1].status == CHECKED
    end = device.run((RESTORE, b"\0"))[-1]
    assert (end.status, end.transferred) == (NORMAL, 0)


def test_restore_in_a_domain() -> None:
    """No domain takes it."""
    device = disk()
    chain = WHOLE_VOLUME, locate(0x06, 1, cchh(*KEYED), 1), (RESTORE, b"\0")
    assert device.run(*chain)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_search_of_identifiers_after_the_index() -> None:
    """A multitrack one finds nothing once the index has counted; before, it goes on."""
    look = (SEARCH_ID | MULTITRACK, cchh(*ONE_RECORD) + b"\x09")
    device = disk()
    ends = device.run(seek(*ONE_RECORD), (READ_COUNT, 8), look, look)
    assert {end.status for end in ends} == {NORMAL}
    ends = device.run(seek(*ONE_RECORD), (READ_COUNT, 8), (READ_COUNT, 8), look)
    assert ends[-1].status == CHECKED
    assert sensed(device) == (NO_RECORD_FOUND, 0)


def test_a_read_of_several_tracks_counts_the_index() -> None:
    """So the reads behind it see each record once, and then find none."""
    read = (READ_COUNT, 8)
    device = disk()
    alone = device.run(seek(1, 5), *[read] * 40)
    found = [end.data for end in alone if end.status == NORMAL and end.data]
    assert len(found) == 2 * len(set(found))
    behind = device.run(seek(*ONE_RECORD), *[(READ_COUNT | MULTITRACK, 8)] * 2)
    several = (READ_COUNT | MULTITRACK, 8)
    ends = device.run(seek(*ONE_RECORD), several, several, *[read] * 40)[3:]
    seen = [behind[-1].data, *(end.data for end in ends if end.status == NORMAL)]
    assert seen == list(dict.fromkeys(seen))
    assert sensed(device) == (NO_RECORD_FOUND, 0)
