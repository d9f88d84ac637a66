"""The wiring of one passed-through 3390 and of the guest that has it, all in memory.

| path | actor |
|---|---|
| volume, device, subchannel, cio | the host's device |
| storage, vfio-ccw | what the two share |
| guest-subchannel, css, emulator, cpu0, cpu1 ... | the guest |
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from ccw_actors.actors import (
    ChannelSubsystem,
    Cio,
    Cpu,
    Device,
    Emulator,
    Guest,
    GuestSubchannel,
    MemoryVolume,
    Region,
    Storage,
    Subchannel,
    VfioCcw,
)
from ccw_actors.actors.protocol import Operation, Piece, WriteStorage
from ccw_actors.channel import Ccw, Orb, Pmcw, SubchannelId
from ccw_actors.devices import (
    DeviceConfiguration,
    Geometry,
    Record,
    Track,
    device_model,
)
from ccw_actors.runtime import Actor, ActorRef, Restart, System

__all__ = [
    "BUFFER",
    "ENABLED",
    "GEOMETRY",
    "PROGRAM",
    "VALID_GUEST",
    "VALID_HOST",
    "HostMachine",
    "Layers",
    "PassThroughMachine",
    "Program",
    "one_read",
    "pmcw",
    "read_orb",
    "track",
]

Program: TypeAlias = (
    Sequence[Operation] | Callable[[Cpu], Coroutine[Any, Any, Any]] | ActorRef[Any]
)
"""What a virtual CPU runs; see `Guest`."""

GEOMETRY: Final = Geometry("3390", cylinders=1, heads=15, track_size=56832)
PROGRAM: Final = 0x1000
BUFFER: Final = 0x2000

_BASE: Final = 1 << 32
_STORAGE: Final = 0x3000
_PATH: Final = 0x80
_READ_IPL: Final = 0x02
_LABEL: Final = b"what the channel reads.."


def pmcw(devno: int) -> Pmcw:
    """Return that of a valid subchannel with one path, not enabled."""
    return Pmcw(
        flags=Pmcw.valid.mask, devno=devno, lpm=_PATH, pim=_PATH, pom=0xFF, pam=_PATH
    )


VALID_GUEST: Final = pmcw(0x190)
"""What the guest's subchannel starts with."""

VALID_HOST: Final = pmcw(0x150)
"""What the host's subchannel starts with."""

ENABLED: Final = VALID_GUEST.with_flag(Pmcw.enabled, on=True).with_isc(3)
"""The same, enabled."""


def read_orb(intparm: int) -> Orb:
    """Return an ORB for the program in the guest's storage."""
    return Orb.command(PROGRAM, intparm=intparm)


def one_read() -> bytes:
    """Return the smallest program that moves data from a track: one READ IPL."""
    suppress = Ccw.suppress_length.mask
    return Ccw(_READ_IPL, suppress, len(_LABEL), BUFFER).to_bytes(1)


def track(*records: bytes) -> bytes:
    """Return the image of track 0 with these records behind R0."""
    found = tuple(
        Record(0, 0, number, b"", data)
        for number, data in enumerate((bytes(8), *records))
    )
    return Track(0, 0, 0, found, b"").to_bytes().ljust(GEOMETRY.track_size, b"\0")


class Layers(Struct, frozen=True):
    """The classes that take the parts of the layers."""

    guest_subchannel: type[GuestSubchannel] = GuestSubchannel
    vfio_ccw: type[VfioCcw] = VfioCcw
    cio: type[Cio] = Cio
    subchannel: type[Subchannel] = Subchannel
    device: type[Device] = Device


class HostMachine:
    """The host's part of the machine, and the guest's storage with `content` in it.

    `emulated` stands where the guest's subchannel is: what VfioCcw answers to. `image`
    is that of track 0. Sizes are in bytes; `ccws_at_once` is the limit of VfioCcw. The
    host's subchannel starts with `host_pmcw`.
    """

    def __init__(
        self,
        system: System,
        emulated: Actor,
        *,
        layers: Layers,
        content: bytes,
        storage_size: int,
        image: bytes,
        ccws_at_once: int,
        host_pmcw: Pmcw,
    ) -> None:
        self.system = system
        ref = system.ref
        self.storage = Storage(storage_size)
        storage = system.spawn(self.storage, "storage")
        pieces = (Piece(PROGRAM, content),)
        storage.ask(WriteStorage(0, pieces), block=True)
        model = device_model(DeviceConfiguration("3390", GEOMETRY))
        system.spawn(MemoryVolume(GEOMETRY, {0: image}), "volume")
        device = layers.device(model, ref("volume"), subchannel=ref("subchannel"))
        system.spawn(device, "device", supervision=Restart())
        self.subchannel = layers.subchannel(
            SubchannelId(0, 0),
            host_pmcw,
            ref("device"),
            (Region(_BASE, storage_size, storage, dma=True),),
            ref("cio"),
        )
        system.spawn(self.subchannel, "subchannel", supervision=Restart())
        self.vfio_ccw = layers.vfio_ccw(
            ref("cio"),
            storage,
            ref("guest-subchannel"),
            base=_BASE,
            ccws_at_once=ccws_at_once,
        )
        system.spawn(self.vfio_ccw, "vfio-ccw", supervision=Restart())
        system.spawn(emulated, "guest-subchannel", supervision=Restart())
        cio = layers.cio(ref("subchannel"), ref("vfio-ccw"))
        system.spawn(cio, "cio", supervision=Restart())


class PassThroughMachine(HostMachine):
    """The whole machine; a virtual CPU "cpu0", "cpu1", ... for each program.

    The guest's subchannel starts with `guest_pmcw`. With `ends` the emulator resets it
    when all programs are over.
    """

    def __init__(
        self,
        system: System,
        *programs: Program,
        ends: bool = False,
        guest_pmcw: Pmcw = ENABLED,
        layers: Layers | None = None,
        content: bytes | None = None,
        storage_size: int = _STORAGE,
        image: bytes | None = None,
        ccws_at_once: int = 16,
        host_pmcw: Pmcw = VALID_HOST,
    ) -> None:
        ref = system.ref
        layers = layers or Layers()
        self.guest_subchannel = layers.guest_subchannel(
            SubchannelId(0, 0), guest_pmcw, ref("vfio-ccw"), ref("css")
        )
        super().__init__(
            system,
            self.guest_subchannel,
            layers=layers,
            content=one_read() if content is None else content,
            storage_size=storage_size,
            image=track(_LABEL) if image is None else image,
            ccws_at_once=ccws_at_once,
            host_pmcw=host_pmcw,
        )
        cpus = len(programs) if ends else len(programs) + 1
        system.spawn(ChannelSubsystem({0: ref("guest-subchannel")}), "css")
        system.spawn(Emulator(cpus, (ref("guest-subchannel"),)), "emulator")
        self.cpus = {f"cpu{n}": self.guest(p) for n, p in enumerate(programs)}
        for path, cpu in self.cpus.items():
            system.spawn(cpu, path)

    def guest(self, program: Program) -> Guest:
        """Make a virtual CPU of this machine."""
        ref = self.system.ref
        return Guest(
            program,
            {0: ref("guest-subchannel")},
            ref("css"),
            ref("storage"),
            ref("emulator"),
            remember=True,
        )
