"""Commands in a chain: the place they need, the domain they are in, the next track."""

import pytest

from tests.devices.chain_runner import Disk
from tests.devices.test_eckd import (
    CHECKED,
    COMMAND_REJECT,
    END_OF_CYLINDER,
    FILE_PROTECTED,
    INVALID_ARGUMENT,
    INVALID_SEQUENCE,
    LOCATE_RECORD,
    MATCHED,
    NO_OPERATION,
    NO_RECORD_FOUND,
    NORMAL,
    READ_COUNT,
    READ_DATA,
    READ_R0,
    SEARCH_ID,
    WHOLE_VOLUME,
    WRITE_DATA,
    cchh,
    disk,
    extent,
    locate,
    search,
    seek,
    sensed,
)
from tests.devices.test_eckd_records import (
    ANY_MASK,
    ERASE,
    KEYED,
    READ_CKD,
    READ_HOME_ADDRESS,
    READ_KEY_DATA,
    READ_TRACK,
    SEARCH_HOME_ADDRESS,
    SEARCH_ID_EQUAL_HIGH,
    SEARCH_KEY,
    WRITE_CKD,
    WRITE_KEY_DATA,
    count,
    key,
)

READ_SECTOR, MULTITRACK = 0x22, 0x80
INCOMPLETE_DOMAIN = 0x0100
ONE_RECORD, EMPTY = (1, 3), (1, 4)
"""Two tracks: R1 of 56664 bytes, then R0 alone."""
NEEDS_TRACK = (0x06, 0x8E, 0x12, 0x92, 0x96, 0x1A, 0x9E, 0x5E, 0x23, 0xB1, 0x29, 0x39)


@pytest.mark.parametrize(
    "before", [[], [(NO_OPERATION, 1)], [ANY_MASK], [WHOLE_VOLUME]]
)
@pytest.mark.parametrize("code", NEEDS_TRACK)
def test_track_has_to_be_selected(code: int, before: list[tuple[int, bytes]]) -> None:
    """Reads and searches come behind a seek, LOCATE RECORD or READ IPL."""
    command = (code, bytes(1) if code & 1 else 8)
    device = disk()
    assert device.run(*before, command)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert device.run(*before, seek(*KEYED), command)[-1].status != CHECKED


def test_read_track_belongs_into_a_domain() -> None:
    """It needs a LOCATE RECORD that announces it."""
    device = disk()
    assert device.run(seek(*KEYED), (READ_TRACK, 64))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


@pytest.mark.parametrize("code", [READ_HOME_ADDRESS, READ_R0, SEARCH_HOME_ADDRESS])
def test_multitrack_goes_on_even_right_after_a_seek(code: int) -> None:
    """Home address and R0 are those of the next track, up to the end of a cylinder."""
    next_one = cchh(1, 3)
    device = disk()
    command = (code | MULTITRACK, next_one if code & 1 else 16)
    found = device.run(seek(1, 2), command)[-1]
    if code & 1:
        assert found.status == MATCHED
    else:
        assert next_one in found.data[:5]
    assert device.run(seek(1, 14), command)[-1].status == CHECKED
    assert sensed(device) == (END_OF_CYLINDER, 0)


def test_home_address_of_a_domain_is_on_its_track() -> None:
    """The domain says which track is read, whatever the multitrack bit is."""
    device = disk()
    chain = WHOLE_VOLUME, locate(0xD6, 1, cchh(1, 2), 0), (READ_R0 | MULTITRACK, 16)
    assert device.run(*chain)[-1].data[:4] == cchh(1, 2)


@pytest.mark.parametrize("code", [READ_DATA, READ_KEY_DATA, READ_COUNT, READ_CKD])
def test_domain_ends_at_an_empty_track(code: int) -> None:
    """No record is found there; without a domain the search goes on."""
    read = (code | MULTITRACK, 60000)
    device = disk()
    domain = WHOLE_VOLUME, locate(0x06, 2, cchh(*ONE_RECORD), 1)
    ends = device.run(*domain, read, read)
    assert ends[-1].status == CHECKED
    assert sensed(device) == (NO_RECORD_FOUND, 0)
    assert device.model.sense(device.state)[5:7] == bytes(EMPTY)
    legacy = device.run(seek(*ONE_RECORD), read, read)
    assert legacy[-1].status == NORMAL


