"""What crosses between a channel and a control unit: one command and its end."""

from msgspec import Struct

__all__ = ["CommandEnd", "DeviceCommand"]


class DeviceCommand(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One command as the control unit sees it.

    `code` is the CCW's command byte. `count` is the number of bytes the channel is
    ready to take or give. `data` holds those bytes for a write or control command and
    is empty otherwise; with `area`, it is what the data area of a command that moves
    data to storage holds, which some virtual devices want to know. `chained` is true
    unless this is the first command of its channel program: a control unit forgets
    file mask, extent and domain when it is false.
    """

    code: int
    count: int
    data: bytes = b""
    chained: bool = False
    area: bool = False


class CommandEnd(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Ending status of one command.

    `status` is the device-status byte (channel end 08, device end 04, ...). `data` is
    what a read or sense moves to storage, never longer than the command's count.
    `transferred` is the number of bytes moved in either direction; the residual count
    is the CCW count less it. `length` is the number of bytes the device would have
    moved had the count allowed it: the length is incorrect when it differs from the
    CCW count. An immediate command (no data) has both zero and `immediate` true.

    A device that is part of the channel subsystem itself, as virtual ones are, may end
    a command in a `check`: a bit of the subchannel status, shown in place of its own.
    With `wants_area` it has done nothing yet: it is given the same command again, with
    what is in storage where the data are to go.
    """

    status: int
    data: bytes = b""
    transferred: int = 0
    length: int = 0
    immediate: bool = False
    check: int = 0
    wants_area: bool = False
