"""A kernel at work: a QEMU with disks of this package, and gates on our side of them.

The disks are 3390s with device numbers from 0190 on, each on its own subchannel. Here
they have numbers from 0. The kernel has no root file system: its init is the client,
which ends the machine when it is over.
"""

import asyncio
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from ccw_actors.actors.hardware.image import create_tracks, open_image
from ccw_actors.actors.protocol import (
    DetachDevice,
    Report,
    StoreSubchannel,
    UnsolicitedStatus,
)
from ccw_actors.channel import Crw, Dstat, Erc, Rsc, Schib
from ccw_actors.devices import Geometry, Record, Track
from ccw_actors.kernel.boot._client import BEGINS
from ccw_actors.kernel.gates import (
    CountEvents,
    EventsCounted,
    Gates,
    HoldReads,
    HoldSignals,
    MachineGates,
    ReleaseReads,
    ReleaseSignals,
)
from ccw_actors.machine import (
    Binary,
    ConsoleTarget,
    DeviceNumber,
    HostDevice,
    Machine,
    MachineRun,
    PassedThrough,
    QemuGuest,
    StorageSize,
)

__all__ = [
    "DATA_RECORD",
    "DATA_RECORDS",
    "DATA_TRACK",
    "BootOptions",
    "KernelMachine",
]

_FIRST: Final = 0x190
_GUEST: Final = "linux"
_GEOMETRY: Final = Geometry("3390", cylinders=10, heads=15, track_size=56832)

DATA_TRACK: Final = 60
"""The track that programs of the client read: cylinder 4, head 0."""
DATA_RECORDS: Final = 12
"""The number of its records after R0."""
DATA_RECORD: Final = bytes([0x5C]) * 4096
"""Each of these records."""

_COMMAND_LINE: Final = "console=ttyS0 nokaslr panic=-1 loglevel=4"
_ISOLATED: Final = "isolcpus={}"
"""Keeps the kernel's own work, such as workqueues, on the other CPUs."""


class BootOptions(Struct, frozen=True, kw_only=True):
    """What to boot, and how.

    `devices` is how many disks there are. `storage` is in bytes, whole MiB. `binary`
    is the QEMU, None for the one on PATH. With `gdbstub` its CPUs stand until a
    debugger at that socket lets them run. All CPUs but the first are for the client
    alone.
    """

    kernel: Path
    initrd: Path
    folder: Path
    cpus: int = 1
    devices: int = 1
    storage: int = 192 << 20
    binary: Path | None = None
    gdbstub: Path | None = None
    append: str = ""


