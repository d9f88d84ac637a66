"""A guest in its own QEMU: its actors, its devices, its end.

| path | actor |
|---|---|
| alice/emulator | the process, by its system calls |
| alice/storage | its memory, where QEMU lets devices reach it |
| alice/0.0.0190/vfio-ccw | the regions of a device passed through to it |

The last two are in the host's part: see `_host_part`.
"""

import asyncio
import contextlib
import math
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    AwaitGuest,
    GuestReport,
    RegionsMessage,
    ReportProgress,
)
from ccw_actors.errors import ClientError, QmpError
from ccw_actors.machine._build import guest_path, host_path, subchannel_of
from ccw_actors.machine._config import Machine, PassedThrough, QemuGuest
from ccw_actors.machine._faulty import FAULTY_PARTS
from ccw_actors.machine._host_part import (
    BuildHostPart,
    GuestHost,
    chpid_of,
    left_of,
)
from ccw_actors.machine._qemu_process import QemuProcess
from ccw_actors.runtime import ActorRef, System
from ccw_actors.vfio import (
    AddDevice,
    ClientProcessMessage,
    Qmp,
    RemoveDevice,
    device_name,
    device_option,
    devno_of,
    find_qemu,
    sysfsdev_of,
)

__all__ = ["QemuRun"]

_GRACE: Final = 10.0
"""Seconds that a guest has to shut down."""


class QemuRun:
    """One guest of a machine, from the start of its QEMU to its end.

    Its files on the host's disk are below `scratch`. A `vfio_ccw` of one's own in the
    layers of `host` has to answer for regions, as `VfioCcwRegions` does.
    """

    def __init__(
        self,
        system: System,
        machine: Machine,
        guest: QemuGuest,
        scratch: Path,
        host: GuestHost,
    ) -> None:
        self._machine = machine
        self._guest = guest
        self._folder = scratch / guest.name
        self._host = host
        self._process = QemuProcess(system, guest, self._folder)

    @property
    def emulator(self) -> ActorRef[ClientProcessMessage]:
        """The actor that answers for the guest."""
        return self._process.emulator

    # -- start -------------------------------------------------------------------------

    async def start(self) -> None:
        """Spawn the guest's actors, and start its QEMU.

        Raises:
            ImageError: The image of a device cannot be used.
            UnsupportedHostError: This computer does not let other processes be guests.
            ClientError: The QEMU is not found, or cannot be started.
        """
        guest = self._guest
        program = await asyncio.to_thread(find_qemu, *filter(None, [guest.binary]))
        emulated = (self.emulator,) * len(guest.devices)
        request = BuildHostPart(guest.name, self.emulator, emulated)
        part = await self._host.build(request)
        devices = [
            self._shown(passed, subchannel_of(self._machine, passed.host), regions)
            for passed, regions in zip(guest.devices, part.drivers, strict=True)
        ]
        options = self._options(devices)
        await self._process.start(program, options, tuple(devices), part.storage)

    def _options(self, devices: list[AddDevice]) -> list[str]:
        """Return QEMU's arguments for the devices, in their order."""
        return [
            device_option(
                passed.number,
                sysfsdev_of(self._folder, index, device.subchannel),
                boot=passed.number == self._guest.boot,
            )
            for index, (passed, device) in enumerate(
                zip(self._guest.devices, devices, strict=True)
            )
        ]

    def _shown(
        self, passed: PassedThrough, number: int, regions: ActorRef[RegionsMessage]
    ) -> AddDevice:
        """Describe a device to the emulator; `number` is that of its subchannel."""
        chpid = chpid_of(self._guest, number)
        return AddDevice(str(passed.number), number, regions, chpid)

    # -- devices that come and go ------------------------------------------------------

    async def attach(
        self, machine: Machine, passed: PassedThrough, number: int
    ) -> None:
        """Plug in a device that only `machine` has, as subchannel `number`.

        Raises:
            CcwActorsError: QEMU refuses it, or its image cannot be used.
        """
        qmp = self._monitor
        self._machine = machine
        try:
            regions = await self._host.add_device(
                machine, self._guest, passed, number, self.emulator
            )
            shown = self._shown(passed, number, regions)
            added = await self.emulator.ask(shown)
            await qmp.add_vfio_ccw(
                device_name(passed.number),
                sysfsdev=sysfsdev_of(self._folder, added.index, shown.subchannel),
                devno=devno_of(passed.number),
            )
        except BaseException:
            await self._take_away(passed)
            raise

    async def detach(self, machine: Machine, passed: PassedThrough) -> None:
        """Unplug a device that `machine` does not have, and stop its actors.

        Raises:
            CcwActorsError: The guest has not released it, and keeps it.
        """
        await self._monitor.remove_device(device_name(passed.number))
        self._machine = machine
        await self._take_away(passed)

    async def pause(self) -> None:
        """Stop the virtual CPUs."""
        await self._monitor.stop()

    async def resume(self) -> None:
        """Let the virtual CPUs run again."""
        await self._monitor.cont()

    @property
    def _monitor(self) -> Qmp:
        if self._process.qmp is None:
            raise ClientError(f"the QEMU of guest {self._guest.name} has ended")
        return self._process.qmp

    async def _take_away(self, passed: PassedThrough) -> None:
        """Stop the actors of a device that the guest does not or no longer have."""
        await self.emulator.ask(RemoveDevice(str(passed.number)))
        host = host_path(passed.host)
        parts = (
            f"{host}/cio",
            f"{host}/subchannel",
            f"{host}/device",
            *(f"{host}/device{part}" for part in FAULTY_PARTS),
            f"{host}/volume",
        )
        for path in (f"{guest_path(self._guest, passed.number)}/vfio-ccw", *parts):
            ref = await self._host.ref(path)
            ref.stop()
            await ref.stopped()

    # -- the run and its end -----------------------------------------------------------

    async def progress(self) -> GuestReport:
        """Ask the guest how far it has come."""
        report: GuestReport = await self.emulator.ask(ReportProgress())
        return report

    async def report(self) -> GuestReport:
        """Wait for the guest's end, and for its devices to be at rest."""
        report = await self.emulator.ask(AwaitGuest(), timeout=math.inf)
        if report.error and self._process.words:
            last_word = self._process.words[-1]
            report = replace(report, error=f"{report.error}: {last_word}")
        left = await self._left()
        result = {**report.result, "released": not left}
        if left and report.error is None:
            report = replace(report, error="; ".join(left))
        return replace(report, result=result)

    async def _left(self) -> list[str]:
        """Return what is left of the guest on our side, which should be nothing."""
        find = self._host.ref
        guest = next(g for g in self._machine.guests if g.name == self._guest.name)
        subchannels = {
            passed.host: await find(f"{host_path(passed.host)}/subchannel")
            for passed in guest.devices
        }
        return await left_of(await find(f"{guest_path(guest)}/storage"), subchannels)

    async def shut_down(self) -> None:
        """Ask the guest to shut down; if it does not, end its QEMU."""
        if self._process.qmp is not None:
            with contextlib.suppress(QmpError):
                await self._process.qmp.shut_down(grace=_GRACE)
                await self.report()

    async def close(self) -> None:
        """End the process, if it is running, and release the guest's resources."""
        await self._process.close()
