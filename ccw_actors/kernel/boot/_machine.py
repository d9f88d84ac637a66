"""A kernel at work: a QEMU with one disk of this package, and gates on our side of it.

The disk is a 3390 with device number 0190. The kernel has no root file system: its
init is the client, which ends the machine when it is over.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from ccw_actors.actors.hardware.image import create_tracks
from ccw_actors.actors.protocol import (
    DetachDevice,
    Report,
    StoreSubchannel,
    UnsolicitedStatus,
)
from ccw_actors.channel import Crw, Dstat, Schib
from ccw_actors.devices import Geometry
from ccw_actors.kernel.boot._gates import TRACK_SIZE, Gate, HeldRegions, HeldVolume
from ccw_actors.machine import (
    Binary,
    ConsoleTarget,
    DeviceNumber,
    HostDevice,
    Layers,
    Machine,
    MachineRun,
    PassedThrough,
    QemuGuest,
    StorageSize,
)
from ccw_actors.runtime import System

__all__ = ["BootOptions", "KernelMachine"]

_NUMBER: Final = DeviceNumber(0x190)
_HOST: Final = f"host/{_NUMBER}"
_GUEST: Final = "linux"
_REGIONS: Final = f"{_GUEST}/{_NUMBER}/vfio-ccw"
_CYLINDERS: Final = 10
_COMMAND_LINE: Final = "console=ttyS0 nokaslr panic=-1 loglevel=4"


class BootOptions(Struct, frozen=True, kw_only=True):
    """What to boot, and how.

    `storage` is in bytes, whole MiB. `binary` is the QEMU, None for the one on PATH.
    With `gdbstub` its CPUs stand until a debugger at that socket lets them run.
    """

    kernel: Path
    initrd: Path
    folder: Path
    cpus: int = 1
    storage: int = 192 << 20
    binary: Path | None = None
    gdbstub: Path | None = None
    append: str = ""


class KernelMachine:
    """A machine, from `async with` on. `interrupt` and `data` are its gates."""

    def __init__(self, options: BootOptions) -> None:
        self.interrupt, self.data = Gate(), Gate()
        self._options = options
        self._console = options.folder / "console"
        layers = Layers(
            vfio_ccw=partial(HeldRegions, self.interrupt),
            volume=partial(HeldVolume, self.data),
        )
        self._run = MachineRun(_machine(options, self._console), layers=layers)
        self._task: asyncio.Task[object] | None = None

    async def __aenter__(self) -> Self:
        """Start the machine."""
        image = self._options.folder / "disk.img"
        geometry = Geometry("3390", _CYLINDERS, 15, TRACK_SIZE)
        await asyncio.to_thread(create_tracks, image, geometry, "KERNEL", replace=True)
        self._task = asyncio.create_task(self._run.run())
        return self

    async def __aexit__(self, *_error: object) -> None:
        """End the machine, if it is running."""
        self.interrupt.open()
        self.data.open()
        self._run.stop()
        assert self._task is not None, "the machine was started"
        await asyncio.wait([self._task])

    async def ended(self, timeout: float) -> bool:
        """Wait for the guest's end for so many seconds; return whether it has come."""
        assert self._task is not None, "the machine was started"
        done, _ = await asyncio.wait([self._task], timeout=timeout)
        return bool(done)

    @property
    def console(self) -> str:
        """What the guest has written on its console."""
        if not self._console.exists():
            return ""
        return self._console.read_text(errors="replace")

    @property
    def error(self) -> str:
        """Why the guest could not start, or did not end well; "" if it did."""
        result = self._run.so_far("").guests[_GUEST]
        return result.error or ""

    @property
    def _system(self) -> System:
        system = self._run.system
        assert system is not None, "a machine that runs has actors"
        return system

    # -- events at the device ----------------------------------------------------------

    def show_attention(self) -> None:
        """Have the device show status that nobody has asked for."""
        subchannel = self._system.ref(f"{_HOST}/subchannel")
        subchannel.tell(UnsolicitedStatus(Dstat.ATTENTION))

    def lose_device(self) -> None:
        """Unplug the device, as from the mainframe that this package is."""
        self._system.ref(f"{_HOST}/subchannel").tell(DetachDevice())

    def report(self, crw: Crw) -> None:
        """Report an event of a channel path."""
        self._system.ref(_REGIONS).tell(Report(crw))

    async def schib(self) -> Schib:
        """Return the SCHIB of the host's subchannel."""
        stored = await self._system.ref(f"{_HOST}/subchannel").ask(StoreSubchannel())
        schib: Schib = stored.schib
        return schib


def _machine(options: BootOptions, console: Path) -> Machine:
    stub = options.gdbstub
    stopped = () if stub is None else ("-S", "-gdb", f"unix:{stub},server=on,wait=off")
    guest = QemuGuest(
        _GUEST,
        StorageSize(options.storage),
        binary=None if options.binary is None else Binary(options.binary),
        cpus=options.cpus,
        kernel=options.kernel,
        initrd=options.initrd,
        append=f"{_COMMAND_LINE} {options.append}".strip(),
        arguments=("-no-reboot", *stopped),
        console=ConsoleTarget(console),
        line_mode=True,
        devices=(PassedThrough(_NUMBER, _NUMBER),),
    )
    device = HostDevice(_NUMBER, "3390", options.folder / "disk.img")
    return Machine((device,), (guest,))
