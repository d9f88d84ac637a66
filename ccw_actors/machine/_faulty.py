"""Wires devices that faults can happen to: three actors in place of one.

| path | actor |
|---|---|
| DevicePaths.device | FaultyDevice, which the subchannel takes for the device |
| the same, with "-drive" behind it | Device, the device itself |
| the same, with "-path" behind it | ChannelPath, which can be configured off |
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ccw_actors.actors import ChannelPath
from ccw_actors.actors.protocol import DeviceToVolume, Report
from ccw_actors.devices import BlockGeometry, DeviceModel, Geometry
from ccw_actors.faults import Fault, FaultyDevice, FaultyModel
from ccw_actors.machine._wiring import OURS, DevicePaths, Layers, add_device
from ccw_actors.runtime import ActorRef, Restart, System

__all__ = ["FAULTY_PARTS", "add_faulty_device", "add_faulty_path"]

_DRIVE, _PATH = FAULTY_PARTS = "-drive", "-path"
"""What is behind the path of a device in the paths of its other actors."""


def add_faulty_device(
    system: System,
    paths: DevicePaths,
    model: DeviceModel[Any],
    volume: ActorRef[DeviceToVolume] | None,
    *,
    geometry: Geometry | BlockGeometry | None = None,
    faults: Sequence[Fault] = (),
    gather: bool = True,
    layers: Layers = OURS,
) -> FaultyDevice:
    """Spawn a device as `add_device` does, with `faults`.

    `geometry` is that of its volume. Its faults of the channel path do nothing unless
    `add_faulty_path` has made one.

    Raises:
        FaultError: One of the faults cannot be.
    """
    # To its device, the FaultyDevice is the subchannel.
    inner = replace(paths, device=f"{paths.device}{_DRIVE}", subchannel=paths.device)
    faulty = FaultyDevice(
        system.ref(inner.device),
        system.ref(paths.subchannel),
        tuple(faults),
        path=system.ref(f"{paths.device}{_PATH}"),
    )
    watched = FaultyModel(model, geometry)
    add_device(system, inner, watched, volume, gather=gather, layers=layers)
    system.spawn(faulty, paths.device, supervision=Restart())
    return faulty


def add_faulty_path(
    system: System, paths: DevicePaths, chpid: int, listener: ActorRef[Report]
) -> ChannelPath:
    """Spawn the channel path to a device, which tells `listener` of changes."""
    path = ChannelPath(chpid, (system.ref(paths.subchannel),), listeners=(listener,))
    system.spawn(path, f"{paths.device}{_PATH}", supervision=Restart())
    return path
