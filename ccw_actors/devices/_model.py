"""The interface of device models: pure functions from state and command to outcome.

A model does no I/O. It gets tracks as bytes and returns tracks as bytes; the caller
reads and writes them.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry

__all__ = [
    "DeviceConfiguration",
    "DeviceModel",
    "Failure",
    "NeedTrack",
    "Outcome",
]

StateT = TypeVar("StateT", bound=Struct)


class DeviceConfiguration(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True
):
    """The settings of a device, fixed for its life.

    `device_type` is the machine type, such as "3390". `geometry` is that of its volume
    and None for a device without one. Writing on a `read_only` device is inhibited.
    `devno` is the device number, which some devices report. `options` are pairs of a
    name and its text: settings that only some device types have.
    """

    device_type: str
    geometry: Geometry | BlockGeometry | None = None
    read_only: bool = False
    devno: int = 0
    options: tuple[tuple[str, str], ...] = ()


class NeedTrack(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The command needs track `number`, counted from 0; nothing has happened yet.

    The caller executes the same command on the same state again, with the image of
    this track added to those it gave.
    """

    number: int


class Outcome(
    Struct, Generic[StateT], frozen=True, array_like=True, forbid_unknown_fields=True
):
    """The end of a command, with the next state.

    `writes` are the numbers and the whole new images of the tracks that changed. Write
    them before you show `end` to the channel. If a write fails, show the outcome of
    `DeviceModel.failed` instead.
    """

    state: StateT
    end: CommandEnd
    writes: tuple[tuple[int, bytes], ...] = ()


class Failure(Enum):
    """Why a track could not be read or written.

    `EQUIPMENT` is an error of the read or write (equipment check); `INTERVENTION`
    means that the device has no volume (intervention required).
    """

    EQUIPMENT = "equipment"
    INTERVENTION = "intervention"


class DeviceModel(Protocol[StateT]):
    """A configured device of some type; it holds no state.

    States are frozen, encodable Structs of `state_type`. No method raises, whatever
    command the guest sends: errors become sense data.
    """

    @property
    def state_type(self) -> type[StateT]:
        """Type of the state, to decode it with."""
        ...

    def initial(self) -> StateT:
        """State of the device after power on, and after a system reset."""
        ...

    def execute(
        self, state: StateT, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Outcome[StateT] | NeedTrack:
        """Execute one command, given the images of the tracks it needs by number."""
        ...

    def failed(
        self, state: StateT, command: DeviceCommand, failure: Failure
    ) -> Outcome[StateT]:
        """End a command whose track could not be read or written: unit check.

        `state` is the one that the command was executed on.
        """
        ...

    def halted(self, state: StateT) -> StateT:
        """State after the halt signal: the chain has ended, sense data remain."""
        ...

    def reset(self, state: StateT) -> StateT:
        """State after the clear signal: the chain has ended."""
        ...

    def sense(self, state: StateT) -> bytes:
        """Return the sense bytes that SENSE would read, at most 32, and keep them."""
        ...
