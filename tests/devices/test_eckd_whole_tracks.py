"""Whole tracks, and the commands that announce them to newer control units.

Arguments as Linux 6.1 sent them for device 0.0.0190 in raw-track mode and, behind a
2107, always; their track addresses are changed to tracks of this volume. The functions
that build them are in drivers/s390/block/dasd_eckd.c: dasd_eckd_build_cp_raw,
locate_record_ext, prefix_LRE.
"""

import pytest

from ccw_actors.channel.command import DeviceCommand
from ccw_actors.devices import Track
from tests.devices import golden
from tests.devices.chain_runner import Disk
from tests.devices.test_eckd import (
    CHECKED,
    COMMAND_REJECT,
    COUNT_TOO_SMALL,
    FILE_PROTECTED,
    INVALID_ARGUMENT,
    INVALID_COMMAND,
    INVALID_SEQUENCE,
    INVALID_TRACK_FORMAT,
    NORMAL,
    WRITE_INHIBITED,
    cchh,
    disk,
    locate,
    seek,
    sensed,
)

DEFINE_EXTENT, LOCATE_EXTENDED, PREFIX = 0x63, 0x4B, 0xE7
READ_TRACK, WRITE_FULL_TRACK, READ_DATA, READ_COUNT = 0xDE, 0x95, 0x06, 0x12
DEVNO = 0x0190
MOST = 57326
"""The most that Linux reads and writes: the capacity of a 3390 track."""
HOME_ADDRESS, END = 5, b"\xff" * 8

Chain = list[tuple[int, bytes | int]]


def behind(control_unit: str = "2107", *, read_only: bool = False) -> Disk:
    """Return a 3390 behind a control unit."""
    return disk(devno=DEVNO, control_unit=control_unit, read_only=read_only)


def extent(mask: int, first: int, last: int) -> bytes:
    """Return a DEFINE EXTENT for tracks of cylinder 1, as Linux builds it."""
    return bytes((mask, 0xC0, 0, 0, 0, 0, 0, 0x40)) + cchh(1, first) + cchh(1, last)


def reads(first: int, count: int) -> bytes:
    """Announce READ TRACK for tracks of cylinder 1."""
    place = cchh(1, first)
    return b"\x4c\0\0" + bytes((count,)) + place * 2 + b"\0\xff" + bytes(6)


def writes(first: int, count: int, tracks: int | None = None) -> bytes:
    """Announce WRITE FULL TRACK for all tracks of cylinder 1, or for a set."""
    place = cchh(1, first)
    mask = 0xFFFF << (16 - count) & 0xFFFF if tracks is None else tracks
    start = b"\x3f\0\0" + bytes((count,)) + place * 2 + b"\0\xff\0\0"
    return start + bytes.fromhex("00110002") + mask.to_bytes(2)


def prefixed(define: bytes, located: bytes, start: str = "018090000100") -> bytes:
    """Return a PREFIX with both arguments."""
    return bytes.fromhex(start).ljust(12, b"\0") + define.ljust(32, b"\0") + located


def announced(how: str, define: bytes, located: bytes) -> Chain:
    """Announce with two commands, or with one PREFIX."""
    if how == "prefix":
        return [(PREFIX, prefixed(define, located))]
    return [(DEFINE_EXTENT, define), (LOCATE_EXTENDED, located)]


BOTH_WAYS = pytest.mark.parametrize("how", ["prefix", "locate"])


def raw_track(device: Disk, head: int) -> bytes:
    """Return a track of cylinder 1 as READ TRACK gives it: records and end mark."""
    track = Track.from_bytes(device.tracks[15 + head])
    return b"".join(record.to_bytes() for record in track.records) + END


@BOTH_WAYS
def test_tracks_are_read_whole(how: str) -> None:
    """Each READ TRACK gives R0, all records and the end mark of the next track."""
    device = behind()
    start = announced(how, extent(0x40, 3, 5), reads(3, 3))
    ends = device.run(*start, *[(READ_TRACK, MOST)] * 3)
    assert [end.status for end in ends] == [NORMAL] * len(ends)
    for head, end in zip((3, 4, 5), ends[-3:], strict=True):
        assert end.data == raw_track(device, head)
        assert end.length == end.transferred == len(end.data)


