"""Arguments of DEFINE EXTENT and LOCATE, and the state that they set.

Layout as in Linux drivers/s390/block/dasd_fba.h (struct DE_fba_data, LO_fba_data);
numbers are big-endian.
"""

from enum import IntEnum

from msgspec import Struct

from ccw_actors.devices.volume_geometry import BLOCK_SIZE

__all__ = ["Domain", "Extent", "Operation", "define_extent", "locate"]

ARGUMENT_SIZE = 16
LOCATE_SIZE = 8

_OPERATION, _OPERATION_RESERVED = 0x0F, 0xE0
_WRITE_CONTROL = 0xC0
_WRITES_INHIBITED, _NO_CONTROL = 0x40, 0x80
_FORMATS_INHIBITED = 0x00
_MASK_RESERVED = 0x3B
"""As in Hercules 3.13; 04 permits diagnostic commands, which the models do not have."""


class Operation(IntEnum):
    """The operation that LOCATE announces."""

    WRITE = 0x01
    READ_REPLICATED = 0x02
    FORMAT = 0x04
    WRITE_AND_VERIFY = 0x05
    READ = 0x06


READS = frozenset({Operation.READ, Operation.READ_REPLICATED})
WRITES = frozenset({Operation.WRITE, Operation.WRITE_AND_VERIFY})
"""As on Hercules 3.13, nothing is written in the domain of FORMAT."""


class Extent(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The blocks that a chain may access: `first` to `last` of the data set.

    Block `first` is block `start` of the volume. `mask` is the file mask.
    """

    mask: int
    start: int
    first: int
    last: int

    def permits(self, operation: Operation) -> bool:
        """Return whether the file mask permits an operation."""
        control = self.mask & _WRITE_CONTROL
        if operation is Operation.FORMAT:
            return control not in {_WRITES_INHIBITED, _FORMATS_INHIBITED}
        return operation in READS or control != _WRITES_INHIBITED


class Domain(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The blocks that LOCATE announced: `count` of the volume from `block` on."""

    operation: Operation
    block: int
    count: int


def define_extent(argument: bytes, blocks: int) -> Extent | None:
    """Read the 16 bytes of DEFINE EXTENT for a volume of `blocks` blocks.

    Byte 1 is ignored, as on Hercules 3.13. Bytes 2 and 3 are the size of a block, or
    zero (struct DE_fba_data of Linux). The result is None if the size or the mask is
    invalid, or the extent is not within the volume.
    """
    mask = argument[0]
    block_size = int.from_bytes(argument[2:4])
    start, first, last = (
        int.from_bytes(argument[at : at + 4]) for at in range(4, ARGUMENT_SIZE, 4)
    )
    reserved = mask & _MASK_RESERVED or mask & _WRITE_CONTROL == _NO_CONTROL
    if reserved or block_size not in {0, BLOCK_SIZE}:
        return None
    if first > last or start + last - first >= blocks:
        return None
    return Extent(mask, start, first, last)


def locate(argument: bytes, extent: Extent) -> Domain | None:
    """Read the 8 bytes of LOCATE; None if invalid, or not permitted by the extent.

    Bit 3 of the operation byte is ignored, as on Hercules 3.13.
    """
    if argument[0] & _OPERATION_RESERVED:
        return None
    replication, count = argument[1], int.from_bytes(argument[2:4])
    block = int.from_bytes(argument[4:LOCATE_SIZE])
    try:
        operation = Operation(argument[0] & _OPERATION)
    except ValueError:
        return None
    replicated = operation is Operation.READ_REPLICATED
    if replicated and (not replication or not count or replication % count):
        return None
    inside = extent.first <= block and block + count - 1 <= extent.last
    if not count or not inside or not extent.permits(operation):
        return None
    return Domain(operation, extent.start + block - extent.first, count)
