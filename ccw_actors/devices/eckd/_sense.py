"""Sense data of a disk, and the unit checks that set them.

Bytes 0 and 1 have the conditions, byte 7 the format (0) and the message, bytes 5-6 the
cylinder and head. The 32-byte sense of a 3390 has these again in bytes 29-31. Bits
as in Linux arch/s390/include/asm/scsw.h, messages as in drivers/s390/block/
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
    """Return 32 bytes of sense data, of which a 3380 transfers the first 24."""
    data = bytearray(SENSE_LENGTH)
    data[0:2] = conditions.to_bytes(2)
    data[5] = cylinder & 0xFF
    data[6] = cylinder >> 4 & 0xF0 | head & 0x0F
    data[7] = message
    if hardware.sense_size == SENSE_LENGTH:
        data[27] = 0x80
        data[29:31] = cylinder.to_bytes(2)
        data[31] = head
    return bytes(data)
