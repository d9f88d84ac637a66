"""ModelTarget: the verdict table's model of QEMU's emulator, on layers with gates.

A scenario that takes other steps here than on a real QEMU shows where the model and
that QEMU differ.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Self

from ccw_actors.actors import Region, Storage
from ccw_actors.actors.protocol import (
    Area,
    DescribeVolume,
    Instruction,
    InstructionAnswer,
    InterruptionTaken,
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
from ccw_actors.designs import QemuSubchannel
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.kernel.emulators._gated_host import GatedHost
from ccw_actors.kernel.emulators._target import NUMBER, PATIENCE, STORAGE
from ccw_actors.kernel.gates import Gates
from ccw_actors.machine import add_device, add_driver, add_subchannel
from ccw_actors.runtime import Actor, ActorRef, System, receive
from ccw_actors.scenarios import PATHS

__all__ = ["ModelTarget"]

_BASE: Final = 1 << 44
_SCHID: Final = SubchannelId(0, 0)


class _Sink(Actor[SubchannelToSink]):
    """Takes the announcements of interruptions: the guest tests for them."""

    @receive
    def announced(self, _message: Pending | NotOperational) -> None:
        """Do nothing."""


class ModelTarget:
    """The model of a QEMU with the image `disk` passed through; a context manager."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._gates = Gates()
        self._host = GatedHost(self._gates)
        self._stack = AsyncExitStack()

    @property
    def guest(self) -> "ModelTarget":
        """The guest is here."""
        return self

    @property
    def host(self) -> GatedHost:
        """The host, with gates."""
        return self._host

    async def __aenter__(self) -> Self:
        system = await self._stack.enter_async_context(System())
        self._storage = system.spawn(Storage(STORAGE), "storage")
        await self._add_host(system)
        model = QemuSubchannel(
            _SCHID,
            Pmcw.of_device(NUMBER),
            self._gates.regions,
            system.spawn(_Sink(), "sink"),
        )
        self._emulated: ActorRef[Any] = system.spawn(model, PATHS.emulated)
        return self

    async def _add_host(self, system: System) -> None:
        layers = self._gates.layers
        volume: ActorRef[Any] = system.spawn_thread(
            layers.volume(self._disk, read_only=True), "volume"
        )
        found = await volume.ask(DescribeVolume())
        model = device_model(
            DeviceConfiguration("3390", found.geometry, True, NUMBER)  # noqa: FBT003
        )
        add_device(system, PATHS, model, volume, layers=layers)
        pmcw = Pmcw.of_device(NUMBER)
        region = Region(_BASE, STORAGE, self._storage, dma=True)
        add_subchannel(system, PATHS, _SCHID, pmcw, (region,), layers=layers)
        add_driver(system, PATHS, self._storage, base=_BASE, layers=layers)

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def execute(self, instruction: Instruction, cpu: int) -> InstructionAnswer:
        """Ask the model; it does not matter which CPU does."""
        del cpu
        answer: InstructionAnswer = await self._emulated.ask(
            instruction, timeout=PATIENCE
        )
        return answer

    async def take_interruption(self) -> bool:
        """Take the interruption, as TEST PENDING INTERRUPTION does."""
        taken = await self._emulated.ask(TakeInterruption(), timeout=PATIENCE)
        return isinstance(taken, InterruptionTaken)

    async def write(self, address: int, data: bytes) -> None:
        """Write to storage."""
        await self._storage.ask(WriteStorage(0, (Piece(address, data),)))

    async def read(self, address: int, length: int) -> bytes:
        """Read storage."""
        answer = await self._storage.ask(ReadStorage(0, (Area(address, length),)))
        return answer.parts[0]

    async def reset(self) -> None:
        """Reset the device, as the model does for a guest's reset."""
        await self._emulated.ask(ResetSubchannel(), timeout=PATIENCE)
