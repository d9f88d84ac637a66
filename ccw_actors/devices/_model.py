"""What every device model is: a pure function from state and command to outcome.

A model does no I/O. Tracks come to it as bytes and leave it as bytes; whoever runs it
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
    """What is fixed for the life of a device.

    `device_type` is the machine type, such as "3390". `geometry` is that of its volume
    and None for a device without one. Writing on a `read_only` device is inhibited.
    `devno` is the device number, which some devices tell. `options` are pairs of a name
    and its text, for what only some device types can be told.
    """

    device_type: str
    geometry: Geometry | BlockGeometry | None = None
    read_only: bool = False
    devno: int = 0
    options: tuple[tuple[str, str], ...] = ()


class NeedTrack(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The command cannot go on without this track; nothing has happened yet.

    The caller executes the same command on the same state again, with the image of
    this track added to those it gave.
    """

    number: int


class Outcome(
    Struct, Generic[StateT], frozen=True, array_like=True, forbid_unknown_fields=True
):
    """A command that has ended.

    `writes` are the numbers and the whole new images of the tracks that changed; they
    have to be written before `end` is shown to the channel, and `failed` says what to
    show when that did not work.
    """

    state: StateT
    end: CommandEnd
    writes: tuple[tuple[int, bytes], ...] = ()


class Failure(Enum):
    """Why a device could not have a track read or written.

    `EQUIPMENT` is an error in reading or writing it (equipment check); `INTERVENTION`
    means that there is no volume at all (intervention required).
    """

    EQUIPMENT = "equipment"
    INTERVENTION = "intervention"


class DeviceModel(Protocol[StateT]):
    """A kind of device, configured; it holds no state.

    States are frozen, encodable Structs of `state_type`. No method raises, whatever
    the guest made of the command: errors become sense data.
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
        """State after the halt signal: the chain is over, sense data remain."""
        ...

    def reset(self, state: StateT) -> StateT:
        """State after the clear signal: sense data are gone."""
        ...

    def sense(self, state: StateT) -> bytes:
        """Give the 32 bytes of sense data that a SENSE would read, and keep them."""
        ...
