"""Parts that virtual devices share: no operation, sense and sense ID.

A command whose data are not needed takes all of its count: the residual count is 0.
Source: QEMU hw/s390x/css.c (css_interpret_ccw).
"""

from typing import TypeVar

from msgspec import Struct

from ccw_actors.channel import Dstat
from ccw_actors.channel.ccw import SENSE_ID_LENGTH
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices._model import Failure, Outcome

__all__ = [
    "NoVolume",
    "all_taken",
    "given",
    "sense_id",
    "unit_check",
]


StateT = TypeVar("StateT", bound=Struct)


class NoVolume:
    """The method `failed` of a device model without a volume."""

    def failed(
        self, state: StateT, command: DeviceCommand, failure: Failure
    ) -> Outcome[StateT]:
        """Never called: the device has no track that could fail."""
        raise AssertionError(f"{command} of {state} has no track: {failure}")


def all_taken(command: DeviceCommand) -> CommandEnd:
    """End a command that takes all bytes that it is given."""
    count = command.count
    return CommandEnd(Dstat.CHANNEL_AND_DEVICE_END, transferred=count, length=count)


def given(command: DeviceCommand, data: bytes) -> CommandEnd:
    """End a read with as much of the data as the count allows."""
    part = data[: command.count]
    return CommandEnd(
        Dstat.CHANNEL_AND_DEVICE_END, part, transferred=len(part), length=len(data)
    )


def sense_id(command: DeviceCommand, control_unit: int, model: int) -> CommandEnd:
    """End SENSE ID: control-unit type and model, no device type, 256 bytes in all."""
    data = b"\xff" + control_unit.to_bytes(2) + bytes([model])
    return given(command, data.ljust(SENSE_ID_LENGTH, b"\0"))


def unit_check(command: DeviceCommand) -> CommandEnd:
    """End a command with unit check, all of its count taken."""
    count = command.count
    status = Dstat.CHANNEL_AND_DEVICE_END | Dstat.UNIT_CHECK
    return CommandEnd(status, transferred=count, length=count)
