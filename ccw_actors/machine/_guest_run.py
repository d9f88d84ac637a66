"""One guest of a machine, from its start to its result."""

import asyncio
import contextlib
import logging
import math
from pathlib import Path
from typing import Any

from ccw_actors.actors.guest import describe
from ccw_actors.actors.protocol import AwaitGuest, GuestReport, ReportProgress
from ccw_actors.control import GuestState
from ccw_actors.errors import CcwActorsError
from ccw_actors.machine._build import guest_path, host_path
from ccw_actors.machine._config import GuestConfiguration, Machine, QemuGuest
from ccw_actors.machine._guest_part import build_guest
from ccw_actors.machine._host_part import GuestHost
from ccw_actors.machine._qemu_guest import QemuRun
from ccw_actors.machine._results import GuestProgress, GuestResult
from ccw_actors.machine._wiring import Layers
from ccw_actors.runtime import Observer, System

__all__ = ["Defects", "GuestRun"]

log = logging.getLogger("ccw_actors")


class GuestRun:
    """One guest, from its start to its result; `host` has the part below it."""

    def __init__(
        self,
        system: System,
        machine: Machine,
        guest: GuestConfiguration | QemuGuest,
        scratch: Path,
        *,
        host: GuestHost,
        defects: "Defects",
        layers: Layers,
    ) -> None:
        self._guest = guest
        self._part: _ProgramRun | QemuRun
        if isinstance(guest, QemuGuest):
            self._part = QemuRun(system, machine, guest, scratch, host)
        else:
            self._part = _ProgramRun(system, guest, host, layers)
        self.result: GuestResult | None = None
        self._running = False
        hosts = [host_path(passed.host) for passed in guest.devices]
        self._defect = defects.watch(guest_path(guest), *hosts)

    @property
    def qemu(self) -> QemuRun | None:
        """The guest's QEMU while it runs, else None."""
        runs = isinstance(self._part, QemuRun) and self.state == "running"
        return self._part if runs and isinstance(self._part, QemuRun) else None

    async def run(self) -> None:
        """Start the guest and wait for its end; a failure is a result as well."""
        try:
            await self._part.start()
            self._running = True
            self.result = GuestResult.of(await self._report())
        except CcwActorsError as error:
            self.result = GuestResult(error=describe(error))
        except asyncio.CancelledError:
            await self._part.shut_down()
            raise
        except Exception as error:
            # The computer may have no thread, memory or descriptor left for it.
            log.exception("guest %s cannot run", self._guest.name)
            self.result = GuestResult(error=describe(error))
        finally:
            await self._part.close()

    async def progress(self) -> GuestProgress:
        """Return how far the guest has come."""
        report = None
        if self.state == "running":
            # The guest may have just failed, or be too busy to answer.
            with contextlib.suppress(CcwActorsError):
                report = await self._part.progress()
        state = self.state
        return GuestProgress(state, report if state == "running" else None)

    @property
    def state(self) -> GuestState:
        """How far the guest has come."""
        if self.result is None:
            return "running" if self._running else "starting"
        return "failed" if self.result.error else "finished"

    async def _report(self) -> GuestReport:
        """Wait for the guest's report, or for one of its actors to fail."""
        ended = asyncio.ensure_future(self._part.report())
        first: set[asyncio.Future[Any]] = {ended, self._defect}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if self._defect.done():
                raise CcwActorsError(self._defect.result())
            return ended.result()
        finally:
            ended.cancel()


class _ProgramRun:
    """A guest that is a program in Python."""

    def __init__(
        self,
        system: System,
        guest: GuestConfiguration,
        host: GuestHost,
        layers: Layers,
    ) -> None:
        self._system = system
        self._guest = guest
        self._host = host
        self._layers = layers

    async def start(self) -> None:
        """Spawn the guest, which then runs."""
        await build_guest(self._system, self._guest, self._host, self._layers)

    async def report(self) -> GuestReport:
        """Wait for the end of its program."""
        emulator = self._system.ref(f"{guest_path(self._guest)}/emulator")
        report: GuestReport = await emulator.ask(AwaitGuest(), timeout=math.inf)
        return report

    async def progress(self) -> GuestReport:
        """Ask the guest how far it has come."""
        cpu = self._system.ref(f"{guest_path(self._guest)}/cpu0")
        report: GuestReport = await cpu.ask(ReportProgress())
        return report

    async def shut_down(self) -> None:
        """Do nothing: the guest stops with its System."""

    async def close(self) -> None:
        """Do nothing: the guest holds no resources."""


class Defects(Observer):
    """An observer that reports the failure of an actor to the guest it worked for."""

    def __init__(self) -> None:
        self._watches: list[tuple[tuple[str, ...], asyncio.Future[str]]] = []

    def watch(self, *paths: str) -> asyncio.Future[str]:
        """Return a future of the first failure of an actor below these paths."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watches.append((tuple(f"{path}/" for path in paths), future))
        return future

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Give the failure to every watch of a path above that actor."""
        text = f"{actor} failed on {message}: {describe(error)}"
        for prefixes, future in self._watches:
            if actor.startswith(prefixes) and not future.done():
                future.set_result(text)
