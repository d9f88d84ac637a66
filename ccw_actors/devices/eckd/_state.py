"""What a disk remembers between commands, and what it forgets after a chain."""

from enum import IntEnum

from msgspec import Struct

__all__ = [
    "PATH_GROUP_ID_SIZE",
    "Chain",
    "Domain",
    "EckdState",
    "Extent",
    "Follows",
    "Operation",
    "Orientation",
    "PathGroup",
]


PATH_GROUP_ID_SIZE = 11


class Orientation(IntEnum):
    """Which area of the track has just passed under the head.

    At `INDEX` it is the home address; otherwise an area of the record in `Chain.slot`.
    After a seek a disk is at its index.
    """

    INDEX = 0
    COUNT = 1
    KEY = 2
    DATA = 3


class Follows(IntEnum):
    """What the command before has done that this one may build on.

    It has found or written the home address (`HOME_ADDRESS`), found a record by its
    identifier or key (`RECORD`), written a record with its count (`COUNT`), or was a
    LOCATE RECORD.
    """

    NOTHING = 0
    HOME_ADDRESS = 1
    RECORD = 2
    COUNT = 3
    LOCATE = 4


class Operation(IntEnum):
    """Operation code of LOCATE RECORD: what its domain is for.

    Codes of two bytes are extended operations: LOCATE RECORD EXTENDED has the second
    one in its byte 17.
    """

    ORIENT = 0x00
    WRITE_DATA = 0x01
    FORMAT_WRITE = 0x03
    READ_DATA = 0x06
    WRITE_TRACK = 0x0B
    READ_TRACKS = 0x0C
    READ = 0x16
    WRITE_FULL_TRACK = 0x3F11


class Extent(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a chain may go, set by DEFINE EXTENT.

    `first` and `last` are track addresses: cylinder in the upper, head in the lower 16
    bits. `block_size` is that of the records to be written, in bytes, or zero.
    """

    first: int
    last: int
    block_size: int

    def contains(self, cylinder: int, head: int) -> bool:
        """Tell whether a track lies in the extent."""
        return self.first <= cylinder << 16 | head <= self.last


class Domain(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What LOCATE RECORD announced, as far as it has not been done.

    `remaining` is the number of commands still to come, at least one.
    `transfer_length` is the data length of the records to be written, or zero.
    `track_set` are the tracks still to be written whole, the current one leftmost of 16
    bits, or zero.
    """

    operation: Operation
    remaining: int
    transfer_length: int
    track_set: int = 0


class Chain(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What lasts as long as a chain of commands.

    `positioned`: a command of the chain has chosen a track. `mask_set`: SET FILE MASK
    was one of them. `index_points`: how often the index has passed since anything but
    a count area was read. `prepared` is the order that has prepared what READ SUBSYSTEM
    DATA would read, empty if none has. `previous` is the code of the command before.
    """

    positioned: bool = False
    mask_set: bool = False
    file_mask: int = 0
    extent: Extent | None = None
    domain: Domain | None = None
    orientation: Orientation = Orientation.INDEX
    slot: int = 0
    index_points: int = 0
    follows: Follows = Follows.NOTHING
    prepared: bytes = b""
    previous: int = 0


class PathGroup(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What was set about the path: the identifier of its group, empty before that.

    `established` until it has resigned or the group is disbanded; `multipath` is the
    mode it was established in.
    """

    identifier: bytes = b""
    established: bool = False
    multipath: bool = False


class EckdState(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """State of a disk: where its access mechanism stands, sense data, and the chain.

    `sense` is empty unless a unit check has left 32 bytes that nobody has sensed yet.
    `path_group` and `reserved` are about the path, and outlast a clear signal.
    """

    cylinder: int = 0
    head: int = 0
    sense: bytes = b""
    chain: Chain = Chain()
    path_group: PathGroup = PathGroup()
    reserved: bool = False
