"""Arguments of DEFINE EXTENT and LOCATE RECORD.

Layout as in Linux drivers/s390/block/dasd_eckd.h (struct DE_eckd_data, LO_eckd_data).
"""

from msgspec import Struct

from ccw_actors.devices.eckd.sense import Message, rejected
from ccw_actors.devices.eckd.state import Extent, Operation, Orientation

__all__ = ["FILE_MASK_RESERVED", "Locate", "define_extent_argument"]

FILE_MASK_RESERVED = 0x20

_ARCHITECTURE = 0xC0
_ECKD = 0xC0
_ORIENTATION = 0xC0
_ORIENTATIONS = {
    0x00: Orientation.COUNT,
    0x40: Orientation.INDEX,  # after the home address, which nothing here reads
    0x80: Orientation.DATA,
    0xC0: Orientation.INDEX,
}
_TRANSFER_LENGTH_VALID = 0x80
_AUXILIARY_RESERVED = 0x7E


def define_extent_argument(argument: bytes) -> tuple[int, Extent]:
    """Read the 16 bytes of DEFINE EXTENT; return the file mask and the extent.

    An extent need not start or end at a track that exists: its bounds are compared.
    """
    file_mask, attributes = argument[0], argument[1]
    extent = Extent(
        first=int.from_bytes(argument[8:12]),
        last=int.from_bytes(argument[12:16]),
        block_size=int.from_bytes(argument[2:4]),
    )
    if (
        file_mask & FILE_MASK_RESERVED
        or attributes & _ARCHITECTURE != _ECKD
        or extent.first > extent.last
    ):
        raise rejected(Message.INVALID_ARGUMENT)
    return file_mask, extent


class Locate(Struct, frozen=True):
    """What LOCATE RECORD asks for.

    `record` is the identifier to find, CCHHR, and `orientation` which of its areas to
    stop after; at the index no record is looked for. `transfer_length` is in bytes,
    zero if not given.
    """

    operation: Operation
    count: int
    cylinder: int
    head: int
    record: bytes
    orientation: Orientation
    transfer_length: int

    @classmethod
    def from_bytes(cls, argument: bytes) -> "Locate":
        """Read the 16 bytes of LOCATE RECORD."""
        code, auxiliary, reserved, count = argument[:4]
        transfer_length = int.from_bytes(argument[14:16])
        try:
            operation = Operation(code & ~_ORIENTATION)
        except ValueError:
            raise rejected(Message.INVALID_ARGUMENT) from None
        if (
            auxiliary & _AUXILIARY_RESERVED
            or reserved
            or bool(count) == (operation is Operation.ORIENT)
            or (transfer_length and not auxiliary & _TRANSFER_LENGTH_VALID)
        ):
            raise rejected(Message.INVALID_ARGUMENT)
        return cls(
            operation,
            count,
            cylinder=int.from_bytes(argument[4:6]),
            head=int.from_bytes(argument[6:8]),
            record=argument[8:13],
            orientation=_ORIENTATIONS[code & _ORIENTATION],
            transfer_length=transfer_length,
        )
