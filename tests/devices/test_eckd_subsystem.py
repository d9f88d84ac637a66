"""Linux' requests to the control unit when it sets a disk online, and the answers.

Requests as Linux 6.1 sent them, for device 0.0.0190. The layouts of the answers are
those of the structures named in each test, in drivers/s390/block/dasd_eckd.h.
"""

import struct

import pytest

from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.errors import UnknownControlUnitError
from tests.devices import golden
from tests.devices.chain_runner import Disk
from tests.devices.test_eckd import (
    CHECKED,
    COMMAND_REJECT,
    COUNT_TOO_SMALL,
    INVALID_ARGUMENT,
    INVALID_COMMAND,
    INVALID_SEQUENCE,
    NORMAL,
    disk,
    sensed,
)

PERFORM_FUNCTION, READ_SUBSYSTEM_DATA, SENSE_STATUS = 0x27, 0x3E, 0x54
READ_CHARACTERISTICS, SENSE_ID, READ_CONFIGURATION = 0x64, 0xE4, 0xFA
SET_PATH_GROUP, RESERVE, RELEASE = 0xAF, 0xB4, 0x94

DEVNO = 0x0190
CHARACTERISTICS = bytes.fromhex("1d00 00000000c888").ljust(66, b"\0")
FEATURES = bytes.fromhex("180000000000410000000000")
UNIT_ADDRESSES = bytes.fromhex("1800000000000e0000000000")
MESSAGES = bytes.fromhex("180000000000030000000000")
HOST_ACCESS = bytes.fromhex("1800000001901c0000000000")
VOLUME_STORAGE = bytes.fromhex("180000000190520000000000")
CONFIGURATION = bytes.fromhex("180000000000530000000000")
UNITS = ("3990-2", "3990-6", "2107")


def behind(control_unit: str) -> Disk:
    """Return a 3390 behind a control unit."""
    return disk(devno=DEVNO, control_unit=control_unit)


def read(of: Disk, order: bytes, size: int = 4096) -> bytes:
    """Return the data that an order prepares."""
    prepared, end = of.run((PERFORM_FUNCTION, order), (READ_SUBSYSTEM_DATA, size))
    assert (prepared.status, prepared.transferred) == (NORMAL, len(order))
    assert (end.status, end.length) == (NORMAL, end.transferred)
    return end.data


@pytest.mark.parametrize("unit", UNITS)
def test_subsystem_characteristics_are_taken(unit: str) -> None:
    """PSF order 1D takes 66 bytes, and prepares no data (dasd_psf_ssc_data)."""
    device = behind(unit)
    (end,) = device.run((PERFORM_FUNCTION, CHARACTERISTICS))
    assert (end.status, end.transferred, end.length) == (NORMAL, 66, 66)
    assert device.run((READ_SUBSYSTEM_DATA, 16))[0].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_SEQUENCE)


@pytest.mark.parametrize(
    ("order", "message", "taken"),
    [
        (CHARACTERISTICS[:65], COUNT_TOO_SMALL, 0),
        (b"\x1d\xc0" + CHARACTERISTICS[2:], INVALID_ARGUMENT, 66),
        (b"\x1d", COUNT_TOO_SMALL, 0),
        (FEATURES[:11], COUNT_TOO_SMALL, 0),
        (b"\x18\1" + FEATURES[2:], INVALID_ARGUMENT, 12),
        (b"\x18\0\1" + FEATURES[3:], INVALID_ARGUMENT, 12),
        (b"\x18\0\0\0\1" + FEATURES[5:], INVALID_ARGUMENT, 12),
        (b"\x1e".ljust(12, b"\0"), INVALID_ARGUMENT, 2),
        (b"\x12".ljust(12, b"\0"), INVALID_ARGUMENT, 5),
        (b"\x11".ljust(12, b"\0"), INVALID_ARGUMENT, 12),
        (b"\xb0\2".ljust(12, b"\0"), INVALID_ARGUMENT, 4),
    ],
)
def test_bad_orders(order: bytes, message: int, taken: int) -> None:
    """Orders are rejected once all of their bytes are taken; of short ones none is."""
    device = behind("2107")
    (end,) = device.run((PERFORM_FUNCTION, order))
    assert (end.status, end.transferred) == (CHECKED, taken)
    assert sensed(device) == (COMMAND_REJECT, message)


@pytest.mark.parametrize("flags", [0, 1])
def test_interface_identifier(flags: int) -> None:
    """PSF order B0 prepares a node descriptor record, as on a live Hercules 3.13."""
    data = read(behind("3990-2"), bytes((0xB0, flags, 0, 0)))
    name = data[4:30].decode("cp037")
    assert (len(data), name) == (96, "003990   HRCZZ000000000001")
    assert data[40:56].hex() == "41010000410100014101001041010011"


