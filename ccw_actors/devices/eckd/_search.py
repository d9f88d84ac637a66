"""Commands that compare a field that passes under the head with an argument.

A match ends with status modifier. An argument that is shorter than the field is
compared with the start of the field; it is not an incorrect length. An argument for a
record without a key is one.
"""

from collections.abc import Callable
from operator import eq, ge, gt

from msgspec.structs import replace

from ccw_actors.channel import Dstat
from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import Access
from ccw_actors.devices.eckd._ending import NORMAL, control_end
from ccw_actors.devices.eckd._state import Follows, Orientation

__all__ = [
    "search_home_address_equal",
    "search_id_equal",
    "search_id_equal_or_high",
    "search_id_high",
    "search_key_equal",
    "search_key_equal_or_high",
    "search_key_high",
]

_ID_SIZE = 5

Compare = Callable[[bytes, bytes], bool]
"""Compares the field on the track with the argument."""


def search_home_address_equal(access: Access) -> CommandEnd:
    """Compare the address of the track, without the bin: four bytes."""
    access.return_to_index()
    return _compared(access, access.home_address, eq, Follows.HOME_ADDRESS)


def search_id_equal(access: Access) -> CommandEnd:
    """Compare the identifier of the next record: five bytes, CCHHR."""
    return _search_id(access, eq)


def search_id_high(access: Access) -> CommandEnd:
    """Match if the next record's identifier is higher than the argument."""
    return _search_id(access, gt)


def search_id_equal_or_high(access: Access) -> CommandEnd:
    """Match if the next record's identifier is equal to the argument or higher."""
    return _search_id(access, ge)


def search_key_equal(access: Access) -> CommandEnd:
    """Compare the key of the next record; a record without a key does not match."""
    return _search_key(access, eq)


def search_key_high(access: Access) -> CommandEnd:
    """Match if the next record's key is higher than the argument."""
    return _search_key(access, gt)


def search_key_equal_or_high(access: Access) -> CommandEnd:
    """Match if the next record's key is equal to the argument or higher."""
    return _search_key(access, ge)


def _search_id(access: Access, compare: Compare) -> CommandEnd:
    field = access.count_area(access.next_count(from_r1=False))[:_ID_SIZE]
    return _compared(access, field, compare, Follows.IDENTIFIER)


def _search_key(access: Access, compare: Compare) -> CommandEnd:
    if access.chain.orientation is not Orientation.COUNT:
        access.next_count(from_r1=True)
    slot = access.slots[access.chain.slot]
    access.orient(Orientation.KEY, access.chain.slot)
    if not slot.key_length:
        return control_end(access)
    key = access.image[slot.key_offset : slot.data_offset]
    return _compared(access, key, compare, Follows.KEY)


def _compared(
    access: Access, field: bytes, compare: Compare, follows: Follows
) -> CommandEnd:
    argument = access.output(len(field))
    end = control_end(access)
    if not compare(field[: len(argument)], argument):
        return end
    # A write has to follow a search for a record that is equal as a whole.
    if compare is eq and len(argument) == len(field):
        access.chain = replace(access.chain, follows=follows)
    return replace(end, status=NORMAL | Dstat.STATUS_MODIFIER)
