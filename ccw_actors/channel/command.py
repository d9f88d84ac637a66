"""The interface of channel and control unit: one command and its end."""

from typing import Final

from msgspec import Struct

from ccw_actors.channel._scsw import Dstat

__all__ = ["OPEN_COUNT", "CommandEnd", "DeviceCommand"]

OPEN_COUNT: Final = 0xFFFF_FFFF
"""More bytes than any data chain has."""


class DeviceCommand(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One command as the control unit sees it.

    `code` is the CCW's command byte. `count` is the number of bytes that the channel is
    ready to take or give. `data` holds these bytes for a write or control command and
    is empty otherwise. It is `OPEN_COUNT` if the channel fetches the CCWs of a data
    chain only as the data reach them. With `area`, `data` is the content of the data
    area of a command that moves data to storage, which some virtual devices need.
    `chained` is true unless this is the first command of a chain: the first of its
    channel program, or the first after a suspension. If it is false, a control unit
    forgets file mask, extent and domain. With `chaining`, another command follows if
    this one ends normally and the channel finds no error: the CCW has the chain-command
    flag on. It is on with `OPEN_COUNT`, as nobody knows yet. If the program is
    `suspendable`, the chain may end before that command.
    """

    code: int
    count: int
    data: bytes = b""
    chained: bool = False
    area: bool = False
    chaining: bool = False
    suspendable: bool = False


class CommandEnd(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Ending status of one command.

    `status` is the device-status byte (channel end 08, device end 04, ...). `data` are
    the bytes that a read or sense moves to storage, never more than the command's
    count. `transferred` is the number of bytes moved in either direction; the residual
    count is the CCW count minus `transferred`. `length` is the number of bytes that the
    device would have moved had the count allowed it: the length is incorrect if it
    differs from the CCW count. An immediate command (no data) has both zero and
    `immediate` true.

    A device that is part of the channel subsystem, as virtual devices are, may end a
    command with a `check`: a bit of the subchannel status, shown instead of `status`.
    With `wants_area` the device has done nothing yet: it gets the same command again,
    with the content of the data area. `holds` says that the device has taken data of
    this channel program which it writes at the end of the chain: if no command ends the
    chain, it has to be asked to.
    """

    status: int
    data: bytes = b""
    transferred: int = 0
    length: int = 0
    immediate: bool = False
    check: int = 0
    wants_area: bool = False
    holds: bool = False

    @property
    def is_normal(self) -> bool:
        """Whether command chaining continues after this end."""
        return self.status & ~Dstat.STATUS_MODIFIER == Dstat.CHANNEL_AND_DEVICE_END
