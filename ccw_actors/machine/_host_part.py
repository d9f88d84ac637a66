"""The host's part of a guest: its storage, and all that is below the vfio interface.

| path | actor |
|---|---|
| host/0.0.0150/volume, /device, /subchannel, /cio | a host device |
| host/0.0.0150/device-drive, /device-path | if faults can happen to it: see `_faulty` |
| alice/storage | the guest's storage |
| alice/0.0.0190/vfio-ccw | a device passed through to it |

The guest's own actors are above that interface, and may be in another System: they are
given, and get, references.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from msgspec.structs import replace

from ccw_actors.actors import Region, Storage, VfioCcwRegions
from ccw_actors.actors.protocol import CountPins, StoreSubchannel
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.machine._build import (
    add_disk,
    add_disks,
    base_of,
    guest_path,
    paths_of,
    subchannel_of,
)
from ccw_actors.machine._config import (
    STORAGE_MAX,
    DeviceNumber,
    GuestConfiguration,
    Machine,
    PassedThrough,
    QemuGuest,
)
from ccw_actors.machine._faulty import add_faulty_path
from ccw_actors.machine._wiring import OURS, Layers, add_driver, add_subchannel
from ccw_actors.runtime import ActorRef, Message, Request, System
from ccw_actors.vfio import ProcessStorage

__all__ = [
    "BuildHostPart",
    "GuestHost",
    "HostPart",
    "LocalHost",
    "chpid_of",
    "left_of",
]

_CHPID: Final = 0
"""The channel path of devices whose guest is a program in Python."""

_CHPID_FIRST: Final = 0x40
_CHPIDS: Final = 0x80


class HostPart(Message, frozen=True):
    """The actors of the host that a guest's own send to.

    `drivers` are the VfioCcws of the guest's devices, in their order.
    """

    storage: ActorRef[Any]
    drivers: tuple[ActorRef[Any], ...]


class BuildHostPart(Request[HostPart], frozen=True):
    """Spawn the host's part of that guest, which sends to these of its actors.

    `owner` is the guest's channel subsystem, or the emulator of a QEMU. `emulated` are
    the actors above the VfioCcws of its devices, in their order. They may be spawned
    after the answer.
    """

    guest: str
    owner: ActorRef[Any]
    emulated: tuple[ActorRef[Any], ...]


class GuestHost(Protocol):
    """Where the host's parts of guests are: in this System, or in another one."""

    async def build(self, request: BuildHostPart, /) -> HostPart:
        """Spawn the host's part of a guest.

        Raises:
            ImageError: The image of a device cannot be used.
        """
        ...

    async def add_device(
        self,
        machine: Machine,
        guest: QemuGuest,
        passed: PassedThrough,
        number: int,
        emulator: ActorRef[Any],
    ) -> ActorRef[Any]:
        """Spawn one more device, as subchannel `number`; return its VfioCcwRegions.

        Raises:
            AttachmentError: This host takes no devices while the machine runs.
            ImageError: The image of the device cannot be used.
        """
        ...

    async def ref(self, path: str, /) -> ActorRef[Any]:
        """Return the host's actor at a path."""
        ...


class _Ends(NamedTuple):
    """The guest's ends of a device: who answers for it, and who hears reports."""

    emulated: ActorRef[Any]
    owner: ActorRef[Any]


