"""Arguments of DEFINE EXTENT and LOCATE RECORD.

Layout as in Linux drivers/s390/block/dasd_eckd.h (struct DE_eckd_data, LO_eckd_data);
numbers are big-endian. An invalid argument raises `UnitCheckError`: command reject.
"""

from msgspec import Struct

from ccw_actors.devices.eckd._sense import Message, rejected
from ccw_actors.devices.eckd._state import Extent, Operation, Orientation

__all__ = [
    "DEFINE_EXTENT_SIZE",
    "ECKD",
    "FILE_MASK_RESERVED",
    "LOCATE_SIZE",
    "NO_SECTOR",
    "Locate",
    "define_extent_argument",
]

DEFINE_EXTENT_SIZE = 16
LOCATE_SIZE = 16


FILE_MASK_RESERVED = 0x20
_EXTENT_RESERVED = slice(4, 7)

_ARCHITECTURE = 0xC0
ECKD = 0xC0
_ORIENTATION, _HOME_ADDRESS = 0xC0, 0x40
_ORIENTATIONS = {
    0x00: Orientation.COUNT,
    _HOME_ADDRESS: Orientation.INDEX,  # behind it, where no command in a domain goes
    0x80: Orientation.DATA,
    0xC0: Orientation.INDEX,
}
_RECORD_READS = frozenset({Operation.READ_DATA, Operation.READ})
_OPERATIONS = {
    0x00: frozenset(Operation),
    _HOME_ADDRESS: _RECORD_READS
    | {Operation.ORIENT, Operation.FORMAT_WRITE, Operation.READ_TRACKS},
    0x80: _RECORD_READS | {Operation.ORIENT, Operation.WRITE_DATA},
    0xC0: frozenset({Operation.FORMAT_WRITE, Operation.READ}),
}
"""The operations for which LOCATE RECORD may stop there, as on Hercules 3.13."""
_SUFFIXED = frozenset({Operation.WRITE_DATA, Operation.READ})
_TRANSFER_LENGTH_VALID = 0x80
_AUXILIARY_RESERVED = 0x7E
_READ_COUNT_SUFFIXED = 0x01
NO_SECTOR = 0xFF
"""In place of a sector's number: begin anywhere."""

_EXTENDED_OPERATION = 0x3F
_WRITE_FULL_TRACK = 0x11
_WRITE_TRACK_DATA = 0x23
_TRACK_SET_SIZE = 2


def define_extent_argument(argument: bytes) -> tuple[int, Extent]:
    """Read the 16 bytes of DEFINE EXTENT; return the file mask and the extent.

    An extent need not start or end at a track that exists: its bounds are compared.
    """
    file_mask, attributes = argument[0], argument[1]
    extent = Extent(
        first=int.from_bytes(argument[8:12]),
        last=int.from_bytes(argument[12:16]),
        block_size=int.from_bytes(argument[2:4]),
        attributes=attributes,
    )
    if (
        file_mask & FILE_MASK_RESERVED
        or attributes & _ARCHITECTURE != ECKD
        or any(argument[_EXTENT_RESERVED])
        or extent.first > extent.last
    ):
        raise rejected(Message.INVALID_ARGUMENT)
    return file_mask, extent


