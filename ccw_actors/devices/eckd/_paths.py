"""Commands for the path to the device: path groups, reservations, reconnection.

The device has one path, so it never refuses a command because it is reserved: every
command comes on the path that reserved it.
"""

from msgspec.structs import replace

from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import Access
from ccw_actors.devices.eckd._control import sense
from ccw_actors.devices.eckd._ending import NORMAL, control_end, read_end
from ccw_actors.devices.eckd._sense import Message, rejected
from ccw_actors.devices.eckd._state import PATH_GROUP_ID_SIZE, PathGroup

__all__ = [
    "SUSPEND_MULTIPATH_RECONNECTION",
    "follows_suspension",
    "release",
    "reserve",
    "sense_path_group_id",
    "set_path_group_id",
    "suspend_multipath_reconnection",
]

SUSPEND_MULTIPATH_RECONNECTION = 0x5B


_GROUPED, _RESERVED, _MULTIPATH = 0xC0, 0x30, 0x08
"""Path state: grouped, reserved to this path, in multipath mode (Linux' css.h)."""

_MULTIPATH_MODE = 0x80
_DISBAND, _RESIGN = 0x20, 0x40
_FUNCTION = 0x60
_FUNCTION_RESERVED = 0x1F


def sense_path_group_id(access: Access) -> CommandEnd:
    """Read the state of the path and the path group identifier: 1 and 11 bytes.

    The identifier is zeros until one has been set. The state is that of struct
    path_state in Linux drivers/s390/cio/css.h. A path that was grouped in single-path
    mode shows no state, as on Hercules 3.13.
    """
    group = access.path_group
    state = _GROUPED | _MULTIPATH if group.established and group.multipath else 0
    if access.reserved:
        state |= _RESERVED
    identifier = group.identifier or bytes(PATH_GROUP_ID_SIZE)
    return read_end(access, bytes((state,)) + identifier)


def set_path_group_id(access: Access) -> CommandEnd:
    """Establish a path group, or resign from it, or disband it: 12 bytes.

    The function byte has the mode (80 multipath) and the function: 00 establish, 20
    disband, 40 resign. With one path the last two are the same. They keep the
    identifier, as on Hercules 3.13, and clear the state. A path in a group accepts no
    other identifier, and none accepts all zeros.
    """
    argument = access.argument(1 + PATH_GROUP_ID_SIZE)
    function, identifier = argument[0], argument[1:]
    group = access.path_group
    if (
        function & _FUNCTION_RESERVED
        or function & _FUNCTION == _FUNCTION
        or not any(identifier)
        or (group.established and identifier != group.identifier)
    ):
        raise rejected(Message.INVALID_ARGUMENT)
    if function & (_DISBAND | _RESIGN):
        access.path_group = replace(group, established=False)
    else:
        multipath = bool(function & _MULTIPATH_MODE)
        access.path_group = PathGroup(identifier, established=True, multipath=multipath)
    return control_end(access)


def follows_suspension(access: Access) -> bool:
    """Whether a command is the second of its chain, behind a suspension.

    That is SUSPEND MULTIPATH RECONNECTION.
    """
    is_second = access.chain.number == 2
    return is_second and access.previous == SUSPEND_MULTIPATH_RECONNECTION


def reserve(access: Access) -> CommandEnd:
    """Reserve the device, and sense.

    Only one SUSPEND MULTIPATH RECONNECTION may come before it in a chain. UNCONDITIONAL
    RESERVE does the same: no other path could have the device reserved.
    """
    if access.command.chained and not follows_suspension(access):
        raise rejected(Message.INVALID_SEQUENCE)
    access.reserved = True
    return sense(access)


def release(access: Access) -> CommandEnd:
    """Release the device, reserved or not, and sense.

    It may follow other commands, as in Linux' steal lock, which chains it to
    UNCONDITIONAL RESERVE (drivers/s390/cio/device_pgid.c, stlck_build_cp), but not
    DEFINE EXTENT, SET FILE MASK or READ IPL.
    """
    if access.chain.extent is not None or access.chain.mask_set:
        raise rejected(Message.INVALID_SEQUENCE)
    access.reserved = False
    return sense(access)


def suspend_multipath_reconnection(_access: Access) -> CommandEnd:
    """Do nothing, as the device has one path."""
    return CommandEnd(NORMAL, immediate=True)
