"""Commands that set up a disk (seeks, masks, extents, domains), and sense commands.

A handler takes the access mechanism and returns the command's end, or raises
`UnitCheckError`.
"""

from msgspec.structs import replace

from ccw_actors.channel.ccw import Command
from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import SEEK_CONTROL, Access, WriteControl
from ccw_actors.devices.eckd._ending import NORMAL, control_end, read_end
from ccw_actors.devices.eckd._locate import (
    DEFINE_EXTENT_SIZE,
    FILE_MASK_RESERVED,
    LOCATE_SIZE,
    NO_SECTOR,
    Locate,
    define_extent_argument,
)
from ccw_actors.devices.eckd._sense import (
    FILE_PROTECTED,
    NO_RECORD_FOUND,
    Message,
    UnitCheckError,
    rejected,
    sense_data,
)
from ccw_actors.devices.eckd._state import Domain, Follows, Operation, Orientation

__all__ = [
    "WRITES",
    "define_extent",
    "diagnostic_control",
    "enter_domain",
    "enter_extent",
    "locate_record",
    "no_operation",
    "read_device_characteristics",
    "read_sector",
    "recalibrate",
    "restore",
    "seek",
    "seek_cylinder",
    "seek_head",
    "sense",
    "sense_id",
    "set_file_mask",
    "set_sector",
]

_DIAGNOSTIC_SIZE = 4
_AUTHORIZATION, _DIAGNOSTIC_AUTHORIZATION = 0x06, 0x04
"""Bits of the file mask."""
WRITES = frozenset(
    {
        Operation.WRITE_DATA,
        Operation.FORMAT_WRITE,
        Operation.WRITE_TRACK,
        Operation.WRITE_FULL_TRACK,
        Operation.WRITE_TRACK_DATA,
    }
)
"""The operations that write."""


def no_operation(access: Access) -> CommandEnd:
    """Do nothing, at once; in a domain, only READ IPL may come before it."""
    if access.chain.domain is not None and access.previous != Command.READ_IPL:
        raise rejected(Message.INVALID_SEQUENCE)
    return CommandEnd(NORMAL, immediate=True)


def sense(access: Access) -> CommandEnd:
    """Read the sense data, and clear them; without unit check, conditions are 0."""
    data = access.sense or sense_data(access.hardware, access.cylinder, access.head)
    access.sense = b""
    return read_end(access, data[: access.hardware.sense_size])


def sense_id(access: Access) -> CommandEnd:
    """Read the types and models of control unit and device."""
    return read_end(access, access.hardware.sense_id())


def read_device_characteristics(access: Access) -> CommandEnd:
    """Read the size of the volume and the layout of its tracks."""
    return read_end(access, access.hardware.characteristics())


def diagnostic_control(access: Access) -> CommandEnd:
    """Reject it, its four bytes taken: there is no diagnostic function."""
    access.argument(_DIAGNOSTIC_SIZE)
    if access.chain.domain is not None:
        raise rejected(Message.INVALID_SEQUENCE)
    raise rejected(Message.INVALID_ARGUMENT)


def recalibrate(access: Access) -> CommandEnd:
    """Move to cylinder 0 and head 0, if the file mask permits all seeks."""
    mask = access.chain.file_mask
    if mask & SEEK_CONTROL or mask & _AUTHORIZATION == _DIAGNOSTIC_AUTHORIZATION:
        raise UnitCheckError(FILE_PROTECTED)
    access.check_address(0, 0)
    access.move(0, 0)
    return control_end(access)


def restore(access: Access) -> CommandEnd:
    """Do nothing: the code is that of RESTORE on a 2321, a data cell."""
    return control_end(access)


def seek(access: Access) -> CommandEnd:
    """Move to a cylinder and head, if the file mask permits all seeks."""
    return _seek(access, seek_control_max=0x00)


def seek_cylinder(access: Access) -> CommandEnd:
    """Move to a cylinder and head, also with a file mask that forbids SEEK."""
    return _seek(access, seek_control_max=0x08)


def seek_head(access: Access) -> CommandEnd:
    """Move to a head of the cylinder that the chain has selected before."""
    return _seek(access, seek_control_max=0x10, same_cylinder=True)


def _seek(
    access: Access, *, seek_control_max: int, same_cylinder: bool = False
) -> CommandEnd:
    if access.chain.file_mask & SEEK_CONTROL > seek_control_max:
        raise UnitCheckError(FILE_PROTECTED)
    argument = access.argument(6)
    if argument[:2] != b"\0\0":
        raise rejected(Message.INVALID_ARGUMENT)
    cylinder = access.cylinder if same_cylinder else int.from_bytes(argument[2:4])
    head = int.from_bytes(argument[4:6])
    access.check_address(cylinder, head)
    access.move(cylinder, head)
    return control_end(access)


