"""What machines for a scenario have in common: a disk, its actors, their storage."""

from pathlib import Path
from typing import Any, Final

from ccw_actors.actors import Region
from ccw_actors.actors.protocol import (
    DescribeVolume,
    NotOperational,
    Pending,
    SubchannelToSink,
)
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.machine import (
    DeviceNumber,
    DevicePaths,
    Layers,
    add_device,
    add_subchannel,
)
from ccw_actors.runtime import Actor, ActorRef, System, receive

__all__ = ["DEVICE", "LAYERS", "STORAGE", "Sink", "add_host"]

DEVICE: Final = DeviceNumber(0x190)
STORAGE: Final = 64 << 20
LAYERS: Final = DevicePaths.below("host", "guest")


class Sink(Actor[SubchannelToSink]):
    """Takes the announcements of interruptions: the guest tests for them."""

    @receive
    def announced(self, _message: Pending | NotOperational) -> None:
        """Do nothing."""


async def add_host(
    system: System,
    disk: Path,
    region: Region,
    layers: Layers,
    sink: ActorRef[Any] | None = None,
) -> None:
    """Spawn subchannel, device and volume of the image `disk`.

    Channel programs may use the storage of `region`. The subchannel announces
    interruptions to `sink`, by default its Cio.
    """
    volume: ActorRef[Any] = system.spawn_thread(
        layers.volume(disk, read_only=True), "host/volume"
    )
    found = await volume.ask(DescribeVolume())
    model = device_model(
        DeviceConfiguration("3390", found.geometry, True, int(DEVICE))  # noqa: FBT003
    )
    add_device(system, LAYERS, model, volume, layers=layers)
    add_subchannel(
        system,
        LAYERS,
        SubchannelId(0, 0),
        Pmcw.of_device(int(DEVICE)),
        (region,),
        sink=None if sink is None else sink.path,
        layers=layers,
    )
