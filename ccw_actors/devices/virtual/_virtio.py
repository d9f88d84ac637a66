"""The CCW commands of a virtio device: identification, features, configuration, status.

| code | command | data |
|---|---|---|
| 03, 04, E4 | no operation, sense, sense ID | |
| 11, 12 | write, read features | 5: 32 bits, little-endian; number of the word |
| 13 | set up a virtqueue | 16, in revision 1 and later 32: checked for length only |
| 21, 22 | write, read configuration space | |
| 31, 72 | write, read status | 1 |
| 32 | read size of a virtqueue | 4: its number, its size |
| 33 | reset | 0 |
| 43, 53, 73 | set up indicators | 8, 8, 28: taken and not used |
| 83 | set revision | 4: revision, length of the data that follow |

Numbers are big-endian unless the table says otherwise. The model has no virtqueues:
nothing is ever read or written. Arguments that are too short or out of range end a
command with program check, as the device is part of the channel subsystem.

Source: Virtual I/O Device specification, "Virtio over channel I/O"; QEMU
hw/s390x/virtio-ccw.c.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import Cstat
from ccw_actors.channel.ccw import SENSE_LENGTH, Command
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices._model import DeviceConfiguration, Outcome
from ccw_actors.devices._sense import Sense
from ccw_actors.devices.virtual._common import (
    NoVolume,
    all_taken,
    given,
    sense_id,
    unit_check,
)
from ccw_actors.devices.virtual._virtio_kinds import KINDS

__all__ = ["COMMANDS", "Virtio", "VirtioState"]

_CONTROL_UNIT: Final = 0x3832
_REVISION_MAX: Final = 2
_FEATURES_SIZE: Final = 5
_RESERVED_IN_REVISION_0: Final = 32


class VirtioState(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """State of a device; `revision` is -1 until a driver sets it."""

    condition: int = 0
    revision: int = -1
    status: int = 0
    features: int = 0
    configuration: bytes = b""


class _Unknown(Exception):  # noqa: N818 - it never leaves this module
    """The device does not have this command, or not with these data."""


class _Senseless(Exception):  # noqa: N818 - it never leaves this module
    """The channel subsystem ends the command with program check."""


Handler = Callable[
    ["Virtio", VirtioState, DeviceCommand], tuple[VirtioState, CommandEnd]
]


class Virtio(NoVolume):
    """A virtio device as a device model; `device_type` is "virtio-blk", for example."""

    state_type = VirtioState

    def __init__(self, configuration: DeviceConfiguration) -> None:
        self.kind = KINDS[configuration.device_type]
        self._fields = self.kind.fields(configuration)

    def initial(self) -> VirtioState:
        """State after power on."""
        return VirtioState(configuration=self.space(-1))

    def execute(
        self, state: VirtioState, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Outcome[VirtioState]:
        """Execute one command; there are no tracks."""
        del tracks
        entry = COMMANDS.get(command.code)
        rejected = replace(state, condition=Sense.COMMAND_REJECT)
        if entry is None:
            return Outcome(rejected, unit_check(command))
        try:
            after, end = entry[1](self, state, command)
        except _Unknown:
            return Outcome(rejected, unit_check(command))
        except _Senseless:
            return Outcome(state, CommandEnd(0, check=Cstat.PROGRAM_CHECK))
        if command.code != Command.BASIC_SENSE and not end.wants_area:
            after = replace(after, condition=0)
        return Outcome(after, end)

    def halted(self, state: VirtioState) -> VirtioState:
        """State after the halt signal."""
        return state

    def reset(self, state: VirtioState) -> VirtioState:
        """State after the clear signal: sense data are gone."""
        return replace(state, condition=0)

    def sense(self, state: VirtioState) -> bytes:
        """Return the 32 bytes of sense data."""
        return bytes([state.condition]).ljust(SENSE_LENGTH, b"\0")

    def forgotten(self, state: VirtioState) -> VirtioState:
        """State after a reset by the driver."""
        return VirtioState(state.condition, configuration=self.space(-1))

    def space(self, revision: int) -> bytes:
        """Return the configuration space: big-endian until revision 1 has been set."""
        order: Literal["little", "big"] = "little" if revision >= 1 else "big"
        parts = (value.to_bytes(size, order) for value, size in self._fields)
        return b"".join(parts)


def _sense(
    device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    return replace(state, condition=0), given(command, device.sense(state))


def _sense_id(
    device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    return state, sense_id(command, _CONTROL_UNIT, device.kind.number)


def _read_features(
    device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    if not command.area:
        return state, CommandEnd(0, wants_area=True)
    data = command.data.ljust(_FEATURES_SIZE, b"\0")
    index = data[4]
    offered = device.kind.features
    if state.revision < 1:
        offered &= (1 << _RESERVED_IN_REVISION_0) - 1
    word = offered >> 32 * index & 0xFFFF_FFFF
    return state, given(command, word.to_bytes(4, "little") + bytes([index]))


def _write_features(
    device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    data = _argument(command, _FEATURES_SIZE)
    word, index = int.from_bytes(data[:4], "little"), data[4]
    if index < 2:
        mask = 0xFFFF_FFFF << 32 * index
        features = state.features & ~mask | word << 32 * index
        state = replace(state, features=features & device.kind.features)
    return state, all_taken(command)


def _read_configuration(
    _device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    return state, given(command, state.configuration.ljust(command.count, b"\0"))


def _write_configuration(
    _device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    old = state.configuration
    new = command.data[: len(old)]
    state = replace(state, configuration=new + old[len(new) :])
    return state, all_taken(command)


def _read_status(
    _device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    return state, given(command, bytes([state.status]))


def _write_status(
    device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    status = _argument(command, 1)[0]
    if not status:
        return device.forgotten(state), all_taken(command)
    return replace(state, status=status), all_taken(command)


def _reset_device(
    device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    return device.forgotten(state), all_taken(command)


def _queue_size(
    device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    if not command.area:
        return state, CommandEnd(0, wants_area=True)
    index = int.from_bytes(command.data[:2])
    if index >= len(device.kind.queues):
        raise _Senseless
    size = device.kind.queues[index]
    return state, given(command, index.to_bytes(2) + size.to_bytes(2))


def _set_queue(
    _device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    _argument(command, 32 if state.revision >= 1 else 16)
    return state, all_taken(command)


def _set_revision(
    device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    revision = int.from_bytes(_argument(command, 4)[:2])
    if revision > _REVISION_MAX or state.revision >= 0:
        raise _Unknown
    space = device.space(revision)
    return replace(state, revision=revision, configuration=space), all_taken(command)


def _taken(
    _device: "Virtio", state: VirtioState, command: DeviceCommand
) -> tuple[VirtioState, CommandEnd]:
    return state, all_taken(command)


def _argument(command: DeviceCommand, size: int) -> bytes:
    """Return the first `size` bytes of a command's data, which it needs."""
    if len(command.data) < size:
        raise _Senseless
    return command.data[:size]


COMMANDS: Final[Mapping[int, tuple[str, Handler]]] = {
    Command.NOOP: ("no operation", _taken),
    Command.BASIC_SENSE: ("sense", _sense),
    0x11: ("write features", _write_features),
    0x12: ("read features", _read_features),
    0x13: ("set up a virtqueue", _set_queue),
    0x21: ("write configuration", _write_configuration),
    0x22: ("read configuration", _read_configuration),
    0x31: ("write status", _write_status),
    0x32: ("read size of a virtqueue", _queue_size),
    0x33: ("reset", _reset_device),
    0x43: ("set indicators", _taken),
    0x53: ("set configuration indicators", _taken),
    0x72: ("read status", _read_status),
    0x73: ("set adapter indicators", _taken),
    0x83: ("set revision", _set_revision),
    Command.SENSE_ID: ("sense ID", _sense_id),
}
