"""Commands that search, read and write records.

A handler takes the access mechanism and returns how the command ended; it raises
`UnitCheckError` otherwise.
"""

from msgspec.structs import replace

from ccw_actors.channel.command import CommandEnd
from ccw_actors.channel.scsw import Dstat
from ccw_actors.devices.eckd.access import Access
from ccw_actors.devices.eckd.ending import (
    NORMAL,
    control_end,
    read_end,
)
from ccw_actors.devices.eckd.sense import (
    INVALID_TRACK_FORMAT,
    Message,
    UnitCheckError,
    rejected,
)
from ccw_actors.devices.eckd.state import Orientation
from ccw_actors.devices.track import COUNT_SIZE, Slot

__all__ = [
    "read_count",
    "read_data",
    "read_initial_program",
    "read_record_zero",
    "search_id_equal",
    "write_data",
]

_ID_SIZE = 5


def search_id_equal(access: Access) -> CommandEnd:
    """Compare the next record's identifier; equal is told by status modifier.

    An argument shorter than an identifier is compared as far as it goes; it is not an
    incorrect length.
    """
    if not access.chain.positioned:
        raise rejected(Message.INVALID_SEQUENCE)
    offset = access.next_count(from_r1=False).offset
    argument = access.output(_ID_SIZE)
    identified = argument == access.image[offset : offset + len(argument)]
    access.chain = replace(access.chain, identified=identified)
    end = control_end(access)
    return replace(end, status=NORMAL | Dstat.STATUS_MODIFIER) if identified else end


def read_count(access: Access) -> CommandEnd:
    """Read the next count area that is not R0's."""
    offset = access.next_count(from_r1=True).offset
    return read_end(access, access.image[offset : offset + COUNT_SIZE])


def read_record_zero(access: Access) -> CommandEnd:
    """Read count, key and data of R0."""
    if access.chain.orientation is not Orientation.INDEX:
        access.pass_index()
    slot = access.next_count(from_r1=False)
    access.orient(Orientation.DATA, access.chain.slot)
    return read_end(access, access.image[slot.offset : slot.end])


def read_data(access: Access) -> CommandEnd:
    """Read the data of the record that was located or found, else of the next one."""
    slot = access.record()
    if not slot.data_length:
        return _end_of_file()
    return read_end(access, access.image[slot.data_offset : slot.end])


def read_initial_program(access: Access) -> CommandEnd:
    """Move to the first track and read the data of its first record after R0."""
    access.check_address(0, 0)
    access.move(0, 0)
    return read_data(access)


def write_data(access: Access) -> CommandEnd:
    """Replace the data of a record, padded with zeros to the length it has."""
    if access.chain.domain is None and (
        access.multitrack or not access.follows_match or access.writes_inhibited
    ):
        raise rejected(Message.INVALID_SEQUENCE)
    slot = access.record()
    if slot.data_length != _transfer_length(access, slot):
        raise UnitCheckError(INVALID_TRACK_FORMAT)
    if not slot.data_length:
        return _end_of_file()
    data = access.output(slot.data_length).ljust(slot.data_length, b"\0")
    image = access.image
    image = image[: slot.data_offset] + data + image[slot.end :]
    access.writes = ((access.number, image),)
    return CommandEnd(NORMAL, transferred=access.taken, length=slot.data_length)


def _transfer_length(access: Access, slot: Slot) -> int:
    """Bytes to write: as located, else the extent's block size, else what fits."""
    domain, extent = access.chain.domain, access.chain.extent
    if domain is None or extent is None:
        return slot.data_length
    return domain.transfer_length or extent.block_size or slot.data_length


def _end_of_file() -> CommandEnd:
    return CommandEnd(NORMAL | Dstat.UNIT_EXCEPTION)
