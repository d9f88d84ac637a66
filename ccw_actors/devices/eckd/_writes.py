"""Commands that write: a record's data, a record and the rest of its track, a track.

| write control (file mask) | update | count, erase | home address, R0 |
|---|---|---|---|
| 00 | yes | yes | no |
| 40 | no | no | no |
| 80 | yes | no | no |
| C0 | yes | yes | yes |

Without a domain each has to follow the command that found its place: an update follows
a search that matched, a count follows such a search or another count, R0 follows its
home address.
"""

from msgspec.structs import replace

from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import OVERFLOW, Access, WriteControl
from ccw_actors.devices.eckd._ending import NORMAL, end_of_file
from ccw_actors.devices.eckd._sense import (
    FILE_PROTECTED,
    INVALID_TRACK_FORMAT,
    Message,
    UnitCheckError,
    rejected,
)
from ccw_actors.devices.eckd._state import Domain, Follows, Orientation
from ccw_actors.devices.track import (
    COUNT_SIZE,
    END_MARK,
    HOME_ADDRESS_SIZE,
    RECORD_NUMBER,
    slots,
)
from ccw_actors.errors import ImageError

__all__ = [
    "erase",
    "write_count_key_data",
    "write_count_key_data_next_track",
    "write_data",
    "write_full_track",
    "write_home_address",
    "write_key_data",
    "write_record_zero",
    "write_special_count_key_data",
]

_ALL = frozenset({WriteControl.ALL})
_COUNTS = frozenset({WriteControl.NOT_HOME_ADDRESS, WriteControl.ALL})
_PLACES = frozenset({Follows.RECORD, Follows.COUNT})
_TRACK_SET, _TRACK = 0xFFFF, 0x8000
_WRITE_COUNTS = frozenset({0x1D, 0x9D})


def write_data(access: Access) -> CommandEnd:
    """Replace the data of a record, padded with zeros to the record's length."""
    return _update(access, with_key=False)


def write_key_data(access: Access) -> CommandEnd:
    """Replace key and data of a record, padded with zeros to the record's length."""
    return _update(access, with_key=True)


def write_home_address(access: Access) -> CommandEnd:
    """Accept the five bytes of the home address; the image keeps its own."""
    if access.write_control not in _ALL:
        raise UnitCheckError(FILE_PROTECTED)
    if access.chain.orientation is not Orientation.INDEX:
        raise rejected(Message.INVALID_SEQUENCE)
    access.output(HOME_ADDRESS_SIZE)
    access.chain = replace(access.chain, follows=Follows.HOME_ADDRESS)
    return CommandEnd(NORMAL, transferred=access.taken, length=HOME_ADDRESS_SIZE)


def write_record_zero(access: Access) -> CommandEnd:
    """Write R0, and erase the rest of the track.

    In a domain for format writes it follows the LOCATE RECORD, which has found the
    home address (Linux drivers/s390/block/dasd_eckd.c, locate_record).
    """
    in_domain = access.chain.domain is not None
    place = Follows.LOCATE if in_domain else Follows.HOME_ADDRESS
    _check(access, _ALL, frozenset({place}))
    if access.chain.orientation is not Orientation.INDEX:
        raise rejected(Message.INVALID_SEQUENCE)
    return _write_record(access, HOME_ADDRESS_SIZE)


def write_count_key_data(access: Access) -> CommandEnd:
    """Write a record behind the one located, found or written; erase the rest.

    The record has the length in its count area, padded with zeros.
    """
    if access.chain.domain is None:
        _check(access, _COUNTS, _PLACES)
    elif access.chain.orientation is Orientation.INDEX:
        return _write_record(access, HOME_ADDRESS_SIZE)
    return _write_record(access, access.slots[access.chain.slot].end)


def write_count_key_data_next_track(access: Access) -> CommandEnd:
    """Move to the next track, write a record behind its R0, and erase the rest.

    It has to follow a record just written, in a domain for format writes. A track
    outside of the extent is file protected. Linux formats several tracks with one such
    program (drivers/s390/block/dasd_eckd.c, dasd_eckd_build_format).
    """
    if access.chain.domain is None or access.previous not in _WRITE_COUNTS:
        raise rejected(Message.INVALID_SEQUENCE)
    access.next_track()
    return _write_record(access, access.slots[0].end)