def test_special_intercept_condition_is_taken() -> None:
    """PSF order 1B takes 2 bytes, as on Hercules 3.13 (vector m-psf-order-1b)."""
    (end,) = behind("3990-2").run((PERFORM_FUNCTION, b"\x1b".ljust(12, b"\0")))
    assert (end.status, end.transferred) == (NORMAL, 2)


@pytest.mark.parametrize("unit", ["3990-6", "2107"])
def test_every_unit_address_is_a_base_device(unit: str) -> None:
    """The answer is 256 times UA_BASE_DEVICE, so Linux looks for no aliases."""
    assert read(behind(unit), UNIT_ADDRESSES) == b"\1\0" * 256


def test_unit_addresses_of_a_3990_2() -> None:
    """512 zeros, as on Hercules 3.13 (j-lnx-psf-hostaccess-0e, k-rssd-uac)."""
    assert read(behind("3990-2"), UNIT_ADDRESSES) == bytes(512)


@pytest.mark.parametrize(
    ("unit", "features"),
    [("3990-2", {}), ("3990-6", {}), ("2107", {8: 0x01, 9: 0x20, 12: 0x40, 14: 0x80})],
)
def test_features(unit: str, features: dict[int, int]) -> None:
    """Linux tests them for PREFIX, the data of tracks and query host access."""
    data = read(behind(unit), FEATURES)
    assert len(data) == 256
    assert {byte: bits for byte, bits in enumerate(data) if bits} == features


def test_no_volume_has_a_copy() -> None:
    """Linux 7 asks, and takes an answer without entries (dasd_pprc_data_sc4)."""
    order = bytes.fromhex("180000000000500000000000")
    assert read(behind("2107"), order, size=648) == b"\0\0\0\x80".ljust(648, b"\0")


@pytest.mark.parametrize(("unit", "status"), [("2107", 0x0C), ("3990-6", 0x0E)])
def test_response_about_a_path(unit: str, status: int) -> None:
    """Only a 2107 takes it: it never asks to vary a path, and does nothing."""
    (end,) = behind(unit).run((0x27, b"\x1a".ljust(22, b"\0")))
    assert end.status == status


@pytest.mark.parametrize("unit", UNITS)
def test_there_is_no_message(unit: str) -> None:
    """Nine bytes of format 0 (dasd_rssd_messages), with the identifier of the order."""
    assert read(behind(unit), MESSAGES) == bytes.fromhex("000900000000000000")
    asked = MESSAGES[:8] + b"abcd"
    assert read(behind(unit), asked)[4:8] == b"abcd"


def test_volume_storage() -> None:
    """A standard volume has all its cylinders, of extent pool 0 (dasd_rssd_vsq)."""
    device = behind("2107")
    info, pool, cylinders = struct.unpack(
        ">BxH4x20s", read(device, VOLUME_STORAGE, size=28)
    )
    assert (info, pool) == (0, 0)
    expected = golden.volume("ckd3390").cylinders
    assert struct.unpack(">5I", cylinders) == (expected,) * 5


def test_extent_pool() -> None:
    """One pool of standard volumes, extents of 1113 cylinders (dasd_rssd_lcq)."""
    data = read(behind("2107"), CONFIGURATION, size=3616)
    length, pools, flags = struct.unpack_from(">HHH", data)
    assert (length, pools, flags) == (len(data), 1, 0x8000)
    assert data[6:25].decode("cp037") == "0021079000000000001"
    pool, _, kinds, size, _ = struct.unpack_from(">HHHBB", data, 32)
    assert (pool, kinds, size) == (0, 0x1800, 0x40)


def hosts(device: Disk) -> list[tuple[int, bytes]]:
    """Return flags and path group of each host that accesses the disk."""
    data = read(device, HOST_ACCESS, size=16410)
    _, _, length, _ = struct.unpack_from(">BBHH10x", data)
    assert len(data) == 16 + length
    _, entry, count = struct.unpack_from(">BBH", data, 16)
    found = [data[20 + at * entry :][:entry] for at in range(count)]
    assert all(one[12:20].decode("cp037") == " " * 8 for one in found)
    return [(one[0], one[1:12]) for one in found]


def test_host_access() -> None:
    """Linux counts hosts by flag 10, lsdasd shows 40 as online and 20 as reserved.

    The layout is dasd_psf_query_host_access with dasd_ckd_host_information.
    """
    device, identifier = behind("2107"), b"ourselves.."
    assert hosts(device) == []
    device.run((RESERVE, 32))
    assert hosts(device) == [(0x20, bytes(11))]
    device.run((SET_PATH_GROUP, b"\x80" + identifier))
    assert hosts(device) == [(0x70, identifier)]
    device.run((RELEASE, 32))
    assert hosts(device) == [(0x50, identifier)]
    device.run((SET_PATH_GROUP, b"\xa0" + identifier))
    assert hosts(device) == [(0, identifier)]


