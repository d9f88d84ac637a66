"""The ends of a disk's commands without unit check."""

from ccw_actors.channel import Dstat
from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd._access import Access

__all__ = ["NORMAL", "control_end", "end_of_file", "read_end"]

NORMAL = Dstat.CHANNEL_AND_DEVICE_END


def read_end(access: Access, data: bytes) -> CommandEnd:
    """End a read with as much of the data as the count allows."""
    given = data[: access.command.count]
    return CommandEnd(NORMAL, given, transferred=len(given), length=len(data))


def end_of_file() -> CommandEnd:
    """End at a record without data: unit exception, no bytes transferred."""
    return CommandEnd(NORMAL | Dstat.UNIT_EXCEPTION)


def control_end(access: Access) -> CommandEnd:
    """End a command that has taken its argument; a short one is not incorrect."""
    return CommandEnd(NORMAL, transferred=access.taken, length=access.wanted)
