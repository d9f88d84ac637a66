"""Path groups and reservations, as Linux sets and reads them.

Linux' commands: drivers/s390/cio/device_pgid.c (path groups, steal lock) and
drivers/s390/block/dasd_eckd.c (reserve, release, SNID). Its reading of the data
of SENSE PATH GROUP ID: struct path_state in drivers/s390/cio/css.h, bits 0-1 state (00
reset, 11 grouped), 2-3 reservation (11 to this path), 4 multipath mode.
"""

import pytest

from ccw_actors.devices import DeviceConfiguration, device_model
from tests.devices import golden
from tests.devices.chain_runner import Disk
from tests.devices.test_eckd import (
    CHECKED,
    COMMAND_REJECT,
    INVALID_ARGUMENT,
    INVALID_SEQUENCE,
    NORMAL,
    WHOLE_VOLUME,
    disk,
    seek,
    sensed,
)

SET_PATH_GROUP, SENSE_PATH_GROUP = 0xAF, 0x34
RESERVE, RELEASE, STEAL = 0xB4, 0x94, 0x14
READ_IPL, SENSE = 0x02, 0x04

IDENTIFIER = bytes.fromhex("00ff190208 7672 e1000001")
"""Processor address, identification and model, and the time of day."""
OTHER = bytes.fromhex("00ff190208 7672 e1000002")
SINGLE, MULTIPATH, DISBAND, RESIGN = 0x00, 0x80, 0x20, 0x40


def group(function: int, identifier: bytes = IDENTIFIER) -> tuple[int, bytes]:
    """Return a SET PATH GROUP ID."""
    return SET_PATH_GROUP, bytes((function,)) + identifier


def path(of: Disk) -> tuple[int, bytes]:
    """Return path state and identifier."""
    (end,) = of.run((SENSE_PATH_GROUP, 12))
    assert (end.status, end.transferred, end.length) == (NORMAL, 12, 12)
    return end.data[0], end.data[1:]


def test_path_is_reset_at_first() -> None:
    """The state is zeros, so Linux knows that it may use its own identifier."""
    assert path(disk()) == (0, bytes(11))


def test_multipath_group_is_established() -> None:
    """The state says grouped, in multipath mode, and does not echo the function."""
    device = disk()
    device.run(group(MULTIPATH))
    assert path(device) == (0xC8, IDENTIFIER)
    device.run(group(MULTIPATH))
    assert path(device) == (0xC8, IDENTIFIER)


@pytest.mark.parametrize("mode", [SINGLE, MULTIPATH])
@pytest.mark.parametrize("function", [DISBAND, RESIGN])
def test_leaving_a_group_resets_the_state(function: int, mode: int) -> None:
    """The function is not echoed: 20 and A0 would mean "reserved elsewhere"."""
    device = disk()
    device.run(group(MULTIPATH))
    assert device.run(group(mode | function))[0].status == NORMAL
    assert path(device) == (0, IDENTIFIER)
    device.run(group(MULTIPATH, OTHER))
    assert path(device) == (0xC8, OTHER)


def test_single_path_group_shows_no_state() -> None:
    """The state is zero, as on Hercules 3.13 (golden vector set-path-group-id-af)."""
    device = disk()
    device.run(group(SINGLE))
    assert path(device) == (0, IDENTIFIER)


@pytest.mark.parametrize(
    "argument",
    [
        b"\x60" + IDENTIFIER,
        b"\x81" + IDENTIFIER,
        b"\x80" + bytes(11),
        b"\x80" + OTHER,
        b"\xa0" + OTHER,
    ],
    ids=["function", "reserved", "zeros", "another", "disband-another"],
)
def test_what_is_no_group_is_rejected(argument: bytes) -> None:
    """A bad function, no identifier or another one is rejected; nothing changes."""
    device = disk()
    device.run(group(MULTIPATH))
    assert device.run((SET_PATH_GROUP, argument))[0].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)
    assert path(device) == (0xC8, IDENTIFIER)


@pytest.mark.parametrize("code", [RESERVE, STEAL])
def test_reserved_device_serves_its_own_path(code: int) -> None:
    """The state says reserved to this path; reads and other commands still work."""
    device = disk()
    device.run(group(MULTIPATH))
    (end,) = device.run((code, 32))
    assert (end.status, end.transferred) == (NORMAL, 32)
    assert path(device) == (0xF8, IDENTIFIER)
    assert device.run((READ_IPL, 24))[0].status == NORMAL
    (end,) = device.run((RELEASE, 32))
    assert (end.status, end.transferred) == (NORMAL, 32)
    assert path(device) == (0xC8, IDENTIFIER)


def test_reservation_is_shown_without_a_group() -> None:
    """A path need not be grouped to reserve a device."""
    device = disk()
    device.run((RESERVE, 32))
    assert path(device) == (0x30, bytes(11))


def test_lock_is_stolen_and_released_in_one_program() -> None:
    """After RELEASE chained to UNCONDITIONAL RESERVE (stlck_build_cp) none is left."""
    device = disk()
    device.run((RESERVE, 32))
    ends = device.run((STEAL, 32), (RELEASE, 32))
    assert [(end.status, end.transferred) for end in ends] == [(NORMAL, 32)] * 2
    assert path(device) == (0, bytes(11))


def test_reserve_gives_the_sense_data() -> None:
    """Reserve, release and steal also read sense data as SENSE does, and clear them."""
    device = disk()
    device.run((0xFF, 1))
    (end,) = device.run((RESERVE, 32))
    assert end.data[0] == 0x80
    assert device.run((RELEASE, 32))[0].data[0] == 0


@pytest.mark.parametrize(
    "before",
    [[WHOLE_VOLUME], [(0x1F, b"\0")], [(READ_IPL, 24)]],
    ids=["extent", "file-mask", "ipl"],
)
def test_release_comes_too_late(before: list[tuple[int, bytes | int]]) -> None:
    """RELEASE is rejected behind these commands, and works behind a seek."""
    device = disk()
    device.run((RESERVE, 32))
    assert device.run(*before, (RELEASE, 32))[-1].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)
    assert path(device)[0] == 0x30
    assert device.run(seek(1, 0), (RELEASE, 32))[-1].status == NORMAL
    assert path(device)[0] == 0


def test_path_outlasts_chains_checks_halt_and_clear() -> None:
    """Unit checks and the halt and clear signals leave group and reservation."""
    device = disk()
    device.run(group(MULTIPATH))
    device.run((RESERVE, 32))
    device.run((0xFF, 1))
    device.run((SENSE, 32))
    assert path(device) == (0xF8, IDENTIFIER)
    device.state = device.model.halted(device.state)
    assert path(device) == (0xF8, IDENTIFIER)
    device.state = device.model.reset(device.state)
    assert path(device) == (0xF8, IDENTIFIER)


def test_system_reset_leaves_nothing() -> None:
    """After a system reset the path is as after power on (`DeviceModel.initial`)."""
    device = disk()
    device.run(group(MULTIPATH))
    device.run((RESERVE, 32))
    device.state = device.model.initial()
    assert path(device) == (0, bytes(11))


def test_a_3380_has_path_groups_too() -> None:
    """The 3880, the control unit of a 3380, knows the same commands."""
    configuration = DeviceConfiguration("3380", golden.volume("ckd3380"))
    device = Disk(device_model(configuration), dict(golden.tracks("ckd3380")))
    device.run(group(MULTIPATH))
    ends = device.run((STEAL, 32), (RELEASE, 32))
    assert [(end.status, end.transferred) for end in ends] == [(NORMAL, 24)] * 2
    assert path(device) == (0xC8, IDENTIFIER)
