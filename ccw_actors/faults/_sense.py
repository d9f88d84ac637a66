"""Sense data of faults: by name, or as hexadecimal bytes.

The names are those of the bits of sense bytes 0 to 2 of a count-key-data disk. The bits
of byte 0 mean the same for every device. Source: Linux arch/s390/include/asm/scsw.h
(SNS0 to SNS2), PoP, "Basic Sense".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ccw_actors.channel.ccw import SENSE_LENGTH

__all__ = ["SENSE_NAMES", "is_sense", "sense_over"]

_FORMAT = 7
"""The byte with the format and the message of sense data of a disk."""

SENSE_NAMES: Final[Mapping[str, Mapping[int, int]]] = MappingProxyType(
    {
        "command reject": {0: 0x80},
        "invalid command": {0: 0x80, _FORMAT: 0x01},
        "write inhibited": {0: 0x80, 1: 0x02},
        "intervention required": {0: 0x40},
        "bus-out parity": {0: 0x20},
        "equipment check": {0: 0x10},
        "permanent equipment check": {0: 0x10, 1: 0x80},
        "data check": {0: 0x08},
        "permanent data check": {0: 0x08, 1: 0x80},
        "corrected data check": {0: 0x08, 2: 0x40},
        "overrun": {0: 0x04},
        "invalid track format": {1: 0x40},
        "end of cylinder": {1: 0x20},
        "no record found": {1: 0x08},
        "file protected": {1: 0x04},
        "environmental data present": {2: 0x10},
    }
)
"""The bytes that make each kind of sense data, by their numbers."""


def is_sense(text: str) -> bool:
    """Whether a text is one of the names, or 1 to 32 bytes in hexadecimal."""
    return text in SENSE_NAMES or 0 < len(_bytes(text)) <= SENSE_LENGTH


def sense_over(text: str, usual: bytes) -> bytes:
    """Return sense data as `text` says, with the bytes of `usual` where it says none.

    `usual` is what the device would show without a fault: the place of the access
    mechanism, and the format. Hexadecimal bytes begin at byte 0.
    """
    named = SENSE_NAMES.get(text)
    if named is None:
        data = _bytes(text)
        return data + usual[len(data) :]
    made = bytearray(usual.ljust(max(named) + 1, b"\0"))
    for number, byte in named.items():
        made[number] = byte
    return bytes(made)


def _bytes(text: str) -> bytes:
    """Return the bytes of hexadecimal digits, none if it is no such text."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