def sample(head: int, sizes: tuple[int, ...]) -> bytes:
    """Return a raw track of cylinder 1 with R0 and records of these sizes."""
    made = cchh(1, head) + bytes.fromhex("00000008") + bytes(8)
    for number, size in enumerate(sizes, 1):
        count = cchh(1, head) + bytes((number, 0)) + size.to_bytes(2)
        made += count + bytes((number,)) * size
    return made + END


@BOTH_WAYS
def test_tracks_are_written_whole(how: str) -> None:
    """Bytes behind the end mark are not taken, and the other tracks stay."""
    device = behind()
    before = dict(device.tracks)
    images = {3: sample(3, (4096,) * 12), 4: sample(4, (80, 80)), 5: sample(5, (1,))}
    start = announced(how, extent(0xC0, 3, 5), writes(3, 3))
    given: Chain = [
        (WRITE_FULL_TRACK, image.ljust(MOST, b"?")) for image in images.values()
    ]
    ends = device.run(*start, *given)
    assert [end.status for end in ends] == [NORMAL] * len(ends)
    for end, (head, image) in zip(ends[-3:], images.items(), strict=True):
        assert end.length == end.transferred == len(image)
        assert raw_track(device, head) == image
        home = before[15 + head][:HOME_ADDRESS]
        assert device.tracks[15 + head][:HOME_ADDRESS] == home
        assert len(device.tracks[15 + head]) == len(before[15 + head])
    assert {n for n in before if before[n] != device.tracks[n]} == {18, 19, 20}


def test_what_was_read_can_be_written_back() -> None:
    """A copy of every track leaves the volume byte for byte as it was."""
    device = behind()
    before = dict(device.tracks)
    for head in range(15):
        start = announced("prefix", extent(0x40, head, head), reads(head, 1))
        data = device.run(*start, (READ_TRACK, MOST))[-1].data
        start = announced("prefix", extent(0xC0, head, head), writes(head, 1))
        assert device.run(*start, (WRITE_FULL_TRACK, data))[-1].status == NORMAL
        end = HOME_ADDRESS + len(data)
        assert device.tracks[15 + head][:end] == before[15 + head][:end]


def test_track_set_names_the_tracks() -> None:
    """The bits of the extended parameter select the tracks to write: 3, 5 and 6."""
    device = behind()
    before = dict(device.tracks)
    start = announced("locate", extent(0xC0, 3, 6), writes(3, 3, 0xB000))
    given: Chain = [(WRITE_FULL_TRACK, sample(head, (80,))) for head in (3, 5, 6)]
    assert device.run(*start, *given)[-1].status == NORMAL
    assert {n for n in before if before[n] != device.tracks[n]} == {18, 20, 21}
    assert raw_track(device, 6) == sample(6, (80,))


def test_full_track_needs_no_record_to_begin_with() -> None:
    """A corrupt track can be written, and is sound afterwards."""
    device = behind()
    device.tracks[18] = device.tracks[18][:HOME_ADDRESS].ljust(
        len(device.tracks[18]), b"\xee"
    )
    start = announced("prefix", extent(0xC0, 3, 3), writes(3, 1))
    image = sample(3, (512,))
    assert device.run(*start, (WRITE_FULL_TRACK, image))[-1].status == NORMAL
    assert raw_track(device, 3) == image


@pytest.mark.parametrize(
    "image",
    [
        sample(3, (512,))[:-8],
        sample(3, (512,))[:-9] + END,
        sample(3, (512,))[16:],
        END,
        b"",
        sample(3, (19000,) * 3),
    ],
    ids=["no-end", "cut-short", "no-r0", "no-record", "nothing", "too-long"],
)
def test_what_is_no_track_is_not_written(image: bytes) -> None:
    """Bad data are an invalid track format, and the track stays as it was."""
    device = behind()
    before = dict(device.tracks)
    start = announced("prefix", extent(0xC0, 3, 3), writes(3, 1))
    assert device.run(*start, (WRITE_FULL_TRACK, image))[-1].status == CHECKED
    assert sensed(device) == (INVALID_TRACK_FORMAT, 0)
    assert device.tracks == before


