"""The names of subchannels and devices: subchannel id, device number, bus id.

Source: PoP, "Subsystem-Identification Word"; QEMU target/s390x/ioinst.c.
"""

import re
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from ccw_actors.channel.fields import U8, U16
from ccw_actors.errors import ChannelDataError

__all__ = ["SubchannelId", "bus_id", "parse_device_number"]

_RESERVED: Final = 0x00F0_0000
_M: Final = 0x0008_0000
_ONE: Final = 0x0001_0000
_BUS_ID = re.compile(r"(?:[0-9a-f]{1,2}\.[0-3]\.)?([0-9a-f]{4})", re.IGNORECASE)

Ssid: TypeAlias = Annotated[int, Meta(ge=0, le=3)]


class SubchannelId(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The operand in general register 1: subchannel set, number, channel subsystem.

    With `m` the word gives the channel-subsystem id; without it `cssid` is 0, the
    default channel subsystem. It prints as a bus id: "0.0.0042".
    """

    ssid: Ssid
    number: U16
    cssid: U8 = 0
    m: bool = False

    def __str__(self) -> str:
        """Return cssid, ssid and number as a bus id."""
        return bus_id(self.number, ssid=self.ssid, cssid=self.cssid)

    @staticmethod
    def invalid(word: int) -> str | None:
        """Return why `word` would cause an operand exception, or None."""
        if not word & _ONE:
            return f"subchannel id {word:#010x}: bit 15 must be one"
        if word & _RESERVED:
            return f"subchannel id {word:#010x}: bits 8-11 must be zero"
        if word >> 24 and not word & _M:
            return f"subchannel id {word:#010x}: bits 0-7 must be zero without bit 12"
        return None

    @classmethod
    def from_word(cls, word: int) -> "SubchannelId | None":
        """Read the right half of general register 1; None if `invalid`."""
        if cls.invalid(word):
            return None
        return cls(
            ssid=word >> 17 & 3,
            number=word & 0xFFFF,
            cssid=word >> 24 & 0xFF,
            m=bool(word & _M),
        )

    @classmethod
    def of_index(cls, index: int) -> "SubchannelId":
        """Return the name with that `index`."""
        cssid = index >> 24
        return cls(index >> 16 & 3, index & 0xFFFF, cssid, m=cssid != 0)

    @property
    def index(self) -> int:
        """One number for all three: cssid << 24 | ssid << 16 | number."""
        return self.cssid << 24 | self.ssid << 16 | self.number

    def to_word(self) -> int:
        """Return the 32-bit subsystem-identification word."""
        m = _M if self.m else 0
        return self.cssid << 24 | m | self.ssid << 17 | _ONE | self.number


def bus_id(devno: int, *, ssid: int = 0, cssid: int = 0) -> str:
    """Return a device or subchannel number as Linux prints it: `0.0.0150`."""
    return f"{cssid:x}.{ssid:x}.{devno:04x}"


def parse_device_number(text: str) -> int:
    """Read "0.0.0150" or "0150", four hexadecimal digits, as a device number.

    Raises:
        ChannelDataError: `text` is neither.
    """
    match = _BUS_ID.fullmatch(text)
    if match is None:
        raise ChannelDataError(
            f"device number {text!r}: expected 0.0.0150 or 0150 (hexadecimal)"
        )
    return int(match[1], 16)
