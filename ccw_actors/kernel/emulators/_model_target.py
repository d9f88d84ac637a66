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
    Instruction,
    InstructionAnswer,
    InterruptionTaken,
    Piece,
    ReadStorage,
    ResetSubchannel,
    TakeInterruption,
    WriteStorage,
)
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.designs import QemuSubchannel
from ccw_actors.kernel.emulators._gated_host import GatedHost
from ccw_actors.kernel.emulators._own_layers import (
    DEVICE,
    LAYERS,
    STORAGE,
    Sink,
    add_host,
)
from ccw_actors.kernel.emulators._target import PATIENCE
from ccw_actors.kernel.gates import Gates
from ccw_actors.machine import add_driver
from ccw_actors.runtime import ActorRef, System

__all__ = ["ModelTarget"]

_BASE: Final = 1 << 44


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
        layers = self._gates.layers
        self._storage = system.spawn(Storage(STORAGE), "storage")
        region = Region(_BASE, STORAGE, self._storage, dma=True)
        await add_host(system, self._disk, region, layers)
        add_driver(system, LAYERS, self._storage, base=_BASE, layers=layers)
        model = QemuSubchannel(
            SubchannelId(0, 0),
            Pmcw.of_device(int(DEVICE)),
            self._gates.regions,
            system.spawn(Sink(), "sink"),
        )
        self._emulated: ActorRef[Any] = system.spawn(model, LAYERS.emulated)
        return self

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