@pytest.mark.parametrize("given", [0, 100])
def test_a_track_the_channel_could_not_fetch_is_not_written(given: int) -> None:
    """The channel ends the program with its own check."""
    device = behind()
    before = dict(device.tracks)
    start = announced("prefix", extent(0xC0, 3, 3), writes(3, 1))
    ends = device.run(*start)
    assert ends[-1].status == NORMAL
    command = DeviceCommand(
        WRITE_FULL_TRACK, MOST, sample(3, (80,))[:given], chained=True
    )
    end = device.execute(command)
    assert (end.transferred, end.length) == (given, MOST)
    assert device.tracks == before


@BOTH_WAYS
@pytest.mark.parametrize(
    ("located", "message"),
    [
        (writes(3, 2, 0x8000), INVALID_ARGUMENT),
        (writes(3, 1, 0x4000), INVALID_ARGUMENT),
        (writes(3, 1)[:17] + b"\x12" + writes(3, 1)[18:], INVALID_ARGUMENT),
        (b"\x3f\x80" + writes(3, 1)[2:], INVALID_ARGUMENT),
        (writes(3, 1)[:2] + b"\x06" + writes(3, 1)[3:], INVALID_ARGUMENT),
        (writes(3, 1)[:16] + b"\1" + writes(3, 1)[17:], INVALID_ARGUMENT),
        (writes(3, 1)[:19] + b"\3\x80\0\0", INVALID_ARGUMENT),
        (reads(3, 1)[:17] + b"\x11" + reads(3, 1)[18:], INVALID_ARGUMENT),
        (reads(3, 1)[:19] + b"\2\x80\0", INVALID_ARGUMENT),
        (reads(3, 0), INVALID_ARGUMENT),
        (b"\x4d" + reads(3, 1)[1:], INVALID_ARGUMENT),
        (reads(3, 1)[:19], COUNT_TOO_SMALL),
        (writes(3, 1)[:21], COUNT_TOO_SMALL),
    ],
)
def test_bad_arguments(how: str, located: bytes, message: int) -> None:
    """An argument that contradicts itself or is too short is rejected."""
    device = behind()
    start = announced(how, extent(0xC0, 3, 5), located)
    assert device.run(*start)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, message)


@BOTH_WAYS
@pytest.mark.parametrize("mask", [0x00, 0x40, 0x80])
def test_full_track_needs_the_mask_for_r0(how: str, mask: int) -> None:
    """Only file mask C0 permits to write R0, and so a whole track."""
    device = behind()
    start = announced(how, extent(mask, 3, 3), writes(3, 1))
    assert device.run(*start)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


@BOTH_WAYS
def test_tracks_beyond_the_extent_are_protected(how: str) -> None:
    """The second of two tracks is read or written only if it is in the extent."""
    device = behind()
    before = device.tracks[19]
    start = announced(how, extent(0xC0, 3, 3), writes(3, 2))
    image = sample(3, (80,))
    ends = device.run(*start, *[(WRITE_FULL_TRACK, image)] * 2)
    assert [end.status for end in ends[-2:]] == [NORMAL, CHECKED]
    assert sensed(device) == (FILE_PROTECTED, 0)
    assert device.tracks[19] == before
    start = announced(how, extent(0x40, 3, 3), reads(3, 2))
    assert device.run(*start, *[(READ_TRACK, MOST)] * 2)[-1].status == CHECKED
    assert sensed(device) == (FILE_PROTECTED, 0)


@pytest.mark.parametrize(
    "chain",
    [
        [(LOCATE_EXTENDED, reads(3, 1))],
        [(PREFIX, prefixed(extent(0x40, 3, 3), reads(3, 1), "010090000100"))],
        [(0x1F, b"\0"), (PREFIX, prefixed(extent(0x40, 3, 3), reads(3, 1)))],
        [seek(1, 3), (WRITE_FULL_TRACK, sample(3, ()))],
        [*announced("prefix", extent(0x40, 3, 3), reads(3, 1)), (READ_DATA, 8)],
        [
            *announced("prefix", extent(0xC0, 3, 3), writes(3, 2)),
            (LOCATE_EXTENDED, reads(3, 1)),
        ],
        [
            (DEFINE_EXTENT, extent(0xC0, 3, 3)),
            locate(0x03, 1, cchh(1, 3), 0),
            (WRITE_FULL_TRACK, sample(3, ())),
        ],
    ],
    ids=[
        "no-extent",
        "extent-not-valid",
        "behind-a-file-mask",
        "full-track-without-domain",
        "other-command-in-domain",
        "domain-in-domain",
        "full-track-in-other-domain",
    ],
)
def test_out_of_sequence(chain: Chain) -> None:
    """The last command of each chain is rejected as out of sequence."""
    device = behind()
    before = dict(device.tracks)
    *others, end = device.run(*chain)
    assert all(one.status == NORMAL for one in others)
    assert end.status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert device.tracks == before


