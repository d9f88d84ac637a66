"""GatedHost: this package's layers with gates, below an emulator that reads regions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ccw_actors.actors.protocol import Attend, Stored, StoreSubchannel
from ccw_actors.channel import Actl
from ccw_actors.kernel.emulators._target import PATIENCE
from ccw_actors.kernel.gates import (
    AwaitEvents,
    AwaitRead,
    CountEvents,
    EventsCounted,
    Gates,
    HoldReads,
    HoldSignals,
    RefuseStarts,
    ReleaseReads,
    ReleaseSignals,
)

__all__ = ["GatedHost"]

_PAUSE: Final = 0.002
_QUIET_LOOKS: Final = 5


class GatedHost:
    """The host's side of a machine that was made with `gates`."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self._waited = 0  # interruptions that a scenario has waited for
        self._shown = 0  # IRBs that it has waited for

    async def hold_reads(self) -> None:
        """Keep the device waiting for its data."""
        self._gates.volume.tell(HoldReads())

    async def read_begins(self) -> None:
        """Wait until the device waits for its data."""
        await self._gates.volume.ask(AwaitRead(), timeout=PATIENCE)

    async def release_reads(self) -> None:
        """Give the device its data."""
        self._gates.volume.tell(ReleaseReads())

    async def hold_status(self, *, keeps: bool = False) -> None:
        """Keep interruptions from the emulator."""
        self._waited = (await self._count()).signals
        self._gates.regions.tell(HoldSignals(keeps))

    async def status_waits(self) -> None:
        """Wait for the next interruption, which is held."""
        self._waited += 1
        await self._await_events(AwaitEvents(signals=self._waited))

    async def release_status(self, *, holds_on: bool = False) -> None:
        """Signal the emulator, and wait until it has read the I/O region.

        QEMU's main loop has the big lock then, so the guest's next instruction finds
        the status in the subchannel.
        """
        before = (await self._count()).reads
        self._gates.regions.tell(ReleaseSignals(holds_on))
        if (await self._count()).is_unread:
            await self._await_events(AwaitEvents(reads=before + 1))
        self._shown = (await self._count()).reads

    async def status_shown(self) -> None:
        """Wait until the emulator has read the I/O region once more."""
        self._shown += 1
        await self._await_events(AwaitEvents(reads=self._shown))

    async def _count(self) -> EventsCounted:
        counted: EventsCounted = await self._gates.regions.ask(
            CountEvents(), timeout=PATIENCE
        )
        return counted

    async def _await_events(self, wanted: AwaitEvents) -> None:
        await self._gates.regions.ask(wanted, timeout=PATIENCE)

    async def refuse_starts(self, errno: int) -> None:
        """Refuse each START of the emulator with an errno."""
        self._gates.regions.tell(RefuseStarts(errno))

    async def attend(self) -> None:
        """Have the device present attention."""
        self._gates.device.tell(Attend())

    async def settle(self) -> None:
        """Wait until host and emulator look idle several times in a row."""
        await _quiet(self._is_idle)
        self._shown = (await self._count()).reads

    async def _is_idle(self) -> tuple[int, int] | None:
        """Return how much has happened; None if host or emulator has work to do."""
        stored: Stored = await self._gates.subchannel.ask(StoreSubchannel())
        scsw, counted = stored.schib.scsw, await self._count()
        suspended = scsw.actl & Actl.SUSPENDED and not scsw.pending
        if counted.is_unread or scsw.pending or (scsw.fctl and not suspended):
            return None
        return counted.signals, counted.reads


async def _quiet(look: Callable[[], Awaitable[object]]) -> None:
    """Wait until an async function has returned the same several times."""
    looks, before = 0, None
    async with asyncio.timeout(PATIENCE):
        while looks < _QUIET_LOOKS:
            now = await look()
            looks = looks + 1 if now is not None and now == before else 0
            before = now
            await asyncio.sleep(_PAUSE)
