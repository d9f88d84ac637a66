"""Commands that write: a record's data, a record and the rest of its track, a track.

| write control (file mask) | update | count, erase | home address, R0 |
|---|---|---|---|
| 00 | yes | yes | no |
| 40 | no | no | no |
| 80 | yes | no | no |
| C0 | yes | yes | yes |

Without a domain each has to follow the command that found its place. Data follow a
search whose argument is equal to a whole identifier or key; key and data follow one for
an identifier. A count follows any of these searches or another count, R0 its home
address. Reads and writes of key or data may come in between.
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
from ccw_actors.devices.eckd._state import Domain, Follows, Operation, Orientation
from ccw_actors.devices.track import (
    COUNT_SIZE,
    END_MARK,
    HOME_ADDRESS_SIZE,
    RECORD_NUMBER,
    Slot,
    slots,
)
from ccw_actors.devices.track_capacity import fits
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
_UPDATES = frozenset(WriteControl) - {WriteControl.NOTHING}
_COUNTS = frozenset({WriteControl.NOT_HOME_ADDRESS, WriteControl.ALL})
_FOUND = frozenset({Follows.IDENTIFIER, Follows.KEY})
_KEY_FOUND = frozenset({Follows.IDENTIFIER})
_PLACES = _FOUND | {Follows.COUNT}
_TRACK_SET, _TRACK = 0xFFFF, 0x8000
_RECORD_ZERO_SIZE = 8
_WRITE_COUNTS = frozenset({0x1D, 0x9D})


def write_data(access: Access) -> CommandEnd:
    """Replace the data of a record, padded with zeros to the record's length."""
    return _update(access, with_key=False)


def write_key_data(access: Access) -> CommandEnd:
    """Replace key and data of a record, padded with zeros to the record's length."""
    return _update(access, with_key=True)


def write_home_address(access: Access) -> CommandEnd:
    """Accept the five bytes of the home address; the image keeps its own.

    It waits for the begin of the track, wherever the command before it has ended.
    """
    access.check_place()
    if access.write_control not in _ALL:
        raise UnitCheckError(FILE_PROTECTED)
    access.output(HOME_ADDRESS_SIZE)
    access.chain = replace(
        access.chain, follows=Follows.HOME_ADDRESS, orientation=Orientation.INDEX
    )
    return CommandEnd(NORMAL, transferred=access.taken, length=HOME_ADDRESS_SIZE)


def write_record_zero(access: Access) -> CommandEnd:
    """Write R0, and erase the rest of the track.

    In a domain for format writes it follows the LOCATE RECORD, which has found the
    home address (Linux drivers/s390/block/dasd_eckd.c, locate_record).
    """
    in_domain = access.chain.domain is not None
    if in_domain and access.follows is not Follows.LOCATE:
        raise rejected(Message.INVALID_SEQUENCE)
    _check(access, _ALL, frozenset({Follows.HOME_ADDRESS}))
    if access.chain.orientation is not Orientation.INDEX:
        raise rejected(Message.INVALID_SEQUENCE)
    return _write_record(access, HOME_ADDRESS_SIZE)


def write_count_key_data(access: Access) -> CommandEnd:
    """Write a record behind the one located, found or written; erase the rest.

    The record has the length in its count area, padded with zeros. One that does not
    fit on the track ends with invalid track format (see `track_capacity`).
    """
    _check(access, _COUNTS, _PLACES)
    in_domain = access.chain.domain is not None
    if in_domain and access.chain.orientation is Orientation.INDEX:
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
    _check_mask(access, _COUNTS)
    access.next_track()
    return _write_record(access, access.slots[0].end)


