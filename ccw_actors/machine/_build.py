"""Wiring: the actors of a machine, from the images of its volumes to its guests.

| path | actor |
|---|---|
| host/0.0.0150/volume, /device, /subchannel, /cio | a host device |
| alice/storage, /css, /emulator, /cpu0 | a guest |
| alice/program | its program, if it is one that blocks: a thread |
| alice/0.0.0190/vfio-ccw, /subchannel | a device passed through to it |
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from ccw_actors.actors import (
    ChannelSubsystem,
    Cio,
    Device,
    Emulator,
    FileVolume,
    Guest,
    GuestSubchannel,
    ProgramThread,
    Region,
    Storage,
    Subchannel,
    VfioCcw,
)
from ccw_actors.actors.protocol import DescribeVolume
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.errors import ActorFailedError, CcwActorsError, ImageError
from ccw_actors.machine._config import (
    STORAGE_MAX,
    DeviceNumber,
    GuestConfiguration,
    HostDevice,
    Machine,
    QemuGuest,
)
from ccw_actors.machine._guest_program import Form
from ccw_actors.machine._images import image_file
from ccw_actors.runtime import ActorRef, Restart, System

__all__ = [
    "add_disk",
    "add_disks",
    "add_subchannel",
    "base_of",
    "build_guest",
    "guest_path",
    "host_path",
    "owners_of",
    "party_of",
    "subchannel_of",
]

_PATH: Final = 0x80


def host_path(number: DeviceNumber) -> str:
    """Return where the actors of a host device live."""
    return f"host/{number}"


def guest_path(
    guest: GuestConfiguration | QemuGuest, number: DeviceNumber | None = None
) -> str:
    """Return where the actors of a guest, or of one of its devices, live."""
    return guest.name if number is None else f"{guest.name}/{number}"


def owners_of(machine: Machine) -> dict[str, str]:
    """Return which guest each host device works for, by where its actors live."""
    return {
        host_path(passed.host): guest.name
        for guest in machine.guests
        for passed in guest.devices
    }


def party_of(owners: Mapping[str, str]) -> Callable[[str], str]:
    """Return what names the guest that an actor works for, by the actor's path.

    The actors of a host device work for the guest that it is passed to.
    """

    def party(path: str) -> str:
        first, _, rest = path.partition("/")
        return owners.get(f"{first}/{rest.partition('/')[0]}", first)

    return party


async def build_guest(
    system: System,
    machine: Machine,
    guest: GuestConfiguration,
    scratch: Path,
) -> None:
    """Spawn a guest and the host devices passed to it; its program then runs.

    Images are unpacked into `scratch`.

    Raises:
        ImageError: The image of a device cannot be used; nothing of the guest runs.
    """
    await add_disks(system, machine, guest, scratch)
    storage = system.spawn(Storage(guest.storage), f"{guest_path(guest)}/storage")
    base = base_of(machine, guest)
    for index in range(len(guest.devices)):
        region = Region(base, guest.storage, storage, dma=True)
        _pass_through(system, machine, guest, index, region)
    _add_cpu(system, guest, storage)


def base_of(machine: Machine, guest: GuestConfiguration | QemuGuest) -> int:
    """Return the host address at which a guest's storage begins."""
    return STORAGE_MAX * (1 + machine.guests.index(guest))


async def add_disks(
    system: System,
    machine: Machine,
    guest: GuestConfiguration | QemuGuest,
    scratch: Path,
) -> None:
    """Spawn volumes and devices of the host devices that are passed to a guest.

    Raises:
        ImageError: The image of one of them cannot be used.
    """
    devices = {device.number: device for device in machine.devices}
    for passed in guest.devices:
        try:
            await add_disk(system, devices[passed.host], scratch)
        except ImageError as error:
            raise ImageError(f"device {passed.number}: {error}") from error


