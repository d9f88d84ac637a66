"""A small house for tests: one guest, one passed-through 3390, all in memory."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

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
from ccw_actors.actors.protocol import (
    Instruct,
    ModifySubchannel,
    Operation,
    Piece,
    WriteStorage,
)
from ccw_actors.channel import Ccw, Orb, Pmcw, SubchannelId
from ccw_actors.devices import (
    DeviceConfiguration,
    Geometry,
    Record,
    Track,
    device_model,
)
from ccw_actors.runtime import Actor, ActorRef, System

GEOMETRY = Geometry("3390", cylinders=1, heads=15, track_size=56832)
RECORDS = (b"first record".ljust(80), bytes(range(256)) * 16)
STORAGE_SIZE = 1 << 16

DATA = (0x2000, 0x3000)
PROGRAM_AT = 0x1000
READ_BOTH = Orb.command(PROGRAM_AT, intparm=0x77)

Program = (
    Sequence[Operation] | Callable[[Cpu], Coroutine[Any, Any, Any]] | ActorRef[Any]
)


def pmcw(devno: int) -> Pmcw:
    """Return that of a valid subchannel with one path."""
    return Pmcw(
        flags=Pmcw.valid.mask, devno=devno, lpm=0x80, pim=0x80, pom=0xFF, pam=0x80
    )


ENABLED = pmcw(0x190).with_flag(Pmcw.enabled, on=True).with_isc(3)
ENABLE = Instruct(0, ModifySubchannel(ENABLED))


def channel_program() -> bytes:
    """Return the program at `PROGRAM_AT`: DEFINE EXTENT, LOCATE RECORD, 2 READ DATA.

    The second READ DATA has an IDAW list.
    """
    extent, location, idaws = PROGRAM_AT + 0x100, PROGRAM_AT + 0x110, PROGRAM_AT + 0x120
    ccws = (
        Ccw(0x63, 0x40, 16, extent),
        Ccw(0x47, 0x40, 16, location),
        Ccw(0x06, 0x60, 4096, DATA[0]),
        Ccw(0x06, 0x24, 4096, idaws),
    )
    words = b"".join(ccw.to_bytes(1) for ccw in ccws)
    parameters = (
        bytes.fromhex("c0c00000 00000000 00000000 0000000e"),
        bytes.fromhex("06000002 00000000 00000000 01000000"),
        DATA[1].to_bytes(8, "big"),
    )
    return words.ljust(0x100, b"\0") + b"".join(parameters)


def _first_track() -> bytes:
    data = (bytes(8), *RECORDS)
    records = tuple(Record(0, 0, r, b"", content) for r, content in enumerate(data))
    return Track(0, 0, 0, records, b"").to_bytes().ljust(GEOMETRY.track_size, b"\0")


class House:
    """The whole house in a System; a virtual CPU "cpu0", "cpu1", ... for each program.

    With `ends` the emulator resets the subchannel when all programs are over.
    """

    def __init__(self, system: System, *programs: Program, ends: bool = True) -> None:
        self.system = system
        ref = system.ref
        self.storage = Storage(STORAGE_SIZE)
        self.subchannel = Subchannel(
            SubchannelId(0, 0),
            pmcw(0x150),
            ref("device"),
            (Region(1 << 32, STORAGE_SIZE, ref("storage"), dma=True),),
            ref("cio"),
        )
        self.guest_subchannel = GuestSubchannel(
            SubchannelId(0, 0), pmcw(0x190), ref("vfio-ccw"), ref("css")
        )
        self.vfio_ccw = VfioCcw(
            ref("cio"), ref("storage"), ref("guest-subchannel"), base=1 << 32
        )
        model = device_model(DeviceConfiguration("3390", GEOMETRY))
        cast: dict[str, Actor] = {
            "volume": MemoryVolume(GEOMETRY, {0: _first_track()}),
            "device": Device(model, ref("volume")),
            "storage": self.storage,
            "subchannel": self.subchannel,
            "vfio-ccw": self.vfio_ccw,
            "css": ChannelSubsystem({0: ref("guest-subchannel")}),
            "guest-subchannel": self.guest_subchannel,
            "cio": Cio(ref("subchannel"), ref("vfio-ccw")),
            "emulator": Emulator(
                len(programs) if ends else len(programs) + 1,
                (ref("guest-subchannel"),),
            ),
        }
        self.cpus = {f"cpu{n}": self.guest(p) for n, p in enumerate(programs)}
        cast.update(self.cpus)
        for path, actor in cast.items():
            system.spawn(actor, path)
        pieces = (Piece(PROGRAM_AT, channel_program()),)
        ref("storage").tell(WriteStorage(0, pieces))

    def guest(self, program: Program) -> Guest:
        """Make a virtual CPU of this house."""
        ref = self.system.ref
        return Guest(
            program,
            {0: ref("guest-subchannel")},
            ref("css"),
            ref("storage"),
            ref("emulator"),
            remember=True,
        )
