"""ModelTarget: the verdict table's model of QEMU's emulator, on layers with gates.

A scenario that takes other steps here than on a real QEMU shows where the model and
that QEMU differ.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

from ccw_actors.actors import Region, Storage
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.designs import QemuSubchannel
from ccw_actors.kernel.emulators._gated_host import GatedHost
from ccw_actors.kernel.emulators._own_layers import (
    DEVICE,
    LAYERS,
    STORAGE,
    OwnGuest,
    Sink,
    add_host,
)
from ccw_actors.kernel.gates import Gates
from ccw_actors.machine import add_driver
from ccw_actors.runtime import System

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
    def guest(self) -> OwnGuest:
        """The guest, from `async with` on."""
        return self._guest

    @property
    def host(self) -> GatedHost:
        """The host, with gates."""
        return self._host

    async def __aenter__(self) -> Self:
        system = await self._stack.enter_async_context(System())
        layers = self._gates.layers
        storage = system.spawn(Storage(STORAGE), "storage")
        region = Region(_BASE, STORAGE, storage, dma=True)
        await add_host(system, self._disk, region, layers)
        add_driver(system, LAYERS, storage, base=_BASE, layers=layers)
        model = QemuSubchannel(
            SubchannelId(0, 0),
            Pmcw.of_device(int(DEVICE)),
            self._gates.regions,
            system.spawn(Sink(), "sink"),
        )
        self._guest = OwnGuest(system.spawn(model, LAYERS.emulated), storage)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()
