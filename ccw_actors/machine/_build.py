"""Host devices with the volumes of their images; numbers and paths of actors."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ccw_actors.actors.protocol import DescribeVolume
from ccw_actors.devices import DeviceConfiguration, DeviceModel, device_model
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.errors import ActorFailedError, CcwActorsError, ImageError
from ccw_actors.machine._config import (
    STORAGE_MAX,
    DeviceNumber,
    GuestConfiguration,
    HostDevice,
    Machine,
    PassedThrough,
    QemuGuest,
)
from ccw_actors.machine._faulty import add_faulty_device
from ccw_actors.machine._images import image_file
from ccw_actors.machine._wiring import (
    OURS,
    DevicePaths,
    Layers,
    add_device,
)
from ccw_actors.runtime import ActorRef, System

__all__ = [
    "add_disk",
    "add_disks",
    "base_of",
    "guest_path",
    "host_path",
    "owners_of",
    "party_of",
    "paths_of",
    "subchannel_of",
]


def host_path(number: DeviceNumber) -> str:
    """Return the paths of the actors of a host device."""
    return f"host/{number}"


def guest_path(
    guest: GuestConfiguration | QemuGuest, number: DeviceNumber | None = None
) -> str:
    """Return the path of a guest's actors, or of those of one of its devices."""
    return guest.name if number is None else f"{guest.name}/{number}"


def owners_of(machine: Machine) -> dict[str, str]:
    """Return the guest of each host device, by the path of its actors."""
    return {
        host_path(passed.host): guest.name
        for guest in machine.guests
        for passed in guest.devices
    }


def party_of(owners: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that takes an actor's path and returns the guest it works for.

    The actors of a host device work for the guest that it is passed to.
    """

    def party(path: str) -> str:
        first, _, rest = path.partition("/")
        return owners.get(f"{first}/{rest.partition('/')[0]}", first)

    return party


def base_of(machine: Machine, guest: GuestConfiguration | QemuGuest) -> int:
    """Return the host address where a guest's storage begins."""
    # By name: a guest that has got a device is another value.
    number = [one.name for one in machine.guests].index(guest.name)
    return STORAGE_MAX * (1 + number)


async def add_disks(
    system: System,
    machine: Machine,
    guest: GuestConfiguration | QemuGuest,
    scratch: Path,
    layers: Layers = OURS,
) -> None:
    """Spawn volumes and devices of the host devices that are passed to a guest.

    Raises:
        ImageError: The image of one of them cannot be used.
    """
    devices = {device.number: device for device in machine.devices}
    for passed in guest.devices:
        try:
            await add_disk(system, devices[passed.host], scratch, layers)
        except ImageError as error:
            raise ImageError(f"device {passed.number}: {error}") from error


async def add_disk(
    system: System, device: HostDevice, scratch: Path, layers: Layers = OURS
) -> None:
    """Spawn a host device, and its volume if it has an image, which is checked first.

    Raises:
        ImageError: The image cannot be used.
        DeviceRegistryError: The `model` of the device cannot be made.
    """
    geometry, volume = None, None
    if device.image is None:
        model = _model(device, None)
    else:
        model, geometry, volume = await _mounted(system, device, scratch, layers)
    path = host_path(device.number)
    paths = DevicePaths(device=f"{path}/device", subchannel=f"{path}/subchannel")
    gather = not device.sync
    if device.is_faulty:
        add_faulty_device(
            system,
            paths,
            model,
            volume,
            geometry=geometry,
            faults=device.faults,
            gather=gather,
            layers=layers,
        )
    else:
        add_device(system, paths, model, volume, gather=gather, layers=layers)


async def _mounted(
    system: System, device: HostDevice, scratch: Path, layers: Layers
) -> tuple[DeviceModel[Any], Geometry | BlockGeometry, ActorRef[Any]]:
    """Spawn the volume of a device that has an image; make the model of the device."""
    file = await _image_file(device, scratch)
    volume = system.spawn_thread(
        layers.volume(
            file,
            read_only=device.read_only,
            device_type=device.device_type,
            sync=device.sync,
            shadow=device.shadow,
        ),
        f"{host_path(device.number)}/volume",
    )
    try:
        found = await volume.ask(DescribeVolume())
        model = _model(device, found.geometry)
    except ActorFailedError as error:
        reason = error.reason.removeprefix(f"{ImageError.__name__}: ")
        raise ImageError(reason.replace(str(file), str(device.image))) from error
    except CcwActorsError as error:
        raise ImageError(f"{device.image}: {error}") from error
    return model, found.geometry, volume


def _model(
    device: HostDevice, geometry: Geometry | BlockGeometry | None
) -> DeviceModel[Any]:
    unit = device.control_unit
    configuration = DeviceConfiguration(
        device.device_type,
        geometry,
        device.read_only,
        device.number,
        (("control_unit", unit),) if unit else (),
    )
    own = device.model
    return device_model(configuration) if own is None else own.make(configuration)


async def _image_file(device: HostDevice, scratch: Path) -> Path:
    """Unpack an image in a thread; when cancelled, wait until the thread has ended."""
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


def paths_of(
    guest: GuestConfiguration | QemuGuest, passed: PassedThrough
) -> DevicePaths:
    """Return the paths of the actors of a device that is passed to a guest."""
    return DevicePaths.below(host_path(passed.host), guest_path(guest, passed.number))


def subchannel_of(machine: Machine, number: DeviceNumber) -> int:
    """Return the number of the host's subchannel of a device."""
    return [device.number for device in machine.devices].index(number)
