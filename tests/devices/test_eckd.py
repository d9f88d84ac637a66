"""Rules of the disk model that no golden program of Hercules shows alone."""

from typing import Any

import msgspec
import pytest

from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices import (
    DeviceConfiguration,
    Failure,
    NeedTrack,
    Outcome,
    Track,
    device_model,
)
from tests.devices import golden
from tests.devices.chain_runner import Disk

READ_IPL, NO_OPERATION, SENSE, WRITE_DATA, READ_DATA = 0x02, 0x03, 0x04, 0x05, 0x06
SEEK, SEEK_CYLINDER, SEEK_HEAD = 0x07, 0x0B, 0x1B
READ_COUNT, READ_R0, SET_FILE_MASK, SEARCH_ID = 0x12, 0x16, 0x1F, 0x31
LOCATE_RECORD, DEFINE_EXTENT, SENSE_ID = 0x47, 0x63, 0xE4
MULTITRACK = 0x80
NORMAL, MATCHED, CHECKED, END_OF_FILE = 0x0C, 0x4C, 0x0E, 0x0D

COMMAND_REJECT, INTERVENTION_REQUIRED, EQUIPMENT_CHECK = 0x8000, 0x4000, 0x1000
INVALID_TRACK_FORMAT, END_OF_CYLINDER, NO_RECORD_FOUND = 0x0040, 0x0020, 0x0008
FILE_PROTECTED, WRITE_INHIBITED = 0x0004, 0x0002
INVALID_COMMAND, INVALID_SEQUENCE, COUNT_TOO_SMALL, INVALID_ARGUMENT = 1, 2, 3, 4


def disk(
    name: str = "ckd3390",
    *,
    read_only: bool = False,
    devno: int = 0,
    control_unit: str = "",
) -> Disk:
    """Return a disk with a golden volume."""
    shape = golden.volume(name)
    options = (("control_unit", control_unit),) if control_unit else ()
    configuration = DeviceConfiguration(
        shape.device_type, shape, read_only, devno, options
    )
    return Disk(device_model(configuration), dict(golden.tracks(name)))


def cchh(cylinder: int, head: int) -> bytes:
    """Return a track address."""
    return cylinder.to_bytes(2) + head.to_bytes(2)


def seek(cylinder: int, head: int, code: int = SEEK) -> tuple[int, bytes]:
    """Return a seek."""
    return code, bytes(2) + cchh(cylinder, head)


def search(cylinder: int, head: int, record: int) -> tuple[int, bytes]:
    """Return a search for an identifier."""
    return SEARCH_ID, cchh(cylinder, head) + bytes([record])


def extent(
    first: bytes, last: bytes, *, mask: int = 0xC0, block_size: int = 0
) -> tuple[int, bytes]:
    """Return a DEFINE EXTENT."""
    start = bytes([mask, 0xC0]) + block_size.to_bytes(2) + bytes(4)
    return DEFINE_EXTENT, start + first + last


def locate(
    operation: int, count: int, track: bytes, record: int, length: int = 0
) -> tuple[int, bytes]:
    """Return a LOCATE RECORD."""
    start = bytes([operation, 0x80 if length else 0, 0, count])
    identifier = track + bytes([record])
    return LOCATE_RECORD, start + track + identifier + bytes(1) + length.to_bytes(2)


WHOLE_VOLUME = extent(cchh(0, 0), cchh(2, 14))


def sensed(of: Disk) -> tuple[int, int]:
    """Return conditions (sense bytes 0 and 1) and message, and keep them."""
    data = of.model.sense(of.state)
    assert len(data) == 32
    return int.from_bytes(data[:2]), data[7] & 0x0F


@pytest.mark.parametrize("name", golden.IMAGES)
def test_every_record_reads_as_it_was_parsed(name: str) -> None:
    """DEFINE EXTENT, LOCATE RECORD, READ DATA give the records of the image."""
    shape, device = golden.volume(name), disk(name)
    volume_end = cchh(shape.cylinders - 1, shape.heads - 1)
    whole = extent(cchh(0, 0), volume_end)
    for raw in golden.tracks(name).values():
        track = Track.from_bytes(raw)
        for record in track.records[1:]:
            place = cchh(track.cc, track.hh)
            *_, end = device.run(
                whole, locate(0x06, 1, place, record.r), (READ_DATA, 0xFFFF)
            )
            assert end.data == record.data
            assert end.status == (NORMAL if record.data else END_OF_FILE)
            assert end.transferred == end.length == len(record.data)