def set_sector(access: Access) -> CommandEnd:
    """Check the number of a sector, and ignore it; FF means none.

    The next command still passes the whole track.
    """
    (sector,) = access.argument(1)
    if NO_SECTOR != sector >= access.hardware.sectors:
        raise rejected(Message.INVALID_ARGUMENT)
    return control_end(access)


def read_sector(access: Access) -> CommandEnd:
    """Read the sector of the last record: 0, as the model has no rotation."""
    return read_end(access, b"\0")


def set_file_mask(access: Access) -> CommandEnd:
    """Limit the writes and seeks of the rest of the chain."""
    if access.chain.mask_set or access.chain.extent is not None:
        raise rejected(Message.INVALID_SEQUENCE)
    (file_mask,) = access.argument(1)
    if file_mask & FILE_MASK_RESERVED:
        raise rejected(Message.INVALID_ARGUMENT)
    access.chain = replace(access.chain, file_mask=file_mask, mask_set=True)
    return control_end(access)


def define_extent(access: Access) -> CommandEnd:
    """Limit the tracks, writes and seeks of the rest of the chain."""
    enter_extent(access, access.argument(DEFINE_EXTENT_SIZE))
    return control_end(access)


def enter_extent(access: Access, argument: bytes) -> None:
    """Apply the argument of DEFINE EXTENT to the chain."""
    chain, old = access.chain, access.chain.extent
    if chain.mask_set or chain.domain is not None:
        raise rejected(Message.INVALID_SEQUENCE)
    if old is not None and not old.may_be_followed(chain.file_mask, argument):
        raise rejected(Message.INVALID_SEQUENCE)
    file_mask, extent = define_extent_argument(argument)
    too_long = extent.block_size > access.hardware.block_size_max
    end = access.geometry.cylinders - 1 << 16 | access.geometry.heads - 1
    if too_long or extent.last > end:
        raise rejected(Message.INVALID_ARGUMENT)
    if old is not None and not old.first <= extent.first <= extent.last <= old.last:
        raise rejected(Message.INVALID_SEQUENCE)
    access.chain = replace(access.chain, file_mask=file_mask, extent=extent)


def locate_record(access: Access) -> CommandEnd:
    """Announce the operation of the next commands, and find the first record."""
    argument = access.argument(LOCATE_SIZE)
    if not _has_extent(access) or access.chain.domain is not None:
        raise rejected(Message.INVALID_SEQUENCE)
    enter_domain(access, Locate.from_bytes(argument))
    return control_end(access)


def enter_domain(access: Access, locate: Locate) -> None:
    """Find the record, if one is named, and enter the domain."""
    if not _has_extent(access) or not _permits(access, locate.operation):
        raise rejected(Message.INVALID_SEQUENCE)
    access.check_address(locate.cylinder, locate.head)
    extent = access.chain.extent
    block_size = extent.block_size if extent is not None else 0
    block_size = block_size or access.hardware.block_size_max
    if not locate.fits(access.hardware.sectors, block_size):
        raise rejected(Message.INVALID_ARGUMENT)
    access.move(locate.cylinder, locate.head)
    access.chain = replace(access.chain, follows=Follows.LOCATE)
    if locate.by_home_address and access.home_address != locate.record[:4]:
        raise UnitCheckError(NO_RECORD_FOUND)
    if locate.orientation is not Orientation.INDEX:
        access.orient(locate.orientation, _find(access, locate.record))
    if locate.count:
        domain = Domain(
            locate.operation,
            locate.count,
            locate.transfer_length,
            locate.track_set,
            locate.suffixed,
            locate.stop,
        )
        access.chain = replace(access.chain, domain=domain)


def _has_extent(access: Access) -> bool:
    return access.chain.extent is not None or access.chain.loading


def _permits(access: Access, operation: Operation) -> bool:
    """Return whether the file mask permits an extended operation.

    A whole track has an R0. The other operations are announced whatever the mask is; it
    is checked when the write comes.
    """
    if operation is Operation.WRITE_FULL_TRACK:
        return access.write_control is WriteControl.ALL
    return operation is not Operation.WRITE_TRACK_DATA or not access.writes_inhibited


def _find(access: Access, record: bytes) -> int:
    for number, slot in enumerate(access.slots):
        if access.count_area(slot)[: len(record)] == record:
            return number
    raise UnitCheckError(NO_RECORD_FOUND)
