"""The state of a disk: the part kept between commands, and the part of a chain."""

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
    """The area of the track that has just passed under the head.

    At `INDEX` it is the home address, otherwise an area of the record in `Chain.slot`.
    After a seek a disk is at the index.
    """

    INDEX = 0
    COUNT = 1
    KEY = 2
    DATA = 3


class Follows(IntEnum):
    """The result of a command, which the next one may require.

    The command found or wrote the home address (`HOME_ADDRESS`), found a record whose
    whole identifier or whole key is equal to its argument (`IDENTIFIER`, `KEY`), wrote
    a record with its count (`COUNT`), or was a LOCATE RECORD.
    """

    NOTHING = 0
    HOME_ADDRESS = 1
    IDENTIFIER = 2
    COUNT = 3
    LOCATE = 4
    KEY = 5


class Operation(IntEnum):
    """Operation code of LOCATE RECORD, the operation of its domain.

    Codes of two bytes are extended operations: LOCATE RECORD EXTENDED has the second
    byte in its byte 17.
    """

    ORIENT = 0x00
    WRITE_DATA = 0x01
    FORMAT_WRITE = 0x03
    READ_DATA = 0x06
    WRITE_TRACK = 0x0B
    READ_TRACKS = 0x0C
    READ = 0x16
    WRITE_FULL_TRACK = 0x3F11
    WRITE_TRACK_DATA = 0x3F23


class Extent(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The tracks that a chain may access, set by DEFINE EXTENT.

    `first` and `last` are track addresses: cylinder in the upper, head in the lower 16
    bits. `block_size` is the size of the records to be written, in bytes, or zero.
    `attributes` is the byte of that name.
    """

    first: int
    last: int
    block_size: int
    attributes: int = 0

    def contains(self, cylinder: int, head: int) -> bool:
        """Return whether a track is in the extent."""
        return self.first <= cylinder << 16 | head <= self.last

    def may_be_followed(self, file_mask: int, argument: bytes) -> bool:
        """Return whether another extent has this mask, block size and attributes.

        Its first track may not be behind its last, unless reserved bytes are wrong:
        then it is the argument that is rejected, as on Hercules 3.13.
        """
        begin = bytes((file_mask, self.attributes)) + self.block_size.to_bytes(2)
        in_order = argument[8:12] <= argument[12:16] or any(argument[4:7])
        return argument[:4] == begin and in_order


class Domain(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The rest of the operation that LOCATE RECORD announced.

    `remaining` is the number of commands still to come, at least one.
    `transfer_length` is the length of the records to be written in bytes, or zero. With
    `suffixed`, a READ COUNT may be the last command of the domain. `track_set` are the
    tracks still to be written whole, the current one leftmost of 16 bits, or zero.
    `stop` are the two bits of the argument that say where it began: 00 at a count, 40
    at the home address, 80 at data, C0 at the index.
    """

    operation: Operation
    remaining: int
    transfer_length: int
    track_set: int = 0
    suffixed: bool = False
    stop: int = 0


class Chain(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """State that lasts for a chain of commands.

    `positioned`: a command of the chain has selected a track. `mask_set`: the chain had
    a SET FILE MASK or READ IPL, and no other one nor an extent may follow. With
    `loading` it was a READ IPL, which stands for an extent of the whole volume.
    `index_points` counts how often the index has passed since the last command that was
    not a search or READ COUNT. `follows` is the result that the next command may
    require. `prepared` is the order that prepared data for READ SUBSYSTEM DATA, or
    empty. `previous` is the code of the previous command, `number` how many commands
    the chain has had.
    """

    positioned: bool = False
    mask_set: bool = False
    loading: bool = False
    file_mask: int = 0
    extent: Extent | None = None
    domain: Domain | None = None
    orientation: Orientation = Orientation.INDEX
    slot: int = 0
    index_points: int = 0
    follows: Follows = Follows.NOTHING
    prepared: bytes = b""
    previous: int = 0
    number: int = 0


class PathGroup(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The path's group: its identifier, empty until one has been set.

    It is `established` until the path resigns or the group is disbanded; `multipath`
    is the mode in which it was established.
    """

    identifier: bytes = b""
    established: bool = False
    multipath: bool = False


class EckdState(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """State of a disk: place of its access mechanism, sense data, and the chain.

    `sense` has the 32 bytes of a unit check until SENSE reads them, and is empty
    otherwise. `path_group` and `reserved` describe the path, and outlast a clear
    signal.
    """

    cylinder: int = 0
    head: int = 0
    sense: bytes = b""
    chain: Chain = Chain()
    path_group: PathGroup = PathGroup()
    reserved: bool = False
