"""The I/O-interruption code and the interruption subclasses.

Source: PoP, "I/O-Interruption Code", "TEST PENDING INTERRUPTION"; control register 6.
"""

import struct
from typing import Final

from msgspec import Struct

from ccw_actors.channel._schid import SubchannelId
from ccw_actors.channel.fields import U32, Flag, expect_length

__all__ = [
    "LOWCORE_CODE",
    "InterruptionCode",
    "ProgramException",
]

LOWCORE_CODE: Final = 0xB8

_LAYOUT = struct.Struct(">III")
_LENGTH: Final = 12
_ISC_SHIFT: Final = 27


class ProgramException:
    """Codes of the program interruptions that I/O instructions and storage cause."""

    ADDRESSING: Final = 0x05
    SPECIFICATION: Final = 0x06
    OPERAND: Final = 0x15


class InterruptionCode(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True
):
    """12 bytes at absolute location B8, big-endian.

    `schid` is the subsystem-identification word, `intparm` the interruption parameter,
    `identification` the interruption-identification word.
    """

    schid: U32
    intparm: U32 = 0
    identification: U32 = 0

    adapter = Flag("identification", 0x8000_0000, "AI: an adapter interruption")

    @classmethod
    def of(cls, schid: SubchannelId, intparm: int, isc: int) -> "InterruptionCode":
        """Return the code of a subchannel's I/O interruption; `isc` is 0 to 7."""
        return cls(schid.to_word(), intparm, isc << _ISC_SHIFT)

    @property
    def isc(self) -> int:
        """Interruption subclass, 0 to 7."""
        return self.identification >> _ISC_SHIFT & 7

    @classmethod
    def from_bytes(cls, raw: bytes) -> "InterruptionCode":
        """Read 12 bytes.

        Raises:
            ChannelDataError: `raw` is not 12 bytes long.
        """
        expect_length("I/O-interruption code", raw, _LENGTH)
        return cls(*_LAYOUT.unpack(raw))

    def to_bytes(self) -> bytes:
        """Return 12 bytes; TEST PENDING INTERRUPTION with an operand stores only 8."""
        return _LAYOUT.pack(self.schid, self.intparm, self.identification)