WRITES = {WRITE_DATA: 80, WRITE_KEY_DATA: 88, ERASE: 8, WRITE_CKD: 96}


@pytest.mark.parametrize(
    ("found", "allowed"),
    [
        ([search(*KEYED, 2)], {WRITE_DATA, WRITE_KEY_DATA, ERASE, WRITE_CKD}),
        ([search(*KEYED, 2), (READ_DATA, 80)], {ERASE, WRITE_CKD}),
        ([search(*KEYED, 2), (READ_KEY_DATA, 88)], {ERASE, WRITE_CKD}),
        ([(SEARCH_KEY, key(1))], {WRITE_DATA, ERASE, WRITE_CKD}),
        ([(SEARCH_KEY, key(1)), (READ_DATA, 80)], {ERASE, WRITE_CKD}),
        ([(SEARCH_KEY, key(1)), (READ_KEY_DATA, 88)], set[int]()),
        ([(SEARCH_KEY, key(1)[:4])], set[int]()),
        ([(SEARCH_ID, search(*KEYED, 2)[1][:4])], set[int]()),
        ([(SEARCH_ID_EQUAL_HIGH, search(*KEYED, 2)[1])], set[int]()),
        ([(READ_COUNT, 8)], set[int]()),
    ],
)
@pytest.mark.parametrize("code", WRITES)
def test_writes_follow_an_equal_search(
    code: int, found: list[tuple[int, bytes | int]], allowed: set[int]
) -> None:
    """A write needs a search that is equal as a whole, and the right orientation."""
    device = disk()
    before = dict(device.tracks)
    data = count(*KEYED, 9, 8, 80).ljust(WRITES[code], b"x")[: WRITES[code]]
    place: list[tuple[int, bytes | int]] = [ANY_MASK, seek(*KEYED)]
    if found[0][0] == SEARCH_ID:
        # The search reaches R2 after R0 and R1; the channel would loop.
        place += [(READ_COUNT, 8)]
    end = device.run(*place, *found, (code, data))[-1]
    if code in allowed:
        assert end.status == NORMAL
        assert device.tracks != before
    else:
        assert end.status == CHECKED
        assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
        assert device.tracks == before


def test_record_is_written_once() -> None:
    """A second update needs another search."""
    device = disk()
    start = ANY_MASK, seek(*KEYED), (READ_COUNT, 8), search(*KEYED, 2)
    ends = device.run(*start, (WRITE_DATA, b"a" * 80), (WRITE_DATA, b"b" * 80))
    assert [end.status for end in ends[-2:]] == [NORMAL, CHECKED]
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert b"b" * 80 not in device.tracks[16]


def chain_in_domain(device: Disk, *commands: tuple[int, bytes | int]) -> int:
    """Run commands in a domain of three reads; return the last one's status."""
    domain = WHOLE_VOLUME, locate(0x06, 3, cchh(1, 0), 1)
    return device.run(*domain, *commands)[-1].status


