"""What virtual devices have in common: no operation, sense and sense ID.

A command whose data are not needed takes all of its count, so that none of it is left.
Source: QEMU hw/s390x/css.c (css_interpret_ccw).
"""

from typing import Final, TypeVar

from msgspec import Struct

from ccw_actors.channel import Dstat
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices._model import Failure, Outcome

__all__ = [
    "COMMAND_REJECT",
    "INTERVENTION_REQUIRED",
    "NO_OPERATION",
    "SENSE",
    "SENSE_ID",
    "SENSE_SIZE",
    "NoVolume",
    "all_taken",
    "given",
    "sense_id",
    "unit_check",
]

NO_OPERATION: Final = 0x03
SENSE: Final = 0x04
SENSE_ID: Final = 0xE4
SENSE_SIZE: Final = 32
COMMAND_REJECT: Final = 0x80
INTERVENTION_REQUIRED: Final = 0x40

StateT = TypeVar("StateT", bound=Struct)

_NORMAL: Final = Dstat.CHANNEL_END | Dstat.DEVICE_END
_SENSE_ID_SIZE: Final = 256


class NoVolume:
    """The part of a device model that is about its volume, for one that has none."""

    def failed(
        self, state: StateT, command: DeviceCommand, failure: Failure
    ) -> Outcome[StateT]:
        """Never called: there is no track that could fail."""
        raise AssertionError(f"{command} of {state} has no track: {failure}")


def all_taken(command: DeviceCommand) -> CommandEnd:
    """End a command that takes whatever it is given."""
    count = command.count
    return CommandEnd(_NORMAL, transferred=count, length=count)


def given(command: DeviceCommand, data: bytes) -> CommandEnd:
    """End a read: as much of the data as the count allows."""
    part = data[: command.count]
    return CommandEnd(_NORMAL, part, transferred=len(part), length=len(data))


def sense_id(command: DeviceCommand, control_unit: int, model: int) -> CommandEnd:
    """End SENSE ID: control-unit type and model, no device type, 256 bytes in all."""
    data = b"\xff" + control_unit.to_bytes(2) + bytes([model])
    return given(command, data.ljust(_SENSE_ID_SIZE, b"\0"))


def unit_check(command: DeviceCommand) -> CommandEnd:
    """End a command in unit check."""
    count = command.count
    status = _NORMAL | Dstat.UNIT_CHECK
    return CommandEnd(status, transferred=count, length=count)
