"""The layouts of the four regions of a vfio-ccw device.

| region | bytes | read | written |
|---|---|---|---|
| I/O | 124: ORB area 12, SCSW area 12, IRB area 96, ret_code 4 | the last IRB | START |
| async | 8: command 4, ret_code 4 | the last write | HALT, CLEAR |
| SCHIB | 52 | the SCHIB of the subchannel | EINVAL |
| CRW | 8: CRW 4, pad 4 | a channel-report word, 0 if there is none | EINVAL |

QEMU writes ORB and SCSW in the host's byte order, little-endian on x86-64, and expects
IRB and SCHIB in big-endian. A CRW is two halfwords in the host's byte order: QEMU swaps
the bytes of each when it stores it for the guest. A region may be read and written in
parts.

Source: Linux include/uapi/linux/vfio_ccw.h; QEMU hw/vfio/ccw.c.
"""

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from ccw_actors.channel import Irb, Orb
from ccw_actors.vfio._filter import OFFSET_MAGIC

__all__ = [
    "REGIONS",
    "AsyncCommand",
    "Region",
    "RegionLayout",
    "command_in",
    "crw_put",
    "fctl_in",
    "irb_put",
    "offset_of",
    "orb_in",
    "place_of",
    "ret_code_in",
    "ret_code_put",
    "takes_irb",
]


class Region(IntEnum):
    """A region, by its index."""

    IO = 0
    ASYNC = 1
    SCHIB = 2
    CRW = 3


class AsyncCommand(IntEnum):
    """The commands that may be written to the async region."""

    HSCH = 1
    CSCH = 2


class RegionLayout(NamedTuple):
    """The size of a region in bytes, its subtype (0 for none), READ 1 and WRITE 2."""

    size: int
    subtype: int
    flags: int


REGIONS: Final = {
    Region.IO: RegionLayout(124, 0, 3),
    Region.ASYNC: RegionLayout(8, 1, 3),
    Region.SCHIB: RegionLayout(52, 2, 1),
    Region.CRW: RegionLayout(8, 3, 1),
}

_ORB = struct.Struct("<IHBBI")
_SCSW_AT, _IRB_AT = 12, 24
_IRB_LENGTH: Final = 96
_FCTL_SHIFT, _FCTL = 12, 7
_DEVICE_SHIFT, _REGION_SHIFT = 16, 12
_WORD = struct.Struct("=I")
_HALFWORDS = struct.Struct("<HH")
_SIGNED = struct.Struct("=i")


def offset_of(device: int, region: Region) -> int:
    """Return the offset of a device's region in its descriptor."""
    return OFFSET_MAGIC << 32 | device << _DEVICE_SHIFT | region << _REGION_SHIFT


def place_of(offset: int) -> tuple[int, int, int]:
    """Return device, index of the region and position in it for an offset."""
    low = offset & 0xFFFFFFFF
    index = low >> _REGION_SHIFT & ((1 << _DEVICE_SHIFT - _REGION_SHIFT) - 1)
    return low >> _DEVICE_SHIFT, index, low & ((1 << _REGION_SHIFT) - 1)


def orb_in(region: bytes) -> Orb:
    """Return the ORB in an I/O region."""
    return Orb(*_ORB.unpack_from(region))


def fctl_in(region: bytes) -> int:
    """Return the function control (`Fctl`) in the SCSW area of an I/O region."""
    control: int = struct.unpack_from("<H", region, _SCSW_AT + 2)[0]
    return control >> _FCTL_SHIFT & _FCTL


def ret_code_in(region: bytes) -> int:
    """Return the ret_code that the writer has left, signed."""
    code: int = _SIGNED.unpack_from(region, len(region) - _SIGNED.size)[0]
    return code


def ret_code_put(region: bytearray, errno: int) -> None:
    """Store an errno (positive, or 0) as a region's ret_code, which is negative."""
    _SIGNED.pack_into(region, len(region) - _SIGNED.size, -errno)


def irb_put(region: bytearray, irb: Irb) -> None:
    """Store an IRB in an I/O region."""
    region[_IRB_AT : _IRB_AT + _IRB_LENGTH] = irb.to_bytes(_IRB_LENGTH)


def crw_put(crw: int) -> bytes:
    """Return a CRW region with a channel-report word, 0 for none."""
    return _HALFWORDS.pack(*divmod(crw, 1 << 16)) + bytes(4)


def takes_irb(position: int, size: int) -> bool:
    """Return whether a part of an I/O region has the first byte of its IRB."""
    return position <= _IRB_AT < position + size


def command_in(region: bytes) -> int:
    """Return the command in an async region."""
    command: int = _WORD.unpack_from(region)[0]
    return command