class LocalHost:
    """Spawns the host's parts in a System of this process; see `GuestHost`.

    Images are unpacked into `scratch`.
    """

    def __init__(
        self, system: System, machine: Machine, scratch: Path, layers: Layers = OURS
    ) -> None:
        self._system = system
        self._machine = machine
        self._scratch = scratch
        self._layers = layers

    async def ref(self, path: str) -> ActorRef[Any]:
        """Return the actor at a path."""
        return self._system.ref(path)

    async def build(self, request: BuildHostPart) -> HostPart:
        """Spawn the host's part of a guest; see `GuestHost.build`."""
        machine, system = self._machine, self._system
        guest = next(one for one in machine.guests if one.name == request.guest)
        await add_disks(system, machine, guest, self._scratch, self._layers)
        is_qemu = isinstance(guest, QemuGuest)
        storage = system.spawn(
            ProcessStorage(request.owner) if is_qemu else Storage(guest.storage),
            f"{guest_path(guest)}/storage",
        )
        drivers = tuple(
            self._add_layers(
                machine,
                guest,
                passed,
                subchannel_of(machine, passed.host),
                _Ends(emulated, request.owner),
            )
            for passed, emulated in zip(guest.devices, request.emulated, strict=True)
        )
        return HostPart(storage, drivers)

    async def add_device(
        self,
        machine: Machine,
        guest: QemuGuest,
        passed: PassedThrough,
        number: int,
        emulator: ActorRef[Any],
    ) -> ActorRef[Any]:
        """Spawn one more device; see `GuestHost.add_device`."""
        device = next(one for one in machine.devices if one.number == passed.host)
        await add_disk(self._system, device, self._scratch, self._layers)
        ends = _Ends(emulator, emulator)
        return self._add_layers(machine, guest, passed, number, ends)

    def _add_layers(
        self,
        machine: Machine,
        guest: GuestConfiguration | QemuGuest,
        passed: PassedThrough,
        number: int,
        ends: _Ends,
    ) -> ActorRef[Any]:
        """Spawn the layers of a host device below the guest; return the uppermost."""
        system, layers = self._system, self._layers_for(guest)
        paths = paths_of(guest, passed)
        chpid = chpid_of(guest, number)
        base = base_of(machine, guest)
        size = STORAGE_MAX if isinstance(guest, QemuGuest) else guest.storage
        storage = system.ref(f"{guest_path(guest)}/storage")
        add_subchannel(
            system,
            paths,
            SubchannelId(0, number),
            Pmcw.of_device(int(passed.host), chpid=chpid),
            (Region(base, size, storage, dma=True),),
            layers=layers,
        )
        add_driver(
            system, paths, storage, base=base, emulated=ends.emulated, layers=layers
        )
        driver = system.ref(paths.vfio_ccw)
        devices = {device.number: device for device in machine.devices}
        if devices[passed.host].is_faulty:
            listener = driver if isinstance(guest, QemuGuest) else ends.owner
            add_faulty_path(system, paths, chpid, listener)
        return driver

    def _layers_for(self, guest: GuestConfiguration | QemuGuest) -> Layers:
        """Return the layers; a QEMU's own VfioCcw answers for regions."""
        if isinstance(guest, QemuGuest) and self._layers.vfio_ccw is OURS.vfio_ccw:
            return replace(self._layers, vfio_ccw=VfioCcwRegions)
        return self._layers


def chpid_of(guest: GuestConfiguration | QemuGuest, number: int) -> int:
    """Return the channel path of the host's subchannel of that number."""
    if isinstance(guest, QemuGuest):
        return _CHPID_FIRST + number % _CHPIDS
    return _CHPID


async def left_of(
    storage: ActorRef[Any], subchannels: Mapping[DeviceNumber, ActorRef[Any]]
) -> list[str]:
    """Return what the host still has of a guest that has ended; it should be nothing.

    A line says how many pages of `storage` are pinned, and others which `subchannels`
    are not idle.
    """
    left: list[str] = []
    pins = await storage.ask(CountPins())
    if pins.owners:
        left.append(f"{pins.pages} pages are pinned for {pins.owners} programs")
    for number, subchannel in subchannels.items():
        stored = await subchannel.ask(StoreSubchannel())
        scsw = stored.schib.scsw
        if stored.cc == 0 and (scsw.fctl or scsw.actl or scsw.stctl):
            left.append(f"the subchannel of {number} is not idle: {scsw}")
    return left
