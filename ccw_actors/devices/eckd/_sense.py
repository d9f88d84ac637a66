"""Sense data of a disk, and the unit checks that set them.

| byte | content | disks |
|---|---|---|
| 0, 1 | conditions | all |
| 2 | 80 and the model | 3340 |
| 3 | state of the drive, and 04 at the end of a cylinder | 2305, 2311, 2314 |
| 4 | the drive, coded from the unit address | 3330, 3340, 3350, 3375, 3380 |
| 5, 6 | cylinder and head | all but 2305, 2311, 2314 |
| 7 | format (0) and message | all with more than 6 bytes |
| 27, 29-31 | 80; cylinder and head | those with 32 bytes: 3390, 9345 |

Bits as in Linux arch/s390/include/asm/scsw.h, messages as in drivers/s390/block/
dasd_3990_erp.c (also for write inhibited, which comes with command reject), layout as
Hercules shows it.
"""

from enum import IntEnum

from ccw_actors.channel.ccw import SENSE_LENGTH
from ccw_actors.devices.eckd._hardware import Hardware

__all__ = [
    "COMMAND_REJECT",
    "END_OF_CYLINDER",
    "EQUIPMENT_CHECK",
    "FILE_PROTECTED",
    "INCOMPLETE_DOMAIN",
    "INTERVENTION_REQUIRED",
    "INVALID_TRACK_FORMAT",
    "NO_RECORD_FOUND",
    "WRITE_INHIBITED",
    "Message",
    "UnitCheckError",
    "rejected",
    "sense_data",
]


COMMAND_REJECT = 0x8000
INTERVENTION_REQUIRED = 0x4000
EQUIPMENT_CHECK = 0x1000
INCOMPLETE_DOMAIN = 0x0100
INVALID_TRACK_FORMAT = 0x0040
END_OF_CYLINDER = 0x0020
NO_RECORD_FOUND = 0x0008
FILE_PROTECTED = 0x0004
WRITE_INHIBITED = 0x0002


_AT_END_OF_CYLINDER = 0x04
_SENSED_CYLINDERS = 4095


class Message(IntEnum):
    """Low half of sense byte 7 in format 0: why a command was rejected."""

    NONE = 0
    INVALID_COMMAND = 1
    INVALID_SEQUENCE = 2
    COUNT_TOO_SMALL = 3
    INVALID_ARGUMENT = 4


class UnitCheckError(Exception):
    """A command ends in unit check; it never leaves the device model.

    `conditions` are sense bytes 0 and 1, byte 0 high.
    """

    def __init__(self, conditions: int, message: Message = Message.NONE) -> None:
        super().__init__(f"unit check, sense {conditions:04x}, message {message}")
        self.conditions = conditions
        self.message = message


def rejected(message: Message) -> UnitCheckError:
    """Return the unit check of a command reject."""
    return UnitCheckError(COMMAND_REJECT, message)


def sense_data(
    hardware: Hardware,
    cylinder: int,
    head: int,
    conditions: int = 0,
    message: Message = Message.NONE,
) -> bytes:
    """Return 32 bytes of sense data; those that the device does not transfer are 0."""
    disk, model, size = hardware.disk, hardware.model, hardware.sense_size
    data = bytearray(SENSE_LENGTH)
    data[0:2] = conditions.to_bytes(2)
    data[2] = disk.features | model.model if disk.features else 0
    if disk.ready:
        ended = bool(conditions & END_OF_CYLINDER)
        data[3] = disk.ready | (_AT_END_OF_CYLINDER if ended else 0)
    data[4] = disk.drive(hardware.address)
    data[5:7] = _place(hardware, cylinder, head)
    data[7] = message
    data[27] = 0x80
    data[29:31] = cylinder.to_bytes(2)
    data[31] = head
    return bytes(data[:size].ljust(SENSE_LENGTH, b"\0"))


def _place(hardware: Hardware, cylinder: int, head: int) -> bytes:
    """Sense bytes 5 and 6; of a volume whose cylinders take more than 12 bits, FFFF."""
    shift = hardware.model.shift
    if shift is None:
        return bytes(2)
    if hardware.geometry.cylinders > _SENSED_CYLINDERS:
        return b"\xff\xff"
    high = cylinder >> 8 << shift
    return bytes((cylinder & 0xFF, (high | head & 0x1F) & 0xFF))