def test_chain_that_ends_before_its_domain() -> None:
    """Data are moved, and the end is a unit check: incomplete domain."""
    device = disk()
    read = (READ_DATA, 4096)
    assert chain_in_domain(device, read, read) == CHECKED
    assert sensed(device) == (COMMAND_REJECT | INCOMPLETE_DOMAIN, 0)
    assert chain_in_domain(device, read, read, read) == NORMAL
    # It comes before the reason for which the last command is rejected.
    assert chain_in_domain(device, read, (WRITE_DATA, b"x")) == CHECKED
    assert sensed(device) == (COMMAND_REJECT | INCOMPLETE_DOMAIN, 0)
    assert chain_in_domain(device, read, (WRITE_DATA, b"x"), read) == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_write_track() -> None:
    """In a domain 0B the data of R0 are written, then records, or the rest erased."""
    domain = extent(cchh(1, 0), cchh(1, 14)), locate(0x0B, 2, cchh(1, 1), 0)
    device = disk()
    record = count(1, 1, 1, 0, 3) + b"new"
    ends = device.run(*domain, (WRITE_DATA, bytes(8)), (WRITE_CKD, record))
    assert [end.status for end in ends] == [NORMAL] * 4
    read = WHOLE_VOLUME, locate(0x0C, 1, cchh(1, 1), 0), (READ_TRACK, 100)
    assert device.run(*read)[-1].data == record + b"\xff" * 8
    device.run(*domain, (WRITE_DATA, bytes(8)), (ERASE, bytes(8)))
    assert device.run(*read)[-1].data == b"\xff" * 8


def test_read_sector() -> None:
    """There is no rotation: any record is found from sector 0."""
    assert disk().run((READ_SECTOR, 1))[-1].data == b"\0"


@pytest.mark.parametrize(
    "argument",
    [
        extent(cchh(1, 0), cchh(1, 1), block_size=57335)[1],
        bytes.fromhex("c0c00000 80000000 00010000 00010001"),
    ],
)
def test_bad_extents(argument: bytes) -> None:
    """No block is longer than R0 can be, and bytes 4-6 are zero."""
    device = disk()
    good, _ = extent(cchh(1, 0), cchh(1, 1), block_size=57334)
    assert device.run((good, argument))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)


def test_locate_within_a_domain() -> None:
    """Its argument is taken, and it is out of sequence."""
    device = disk()
    _, argument = locate(0x06, 1, cchh(1, 0), 1)
    end = device.run(
        WHOLE_VOLUME, locate(0x06, 2, cchh(1, 0), 1), (LOCATE_RECORD, argument)
    )[-1]
    assert (end.status, end.transferred) == (CHECKED, 16)
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_extent_ends_in_the_middle_of_a_multitrack_read() -> None:
    """The next track is protected when the extent does not have it."""
    device = disk()
    chain = extent(cchh(1, 0), cchh(1, 3)), locate(0x06, 2, cchh(*ONE_RECORD), 1)
    read = (READ_DATA | MULTITRACK, 60000)
    assert device.run(*chain, read, read)[-1].status == CHECKED
    assert sensed(device) == (FILE_PROTECTED, 0)


def located(
    operation: int = 0x06,
    *,
    auxiliary: int = 0,
    count: int = 2,
    sector: int = 0xFF,
    length: int = 0,
    argument: bytes | None = None,
) -> tuple[int, bytes]:
    """Return a LOCATE RECORD for R1 of cylinder 1, head 1."""
    place = cchh(*KEYED)
    found = (place if argument is None else argument) + bytes([1, sector])
    start = bytes([operation, auxiliary, 0, count])
    return LOCATE_RECORD, start + place + found + length.to_bytes(2)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (located(0x46), located(0x41)),
        (located(0x4C), located(0x4B)),
        (located(0x81), located(0x83)),
        (located(0x96), located(0x8B)),
        (located(0xC3), located(0xC6)),
        (located(0xD6), located(0xC0, count=0)),
        (located(0x01, auxiliary=1), located(0x06, auxiliary=1)),
        (located(0x16, auxiliary=1), located(0x16, auxiliary=1, count=1)),
        (located(sector=0xDF), located(sector=0xE0)),
        (located(auxiliary=0x80, length=80), located(length=80)),
        (located(auxiliary=0x80, length=80), located(auxiliary=0x80)),
        (located(auxiliary=0x80, length=80), located(auxiliary=0x80, length=57335)),
    ],
)
def test_arguments_of_locate_record(
    good: tuple[int, bytes], bad: tuple[int, bytes]
) -> None:
    """Orientation, auxiliary byte, sector and length have to fit the operation."""
    device = disk()
    ends = device.run(WHOLE_VOLUME, good, (NO_OPERATION, 1))
    assert ends[1].status == NORMAL
    assert device.run(WHOLE_VOLUME, bad)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)


