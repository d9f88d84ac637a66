"""What targets in this process have in common: a disk, its actors, and a guest."""

from pathlib import Path
from typing import Any, Final

from ccw_actors.actors import Region
from ccw_actors.actors.protocol import (
    Area,
    DescribeVolume,
    Instruction,
    InstructionAnswer,
    Interruption,
    NotOperational,
    Pending,
    Piece,
    ReadStorage,
    ResetSubchannel,
    SubchannelToSink,
    TakeInterruption,
    WriteStorage,
)
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.kernel.emulators._target import PATIENCE
from ccw_actors.machine import (
    DeviceNumber,
    DevicePaths,
    Layers,
    add_device,
    add_subchannel,
)
from ccw_actors.runtime import Actor, ActorRef, System, receive

__all__ = ["DEVICE", "LAYERS", "STORAGE", "OwnGuest", "Sink", "add_host"]

DEVICE: Final = DeviceNumber(0x190)
STORAGE: Final = 64 << 20
LAYERS: Final = DevicePaths.below("host", "guest")


class Sink(Actor[SubchannelToSink]):
    """Takes the announcements of interruptions: the guest tests for them."""

    @receive
    def announced(self, _message: Pending | NotOperational) -> None:
        """Do nothing."""


class OwnGuest:
    """A guest in this process: its instructions go to an actor, its storage is one.

    `subchannel` answers instructions, resets and what takes an interruption.
    """

    def __init__(self, subchannel: ActorRef[Any], storage: ActorRef[Any]) -> None:
        self._subchannel = subchannel
        self._storage = storage

    async def execute(self, instruction: Instruction, cpu: int) -> InstructionAnswer:
        """Ask the subchannel; it does not matter which CPU does."""
        del cpu
        answer: InstructionAnswer = await self._subchannel.ask(
            instruction, timeout=PATIENCE
        )
        return answer

    async def take_interruption(self) -> bool:
        """Take the interruption, as TEST PENDING INTERRUPTION does."""
        taken = await self._subchannel.ask(TakeInterruption(), timeout=PATIENCE)
        return isinstance(taken, Interruption)

    async def write(self, address: int, data: bytes) -> None:
        """Write to storage."""
        await self._storage.ask(WriteStorage(0, (Piece(address, data),)))

    async def read(self, address: int, length: int) -> bytes:
        """Read storage."""
        answer = await self._storage.ask(ReadStorage(0, (Area(address, length),)))
        content: bytes = answer.parts[0]
        return content

    async def reset(self) -> None:
        """Reset and initialize the subchannel, as an I/O-system reset does."""
        await self._subchannel.ask(ResetSubchannel(), timeout=PATIENCE)


async def add_host(
    system: System,
    disk: Path,
    region: Region,
    layers: Layers,
    sink: ActorRef[Any] | None = None,
) -> None:
    """Spawn subchannel, device and volume of the image `disk`.

    Channel programs may use the storage of `region`. The subchannel announces
    interruptions to `sink`, by default its Cio.
    """
    volume: ActorRef[Any] = system.spawn_thread(
        layers.volume(disk, read_only=True), "host/volume"
    )
    found = await volume.ask(DescribeVolume())
    model = device_model(
        DeviceConfiguration("3390", found.geometry, True, int(DEVICE))  # noqa: FBT003
    )
    add_device(system, LAYERS, model, volume, layers=layers)
    add_subchannel(
        system,
        LAYERS,
        SubchannelId(0, 0),
        Pmcw.of_device(int(DEVICE)),
        (region,),
        sink=sink,
        layers=layers,
    )