def test_track_is_asked_for_before_anything_happens() -> None:
    """Without its track a command changes nothing and names the track."""
    device = disk()
    device.run(seek(1, 2))
    command = DeviceCommand(READ_DATA, 100, chained=True)
    answer = device.model.execute(device.state, command, {})
    assert answer == NeedTrack(golden.volume("ckd3390").track_number(1, 2))
    device.asked.clear()
    device.execute(command)
    assert device.asked == [17]


def test_state_is_encodable() -> None:
    """A state in the middle of a domain survives msgpack."""
    device = disk()
    device.run(WHOLE_VOLUME, locate(0x06, 3, cchh(1, 0), 1))
    raw = msgspec.msgpack.encode(device.state)
    decoded = msgspec.msgpack.decode(raw, type=device.model.state_type)
    assert decoded == device.state
    assert decoded.chain.domain.remaining == 3


def test_sense_is_kept_until_it_is_read() -> None:
    """Sense data survive other commands, are read once, and keep their place."""
    device = disk()
    device.run((0xFF, 1))
    device.run((NO_OPERATION, 1))
    device.run((SENSE_ID, 12))
    (first,) = device.run((SENSE, 32))
    (second,) = device.run((SENSE, 32))
    assert (first.data[0], first.data[7]) == (0x80, INVALID_COMMAND)
    assert (second.data[0], second.data[7]) == (0, 0)


def test_chain_forgets_what_the_last_one_set() -> None:
    """Extent, mask and orientation end with the chain; the place does not."""
    device = disk()
    device.run(extent(cchh(1, 0), cchh(1, 0)), seek(1, 0), search(1, 0, 1))
    assert device.run(seek(2, 0))[0].status == NORMAL
    assert device.run((WRITE_DATA, bytes(512)))[0].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert device.run(seek(2, 0), (SEEK_HEAD, seek(0, 0)[1]))[1].status == NORMAL
    assert device.model.sense(device.state)[5:7] == bytes([2, 0])


@pytest.mark.parametrize(
    ("mask", "code", "permitted"),
    [
        (mask, code, mask <= limit)
        for code, limit in ((SEEK, 0x00), (SEEK_CYLINDER, 0x08), (SEEK_HEAD, 0x10))
        for mask in (0x00, 0x08, 0x10, 0x18)
    ],
)
def test_file_mask_limits_seeks(mask: int, code: int, *, permitted: bool) -> None:
    """Each step of the mask forbids one more kind of seek."""
    device = disk()
    chain = (seek(1, 0), (SET_FILE_MASK, bytes([mask])), seek(1, 1, code))
    end = device.run(*chain)[-1]
    assert end.status == (NORMAL if permitted else CHECKED)
    if not permitted:
        assert sensed(device) == (FILE_PROTECTED, 0)
        assert end.transferred == 0


def test_seek_head_stays_on_the_cylinder() -> None:
    """SEEK HEAD ignores the cylinder of its argument."""
    device = disk()
    *_, end = device.run(seek(1, 0), seek(2, 1, SEEK_HEAD), (READ_COUNT, 8))
    assert end.data[:4] == cchh(1, 1)


def test_second_file_mask_is_out_of_sequence() -> None:
    """A chain sets its file mask once, by either command."""
    mask = (SET_FILE_MASK, b"\xc0")
    for chain in ((mask, mask), (WHOLE_VOLUME, mask), (mask, WHOLE_VOLUME)):
        device = disk()
        assert device.run(*chain)[-1].status == CHECKED
        assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_inhibited_head_switching_stops_multitrack() -> None:
    """Under mask 18 a multitrack read does not leave its track."""
    device = disk()
    ends = device.run(
        seek(1, 3),
        (SET_FILE_MASK, b"\x18"),
        (READ_COUNT | MULTITRACK, 8),
        (READ_COUNT | MULTITRACK, 8),
    )
    assert [end.status for end in ends] == [NORMAL, NORMAL, NORMAL, CHECKED]
    assert sensed(device) == (FILE_PROTECTED, 0)


