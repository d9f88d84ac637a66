"""VectorMachine: the host that a golden vector ran on, as actors."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from ccw_actors.actors import (
    ChannelPath,
    ChannelSubsystem,
    FileVolume,
    MemoryVolume,
    Region,
    Storage,
)
from ccw_actors.actors.hardware.image import open_image
from ccw_actors.actors.protocol import Attend, DescribeVolume
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.channel.chsc import Characteristics
from ccw_actors.conformance._pace import Pace
from ccw_actors.conformance._setup import (
    Configured,
    attentions_of,
    devices_of,
    personality_of,
)
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.devices.cckd_image import CCKD_HEADERS_SIZE, is_cckd
from ccw_actors.errors import UnsupportedSetupError, VectorError
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_device,
    add_guest,
    add_subchannel,
    unpacked,
)
from ccw_actors.runtime import ActorRef, System

__all__ = ["VectorMachine"]

_BLOCKS: Final = "3370"
_IMAGE_MAX: Final = 1 << 28
_OPERATOR_PAUSE_US: Final = 100_000

_GUEST: Final = GuestPaths()


class VectorMachine:
    """The actors of a host, stepped by `pace`; `scratch` is a folder for image copies.

    `devices` are in the order of their subchannels, `paths` the channel-path ids.
    `options` are further options of each device.
    """

    def __init__(
        self,
        setup: dict[str, Any],
        images: Path,
        scratch: Path,
        options: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.pace = Pace()
        self.system = System(self.pace)
        self.personality = personality_of(setup)
        self._attentions = attentions_of(setup)
        self.devices = devices_of(setup)
        self._options = options
        paths = {device.chpid: device.path_type for device in self.devices}
        self.paths = frozenset(paths)
        size = self.personality.storage
        storage = self.system.spawn(Storage(size), "storage")
        for number, device in enumerate(self.devices):
            self._add_device(device, number, images, scratch)
            self._add_subchannel(device, number, Region(0, size, storage))
        subchannels: dict[int, ActorRef[Any]] = {
            number: self.system.ref(_paths(number).subchannel)
            for number in range(len(self.devices))
        }
        add_guest(
            self.system,
            _GUEST,
            (self.system.ref("the case"),),
            subchannels,
            storage,
            css=self._channel_subsystem(subchannels, paths),
            resets=False,
            midaws=self.personality.midaws,
        )

    def _add_subchannel(self, device: Configured, number: int, region: Region) -> None:
        add_subchannel(
            self.system,
            _paths(number),
            SubchannelId(0, number),
            Pmcw.of_device(device.devno, chpid=device.chpid),
            (region,),
            sink=self.system.ref(_GUEST.css),
            model=self.personality.model,
        )

    def _channel_subsystem(
        self, subchannels: Mapping[int, ActorRef[Any]], paths: Mapping[int, int]
    ) -> ChannelSubsystem:
        """Spawn the channel paths, given with their types; return their references."""
        model = self.personality.model
        refs: dict[int, ActorRef[Any]] = {}
        for chpid in paths:
            members = [
                subchannels[n] for n, d in enumerate(self.devices) if d.chpid == chpid
            ]
            path = ChannelPath(chpid, members, initialize=model.path_reset_initializes)
            refs[chpid] = self.system.spawn(path, f"path{chpid:x}")
        return ChannelSubsystem(
            subchannels,
            refs,
            characteristics=Characteristics(paths=tuple(sorted(paths.items()))),
            model=model,
        )

    def operator_acts(self, time_us: int) -> None:
        """Do what the operator did, once a wait is as long as the operator's pause."""
        if time_us >= _OPERATOR_PAUSE_US:
            due, self._attentions = self._attentions, ()
            numbers = [device.devno for device in self.devices]
            for devno in due:
                self.system.ref(_paths(numbers.index(devno)).device).tell(Attend())

    def close(self) -> None:
        """Stop the volumes, which closes their images."""
        names = [f"volume{number}" for number in range(len(self.devices))]
        for name in names:
            self.system.ref(name).stop(drain=False)
        self.pace.run_until(lambda: not any(map(self.system.is_alive, names)))

    def _add_device(
        self, device: Configured, number: int, images: Path, scratch: Path
    ) -> None:
        volume, geometry = None, None
        if device.image:
            copy = scratch / f"{number}-{device.image}"
            copy.write_bytes(_image(images, device.image))
            volume = self.system.spawn(_volume(copy, device), f"volume{number}")
            geometry = volume.ask(DescribeVolume(), block=True).geometry
        configuration = DeviceConfiguration(
            device.device_type,
            geometry,
            devno=device.devno,
            options=device.options + self._options,
        )
        model = device_model(configuration)
        add_device(self.system, _paths(number), model, volume)


def _volume(copy: Path, device: Configured) -> FileVolume | MemoryVolume:
    """Return the volume in an image; writes to a compressed one stay in memory."""
    kind = device.device_type
    if kind.startswith("virtio"):
        kind = _BLOCKS
    if not is_cckd(copy.read_bytes()[:CCKD_HEADERS_SIZE]):
        return FileVolume(copy, read_only=False, device_type=kind)
    image = open_image(copy, read_only=True)
    try:
        tracks = {n: image.read(n) for n in range(image.geometry.tracks)}
        return MemoryVolume(image.geometry, tracks)
    finally:
        image.close()


@cache
def _image(images: Path, name: str) -> bytes:
    if Path(name).name != name:
        raise VectorError(f"image {name!r}: expected the name of a file, and no path")
    plain, packed = images / name, images / f"{name}.gz"
    if plain.exists():
        return plain.read_bytes()
    if packed.exists():
        return unpacked(packed, _IMAGE_MAX)
    raise UnsupportedSetupError(f"there is no image {name} in {images}")


def _paths(number: int) -> DevicePaths:
    """Return the paths of the actors of a device."""
    return DevicePaths(device=f"device{number}", subchannel=f"subchannel{number}")