def write_special_count_key_data(access: Access) -> CommandEnd:
    """Write a record that continues with the first one of the next track.

    The first bit of its count area is set, as in the images of Hercules.
    """
    _check(access, _COUNTS, _PLACES)
    offset = access.slots[access.chain.slot].end
    end = _write_record(access, offset)
    access.overwrite(offset, bytes((access.image[offset] | OVERFLOW,)))
    return end


def write_full_track(access: Access) -> CommandEnd:
    """Replace a track by records, R0 first, and the end mark, as READ TRACK gives them.

    It needs a domain for WRITE FULL TRACK; each one in it moves to the next track of
    the track set. The home address stays. Bytes behind the end mark are not taken.
    Linux writes so in raw-track mode (drivers/s390/block/dasd_eckd.c,
    dasd_eckd_build_cp_raw).
    """
    if access.chain.domain is None:
        raise rejected(Message.INVALID_SEQUENCE)
    if access.follows is not Follows.LOCATE:
        _next_of_track_set(access, access.chain.domain)
    home_address = access.image[:HOME_ADDRESS_SIZE]
    given = access.output(access.command.count)
    try:
        found = slots(home_address + given)
    except ImageError:
        raise UnitCheckError(INVALID_TRACK_FORMAT) from None
    is_r0 = not given[RECORD_NUMBER]
    size = found[-1].end + len(END_MARK)
    if not is_r0 or size > len(access.image):
        raise UnitCheckError(INVALID_TRACK_FORMAT)
    access.taken = size - HOME_ADDRESS_SIZE
    access.rewrite(HOME_ADDRESS_SIZE, given[: access.taken])
    access.orient(Orientation.DATA, len(found) - 1)
    return CommandEnd(NORMAL, transferred=access.taken, length=access.taken)


def _next_of_track_set(access: Access, domain: Domain) -> None:
    """Move to the next track of the set; a domain that has not ended has one."""
    tracks = domain.track_set
    while True:
        access.next_track()
        tracks = tracks << 1 & _TRACK_SET
        if tracks & _TRACK:
            break
    domain = replace(domain, track_set=tracks)
    access.chain = replace(access.chain, domain=domain)


def erase(access: Access) -> CommandEnd:
    """Erase all behind the record that was found or written."""
    _check(access, _COUNTS, _PLACES)
    access.output(access.command.count)
    access.rewrite(access.slots[access.chain.slot].end, END_MARK)
    return CommandEnd(NORMAL, transferred=access.taken, length=access.wanted)


def _check(
    access: Access, allowed: frozenset[WriteControl], after: frozenset[Follows]
) -> None:
    """Check that the file mask permits it and the place has just been found."""
    if access.write_control not in allowed or access.follows not in after:
        raise rejected(Message.INVALID_SEQUENCE)


def _update(access: Access, *, with_key: bool) -> CommandEnd:
    if access.chain.domain is None and (
        access.multitrack
        or access.follows is not Follows.RECORD
        or access.writes_inhibited
    ):
        raise rejected(Message.INVALID_SEQUENCE)
    slot = access.record()
    start = slot.key_offset if with_key else slot.data_offset
    length = slot.end - start
    if length != _transfer_length(access, length):
        raise UnitCheckError(INVALID_TRACK_FORMAT)
    if not slot.data_length:
        return end_of_file()
    data = access.output(length).ljust(length, b"\0")
    access.overwrite(start, data)
    return CommandEnd(NORMAL, transferred=access.taken, length=length)


def _transfer_length(access: Access, length: int) -> int:
    """Bytes to write: as located, else the extent's block size, else `length`."""
    domain, extent = access.chain.domain, access.chain.extent
    if domain is None or extent is None:
        return length
    return domain.transfer_length or extent.block_size or length


def _write_record(access: Access, offset: int) -> CommandEnd:
    given = access.output(access.command.count)
    if len(given) < COUNT_SIZE:
        raise rejected(Message.COUNT_TOO_SMALL)
    key_length, data_length = given[5], int.from_bytes(given[6:8])
    size = COUNT_SIZE + key_length + data_length
    if offset + size + len(END_MARK) > len(access.image):
        access.taken = access.wanted = 0
        raise UnitCheckError(INVALID_TRACK_FORMAT)
    access.taken = min(len(given), size)
    record = given[:size].ljust(size, b"\0")
    access.rewrite(offset, record + END_MARK)
    access.orient(Orientation.DATA, len(access.slots) - 1)
    access.chain = replace(access.chain, follows=Follows.COUNT)
    return CommandEnd(NORMAL, transferred=access.taken, length=size)