def test_domain_crosses_cylinders() -> None:
    """Within a domain a multitrack read continues in the next cylinder."""
    device = disk()
    *_, end = device.run(
        WHOLE_VOLUME,
        locate(0x06, 2, cchh(1, 14), 12),
        (READ_DATA | MULTITRACK, 4096),
        (READ_DATA | MULTITRACK, 512),
    )
    assert end.status == NORMAL
    first = Track.from_bytes(device.tracks[30]).records[1]
    assert end.data == first.data


def test_work_of_one_command_is_bounded() -> None:
    """A multitrack read over empty tracks ends after a cylinder's worth of them."""
    device = disk("ckd3390raw")
    *_, end = device.run(
        extent(cchh(0, 0), cchh(1, 14)),
        locate(0x46, 1, cchh(0, 0), 0),
        (READ_DATA | MULTITRACK, 512),
    )
    assert end.status == CHECKED
    assert sensed(device) == (NO_RECORD_FOUND, 0)
    assert len(set(device.asked)) <= 16


def test_empty_track_has_no_next_record() -> None:
    """A read ends when the index has passed twice."""
    device = disk("ckd3390raw")
    assert device.run(seek(0, 1), (READ_COUNT, 8))[-1].status == CHECKED
    assert sensed(device) == (NO_RECORD_FOUND, 0)


def test_read_between_searches_restarts_the_index_count() -> None:
    """Only consecutive searches and READ COUNTs exhaust the index points."""
    device = disk()
    turn = [search(1, 2, 99)] * 8
    ends = device.run(seek(1, 2), *turn, (READ_DATA, 100), *turn, (READ_DATA, 100))
    assert {end.status for end in ends} <= {NORMAL, END_OF_FILE}
    ends = device.run(seek(1, 2), *turn, *turn)
    assert ends[-1].status == CHECKED
    assert sensed(device) == (NO_RECORD_FOUND, 0)


def test_update_changes_only_the_record() -> None:
    """A write replaces the data, padded with zeros, and nothing else."""
    device = disk()
    before = Track.from_bytes(device.tracks[16])
    ends = device.run(seek(1, 1), *[search(1, 1, 3)] * 4, (WRITE_DATA, b"new"))
    assert [end.status for end in ends[1:]] == [NORMAL, NORMAL, NORMAL, MATCHED, NORMAL]
    assert (ends[-1].transferred, ends[-1].length) == (3, 80)
    after = Track.from_bytes(device.tracks[16])
    changed = msgspec.structs.replace(before.records[3], data=b"new".ljust(80, b"\0"))
    assert after == msgspec.structs.replace(
        before, records=(*before.records[:3], changed, *before.records[4:])
    )


def test_update_needs_a_match_just_before() -> None:
    """Any command after the search uses up its match."""
    device = disk()
    found = (seek(2, 0), search(2, 0, 0), search(2, 0, 1))
    *_, end = device.run(*found[:2], (NO_OPERATION, 0), (WRITE_DATA, bytes(512)))
    assert end.status == CHECKED
    *_, end = device.run(*found, (WRITE_DATA | MULTITRACK, bytes(512)))
    assert end.status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    *_, first, second = device.run(*found, *[(WRITE_DATA, bytes(512))] * 2)
    assert (first.status, second.status) == (NORMAL, CHECKED)


@pytest.mark.parametrize("given", [b"", b"half of it"])
def test_data_the_channel_could_not_fetch_is_not_written(given: bytes) -> None:
    """With less data than the count promised the disk does nothing at all."""
    device = disk()
    device.run(seek(2, 0), search(2, 0, 0), search(2, 0, 1))
    end = device.execute(DeviceCommand(WRITE_DATA, 512, given, chained=True))
    assert (end.transferred, end.length) == (len(given), 512)
    assert device.tracks == golden.tracks("ckd3390")
    assert sensed(device) == (0, 0)
    end = device.execute(DeviceCommand(SEEK, 6, b"", chained=True))
    assert (end.transferred, end.length) == (0, 6)
    assert sensed(device) == (0, 0)