def write_special_count_key_data(access: Access) -> CommandEnd:
    """Write a record that continues with the first one of the next track.

    The first bit of its count area is set, as in the images of Hercules. A 3380 or 3390
    rejects it, as there.
    """
    _check(access, _COUNTS, _PLACES)
    if not access.hardware.disk.overflows:
        raise rejected(Message.INVALID_SEQUENCE)
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
    lengths = [(slot.key_length, slot.data_length) for slot in found]
    if not is_r0 or not _fits(access, size, lengths):
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
    """Erase all behind the record that was located, found or written."""
    _check(access, _COUNTS, _PLACES)
    access.output(access.command.count)
    access.rewrite(access.slots[access.chain.slot].end, END_MARK)
    return CommandEnd(NORMAL, transferred=access.taken, length=access.wanted)


def _check(
    access: Access, allowed: frozenset[WriteControl], after: frozenset[Follows]
) -> None:
    """Check the file mask, and without a domain that the place has been found."""
    if access.chain.domain is None and access.follows not in after:
        raise rejected(Message.INVALID_SEQUENCE)
    _check_mask(access, allowed)


def _check_mask(access: Access, allowed: frozenset[WriteControl]) -> None:
    if access.write_control not in allowed:
        raise rejected(Message.INVALID_SEQUENCE)


def _update(access: Access, *, with_key: bool) -> CommandEnd:
    if access.chain.domain is None and access.multitrack:
        raise rejected(Message.INVALID_SEQUENCE)
    _check(access, _UPDATES, _KEY_FOUND if with_key else _FOUND)
    # The record has been read or written since; only an update goes on to the next.
    is_behind = not access.multitrack and access.chain.orientation is Orientation.DATA
    if is_behind:
        slot = access.slots[access.chain.slot]
    else:
        slot = access.record(with_key=with_key)
    start = slot.key_offset if with_key else slot.data_offset
    length = slot.end - start
    if length != _transfer_length(access, slot, length):
        raise UnitCheckError(INVALID_TRACK_FORMAT)
    if not slot.data_length:
        return end_of_file()
    data = access.output(length).ljust(length, b"\0")
    if is_behind:  # Hercules 3.13 takes the data first.
        raise rejected(Message.INVALID_SEQUENCE)
    access.overwrite(start, data)
    return CommandEnd(NORMAL, transferred=access.taken, length=length)


def _transfer_length(access: Access, slot: Slot, length: int) -> int:
    """Bytes to write: as located, else the extent's block size, else `length`.

    In a domain that writes tracks an R0 has 8 bytes of data, whatever is located.
    """
    domain, extent = access.chain.domain, access.chain.extent
    if domain is None or extent is None:
        return length
    if domain.operation is Operation.WRITE_TRACK and slot is access.slots[0]:
        return _RECORD_ZERO_SIZE
    return domain.transfer_length or extent.block_size or length


def _write_record(access: Access, offset: int) -> CommandEnd:
    given = access.output(access.command.count)
    if len(given) < COUNT_SIZE:
        raise rejected(Message.COUNT_TOO_SMALL)
    key_length, data_length = given[5], int.from_bytes(given[6:8])
    size = COUNT_SIZE + key_length + data_length
    known = access.slots if offset > HOME_ADDRESS_SIZE else ()
    earlier = [slot for slot in known if slot.end <= offset]
    lengths = [(slot.key_length, slot.data_length) for slot in earlier]
    lengths.append((key_length, data_length))
    if not _fits(access, offset + size + len(END_MARK), lengths):
        access.taken = access.wanted = 0
        raise UnitCheckError(INVALID_TRACK_FORMAT)
    access.taken = min(len(given), size)
    record = given[:size].ljust(size, b"\0")
    access.rewrite(offset, record + END_MARK)
    access.orient(Orientation.DATA, len(access.slots) - 1)
    access.chain = replace(access.chain, follows=Follows.COUNT)
    return CommandEnd(NORMAL, transferred=access.taken, length=size)


def _fits(access: Access, size: int, lengths: list[tuple[int, int]]) -> bool:
    """Return whether the track, and its image, have room.

    `size` is that of the track in its image, with the end mark. `lengths` are key and
    data lengths of all records, R0 first.
    """
    hardware = access.hardware
    in_image = size <= len(access.image)
    return in_image and (hardware.room_of_image or fits(hardware.capacity, lengths))
