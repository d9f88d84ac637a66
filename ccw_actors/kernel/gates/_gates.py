"""Gates: the layers of a machine with gates, and the references of its actors."""

import asyncio
from collections.abc import Iterable
from typing import Any

from ccw_actors.actors import Device, Subchannel
from ccw_actors.actors.protocol import DeviceMessage, SubchannelMessage
from ccw_actors.kernel.gates._regions import GatedRegions
from ccw_actors.kernel.gates._volume import GatedVolume
from ccw_actors.machine import Layers
from ccw_actors.runtime import ActorRef

__all__ = ["Gates", "MachineGates"]


class Gates:
    """Makes the layers of a machine with one device, and remembers its actors.

    `made` is set when it has made them all; until then the properties raise
    `AttributeError`.
    """

    _volume: ActorRef[Any]
    _device: Device
    _subchannel: Subchannel
    _regions: GatedRegions
    _storage: ActorRef[Any]

    def __init__(self) -> None:
        self.made = asyncio.Event()

    @property
    def layers(self) -> Layers:
        """The layers to run the machine with."""
        return Layers(
            volume=GatedVolume,
            device=self.make_device,
            subchannel=self.make_subchannel,
            vfio_ccw=self.make_regions,
        )

    @property
    def volume(self) -> ActorRef[Any]:
        """The gate of the device's data."""
        return self._volume

    @property
    def device(self) -> ActorRef[DeviceMessage]:
        """The device, which shows attention if it is told to."""
        return self._device.ref

    @property
    def subchannel(self) -> ActorRef[SubchannelMessage]:
        """The host's subchannel, in front of the device."""
        return self._subchannel.ref

    @property
    def regions(self) -> ActorRef[Any]:
        """The gate of interruptions."""
        return self._regions.ref

    @property
    def storage(self) -> ActorRef[Any]:
        """The guest's storage."""
        return self._storage

    def make_device(self, model: Any, volume: ActorRef[Any], **options: Any) -> Device:
        """Make the device; `volume` is the gate of its data."""
        self._volume = volume
        self._device = Device(model, volume, **options)
        return self._device

    def make_subchannel(self, *arguments: Any, **options: Any) -> Subchannel:
        """Make the host's subchannel."""
        self._subchannel = Subchannel(*arguments, **options)
        return self._subchannel

    def make_regions(
        self, cio: ActorRef[Any], storage: ActorRef[Any], *rest: Any, **options: Any
    ) -> GatedRegions:
        """Make the gate of interruptions, the last of a device's actors."""
        self._storage = storage
        self._regions = GatedRegions(cio, storage, *rest, **options)
        self.made.set()
        return self._regions


class MachineGates:
    """Makes the layers of a machine with several devices: a `Gates` for each.

    `devices` are the paths below which the host has the actors of each device.
    """

    def __init__(self, devices: Iterable[str]) -> None:
        self._gates = {device: Gates() for device in devices}

    def of(self, device: str) -> Gates:
        """Return the gates of a device."""
        return self._gates[device]

    @property
    def layers(self) -> Layers:
        """The layers to run the machine with."""
        return Layers(
            volume=GatedVolume,
            device=self._make_device,
            subchannel=self._make_subchannel,
            vfio_ccw=self._make_regions,
        )

    @property
    def are_made(self) -> bool:
        """Whether all have been made."""
        return all(gates.made.is_set() for gates in self._gates.values())

    def _make_device(
        self,
        model: Any,
        volume: ActorRef[Any],
        *,
        subchannel: ActorRef[Any],
        **options: Any,
    ) -> Device:
        gates = self._beside(subchannel)
        return gates.make_device(model, volume, subchannel=subchannel, **options)

    def _make_subchannel(
        self,
        schid: Any,
        pmcw: Any,
        device: ActorRef[Any],
        *arguments: Any,
        **options: Any,
    ) -> Subchannel:
        gates = self._beside(device)
        return gates.make_subchannel(schid, pmcw, device, *arguments, **options)

    def _make_regions(
        self, cio: ActorRef[Any], *arguments: Any, **options: Any
    ) -> GatedRegions:
        return self._beside(cio).make_regions(cio, *arguments, **options)

    def _beside(self, actor: ActorRef[Any]) -> Gates:
        """Return the gates of the device that one of the host's actors belongs to."""
        return self._gates[actor.path.rpartition("/")[0]]