def test_read_only_disk_inhibits_writes() -> None:
    """A write is rejected as write inhibited; everything else works."""
    device = disk(read_only=True)
    chain = (seek(2, 0), search(2, 0, 0), search(2, 0, 1), (WRITE_DATA, bytes(512)))
    end = device.run(*chain)[-1]
    assert (end.status, end.transferred) == (CHECKED, 0)
    assert sensed(device) == (COMMAND_REJECT | WRITE_INHIBITED, 0)
    assert device.tracks == golden.tracks("ckd3390")
    assert device.run(seek(2, 0), (READ_DATA, 512))[-1].status == NORMAL


def test_corrupt_track_is_an_invalid_track_format() -> None:
    """A corrupt track is a unit check, not an exception."""
    device = disk()
    device.tracks[15] = bytes(5) + b"\1" * 40
    assert device.run(seek(1, 0), (READ_DATA, 4096))[-1].status == CHECKED
    assert sensed(device) == (INVALID_TRACK_FORMAT, 0)


@pytest.mark.parametrize(
    ("failure", "condition"),
    [
        (Failure.EQUIPMENT, EQUIPMENT_CHECK),
        (Failure.INTERVENTION, INTERVENTION_REQUIRED),
    ],
)
def test_track_that_cannot_be_had_is_a_unit_check(
    failure: Failure, condition: int
) -> None:
    """The reason is in the sense data, with the place of the disk."""
    device = disk()
    device.run(seek(1, 2))
    outcome: Outcome[Any] = device.model.failed(
        device.state, DeviceCommand(READ_DATA, 100, chained=True), failure
    )
    assert outcome.end == CommandEnd(CHECKED)
    assert not outcome.writes
    device.state = outcome.state
    assert sensed(device) == (condition, 0)
    assert device.model.sense(device.state)[5:7] == bytes([1, 2])


def test_halt_and_clear_end_the_chain() -> None:
    """Both leave the sense data, and the disk where it is."""
    device = disk()
    device.run(seek(1, 2), (0xFF, 1))
    for step in (device.model.halted, device.model.reset):
        assert step(device.state).sense == device.state.sense
        assert device.model.sense(step(device.state))[5:7] == bytes([1, 2])
    device.run(WHOLE_VOLUME, locate(0x06, 2, cchh(1, 0), 1))
    for state in (device.model.halted(device.state), device.model.reset(device.state)):
        assert state.chain == device.model.initial().chain


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ([(SEEK, b"\0" * 5)], COUNT_TOO_SMALL),
        ([(SET_FILE_MASK, b"")], COUNT_TOO_SMALL),
        ([(DEFINE_EXTENT, WHOLE_VOLUME[1][:15])], COUNT_TOO_SMALL),
        ([WHOLE_VOLUME, (LOCATE_RECORD, bytes(15))], COUNT_TOO_SMALL),
        ([WHOLE_VOLUME, locate(0x00, 1, cchh(0, 0), 0)], INVALID_ARGUMENT),
        (
            [WHOLE_VOLUME, (LOCATE_RECORD, b"\x06\x02\0\1" + bytes(12))],
            INVALID_ARGUMENT,
        ),
        ([(DEFINE_EXTENT, b"\xc0\x00" + WHOLE_VOLUME[1][2:])], INVALID_ARGUMENT),
    ],
)
def test_bad_arguments_are_rejected(
    chain: list[tuple[int, bytes]], message: int
) -> None:
    """A command with a bad argument is rejected, with the message for it."""
    device = disk()
    end = device.run(*chain)[-1]
    assert end.status == CHECKED
    assert end.transferred == end.length == len(chain[-1][1])
    assert sensed(device) == (COMMAND_REJECT, message)


@pytest.mark.parametrize(
    ("cylinders", "model"), [(1113, 0x02), (2226, 0x06), (3339, 0x0A), (10017, 0x0C)]
)
def test_model_byte_follows_the_size(cylinders: int, model: int) -> None:
    """A 3390 model 1, 2, 3 and 9 say so in SENSE ID."""
    shape = msgspec.structs.replace(golden.volume("ckd3390"), cylinders=cylinders)
    device = Disk(device_model(DeviceConfiguration("3390", shape)), {})
    (end,) = device.run((SENSE_ID, 12))
    assert end.data[6] == model


