"""READ TRACK DATA and WRITE TRACK DATA, which move the data areas of whole tracks.

Linux uses them for block I/O behind a 2107 (drivers/s390/block/dasd_eckd.c,
dasd_eckd_build_cp_cmd_track). A PREFIX before them names the first record. The first
command concerns the rest of that record's track, each further one the next track from
R1 on.
"""

from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import Access
from ccw_actors.devices.eckd._ending import NORMAL, read_end
from ccw_actors.devices.eckd._sense import (
    INVALID_TRACK_FORMAT,
    NO_RECORD_FOUND,
    Message,
    UnitCheckError,
    rejected,
)
from ccw_actors.devices.eckd._state import Domain, Follows, Orientation
from ccw_actors.devices.track import Slot

__all__ = ["read_track_data", "write_track_data"]


def read_track_data(access: Access) -> CommandEnd:
    """Read the data of records to the end of the track, without counts and keys.

    On the last track it reads as many bytes as the transfer length, if there is one.
    """
    domain = _domain(access)
    parts = (access.image[slot.data_offset : slot.end] for slot in _records(access))
    data = b"".join(parts)
    if domain.remaining == 1 and domain.transfer_length:
        data = data[: domain.transfer_length]
    return read_end(access, data)


def write_track_data(access: Access) -> CommandEnd:
    """Replace the data of records, as many as the count has data for.

    Each record has to have the transfer length, as with other updates. A last one that
    the count cuts short is padded with zeros.
    """
    domain = _domain(access)
    given = access.output(access.command.count)
    length, image = domain.transfer_length, bytearray(access.image)
    taken = 0
    for slot in _records(access):
        if taken >= len(given):
            break
        if slot.data_length != length:
            raise UnitCheckError(INVALID_TRACK_FORMAT)
        piece = given[taken : taken + length]
        image[slot.data_offset : slot.end] = piece.ljust(length, b"\0")
        taken += len(piece)
    access.taken = taken
    access.overwrite(0, bytes(image))
    return CommandEnd(NORMAL, transferred=taken, length=taken)


def _domain(access: Access) -> Domain:
    domain = access.chain.domain
    if domain is None:
        raise rejected(Message.INVALID_SEQUENCE)
    if access.follows is not Follows.LOCATE:
        access.next_track()
    return domain


def _records(access: Access) -> tuple[Slot, ...]:
    """Return the records from the located one on, or all but R0; pass them."""
    at_index = access.chain.orientation is Orientation.INDEX
    first = 1 if at_index else access.chain.slot
    found = access.slots[first:]
    if not found:
        raise UnitCheckError(NO_RECORD_FOUND)
    access.orient(Orientation.DATA, len(access.slots) - 1)
    return found