async def add_disk(system: System, device: HostDevice, scratch: Path) -> None:
    """Spawn the volume and device of a host device, after a look at its image."""
    path = host_path(device.number)
    file = await _image_file(device, scratch)
    volume = system.spawn_thread(
        FileVolume(
            file,
            read_only=device.read_only,
            device_type=device.device_type,
            sync=device.sync,
        ),
        f"{path}/volume",
    )
    try:
        found = await volume.ask(DescribeVolume())
        unit = device.control_unit
        configuration = DeviceConfiguration(
            device.device_type,
            found.geometry,
            device.read_only,
            device.number,
            (("control_unit", unit),) if unit else (),
        )
        model = device_model(configuration)
    except ActorFailedError as error:
        reason = error.reason.removeprefix(f"{ImageError.__name__}: ")
        raise ImageError(reason.replace(str(file), str(device.image))) from error
    except CcwActorsError as error:
        raise ImageError(f"{device.image}: {error}") from error
    system.spawn(
        Device(model, volume, subchannel=system.ref(f"{path}/subchannel")),
        f"{path}/device",
        supervision=Restart(),
    )


async def _image_file(device: HostDevice, scratch: Path) -> Path:
    """Unpack an image in a thread; one that is cancelled has ended, too."""
    stop = threading.Event()
    unpacking = asyncio.ensure_future(
        asyncio.to_thread(image_file, device, scratch, stop.is_set)
    )
    try:
        return await asyncio.shield(unpacking)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({unpacking})
        raise


def _pass_through(
    system: System,
    machine: Machine,
    guest: GuestConfiguration,
    index: int,
    region: Region,
) -> None:
    """Spawn the layers between a host device and subchannel `index` of the guest."""
    passed = guest.devices[index]
    path = guest_path(guest, passed.number)
    vfio_ccw, subchannel = (
        system.ref(name) for name in (f"{path}/vfio-ccw", f"{path}/subchannel")
    )
    css = system.ref(f"{guest_path(guest)}/css")
    number = subchannel_of(machine, passed.host)
    cio = add_subchannel(system, passed.host, number, region, vfio_ccw)
    system.spawn(
        VfioCcw(cio, region.storage, subchannel, base=region.base),
        vfio_ccw.path,
        supervision=Restart(),
    )
    system.spawn(
        GuestSubchannel(SubchannelId(0, index), _pmcw(passed.number), vfio_ccw, css),
        subchannel.path,
        supervision=Restart(),
    )


def add_subchannel(
    system: System,
    device: DeviceNumber,
    number: int,
    region: Region,
    driver: ActorRef[Any],
    *,
    chpid: int = 0,
) -> ActorRef[Any]:
    """Spawn the host's subchannel of that number, and the Cio that drives it.

    Returns the latter; `driver` is who it drives it for. The subchannel's one path is
    `chpid`.
    """
    host = host_path(device)
    cio = system.ref(f"{host}/cio")
    system.spawn(
        Subchannel(
            SubchannelId(0, number),
            replace(_pmcw(device), chpids=bytes((chpid,)).ljust(8, b"\0")),
            system.ref(f"{host}/device"),
            (region,),
            cio,
        ),
        f"{host}/subchannel",
        supervision=Restart(),
    )
    return system.spawn(
        Cio(system.ref(f"{host}/subchannel"), driver), cio.path, supervision=Restart()
    )


def subchannel_of(machine: Machine, number: DeviceNumber) -> int:
    """Return the number of the host's subchannel of a device."""
    return [device.number for device in machine.devices].index(number)


def _add_cpu(system: System, guest: GuestConfiguration, storage: ActorRef[Any]) -> None:
    """Spawn the virtual CPU, which begins the program, and what it needs."""
    path = guest_path(guest)
    subchannels = {
        index: system.ref(f"{guest_path(guest, passed.number)}/subchannel")
        for index, passed in enumerate(guest.devices)
    }
    css = system.spawn(ChannelSubsystem(subchannels), f"{path}/css")
    emulator = system.spawn(
        Emulator(1, tuple(subchannels.values())), f"{path}/emulator"
    )
    cpu = system.ref(f"{path}/cpu0")
    program: Any = guest.program.body
    if guest.program.form is not Form.DATA:
        program = partial(program, **guest.arguments)
    if guest.program.form is Form.BLOCKING:
        program = system.spawn_thread(ProgramThread(program, cpu), f"{path}/program")
    system.spawn(Guest(program, subchannels, css, storage, emulator), cpu.path)


def _pmcw(number: DeviceNumber) -> Pmcw:
    """Return what a subchannel with a device and one path starts with."""
    return Pmcw(
        flags=Pmcw.valid.mask,
        devno=int(number),
        lpm=_PATH,
        pim=_PATH,
        pom=0xFF,
        pam=_PATH,
    )
