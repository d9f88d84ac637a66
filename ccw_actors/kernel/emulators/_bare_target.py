"""BareTarget: a subchannel of this package with a disk, and nothing between.

It shows what the architecture asks for. Its status is pending as soon as it exists, so
nothing can be held between a host and an emulator.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Self

from msgspec.structs import replace

from ccw_actors.actors import Region, Storage
from ccw_actors.actors.protocol import (
    Attend,
    Stored,
    StoreSubchannel,
)
from ccw_actors.channel import Actl
from ccw_actors.kernel.emulators._own_layers import (
    LAYERS,
    STORAGE,
    OwnGuest,
    Sink,
    add_host,
)
from ccw_actors.kernel.emulators._target import PATIENCE
from ccw_actors.kernel.gates import AwaitRead, GatedVolume, HoldReads, ReleaseReads
from ccw_actors.machine import OURS, Layers
from ccw_actors.runtime import ActorRef, System

__all__ = ["BareTarget"]

_PAUSE: Final = 0.001


class BareTarget:
    """The subchannel of a disk in the image file `disk`; an async context manager.

    `layers` has its class, by default that of the package.
    """

    def __init__(self, disk: Path, layers: Layers = OURS) -> None:
        self._disk = disk
        self._layers = layers
        self._stack = AsyncExitStack()

    @property
    def guest(self) -> OwnGuest:
        """The guest, from `async with` on."""
        return self._guest

    @property
    def host(self) -> "BareTarget":
        """The host is here as well."""
        return self

    async def __aenter__(self) -> Self:
        system = await self._stack.enter_async_context(System())
        storage = system.spawn(Storage(STORAGE), "storage")
        region = Region(0, STORAGE, storage)
        layers = replace(self._layers, volume=GatedVolume)
        sink = system.spawn(Sink(), "sink")
        await add_host(system, self._disk, region, layers, sink)
        self._volume: ActorRef[Any] = system.ref("host/volume")
        self._subchannel: ActorRef[Any] = system.ref(LAYERS.subchannel)
        self._device = system.ref(LAYERS.device)
        self._guest = OwnGuest(self._subchannel, storage)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def hold_reads(self) -> None:
        """Keep the device waiting for its data."""
        self._volume.tell(HoldReads())

    async def read_begins(self) -> None:
        """Wait until the device waits for its data."""
        await self._volume.ask(AwaitRead(), timeout=PATIENCE)

    async def release_reads(self) -> None:
        """Give the device its data."""
        self._volume.tell(ReleaseReads())

    async def hold_status(self, *, keeps: bool = False) -> None:
        """Do nothing: there is no emulator."""

    async def status_waits(self) -> None:
        """Wait until status is pending, or no function is in progress."""
        await self._wait(needs_status=True)

    async def release_status(self, *, holds_on: bool = False) -> None:
        """Do nothing: there is no emulator."""

    async def status_shown(self) -> None:
        """Wait until status is pending, or no function is in progress."""
        await self._wait(needs_status=True)

    async def refuse_starts(self, errno: int) -> None:
        """Do nothing: there is no host between."""

    async def attend(self) -> None:
        """Have the device present attention."""
        self._device.tell(Attend())

    async def settle(self) -> None:
        """Wait until status is pending, or nothing goes on."""
        await self._wait(needs_status=False)

    async def _wait(self, *, needs_status: bool) -> None:
        # Attention is on its way to the subchannel while no function is in progress.
        looks = 20 if needs_status else 2
        async with asyncio.timeout(PATIENCE):
            while looks:
                stored: Stored = await self._subchannel.ask(StoreSubchannel())
                scsw = stored.schib.scsw
                if scsw.pending:
                    return
                looks -= not scsw.fctl or bool(scsw.actl & Actl.SUSPENDED)
                await asyncio.sleep(_PAUSE)
