"""The host that a golden vector ran on: its devices, and what its machine chose.

A setup names either devices with images, as Hercules was configured, or the arguments
that QEMU had. Each is a machine of its own: see `HERCULES` and `QEMU`.
"""

import re
import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ccw_actors.actors import (
    ChannelPath,
    ChannelSubsystem,
    Device,
    Emulator,
    FileVolume,
    Guest,
    MemoryVolume,
    Region,
    Storage,
    Subchannel,
)
from ccw_actors.actors.hardware.image import open_image
from ccw_actors.actors.protocol import Attend, DescribeVolume
from ccw_actors.channel import PATH_0, ModelDependent, Pmcw, SubchannelId
from ccw_actors.channel.chsc import Characteristics
from ccw_actors.conformance._pace import Pace
from ccw_actors.devices import DeviceConfiguration, device_model, device_models
from ccw_actors.devices.cckd_image import CCKD_HEADERS_SIZE, is_cckd
from ccw_actors.errors import UnsupportedSetupError, VectorError
from ccw_actors.machine import unpacked
from ccw_actors.runtime import System

__all__ = [
    "HERCULES",
    "QEMU",
    "Personality",
    "VectorMachine",
    "devices_of",
    "personality_of",
]

_BLOCKS: Final = "3370"
_IMAGE_MAX: Final = 1 << 28
_OPERATOR_PAUSE_US: Final = 100_000
_OPERATOR: Final = "operator_commands_100ms_after_start"
_ATTENTION = re.compile(r"i ([0-9a-fA-F]{4})")


class Personality(Struct, frozen=True):
    """What one kind of host is like where the architecture leaves it open.

    `storage` is in bytes. Where it is `synchronous` a channel program is over, or
    suspended, before the next instruction.
    """

    storage: int
    model: ModelDependent
    synchronous: bool = False
    format_1_measurement: bool = True
    midaws: bool = False


HERCULES: Final = Personality(
    32 << 20,
    ModelDependent(
        lpm_from_orb=True,
        keeps_esw=True,
        interrupts_alone=True,
        path_reset_initializes=True,
        ancillary_path_report=True,
    ),
    format_1_measurement=False,
    midaws=True,
)
QEMU: Final = Personality(
    64 << 20,
    ModelDependent(
        scsw_from_orb=0xF880,
        start_sets_lpum=False,
        signals_set_lpum=True,
        esw_of_signals=True,
        esw_needs_status=True,
        check_shows_end=False,
    ),
    synchronous=True,
)


class Configured(Struct, frozen=True):
    """One device of a setup; `image` is the name of a file, "" if it has none."""

    device_type: str
    devno: int
    image: str = ""
    options: tuple[tuple[str, str], ...] = ()
    chpid: int = 0
    path_type: int = 0


def personality_of(setup: dict[str, Any]) -> Personality:
    """Return what kind of host a setup is for.

    Raises:
        VectorError: It is for none that is known.
    """
    if "devices" in setup:
        return HERCULES
    if "qemu_args" in setup:
        return QEMU
    raise VectorError(f"setup {sorted(setup)}: expected devices or qemu_args")


