"""Commands that read records, or whole tracks.

A handler takes the access mechanism and returns the command's end, or raises
`UnitCheckError`.
"""

from msgspec.structs import replace

from ccw_actors.channel import Dstat
from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import Access
from ccw_actors.devices.eckd._ending import NORMAL, end_of_file, read_end
from ccw_actors.devices.eckd._sense import (
    Message,
    rejected,
)
from ccw_actors.devices.eckd._state import Domain, Follows, Operation, Orientation
from ccw_actors.devices.track import END_MARK, HOME_ADDRESS_SIZE, Slot

__all__ = [
    "read_count",
    "read_count_key_data",
    "read_data",
    "read_home_address",
    "read_initial_program",
    "read_key_data",
    "read_multiple_count_key_data",
    "read_record_zero",
    "read_track",
]


_INDEX = frozenset({0xC0})
_INDEX_OR_HOME_ADDRESS = frozenset({0x40, 0xC0})


def _check_begin(access: Access, stops: frozenset[int]) -> None:
    """Check that a domain for reads began where the command is (see `Domain`)."""
    domain = access.chain.domain
    if domain is None or domain.operation is not Operation.READ:
        return
    if domain.stop not in stops:
        raise rejected(Message.INVALID_SEQUENCE)


def read_home_address(access: Access) -> CommandEnd:
    """Read the five bytes of the home address: bin, cylinder, head.

    A domain for reads takes it only if it began at the index.
    """
    _check_begin(access, _INDEX)
    access.return_to_index()
    return read_end(access, access.image[:HOME_ADDRESS_SIZE])


def read_count(access: Access) -> CommandEnd:
    """Read the next count area, without R0's: 8 bytes."""
    return read_end(access, access.count_area(access.next_count(from_r1=True)))


def read_record_zero(access: Access) -> CommandEnd:
    """Read count, key and data of R0."""
    _check_begin(access, _INDEX_OR_HOME_ADDRESS)
    access.return_to_index()
    slot = access.next_count(from_r1=False)
    access.orient(Orientation.DATA, access.chain.slot)
    return read_end(access, access.image[slot.offset : slot.end])


def read_data(access: Access) -> CommandEnd:
    """Read the data of the record that was located or found, or of the next one."""
    slot = access.record()
    if not slot.data_length:
        return end_of_file()
    return read_end(access, access.read_on(slot.data_offset, slot))


def read_key_data(access: Access) -> CommandEnd:
    """Read key and data of the record whose count has just passed, or of the next.

    A record without data gives its key alone, with unit exception.
    """
    slot = access.record(with_key=True)
    return _end(access, access.read_on(slot.key_offset, slot), slot)


def read_count_key_data(access: Access) -> CommandEnd:
    """Read all of the next record, also after a LOCATE RECORD that has found one."""
    access.next_count(from_r1=True)
    slot = access.slots[access.chain.slot]
    access.orient(Orientation.DATA, access.chain.slot)
    count = access.count_area(slot)
    return _end(access, count + access.read_on(slot.key_offset, slot), slot)


def read_multiple_count_key_data(access: Access) -> CommandEnd:
    """Read all records from the next one to the end of the track, one after another.

    Behind the last one there is nothing to read.
    """
    at_index = access.chain.orientation is Orientation.INDEX
    first = 1 if at_index else access.chain.slot + 1
    slots = access.slots[first:]
    data = access.image[slots[0].offset : slots[-1].end] if slots else b""
    access.orient(Orientation.DATA, len(access.slots) - 1)
    return read_end(access, data)


def read_track(access: Access) -> CommandEnd:
    """Read all records that follow on the track, and the end mark: 8 bytes of FF.

    After LOCATE RECORD they are the records behind the located one. The next READ TRACK
    of the domain reads the next track, R0 included.
    """
    if access.chain.domain is None:
        raise rejected(Message.INVALID_SEQUENCE)
    if access.follows is not Follows.LOCATE:
        access.next_track()
    at_index = access.chain.orientation is Orientation.INDEX
    following = 0 if at_index else access.chain.slot + 1
    slots = access.slots[following:]
    data = access.image[slots[0].offset : slots[-1].end] if slots else b""
    access.orient(Orientation.DATA, len(access.slots) - 1)
    return read_end(access, data + END_MARK)


def read_initial_program(access: Access) -> CommandEnd:
    """Move to the first track and read the data of its first record after R0.

    It stands for an extent and for a LOCATE RECORD with two reads, of which it is the
    first: neither may come before it, nor another extent behind it.
    """
    chain = access.chain
    if chain.extent is not None or chain.mask_set or chain.domain is not None:
        raise rejected(Message.INVALID_SEQUENCE)
    access.move(0, 0)
    end = read_data(access)
    domain = Domain(Operation.READ_DATA, 2, transfer_length=0)
    access.chain = replace(access.chain, mask_set=True, loading=True, domain=domain)
    return end


def _end(access: Access, data: bytes, slot: Slot) -> CommandEnd:
    ended = read_end(access, data)
    if not slot.data_length:
        return replace(ended, status=NORMAL | Dstat.UNIT_EXCEPTION)
    return ended
