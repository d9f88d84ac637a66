"""The wiring of one passed-through 3390 and of the guest that has it, all in memory.

| path | actor |
|---|---|
| volume, device, subchannel, cio | the host's device |
| storage, vfio-ccw | shared by host and guest |
| guest-subchannel, css, emulator, cpu0, cpu1 ... | the guest |
"""

from collections.abc import Sequence
from typing import Final

from ccw_actors.actors import Guest, MemoryVolume, Region, Storage
from ccw_actors.actors.protocol import GuestToStorage, GuestToSubchannel, Piece
from ccw_actors.channel import Ccw, Command, Orb, Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, Geometry, Track, device_model
from ccw_actors.machine import (
    OURS,
    DevicePaths,
    GuestPaths,
    Layers,
    Program,
    add_device,
    add_driver,
    add_guest,
    add_guest_subchannel,
    add_subchannel,
)
from ccw_actors.runtime import ActorRef, System

__all__ = [
    "BUFFER",
    "ENABLED",
    "GEOMETRY",
    "PATHS",
    "PROGRAM",
    "RECORD",
    "STORAGE",
    "VALID_GUEST",
    "VALID_HOST",
    "HostMachine",
    "PassThroughMachine",
    "add_cpus",
    "add_disk",
    "one_read",
    "read_orb",
    "track",
]

GEOMETRY: Final = Geometry("3390", cylinders=1, heads=15, track_size=56832)
PROGRAM: Final = 0x1000
BUFFER: Final = 0x2000

PATHS: Final = DevicePaths()
"""The paths of the actors of the device."""

_BASE: Final = 1 << 32
"""The host's address of the guest's storage: not 0, so that a mix-up is found."""
STORAGE: Final = 0x3000
RECORD: Final = b"what the channel reads.."
"""The record after R0 of track 0, unless a scenario has another image."""

VALID_GUEST: Final = Pmcw.of_device(0x190)
"""The first PMCW of the guest's subchannel."""

VALID_HOST: Final = Pmcw.of_device(0x150)
"""The first PMCW of the host's subchannel."""

ENABLED: Final = VALID_GUEST.with_flag(Pmcw.enabled, on=True).with_isc(3)
"""The same, enabled."""


def read_orb(intparm: int) -> Orb:
    """Return an ORB for the program in the guest's storage."""
    return Orb.command(PROGRAM, intparm=intparm)


def one_read() -> bytes:
    """Return the smallest program that moves data from a track: one READ IPL."""
    suppress = Ccw.suppress_length.mask
    return Ccw(Command.READ_IPL, suppress, len(RECORD), BUFFER).to_bytes(1)


def track(*records: bytes) -> bytes:
    """Return the image of track 0 with these records after R0."""
    return Track.of_data(*records).to_image(GEOMETRY.track_size)


def add_disk(
    system: System,
    image: bytes | None = None,
    *,
    paths: DevicePaths = PATHS,
    volume: str = "volume",
    layers: Layers = OURS,
) -> None:
    """Spawn a 3390 and its `volume`, with `image` or one record on track 0."""
    tracks = {0: track(RECORD) if image is None else image}
    mounted = system.spawn(MemoryVolume(GEOMETRY, tracks), volume)
    model = device_model(DeviceConfiguration("3390", GEOMETRY))
    add_device(system, paths, model, mounted, layers=layers)


def add_cpus(
    system: System,
    programs: Sequence[Program],
    subchannel: ActorRef[GuestToSubchannel],
    storage: ActorRef[GuestToStorage],
    *,
    ends: bool = False,
) -> list[Guest]:
    """Spawn a guest with subchannel 0 alone: a CPU "cpu0", ... for each program.

    With `ends` the emulator resets the subchannel when all programs have ended.
    """
    return add_guest(
        system,
        GuestPaths(),
        programs,
        {0: subchannel},
        storage,
        # An emulator that waits for one more CPU never resets the guest.
        cpus=len(programs) if ends else len(programs) + 1,
        remember=True,
    )


class HostMachine:
    """The host's part of the machine, and the guest's storage with `content` in it.

    VfioCcw answers to the actor at "guest-subchannel", which the caller spawns. `image`
    is that of track 0. Sizes are in bytes; `ccws_at_once` is the limit of VfioCcw. The
    host's subchannel starts with `host_pmcw`.
    """

    def __init__(
        self,
        system: System,
        *,
        layers: Layers = OURS,
        content: bytes | None = None,
        storage_size: int = STORAGE,
        image: bytes | None = None,
        ccws_at_once: int = 16,
        host_pmcw: Pmcw = VALID_HOST,
    ) -> None:
        self.system = system
        program = Piece(PROGRAM, one_read() if content is None else content)
        self.storage = Storage(storage_size, (program,))
        storage = system.spawn(self.storage, "storage")
        add_disk(system, image, layers=layers)
        region = Region(_BASE, storage_size, storage, dma=True)
        self.subchannel = add_subchannel(
            system, PATHS, SubchannelId(0, 0), host_pmcw, (region,), layers=layers
        )
        self.vfio_ccw = add_driver(
            system,
            PATHS,
            storage,
            base=_BASE,
            ccws_at_once=ccws_at_once,
            layers=layers,
        )


class PassThroughMachine:
    """The whole machine; a virtual CPU "cpu0", "cpu1", ... for each program.

    The guest's subchannel starts with `guest_pmcw`. With `ends` the emulator resets it
    when all programs have ended. For the other arguments see `HostMachine`.
    """

    def __init__(
        self,
        system: System,
        *programs: Program,
        ends: bool = False,
        guest_pmcw: Pmcw = ENABLED,
        layers: Layers | None = None,
        content: bytes | None = None,
        storage_size: int = STORAGE,
        image: bytes | None = None,
        ccws_at_once: int = 16,
        host_pmcw: Pmcw = VALID_HOST,
    ) -> None:
        layers = layers or OURS
        self.system = system
        self.host = HostMachine(
            system,
            layers=layers,
            content=content,
            storage_size=storage_size,
            image=image,
            ccws_at_once=ccws_at_once,
            host_pmcw=host_pmcw,
        )
        self.guest_subchannel = add_guest_subchannel(
            system,
            PATHS,
            0,
            guest_pmcw,
            sink=system.ref(GuestPaths().css),
            layers=layers,
        )
        emulated, storage = system.ref(PATHS.emulated), system.ref("storage")
        guests = add_cpus(system, programs, emulated, storage, ends=ends)
        self.cpus = {f"cpu{number}": cpu for number, cpu in enumerate(guests)}