def devices_of(setup: dict[str, Any]) -> tuple[Configured, ...]:
    """Return the devices of a setup, in the order of their subchannels.

    Raises:
        UnsupportedSetupError: There is a device that no model stands for.
        VectorError: The setup cannot be understood.
    """
    personality_of(setup)
    try:
        found = (
            [_hercules_device(device) for device in setup["devices"]]
            if "devices" in setup
            else _qemu_devices(setup["qemu_args"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VectorError(f"setup: {error!r}") from error
    for device in found:
        if device.device_type not in device_models():
            raise UnsupportedSetupError(f"there is no model of {device.device_type}")
    return tuple(found)


def _hercules_device(device: dict[str, Any]) -> Configured:
    number = int(device["devno"], 16)
    return Configured(
        device["type"], number, device.get("image", ""), chpid=number >> 8
    )


def _qemu_devices(arguments: Sequence[str]) -> list[Configured]:
    drives: dict[str, str] = {}
    found: list[Configured] = []
    terminals = 0
    for option, value in zip(arguments[::2], arguments[1::2], strict=True):
        name, *rest = value.split(",")
        pairs: dict[str, str] = {}
        for part in (name, *rest):
            key, _, text = part.partition("=")
            pairs[key] = text
        if option == "-drive":
            drives[pairs["id"]] = Path(pairs["file"]).name
        elif option == "-device":
            number = int(pairs["devno"].rpartition(".")[2], 16)
            image = drives[pairs["drive"]] if "drive" in pairs else ""
            options = (("mac", pairs["mac"]),) if "mac" in pairs else ()
            if name == "x-terminal3270":
                terminals += 1
                found.append(Configured("3270", number, chpid=1, path_type=0x1A))
                continue
            kind = name.removesuffix("-ccw")
            found.append(Configured(kind, number, image, options, path_type=0x32))
    return found


class VectorMachine:
    """The actors of a host, stepped by `pace`; `scratch` takes copies of images.

    `devices` are in the order of their subchannels, `paths` the channel-path ids.
    """

    def __init__(self, setup: dict[str, Any], images: Path, scratch: Path) -> None:
        personality = personality_of(setup)
        devices = devices_of(setup)
        self.pace = Pace()
        self.system = System(self.pace)
        self.personality = personality
        self._attentions = _attentions(setup)
        self.devices = devices
        ref = self.system.ref
        spawn = self.system.spawn
        storage = spawn(Storage(personality.storage), "storage")
        regions = (Region(0, personality.storage, storage),)
        for number, device in enumerate(devices):
            self._spawn_device(device, number, images, scratch)
            spawn(
                Subchannel(
                    SubchannelId(0, number),
                    _pmcw(device),
                    ref(f"device{number}"),
                    regions,
                    ref("css"),
                    model=personality.model,
                ),
                f"subchannel{number}",
            )
        subchannels = {n: ref(f"subchannel{n}") for n in range(len(devices))}
        paths: dict[int, int] = {device.chpid: device.path_type for device in devices}
        self.paths = frozenset(paths)
        for chpid in paths:
            members = [
                subchannels[n] for n, d in enumerate(devices) if d.chpid == chpid
            ]
            initialize = personality.model.path_reset_initializes
            spawn(ChannelPath(chpid, members, initialize=initialize), f"path{chpid:x}")
        css = ChannelSubsystem(
            subchannels,
            {chpid: ref(f"path{chpid:x}") for chpid in paths},
            characteristics=Characteristics(paths=tuple(sorted(paths.items()))),
            model=personality.model,
        )
        spawn(css, "css")
        spawn(Emulator(1, ()), "emulator")
        program = ref("the case")
        spawn(
            Guest(
                program,
                subchannels,
                ref("css"),
                storage,
                ref("emulator"),
                midaws=personality.midaws,
            ),
            "cpu",
        )

    def operator_acts(self, time_us: int) -> None:
        """Do what the operator did, if that time has come."""
        if time_us >= _OPERATOR_PAUSE_US:
            due, self._attentions = self._attentions, ()
            numbers = [device.devno for device in self.devices]
            for devno in due:
                self.system.ref(f"device{numbers.index(devno)}").tell(Attend())

    def _spawn_device(
        self, device: Configured, number: int, images: Path, scratch: Path
    ) -> None:
        volume, geometry = None, None
        if device.image:
            copy = scratch / f"{number}-{device.image}"
            copy.write_bytes(_image(images, device.image))
            volume = self.system.spawn(_volume(copy, device), f"volume{number}")
            geometry = volume.ask(DescribeVolume(), block=True).geometry
        configuration = DeviceConfiguration(
            device.device_type, geometry, devno=device.devno, options=device.options
        )
        self.system.spawn(
            Device(
                device_model(configuration),
                volume,
                subchannel=self.system.ref(f"subchannel{number}"),
            ),
            f"device{number}",
        )


def _attentions(setup: dict[str, Any]) -> tuple[int, ...]:
    found: list[int] = []
    for command in setup.get(_OPERATOR, ()):
        match = _ATTENTION.fullmatch(command)
        if match is None:
            words = shlex.split(command)
            raise UnsupportedSetupError(f"no operator does {words[:1]}: {command}")
        found.append(int(match[1], 16))
    return tuple(found)


def _volume(copy: Path, device: Configured) -> FileVolume | MemoryVolume:
    """Return the volume in an image; a compressed one is written in memory only."""
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


def _pmcw(device: Configured) -> Pmcw:
    return Pmcw(
        flags=Pmcw.valid.mask,
        devno=device.devno,
        lpm=PATH_0,
        pim=PATH_0,
        pom=0xFF,
        pam=PATH_0,
        chpids=bytes([device.chpid]).ljust(8, b"\0"),
    )
