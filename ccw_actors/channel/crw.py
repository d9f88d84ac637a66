"""The channel-report word, and the queue of pending ones.

Source: PoP, "Channel-Report Word"; Linux arch/s390/include/asm/crw.h; QEMU
hw/s390x/css.c (css_queue_crw).
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel.fields import U8, U16, Flag, expect_length

__all__ = ["CRW_LENGTH", "Crw", "Erc", "Rsc", "queued"]

CRW_LENGTH: Final = 4
_RSC_SHIFT: Final = 8
_RSC: Final = 0x0F
_ERC: Final = 0x3F


class Rsc:
    """Reporting-source codes."""

    MONITORING: Final = 0x2
    SUBCHANNEL: Final = 0x3
    CHANNEL_PATH: Final = 0x4
    CONFIGURATION_ALERT: Final = 0x9
    CHANNEL_SUBSYSTEM: Final = 0xB


class Erc:
    """Error-recovery codes."""

    EVENT_INFORMATION_PENDING: Final = 0x0
    AVAILABLE: Final = 0x1
    INITIALIZED: Final = 0x2
    TEMPORARY_ERROR: Final = 0x3
    PARAMETERS_INITIALIZED: Final = 0x4
    TERMINAL: Final = 0x5
    NOT_INITIALIZED: Final = 0x6
    ERROR_INITIALIZED: Final = 0x7
    PARAMETERS_MODIFIED: Final = 0x8


class Crw(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Channel-report word, 4 bytes.

    `flags` has the three indicators and the ancillary-report bit, in their places of
    the left halfword. `rsc` and `erc` are the codes of `Rsc` and `Erc`. `rsid` is the
    number of the subchannel or channel path that reports.
    """

    rsc: U8
    erc: U8
    rsid: U16 = 0
    flags: U16 = 0

    solicited = Flag("flags", 0x4000, "S: a program asked for what is reported")
    overflow = Flag("flags", 0x2000, "R: reports after this one were lost")
    chained = Flag("flags", 0x1000, "C: the next word belongs to this report")
    ancillary = Flag("flags", 0x0080, "A: an ancillary report")

    def with_flag(self, flag: Flag) -> "Crw":
        """Return a copy with one of the indicators on."""
        return replace(self, flags=self.flags | flag.mask)

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Crw":
        """Read 4 bytes.

        Raises:
            ChannelDataError: `raw` is not 4 bytes long.
        """
        expect_length("CRW", raw, CRW_LENGTH)
        left, rsid = int.from_bytes(raw[:2]), int.from_bytes(raw[2:])
        codes = _RSC << _RSC_SHIFT | _ERC
        return cls(left >> _RSC_SHIFT & _RSC, left & _ERC, rsid, left & ~codes)

    def to_bytes(self) -> bytes:
        """Return the 4 bytes, big-endian."""
        left = self.flags | self.rsc << _RSC_SHIFT | self.erc
        return left.to_bytes(2) + self.rsid.to_bytes(2)


def queued(pending: tuple[Crw, ...], crw: Crw, limit: int) -> tuple[Crw, ...]:
    """Return the queue after one more report; at most `limit` are pending.

    A report that finds the queue full is lost, and the last one in it has R on.
    """
    if len(pending) < limit:
        return (*pending, crw)
    return (*pending[:-1], pending[-1].with_flag(Crw.overflow))