@pytest.mark.parametrize("order", [HOST_ACCESS, VOLUME_STORAGE])
def test_a_volume_knows_itself_only(order: bytes) -> None:
    """Bytes 4 and 5 name the volume: another volume is an invalid argument."""
    device = behind("2107")
    other = order[:5] + b"\x91" + order[6:]
    assert device.run((PERFORM_FUNCTION, other))[0].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)


@pytest.mark.parametrize("unit", ["3990-2", "3990-6"])
@pytest.mark.parametrize("order", [HOST_ACCESS, VOLUME_STORAGE, CONFIGURATION])
def test_what_a_3990_does_not_know(unit: str, order: bytes) -> None:
    """It rejects the queries of a 2107, which Linux accepts without a message."""
    device = behind(unit)
    assert device.run((PERFORM_FUNCTION, order))[0].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_ARGUMENT)


@pytest.mark.parametrize(
    ("unit", "start", "facilities", "kind", "cylinders"),
    [
        ("3990-2", "3990c2339002", "d0000000", 0x10, 0),
        ("3990-6", "3990e9339002", "50000000", 0x15, 3),
        ("2107", "2107e8339002", "52000000", 0x1F, 3),
    ],
)
def test_characteristics(
    unit: str, start: str, facilities: str, kind: int, cylinders: int
) -> None:
    """Identity, facilities and number of cylinders (dasd_eckd_characteristics)."""
    device = behind(unit)
    (end,) = device.run((READ_CHARACTERISTICS, 64))
    assert end.data[:10].hex() == start + facilities
    assert end.data[12:16] == bytes((0, 3, 0, 15))
    assert end.data[42] == kind
    assert end.data[60:64] == cylinders.to_bytes(4)
    (end,) = device.run((SENSE_ID, 12))
    assert end.data.hex() == f"ff{start}0040fa0100"


@pytest.mark.parametrize(("unit", "size"), [("3990-2", 40), ("3990-6", 44)])
def test_status(unit: str, size: int) -> None:
    """An enhanced control unit says so, and gives four more bytes."""
    (end,) = behind(unit).run((SENSE_STATUS, 44))
    assert end.data.hex() == f"{size == 44:02x}901f".ljust(76, "0") + "0180".ljust(
        2 * size - 76, "0"
    )


@pytest.mark.parametrize("unit", UNITS)
def test_configuration_data(unit: str) -> None:
    """Linux finds the device by identifier 3 and byte 1, the qualifier by identifier 2.

    With its last two bytes, Linux names the volume in other requests.
    """
    (end,) = behind(unit).run((READ_CONFIGURATION, 256))
    parts = [end.data[at : at + 32] for at in range(0, 256, 32)]
    device = [part for part in parts if part[0] >> 6 == 3 and part[1] == 1]
    assert [part[30:32] for part in device] == [DEVNO.to_bytes(2)]
    qualifier = [part for part in parts if part[0] >> 6 == 2]
    assert [(part[6], part[8:10].hex()) for part in qualifier] == [(30, "0180")]
    unit_types = [part[4:10].decode("cp037") for part in parts if part[0] == 0xD4]
    assert unit_types == [f"  {unit[:4]}"]


@pytest.mark.parametrize("code", [0x4B, 0x95, 0xE7])
def test_a_3990_2_knows_no_newer_commands(code: int) -> None:
    """A 3990-2 rejects them as invalid commands, as Hercules does."""
    device = behind("3990-2")
    assert device.run((code, bytes(64)))[0].status == CHECKED
    assert sensed(device) == (COMMAND_REJECT, INVALID_COMMAND)


@pytest.mark.parametrize(
    ("device_type", "unit", "expected"),
    [
        ("3390", "3990", "expected one of 3990-2, 3990-6, 2107"),
        ("3380", "9343", "expected one of 3880, 3990-2, 3990-6, 2107"),
    ],
)
def test_unknown_control_unit(device_type: str, unit: str, expected: str) -> None:
    """An unknown control unit, or one that the disk cannot be behind, is refused."""
    volume = golden.volume(f"ckd{device_type}")
    configuration = DeviceConfiguration(
        device_type, volume, options=(("control_unit", unit),)
    )
    with pytest.raises(UnknownControlUnitError, match=f"{unit!r}, {expected}$"):
        device_model(configuration)
