"""The channel-command word in both formats, and the kinds of command codes.

Source: PoP, "Channel-Command Word"; Linux arch/s390/include/asm/cio.h.
"""

import struct
from typing import Final

from msgspec import Struct

from ccw_actors.channel.fields import U8, U16, U32, Flag, expect_length

__all__ = [
    "CCW_LENGTH",
    "SENSE_ID_LENGTH",
    "SENSE_LENGTH",
    "Ccw",
    "Command",
    "is_input",
    "is_invalid",
    "is_read_backward",
    "is_tic",
]

CCW_LENGTH: Final = 8
SENSE_LENGTH: Final = 32
"""The most bytes that BASIC SENSE transfers."""
SENSE_ID_LENGTH: Final = 256
"""The most bytes that SENSE ID transfers."""

_FORMAT_0 = struct.Struct(">IBxH")
_FORMAT_1 = struct.Struct(">BBHI")
_LOW_NIBBLE = 0x0F
_READ_MASK = 0x03


class Command:
    """Command codes with the same meaning for every device, or almost every one."""

    READ_IPL: Final = 0x02
    NOOP: Final = 0x03
    BASIC_SENSE: Final = 0x04
    TIC: Final = 0x08
    READ_BACKWARD: Final = 0x0C
    STEAL_LOCK: Final = 0x14
    SENSE_PGID: Final = 0x34
    SUSPEND_RECONNECT: Final = 0x5B
    READ_DEVICE_CHARACTERISTICS: Final = 0x64
    RELEASE: Final = 0x94
    SET_PGID: Final = 0xAF
    SENSE_ID: Final = 0xE4


class Ccw(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One channel-command word, independent of its format.

    `address` has 24 significant bits in format 0 and 32 in format 1, where bit 0 must
    be zero for a command that moves data.
    """

    code: U8
    flags: U8 = 0
    count: U16 = 0
    address: U32 = 0

    chain_data = Flag("flags", 0x80, "CD: the next CCW continues this data area")
    chain_command = Flag("flags", 0x40, "CC: the next CCW holds the next command")
    suppress_length = Flag("flags", 0x20, "SLI: no incorrect-length indication")
    skip = Flag("flags", 0x10, "SKIP: input data are not stored")
    program_controlled = Flag("flags", 0x08, "PCI: interruption when fetched")
    indirect = Flag("flags", 0x04, "IDA: address is that of an IDAW list")
    suspend = Flag("flags", 0x02, "S: suspend before this CCW")
    midaw = Flag("flags", 0x01, "MIDA: address is that of a MIDAW list")

    @classmethod
    def from_bytes(cls, raw: bytes, fmt: int) -> "Ccw":
        """Read 8 bytes as a CCW of format 0 or 1.

        Raises:
            ChannelDataError: `raw` is not 8 bytes long.
        """
        expect_length("CCW", raw, CCW_LENGTH)
        if fmt:
            return cls(*_FORMAT_1.unpack(raw))
        word, flags, count = _FORMAT_0.unpack(raw)
        return cls(word >> 24, flags, count, word & 0x00FF_FFFF)

    def to_bytes(self, fmt: int) -> bytes:
        """Return 8 bytes in format 0 or 1; format 0 keeps 24 bits of the address."""
        if fmt:
            return _FORMAT_1.pack(self.code, self.flags, self.count, self.address)
        word = self.code << 24 | self.address & 0x00FF_FFFF
        return _FORMAT_0.pack(word, self.flags, self.count)


def is_tic(code: int, fmt: int) -> bool:
    """Return whether it is transfer in channel: 08 in format 1, any x8 in format 0."""
    return code == Command.TIC or (not fmt and code & _LOW_NIBBLE == Command.TIC)


def is_invalid(code: int, fmt: int) -> bool:
    """Return whether it causes program check: x0, and in format 1 any x8 but 08."""
    low = code & _LOW_NIBBLE
    return low == 0 or (low == Command.TIC and not is_tic(code, fmt))


def is_read_backward(code: int) -> bool:
    """Return whether the command stores its data at descending addresses."""
    return code & _LOW_NIBBLE == Command.READ_BACKWARD


def is_input(code: int) -> bool:
    """Return whether data move to storage: read, read backward, sense.

    All other valid commands (write, control) move data to the device, if any.
    """
    return code & _READ_MASK == Command.READ_IPL or (
        code & _LOW_NIBBLE in (Command.BASIC_SENSE, Command.READ_BACKWARD)
    )