class Locate(Struct, frozen=True):
    """The argument of LOCATE RECORD.

    `record` is the identifier to find, CCHHR, and `orientation` the area of the record
    after which to stop; at the index, no record is looked for. With `by_home_address`
    the home address has to be equal to the identifier's. `sector` is where to begin to
    look, or FF. `transfer_length` is in bytes, zero if not given. With `suffixed` a
    READ COUNT may end the domain. `stop` is that of the `Domain`. `track_set` has a bit
    for each track to be written, the first one leftmost of 16, and is zero if not
    given.
    """

    operation: Operation
    count: int
    cylinder: int
    head: int
    record: bytes
    orientation: Orientation
    transfer_length: int
    track_set: int = 0
    sector: int = NO_SECTOR
    by_home_address: bool = False
    suffixed: bool = False
    stop: int = 0

    @classmethod
    def from_bytes(cls, argument: bytes) -> "Locate":
        """Read the 16 bytes of LOCATE RECORD."""
        code, auxiliary, reserved, count = argument[:4]
        transfer_length = int.from_bytes(argument[14:16])
        operation, stop = _operation(code), code & _ORIENTATION
        suffixed = bool(auxiliary & _READ_COUNT_SUFFIXED)
        if (
            operation not in _OPERATIONS[stop]
            or auxiliary & _AUXILIARY_RESERVED
            or (suffixed and (operation not in _SUFFIXED or count == 1))
            or reserved
            or bool(count) == (operation is Operation.ORIENT)
            or bool(transfer_length) != bool(auxiliary & _TRANSFER_LENGTH_VALID)
        ):
            raise rejected(Message.INVALID_ARGUMENT)
        return cls(
            operation,
            count,
            cylinder=int.from_bytes(argument[4:6]),
            head=int.from_bytes(argument[6:8]),
            record=argument[8:13],
            orientation=_ORIENTATIONS[stop],
            transfer_length=transfer_length,
            sector=argument[13],
            by_home_address=stop == _HOME_ADDRESS,
            suffixed=suffixed,
            stop=stop,
        )

    def fits(self, sectors: int, block_size: int) -> bool:
        """Return whether a track has the sector, and the blocks have the length."""
        has_sector = self.sector == NO_SECTOR or self.sector < sectors
        return has_sector and self.transfer_length <= block_size

    @classmethod
    def extended(cls, argument: bytes, parameter: bytes) -> "Locate":
        """Read the 20 bytes of LOCATE RECORD EXTENDED, and their extended parameter.

        The extended operations are WRITE FULL TRACK, whose parameter is the track set,
        with `count` bits on, and WRITE TRACK DATA, which has none. Imbedded commands
        are rejected.
        """
        operation, imbedded = argument[17], (argument[2], argument[16])
        if any(imbedded):
            raise rejected(Message.INVALID_ARGUMENT)
        if argument[0] == _EXTENDED_OPERATION:
            if operation == _WRITE_TRACK_DATA:
                return cls._track_data(argument, parameter)
            return cls._full_track(argument, parameter)
        if operation or parameter:
            raise rejected(Message.INVALID_ARGUMENT)
        return cls.from_bytes(argument[:LOCATE_SIZE])

    @classmethod
    def _full_track(cls, argument: bytes, parameter: bytes) -> "Locate":
        """Read the arguments of WRITE FULL TRACK."""
        operation, auxiliary, count = argument[17], argument[1], argument[3]
        if operation != _WRITE_FULL_TRACK or auxiliary or any(argument[14:16]):
            raise rejected(Message.INVALID_ARGUMENT)
        tracks = _track_set(parameter)
        if tracks.bit_count() != count:
            raise rejected(Message.INVALID_ARGUMENT)
        return cls(
            Operation.WRITE_FULL_TRACK,
            count,
            cylinder=int.from_bytes(argument[4:6]),
            head=int.from_bytes(argument[6:8]),
            record=b"",
            orientation=Orientation.INDEX,
            transfer_length=0,
            track_set=tracks,
        )

    @classmethod
    def _track_data(cls, argument: bytes, parameter: bytes) -> "Locate":
        """Read the arguments of WRITE TRACK DATA: a record, and the length of each."""
        auxiliary, count = argument[1], argument[3]
        length = int.from_bytes(argument[14:16])
        if auxiliary != _TRANSFER_LENGTH_VALID or parameter or not (count and length):
            raise rejected(Message.INVALID_ARGUMENT)
        return cls(
            Operation.WRITE_TRACK_DATA,
            count,
            cylinder=int.from_bytes(argument[4:6]),
            head=int.from_bytes(argument[6:8]),
            record=argument[8:13],
            orientation=Orientation.COUNT,
            transfer_length=length,
        )


def _operation(code: int) -> Operation:
    try:
        return Operation(code & ~_ORIENTATION)
    except ValueError:
        raise rejected(Message.INVALID_ARGUMENT) from None


def _track_set(parameter: bytes) -> int:
    """Read the set of tracks to be written; it has to contain the first track."""
    if len(parameter) != _TRACK_SET_SIZE or not parameter[0] & 0x80:
        raise rejected(Message.INVALID_ARGUMENT)
    return int.from_bytes(parameter)
