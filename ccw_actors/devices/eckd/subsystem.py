"""Commands for the control unit: its description, status and messages.

Contents as Hercules 3.13 shows them (golden vectors of the category cu-commands).
"""

from msgspec.structs import replace

from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd.access import Access
from ccw_actors.devices.eckd.ending import control_end, read_end
from ccw_actors.devices.eckd.sense import Message, rejected

__all__ = [
    "perform_subsystem_function",
    "read_buffered_log",
    "read_configuration_data",
    "read_subsystem_data",
    "sense_subsystem_status",
]

_CONFIGURATION_SIZE = 256
_STATUS_SIZE = 40
_LOG_SIZE = 32
_GROUP = 0x1F
"""Device numbers that differ in these bits only are of one subsystem."""

_PREPARE_FOR_READ = 0x18
_ORDER_SIZE = 12
_SUBSYSTEM_DATA = {0x00: 16, 0x01: 96, 0x41: 256}
"""What can be read afterwards: the suborder, and how many bytes that is."""

_STATISTICS = 0x01
_MAKER = "HRCZZ000000000001".encode("cp037")


def read_configuration_data(access: Access) -> CommandEnd:
    """Say which devices and which control unit there are: 256 bytes."""
    devno, hardware = access.devno, access.hardware
    device, unit = hardware.device_type.hex(), hardware.control_unit.hex()
    base, address = devno & ~_GROUP, devno & 0xFF
    subsystem = (devno & 0xFF) >> 5
    elements = (
        _element("c4010100", device, "002", devno),
        _element("c4000000", device, "002", 0),
        _element("d4020000", unit[:4], f"0{unit[4:].upper()}", 1),
        _element("f0000001", unit[:4], "   ", 0),
    )
    general = b"".join(
        (
            bytes([0x80, 0, 0, subsystem]),
            bytes([0, 0, 0x1E, 0]),
            base.to_bytes(2),
            bytes([0x80, address, address, address, subsystem]),
            bytes([0, 0, 0x80, 0x80, address]),
        )
    )
    data = b"".join(elements).ljust(0xE0, b"\0") + general
    return read_end(access, data.ljust(_CONFIGURATION_SIZE, b"\0"))


def _element(flags: str, kind: str, model: str, tag: int) -> bytes:
    """Return 32 bytes that describe a device or a control unit."""
    name = f"  {kind}{model}".encode("cp037")
    return bytes.fromhex(flags) + name + _MAKER + tag.to_bytes(2)


def sense_subsystem_status(access: Access) -> CommandEnd:
    """Say what the subsystem has: no cache is in use (40 bytes)."""
    base = (access.devno & ~_GROUP).to_bytes(2)
    data = bytes([0, access.devno & 0xFF, 0x1F]).ljust(_STATUS_SIZE - 2, b"\0") + base
    return read_end(access, data)


def read_buffered_log(access: Access) -> CommandEnd:
    """Give the log, in which nothing is, and clear it."""
    return read_end(access, bytes(_LOG_SIZE))


def perform_subsystem_function(access: Access) -> CommandEnd:
    """Prepare data for READ SUBSYSTEM DATA: the one order known here, 12 bytes."""
    argument = access.argument(_ORDER_SIZE)
    order, suborder = argument[0], argument[6]
    if order != _PREPARE_FOR_READ or suborder not in _SUBSYSTEM_DATA:
        raise rejected(Message.INVALID_ARGUMENT)
    access.chain = replace(access.chain, prepared=suborder)
    return control_end(access)


def read_subsystem_data(access: Access) -> CommandEnd:
    """Give what the command before has prepared; nothing is counted here."""
    prepared = access.chain.prepared
    if prepared < 0:
        raise rejected(Message.INVALID_SEQUENCE)
    data = bytearray(_SUBSYSTEM_DATA[prepared])
    if prepared == _STATISTICS:
        data[1] = access.devno & 0xFF
        data[-2:] = (access.devno & ~_GROUP).to_bytes(2)
    return read_end(access, bytes(data))
