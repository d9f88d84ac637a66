"""A fixed-block disk, command by command."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices import (
    BlockGeometry,
    DeviceConfiguration,
    Failure,
    Geometry,
    NeedTrack,
    Outcome,
    device_model,
)
from ccw_actors.devices.fba._model import COMMANDS
from ccw_actors.devices.volume_geometry import BLOCK_SIZE
from ccw_actors.errors import ImageError
from tests.devices.chain_runner import Disk

SENSE, WRITE, READ, LOCATE, DEFINE_EXTENT = 0x04, 0x41, 0x42, 0x43, 0x63
NORMAL, CHECKED = 0x0C, 0x0E
BLOCKS = 21


def block(number: int) -> bytes:
    """Return the content of a block."""
    return bytes([number]) * BLOCK_SIZE


def disk(*, read_only: bool = False, blocks: int = BLOCKS) -> Disk:
    """Return a 3370 whose blocks are filled with their numbers."""
    shape = BlockGeometry("3370", blocks)
    whole = b"".join(map(block, range(blocks)))
    size = shape.per_group * BLOCK_SIZE
    groups = {n: whole[n * size : (n + 1) * size] for n in range(shape.tracks)}
    assert [len(groups[n]) for n in groups] == [shape.size_of(n) for n in groups]
    return Disk(device_model(DeviceConfiguration("3370", shape, read_only)), groups)


def extent(
    first: int, last: int, start: int = 0, mask: int = 0xC0
) -> tuple[int, bytes]:
    """Return a DEFINE EXTENT."""
    words = b"".join(n.to_bytes(4) for n in (start, first, last))
    return DEFINE_EXTENT, bytes([mask, 0, 0, 0]) + words


def locate(
    operation: int, first: int, count: int, replication: int = 0
) -> tuple[int, bytes]:
    """Return a LOCATE."""
    start = bytes([operation, replication]) + count.to_bytes(2)
    return LOCATE, start + first.to_bytes(4)


WHOLE = extent(0, BLOCKS - 1)


def test_read_over_groups() -> None:
    """One read may cross the border of two groups."""
    device = disk()
    *_, end = device.run(WHOLE, locate(6, 5, 14), (READ, 14 * BLOCK_SIZE))
    assert end.data == b"".join(map(block, range(5, 19)))
    assert device.asked == [0, 1, 2]


def test_read_asks_for_no_more_than_it_gives() -> None:
    """A count shorter than the located blocks asks for no group behind it."""
    device = disk()
    *_, end = device.run(WHOLE, locate(6, 5, 14), (READ, BLOCK_SIZE + 1))
    assert end.data == block(5) + block(6)[:1]
    assert (end.transferred, end.length) == (BLOCK_SIZE + 1, 14 * BLOCK_SIZE)
    assert device.asked == [0]


def test_write_leaves_the_rest_of_a_group() -> None:
    """Only the blocks located change; a short count is filled with zeros."""
    device = disk()
    data = b"x" * 600
    *_, end = device.run(WHOLE, locate(1, 7, 2), (WRITE, data))
    assert (end.status, end.transferred, end.length) == (NORMAL, 600, 1024)
    *_, end = device.run(WHOLE, locate(6, 6, 4), (READ, 4 * BLOCK_SIZE))
    assert end.data == block(6) + data.ljust(1024, b"\0") + block(9)


def test_extent_moves_the_data_set() -> None:
    """Block numbers are those of the data set, which starts at any block."""
    device = disk()
    *_, end = device.run(extent(100, 104, start=10), locate(6, 102, 1), (READ, 512))
    assert end.data == block(12)


@pytest.mark.parametrize(
    "chain",
    [
        [extent(0, BLOCKS)],
        [extent(1, 0)],
        [extent(0, BLOCKS - 1, start=1)],
        [extent(0, 1, mask=0x01)],
        [extent(0, 1, mask=0x08)],
        [(DEFINE_EXTENT, bytes.fromhex("40000400") + WHOLE[1][4:])],
        [(DEFINE_EXTENT, WHOLE[1][:15])],
        [WHOLE, WHOLE],
        [locate(6, 0, 1)],
        [extent(3, 5), locate(6, 2, 1)],
        [extent(3, 5), locate(6, 5, 2)],
        [WHOLE, locate(6, 0, 0)],
        [WHOLE, locate(3, 0, 1)],
        [WHOLE, locate(2, 0, 2, replication=3)],
        [WHOLE, locate(2, 0, 1, replication=0)],
        [extent(0, 5, mask=0x40), locate(1, 0, 1)],
        [extent(0, 5, mask=0x40), locate(5, 0, 1)],
        [extent(0, 5, mask=0x00), locate(4, 0, 1)],
        [WHOLE, locate(1, 0, 1), (READ, 512)],
        [WHOLE, locate(6, 0, 1), (WRITE, bytes(512))],
        [WHOLE, (READ, 512)],
        [WHOLE, locate(6, 0, 1), (READ, 512), (READ, 512)],
        [WHOLE, (0x94, 24)],
        [(0x94, 24), (0x14, 24)],
        [(0xFF, 1)],
    ],
)
def test_rejected(chain: list[tuple[int, bytes | int]]) -> None:
    """A bad command is a unit check with command reject, and changes nothing."""
    device = disk()
    before = dict(device.tracks)
    *others, end = device.run(*chain)
    assert all(one.status == NORMAL for one in others)
    assert end.status == CHECKED
    assert device.model.sense(device.state)[:2] == b"\x80\0"
    assert device.tracks == before


@pytest.mark.parametrize("start", ["40000200", "00000200", "40000000", "04000200"])
def test_extent_may_say_how_large_a_block_is(start: str) -> None:
    """Linux says 0200 in bytes 2 and 3 (dasd_fba.c, define_extent); zeros will do."""
    device = disk()
    argument = bytes.fromhex(start) + WHOLE[1][4:]
    *_, end = device.run((DEFINE_EXTENT, argument), locate(6, 3, 1), (READ, 512))
    assert end.status == NORMAL
    assert end.data == device.tracks[0][3 * 512 : 4 * 512]


def test_write_without_data_clears_blocks() -> None:
    """A count of zero writes zeros: a discard of Linux (dasd_fba.c)."""
    device = disk()
    ends = device.run(
        (DEFINE_EXTENT, bytes.fromhex("00000200") + WHOLE[1][4:]),
        locate(5, 3, 2),
        (WRITE, b""),
    )
    assert [end.status for end in ends] == [NORMAL] * 3
    assert device.run(WHOLE, locate(6, 3, 2), (READ, 1024))[-1].data == bytes(1024)
    assert device.run(WHOLE, locate(6, 5, 1), (READ, 512))[-1].data != bytes(512)


def test_groups_that_are_replaced_are_not_asked_for() -> None:
    """Only the first and the last group are, if they keep some of their blocks."""
    device = disk()
    before = dict(device.tracks)
    device.run(WHOLE, locate(5, 3, 15), (WRITE, b"\xaa" * (15 * 512)))
    assert sorted(set(device.asked)) == [0, 2]
    whole = b"".join(before[number] for number in sorted(before))
    expected = whole[: 3 * 512] + b"\xaa" * (15 * 512) + whole[18 * 512 :]
    after = b"".join(device.tracks[number] for number in sorted(device.tracks))
    assert after == expected
    device.asked.clear()
    device.run(WHOLE, locate(5, 0, BLOCKS), (WRITE, b""))
    assert not device.asked
    assert not any(b"".join(device.tracks.values()))
    assert {n: len(one) for n, one in device.tracks.items()} == {
        n: len(one) for n, one in before.items()
    }


def test_a_lock_is_stolen_with_a_release_chained() -> None:
    """Linux chains RELEASE to UNCONDITIONAL RESERVE (device_pgid.c, stlck_build_cp)."""
    ends = disk().run((0x14, 32), (0x94, 32))
    assert [end.status for end in ends] == [NORMAL, NORMAL]
    assert [end.transferred for end in ends] == [24, 24]


def test_sense_is_read_once() -> None:
    """SENSE transfers 24 bytes, of which the first has the condition, and clears it."""
    device = disk()
    device.run((0xFF, 1))
    (first,) = device.run((SENSE, 32))
    (second,) = device.run((SENSE, 32))
    assert (first.data[0], len(first.data)) == (0x80, 24)
    assert second.data == bytes(24)


def test_read_only() -> None:
    """A write to a read-only disk is rejected."""
    device = disk(read_only=True)
    *_, end = device.run(WHOLE, locate(1, 0, 1), (WRITE, bytes(512)))
    assert end.status == CHECKED
    assert device.tracks[0][:512] == block(0)


@pytest.mark.parametrize(
    ("failure", "condition"), [(Failure.EQUIPMENT, 0x10), (Failure.INTERVENTION, 0x40)]
)
def test_blocks_that_cannot_be_had(failure: Failure, condition: int) -> None:
    """A group that cannot be read or written is a unit check, with its reason."""
    device = disk()
    outcome: Outcome[Any] = device.model.failed(
        device.state, DeviceCommand(READ, 512, chained=True), failure
    )
    assert outcome.end == CommandEnd(CHECKED)
    assert device.model.sense(outcome.state)[0] == condition


def test_halt_and_clear() -> None:
    """Both end the chain, and leave the sense data."""
    device = disk()
    device.run(WHOLE, locate(6, 0, 1), (0xFF, 1))
    halted = device.model.halted(device.state)
    assert device.model.sense(halted)[0] == 0x80
    assert device.model.sense(device.model.reset(halted))[0] == 0x80
    device.run(WHOLE, locate(6, 0, 1))
    assert device.model.halted(device.state).chain == device.model.initial().chain


def test_volume_that_does_not_fit() -> None:
    """A disk of blocks needs a volume of blocks, and of its type."""
    for shape in (None, Geometry("3390", 1, 15, 56832), BlockGeometry("0671", 10)):
        with pytest.raises(ImageError):
            device_model(DeviceConfiguration("3370", shape))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*COMMANDS, 0x05, 0xFF]),
            st.sampled_from([WHOLE[1], locate(6, 3, 2)[1], locate(1, 0, 5)[1]])
            | st.binary(max_size=40),
            st.integers(0, 5000),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_no_command_goes_wrong(
    sequence: list[tuple[int, bytes, int, bool]],
) -> None:
    """No exception; ends, data and writes are consistent with the command."""
    device = disk(blocks=9)
    for code, argument, more, chained in sequence:
        data = argument if code & 1 else b""
        count = len(data) + more if code & 1 else more
        end = device.execute(DeviceCommand(code, count, data, chained))
        assert end.status in {NORMAL, CHECKED}
        assert end.transferred <= count
        assert len(end.data) in {0, end.transferred}
        assert sorted(map(len, device.tracks.values())) == [512, 4096]


def test_group_is_asked_for_before_anything_happens() -> None:
    """Without its group a command changes nothing and names it."""
    device = disk()
    device.run(WHOLE, locate(6, 9, 1))
    command = DeviceCommand(READ, 512, chained=True)
    assert device.model.execute(device.state, command, {}) == NeedTrack(1)
