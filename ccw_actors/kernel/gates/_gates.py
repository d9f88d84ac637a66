"""Gates: the layers of a machine with gates, and the references of its actors."""

import asyncio
from typing import Any

from ccw_actors.actors import Device, Subchannel
from ccw_actors.actors.protocol import DeviceMessage, SubchannelMessage
from ccw_actors.kernel.gates._regions import GatedRegions
from ccw_actors.kernel.gates._volume import GatedVolume
from ccw_actors.machine import Layers
from ccw_actors.runtime import ActorRef

__all__ = ["Gates"]


class Gates:
    """Makes the layers of a machine with one device, and remembers its actors.

    `made` is set when it has made them all; until then the properties raise
    `AttributeError`.
    """

    _volume: GatedVolume
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
            volume=self._make_volume,
            device=self._make_device,
            subchannel=self._make_subchannel,
            vfio_ccw=self._make_regions,
        )

    @property
    def volume(self) -> ActorRef[Any]:
        """The gate of the device's data."""
        return self._volume.ref

    @property
    def device(self) -> ActorRef[DeviceMessage]:
        """The device, which has no gate."""
        return self._device.ref

    @property
    def subchannel(self) -> ActorRef[SubchannelMessage]:
        """The host's subchannel."""
        return self._subchannel.ref

    @property
    def regions(self) -> ActorRef[Any]:
        """The gate of interruptions."""
        return self._regions.ref

    @property
    def storage(self) -> ActorRef[Any]:
        """The guest's storage."""
        return self._storage

    def _make_volume(self, *arguments: Any, **options: Any) -> GatedVolume:
        self._volume = GatedVolume(*arguments, **options)
        return self._volume

    def _make_device(self, *arguments: Any, **options: Any) -> Device:
        self._device = Device(*arguments, **options)
        return self._device

    def _make_subchannel(self, *arguments: Any, **options: Any) -> Subchannel:
        self._subchannel = Subchannel(*arguments, **options)
        return self._subchannel

    def _make_regions(
        self, cio: ActorRef[Any], storage: ActorRef[Any], *rest: Any, **options: Any
    ) -> GatedRegions:
        self._storage = storage
        self._regions = GatedRegions(cio, storage, *rest, **options)
        self.made.set()
        return self._regions
