"""LiveMachine: a running machine, whose disks come and go, and whose guests pause."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccw_actors.control import Handler
from ccw_actors.errors import AttachmentError
from ccw_actors.machine._attachment import (
    AttachDisk,
    Attached,
    DetachDisk,
    Detached,
    Paused,
    PauseGuest,
    Resumed,
    ResumeGuest,
    with_disk,
    with_faults,
    without_disk,
)
from ccw_actors.machine._build import host_path, owners_of
from ccw_actors.machine._config import DeviceNumber, HostDevice, Machine, PassedThrough
from ccw_actors.machine._guest_run import GuestRun
from ccw_actors.machine._problems import problems
from ccw_actors.machine._qemu_guest import QemuRun
from ccw_actors.runtime import Request

__all__ = ["LiveMachine"]


class LiveMachine:
    """The devices and guests at this moment, and the guests' `runs` by name.

    `owners` has the guest of each host device, by the path of its actors. If it
    `takes_faults`, every device does, also one that comes later.
    """

    def __init__(self, machine: Machine, *, takes_faults: bool = False) -> None:
        if takes_faults:
            machine = with_faults(machine)
        self.machine = machine
        self._takes_faults = takes_faults
        self.owners = owners_of(machine)
        self.runs: dict[str, GuestRun] = {}
        self._next_subchannel = len(machine.devices)

    def handlers(self) -> Mapping[type[Request[Any]], Handler]:
        """Return the handlers of requests that change the machine."""
        return {
            AttachDisk: self._attach,
            DetachDisk: self._detach,
            PauseGuest: self._pause,
            ResumeGuest: self._resume,
        }

    async def _attach(self, request: AttachDisk) -> Attached:
        """Plug a disk into a guest, and make it a part of the machine."""
        qemu = self._qemu(request.guest)
        device, passed = self._named(request)
        after = with_disk(self.machine, request.guest, device, passed)
        if problem := next(problems(after), None):
            raise AttachmentError(problem.text)
        self.machine = after
        self.owners[host_path(device.number)] = request.guest
        subchannel = self._next_subchannel
        self._next_subchannel += 1
        try:
            await qemu.attach(after, passed, subchannel)
        except BaseException:
            self.machine = without_disk(self.machine, request.guest, passed)
            raise
        return Attached(str(device.number))

    def _named(self, request: AttachDisk) -> tuple[HostDevice, PassedThrough]:
        """Return the device to attach, under a free host number."""
        try:
            number = DeviceNumber.read(request.number)
        except ValueError as error:
            raise AttachmentError(str(error)) from error
        taken = {device.number for device in self.machine.devices}
        free = (n for n in (int(number), *range(0x10000)) if n not in taken)
        device = HostDevice(
            DeviceNumber(next(free)),
            request.device_type,
            Path(request.image),
            read_only=request.read_only,
            control_unit=request.control_unit,
            takes_faults=self._takes_faults,
        )
        return device, PassedThrough(number, device.number)

    async def _detach(self, request: DetachDisk) -> Detached:
        """Unplug a disk of a guest, and remove it from the machine."""
        qemu = self._qemu(request.guest)
        guest = next(g for g in self.machine.guests if g.name == request.guest)
        for passed in guest.devices:
            if str(passed.number) == request.number:
                after = without_disk(self.machine, request.guest, passed)
                await qemu.detach(after, passed)
                self.machine = without_disk(self.machine, request.guest, passed)
                return Detached()
        known = ", ".join(str(one.number) for one in guest.devices) or "none"
        raise AttachmentError(
            f"guest {request.guest} has no device {request.number}; it has {known}"
        )

    async def _pause(self, request: PauseGuest) -> Paused:
        await self._qemu(request.guest).pause()
        return Paused()

    async def _resume(self, request: ResumeGuest) -> Resumed:
        await self._qemu(request.guest).resume()
        return Resumed()

    def _qemu(self, guest: str) -> QemuRun:
        run = self.runs.get(guest)
        if run is None:
            known = ", ".join(self.runs) or "none"
            raise AttachmentError(f"there is no guest {guest}; there is {known}")
        if run.qemu is None:
            raise AttachmentError(f"guest {guest} is no QEMU that runs")
        return run.qemu
