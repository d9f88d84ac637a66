"""A small house for tests: one guest, one passed-through 3390, in memory."""

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
from ccw_actors.actors.protocol import Operation, Piece, WriteStorage
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.devices import (
    DeviceConfiguration,
    Geometry,
    Record,
    Track,
    device_model,
)
from ccw_actors.runtime import System

BASE = 1 << 32
SIZE = 1 << 16
GEOMETRY = Geometry("3390", cylinders=1, heads=15, track_size=56832)

Program = Sequence[Operation] | Callable[[Cpu], Coroutine[Any, Any, Any]]


def tracks() -> dict[int, bytes]:
    """Return the volume: two records on its first track, none elsewhere."""
    records = (
        Record(0, 0, 0, b"", bytes(8)),
        Record(0, 0, 1, b"", b"first record".ljust(80)),
        Record(0, 0, 2, b"", bytes(range(256)) * 16),
    )
    first = Track(0, 0, 0, records, b"").to_bytes()
    return {0: first.ljust(GEOMETRY.track_size, b"\0")}


def pmcw(devno: int) -> Pmcw:
    """Return a valid subchannel with one path."""
    return Pmcw(
        flags=Pmcw.valid.mask, devno=devno, lpm=0x80, pim=0x80, pom=0xFF, pam=0x80
    )


def build(
    system: System,
    *programs: Program,
    storage: bytes = b"",
    at: int = 0x1000,
) -> None:
    """Spawn the whole house, a virtual CPU for each program.

    `storage` is put into the guest's storage at address `at`.
    """
    ref = system.ref
    system.spawn(MemoryVolume(GEOMETRY, tracks()), "volume")
    model = device_model(DeviceConfiguration("3390", GEOMETRY))
    system.spawn(Device(model, ref("volume")), "device")
    system.spawn(Storage(SIZE), "storage")
    system.spawn(
        Subchannel(
            SubchannelId(0, 0),
            pmcw(0x150),
            ref("device"),
            (Region(BASE, SIZE, ref("storage"), dma=True),),
            ref("cio"),
        ),
        "subchannel",
    )
    system.spawn(
        VfioCcw(ref("cio"), ref("storage"), ref("guest-subchannel"), base=BASE),
        "vfio-ccw",
    )
    system.spawn(ChannelSubsystem({0: ref("guest-subchannel")}), "css")
    system.spawn(
        GuestSubchannel(SubchannelId(0, 0), pmcw(0x190), ref("vfio-ccw"), ref("css")),
        "guest-subchannel",
    )
    system.spawn(Cio(ref("subchannel"), ref("vfio-ccw")), "cio")
    system.spawn(Emulator(len(programs), (ref("guest-subchannel"),)), "emulator")
    if storage:
        pieces = (Piece(at, storage),)
        ref("storage").ask(WriteStorage(0, pieces), block=True)
    for number, program in enumerate(programs):
        system.spawn(
            Guest(
                program,
                {0: ref("guest-subchannel")},
                ref("css"),
                ref("storage"),
                ref("emulator"),
                remember=True,
            ),
            f"cpu{number}",
        )