def test_read_ipl_needs_nothing_before_it() -> None:
    """READ IPL reads the first record of the first track, wherever the disk was."""
    device = disk("lnx3390")
    device.run(seek(1, 0))
    (end,) = device.run((READ_IPL, 24))
    assert end.data == Track.from_bytes(device.tracks[0]).records[1].data


def test_read_r0_goes_back_to_the_index() -> None:
    """READ R0 finds R0 of this track, or of the next one if it is multitrack."""
    device = disk()
    *_, end = device.run(seek(1, 2), (READ_COUNT, 8), (READ_R0, 16))
    assert end.data[:5] == cchh(1, 2) + b"\0"
    *_, end = device.run(seek(1, 2), (READ_COUNT, 8), (READ_R0 | MULTITRACK, 16))
    assert end.data[:5] == cchh(1, 3) + b"\0"


@pytest.mark.parametrize(
    "before",
    [[extent(cchh(0, 0), cchh(1, 14))], [(SET_FILE_MASK, b"\0")], [(READ_IPL, 24)]],
)
def test_read_ipl_comes_first(before: list[tuple[int, bytes]]) -> None:
    """It stands for an extent, and neither another one nor a mask may precede it."""
    device = disk()
    *_, end = device.run(*before, (READ_IPL, 24))
    assert end.status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


def test_read_ipl_announces_two_reads() -> None:
    """It is the first of them; NO OPERATION may stand for the second."""
    device = disk("lnx3390")
    again = locate(0x06, 1, cchh(1, 0), 1), (READ_DATA, 4096)
    for second in ((READ_DATA, 4096), (NO_OPERATION, 1)):
        ends = device.run((READ_IPL, 24), second, *again)
        assert [end.status for end in ends] == [NORMAL] * 4
    assert device.run((READ_IPL, 24), seek(1, 0))[-1].status == CHECKED
    assert device.run((READ_IPL, 24), (READ_DATA, 24), seek(1, 0))[-1].status == NORMAL
    refused = extent(cchh(0, 0), cchh(0, 1))
    assert device.run((READ_IPL, 24), (READ_DATA, 24), refused)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


@pytest.mark.parametrize(
    ("block_size", "length", "status"),
    [
        (0, 0, NORMAL),
        (4096, 0, NORMAL),
        (512, 0, CHECKED),
        (0, 512, CHECKED),
        (4096, 4096, NORMAL),
        (4096, 512, CHECKED),
    ],
)
def test_written_records_have_the_announced_length(
    block_size: int, length: int, status: int
) -> None:
    """The length LOCATE RECORD gives counts, else the block size, else the record's."""
    device = disk()
    *_, end = device.run(
        extent(cchh(1, 0), cchh(1, 0), block_size=block_size),
        locate(0x01, 1, cchh(1, 0), 1, length),
        (WRITE_DATA | MULTITRACK, bytes(4096)),
    )
    assert end.status == status
    if status == CHECKED:
        assert sensed(device) == (INVALID_TRACK_FORMAT, 0)


def test_sense_is_out_of_sequence_within_a_domain() -> None:
    """SENSE belongs to no domain."""
    device = disk()
    chain = WHOLE_VOLUME, locate(0x16, 1, cchh(1, 0), 1), (SENSE, 32)
    assert device.run(*chain)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


@pytest.mark.parametrize(("cylinders", "place"), [(4095, "bcad"), (4096, "ffff")])
def test_large_cylinder_numbers_in_sense_data(cylinders: int, place: str) -> None:
    """Byte 6 has the cylinder's upper bits next to the head; bytes 29-30 all bits.

    On a volume with more cylinders than 12 bits can name, bytes 5-6 name none.
    """
    shape = msgspec.structs.replace(golden.volume("ckd3390"), cylinders=cylinders)
    device = Disk(device_model(DeviceConfiguration("3390", shape)), {})
    device.run(seek(0x0ABC, 13), (0xFF, 1))
    data = device.model.sense(device.state)
    assert data[5:7].hex() == place
    assert data[29:32] == bytes([0x0A, 0xBC, 13])


def test_multitrack_outside_of_a_domain_ends_with_the_cylinder() -> None:
    """At the last head a multitrack read ends with end of cylinder."""
    device = disk()
    assert device.run(seek(0, 14), (READ_DATA | MULTITRACK, 8))[-1].status == CHECKED
    assert sensed(device) == (END_OF_CYLINDER, 0)