def test_home_address_is_compared() -> None:
    """Orientation to the home address looks for that of the argument."""
    device = disk()
    other = located(0x46, argument=cchh(1, 2))
    assert device.run(WHOLE_VOLUME, other)[-1].status == CHECKED
    assert sensed(device) == (NO_RECORD_FOUND, 0)


def test_read_count_may_end_a_domain_of_updates() -> None:
    """With the auxiliary bit a READ COUNT is the last command of the domain."""
    write = (WRITE_DATA | MULTITRACK, bytes(80))
    suffixed = located(0x01, auxiliary=0x81, length=80)
    device = disk()
    end = device.run(WHOLE_VOLUME, suffixed, write, (READ_COUNT | MULTITRACK, 8))[-1]
    assert (end.status, end.data) == (NORMAL, count(*KEYED, 2, 8, 80))
    early = device.run(WHOLE_VOLUME, suffixed, (READ_COUNT, 8), write)
    assert early[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_second_extent() -> None:
    """It is a part of the first, and the same otherwise."""
    device = disk()
    first = extent(cchh(1, 0), cchh(1, 5))
    assert device.run(first, extent(cchh(1, 1), cchh(1, 5)))[-1].status == NORMAL
    for other in (
        extent(cchh(1, 1), cchh(1, 6)),
        extent(cchh(1, 1), cchh(1, 5), mask=0x40),
        extent(cchh(1, 1), cchh(1, 5), block_size=80),
    ):
        assert device.run(first, other)[-1].status == CHECKED
        assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert device.run(extent(cchh(1, 0), cchh(2, 15)))[-1].status == CHECKED


@pytest.mark.parametrize("mask", [0x40, 0x80])
def test_file_mask_of_a_domain(mask: int) -> None:
    """The domain is announced all the same; each write checks the mask."""
    device = disk()
    allowed = extent(cchh(1, 0), cchh(1, 14), mask=mask)
    record = count(*KEYED, 2, 0, 80).ljust(88, b"x")
    update = (WRITE_DATA | MULTITRACK, bytes(80))
    wanted = {0x01: update, 0x03: (WRITE_CKD, record)}
    for operation, write in wanted.items():
        ends = device.run(allowed, located(operation, count=1), write)
        permitted = mask == 0x80 and operation == 0x01
        assert ends[1].status == NORMAL
        assert ends[2].status == (NORMAL if permitted else CHECKED)
        if not permitted:
            assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


@pytest.mark.parametrize(
    "chain",
    [
        [WHOLE_VOLUME, locate(0x06, 2, cchh(1, 0), 1), (NO_OPERATION, 1), (0x06, 1)],
        [WHOLE_VOLUME, locate(0x06, 2, cchh(1, 0), 1), (0x5E, 99), (0x06, 1)],
        [seek(1, 0), (0x54, 40)],
        [seek(1, 0), (0xA4, 32)],
        [(NO_OPERATION, 1), (0x5B, 1), (0x54, 40)],
        [(NO_OPERATION, 1), (0x5B, 1), (0xB4, 32)],
        [(0x87, bytes(2))],
        [(0x27, bytes.fromhex("180000000000410000000000")), (NO_OPERATION, 1)],
    ],
    ids=[
        "nop",
        "read-multiple",
        "subsystem-status",
        "log",
        "status-late",
        "reserve-late",
        "subsystem-mode",
        "prepared",
    ],
)
def test_out_of_sequence(chain: list[tuple[int, bytes | int]]) -> None:
    """A command that may not come here is rejected."""
    device = disk()
    assert device.run(*chain)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_nothing_is_behind_the_last_record() -> None:
    """READ MULTIPLE COUNT, KEY AND DATA there reads no bytes."""
    *_, end = disk().run(seek(2, 0), (0x5E, 60000), (0x5E, 60000))
    assert (end.status, end.length) == (NORMAL, 0)