def test_prefix_without_location_only_defines_the_extent() -> None:
    """Format 00 is followed by LOCATE RECORD: reads and writes of Linux on a 2107."""
    device = behind()
    start = prefixed(extent(0x40, 1, 1), bytes(20), "008090000100")
    ends = device.run(
        (PREFIX, start), locate(0x06, 1, cchh(1, 1), 1), (READ_DATA, 4096)
    )
    assert [end.status for end in ends] == [NORMAL] * 3
    assert ends[0].transferred == ends[0].length == 64
    record = Track.from_bytes(device.tracks[16]).records[1]
    assert ends[-1].data == record.data
    assert device.run((PREFIX, start), locate(0x06, 1, cchh(1, 2), 1))[-1].status & 2
    assert sensed(device) == (FILE_PROTECTED, 0)


def test_records_are_counted_behind_a_prefix() -> None:
    """The check of dasdfmt on a 2107: PREFIX with an ordinary location, READ COUNT."""
    device = behind()
    located = bytes.fromhex("06000002") + cchh(1, 0) * 2 + bytes(8)
    start = prefixed(extent(0x40, 0, 0), located)
    ends = device.run((PREFIX, start), (READ_COUNT, 8), (READ_COUNT, 8))
    assert [end.status for end in ends] == [NORMAL] * 3
    assert [end.data[:5] for end in ends[1:]] == [
        cchh(1, 0) + b"\1",
        cchh(1, 0) + b"\2",
    ]


@pytest.mark.parametrize(
    "start",
    [
        "028090000100",
        "018190000100",
        "01a091000100",
        "01a090000200",
        "018090000101",
    ],
    ids=["format", "validity", "unit-address", "subsystem", "reserved"],
)
def test_bad_prefixes(start: str) -> None:
    """Unknown formats and bits are rejected, and another device to be verified."""
    device = behind()
    argument = prefixed(extent(0x40, 3, 3), reads(3, 1), start)
    assert device.run((PREFIX, argument))[0].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)


@pytest.mark.parametrize("start", ["018091000200", "01a090000100", "01f090000100"])
def test_prefix_names_the_device(start: str) -> None:
    """The device is checked only with "verify base", and it is this one."""
    argument = prefixed(extent(0x40, 3, 3), reads(3, 1), start)
    assert behind().run((PREFIX, argument))[0].status == NORMAL


def test_prefix_too_short() -> None:
    """PREFIX has 64 bytes, also without a location."""
    device = behind()
    start = prefixed(extent(0x40, 1, 1), bytes(19), "008090000100")
    assert device.run((PREFIX, start))[0].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, COUNT_TOO_SMALL)


def test_a_3990_6_knows_whole_tracks_but_no_prefix() -> None:
    """Behind a 3990-6 Linux uses DEFINE EXTENT and LOCATE RECORD EXTENDED."""
    device = behind("3990-6")
    start = announced("locate", extent(0xC0, 3, 3), writes(3, 1))
    image = sample(3, (80,))
    assert device.run(*start, (WRITE_FULL_TRACK, image))[-1].status == NORMAL
    start = announced("prefix", extent(0xC0, 3, 3), writes(3, 1))
    assert device.run(*start)[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_COMMAND)


def test_read_only_disk_inhibits_full_tracks() -> None:
    """A read-only disk rejects WRITE FULL TRACK like every other write."""
    device = behind(read_only=True)
    start = announced("prefix", extent(0xC0, 3, 3), writes(3, 1))
    assert device.run(*start, (WRITE_FULL_TRACK, sample(3, ())))[-1].status == CHECKED
    assert sensed(device)[0] == COMMAND_REJECT | WRITE_INHIBITED


def test_volume_of_these_tests() -> None:
    """The volume has a cylinder 1 with 15 tracks of a 3390."""
    shape = golden.volume("ckd3390")
    assert shape.cylinders > 1
    assert shape.heads == 15