class KernelMachine:
    """A machine, from `async with` on, with gates for interruptions and data."""

    def __init__(self, options: BootOptions) -> None:
        self._options = options
        self._console = options.folder / "console"
        self._gates = MachineGates(map(_path, range(options.devices)))
        machine = _machine(options, self._console)
        self._run = MachineRun(machine, layers=self._gates.layers)
        self._task: asyncio.Task[object] | None = None

    async def __aenter__(self) -> Self:
        """Start the machine."""
        for disk in _disks(self._options):
            await asyncio.to_thread(_create_disk, disk)
        self._task = asyncio.create_task(self._run.run())
        return self

    async def __aexit__(self, *_error: object) -> None:
        """End the machine, if it is running."""
        if self._gates.are_made:
            self.open_all()
        self._run.stop()
        await asyncio.wait([self._running])

    @property
    def _running(self) -> asyncio.Task[object]:
        assert self._task is not None, "the machine was started"
        return self._task

    async def ended(self, timeout: float) -> bool:
        """Wait for the guest's end for so many seconds; return whether it has come."""
        done, _ = await asyncio.wait([self._running], timeout=timeout)
        return bool(done)

    @property
    def console(self) -> str:
        """What the guest has written on its console."""
        if not self._console.exists():
            return ""
        return self._console.read_text(errors="replace")

    @property
    def has_begun(self) -> bool:
        """Whether the client has come to its threads."""
        return BEGINS in self.console

    @property
    def error(self) -> str:
        """Why the guest could not start, or did not end well; "" if it did."""
        result = self._run.so_far("").guests[_GUEST]
        return result.error or ""

    @property
    def devices(self) -> int:
        """How many disks there are."""
        return self._options.devices

    # -- gates -------------------------------------------------------------------------

    def hold_interrupt(self, device: int = 0) -> None:
        """Let interruptions of a device wait."""
        self._of(device).regions.tell(HoldSignals())

    def open_interrupt(self, device: int = 0) -> None:
        """Let the guest have the interruption that waits, and those that come."""
        self._of(device).regions.tell(ReleaseSignals())

    def hold_data(self, device: int = 0) -> None:
        """Let the channel wait for the data of each track."""
        self._of(device).volume.tell(HoldReads())

    def open_data(self, device: int = 0) -> None:
        """Give the channel its data."""
        self._of(device).volume.tell(ReleaseReads())

    def open_all(self) -> None:
        """Let nothing wait."""
        for device in range(self.devices):
            self.open_interrupt(device)
            self.open_data(device)

    async def count(self, device: int = 0) -> EventsCounted:
        """Count interruptions that were signalled, and IRBs that QEMU has read."""
        counted: EventsCounted = await self._of(device).regions.ask(CountEvents())
        return counted

    def _of(self, device: int) -> Gates:
        return self._gates.of(_path(device))

    # -- events at a device ------------------------------------------------------------

    def show_attention(self, device: int = 0) -> None:
        """Have a device show status that nobody has asked for."""
        self._of(device).subchannel.tell(UnsolicitedStatus(Dstat.ATTENTION))

    def lose_device(self, device: int = 0) -> None:
        """Unplug a device, as from the mainframe that this package is."""
        self._of(device).subchannel.tell(DetachDevice())

    async def report_path(self, *, comes: bool, device: int = 0) -> None:
        """Report that the channel path of a device comes, or goes."""
        chpid = (await self.schib(device)).pmcw.chpids[0]
        erc = Erc.INITIALIZED if comes else Erc.NOT_INITIALIZED
        self._of(device).regions.tell(Report(Crw(Rsc.CHANNEL_PATH, erc, chpid)))

    async def schib(self, device: int = 0) -> Schib:
        """Return the SCHIB of the host's subchannel of a device."""
        stored = await self._of(device).subchannel.ask(StoreSubchannel())
        return stored.schib


def _number(device: int) -> DeviceNumber:
    return DeviceNumber(_FIRST + device)


def _path(device: int) -> str:
    """Return the path below which the host has the actors of a device."""
    return f"host/{_number(device)}"


def _disks(options: BootOptions) -> list[Path]:
    """Return the image file of each device."""
    return [options.folder / f"disk{device}.img" for device in range(options.devices)]


def _create_disk(path: Path) -> None:
    """Create an image whose track `DATA_TRACK` has `DATA_RECORDS` records."""
    create_tracks(path, _GEOMETRY, "KERNEL", replace=True)
    cylinder, head = divmod(DATA_TRACK, _GEOMETRY.heads)
    content = [bytes(8), *[DATA_RECORD] * DATA_RECORDS]
    records = tuple(
        Record(cylinder, head, number, b"", one) for number, one in enumerate(content)
    )
    track = Track(0, cylinder, head, records, b"")
    image = open_image(path, read_only=False)
    image.write(DATA_TRACK, track.to_image(_GEOMETRY.track_size))
    image.close()


def _machine(options: BootOptions, console: Path) -> Machine:
    numbers = [_number(device) for device in range(options.devices)]
    stub = options.gdbstub
    stopped = () if stub is None else ("-S", "-gdb", f"unix:{stub},server=on,wait=off")
    guest = QemuGuest(
        _GUEST,
        StorageSize(options.storage),
        binary=None if options.binary is None else Binary(options.binary),
        cpus=options.cpus,
        kernel=options.kernel,
        initrd=options.initrd,
        append=_append(options),
        arguments=("-no-reboot", *stopped),
        console=ConsoleTarget(console),
        line_mode=True,
        devices=tuple(PassedThrough(number, number) for number in numbers),
    )
    devices = map(HostDevice, numbers, ["3390"] * len(numbers), _disks(options))
    return Machine(tuple(devices), (guest,))


def _append(options: BootOptions) -> str:
    """Return the kernel's command line."""
    words = [_COMMAND_LINE]
    if options.cpus > 1:
        words.append(_ISOLATED.format(",".join(map(str, range(1, options.cpus)))))
    return " ".join(filter(None, [*words, options.append]))
