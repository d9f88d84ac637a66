"""The interface of channel and control unit: one command and its end."""

from msgspec import Struct

__all__ = ["CommandEnd", "DeviceCommand"]


class DeviceCommand(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One command as the control unit sees it.

    `code` is the CCW's command byte. `count` is the number of bytes that the channel is
    ready to take or give. `data` holds these bytes for a write or control command and
    is empty otherwise. With `area`, `data` is the content of the data area of a command
    that moves data to storage, which some virtual devices need. `chained` is true
    unless this is the first command of its channel program; if it is false, a control
    unit forgets file mask, extent and domain.
    """

    code: int
    count: int
    data: bytes = b""
    chained: bool = False
    area: bool = False


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
    with the content of the data area.
    """

    status: int
    data: bytes = b""
    transferred: int = 0
    length: int = 0
    immediate: bool = False
    check: int = 0
    wants_area: bool = False
