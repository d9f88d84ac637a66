"""A guest that writes tracks of an image, one channel program each, until it is killed.

python -m tests.actors.chain_writer IMAGE sync|process FIRST TRACKS NUMBER

It prints a track and the number on its cards when the program's end was tested.
"""

import asyncio
import os
import sys
from pathlib import Path

from ccw_actors.actors import Cpu, FileVolume, Region, Storage
from ccw_actors.actors.protocol import AwaitGuest, DescribeVolume
from ccw_actors.channel import Ccw, Orb, Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_device,
    add_guest,
    add_subchannel,
)
from ccw_actors.runtime import System
from tests.actors.killing import CARD

RECORDS, SIZE = 6, 8000
PROGRAM, EXTENT, LOCATION, DATA = 0x1000, 0x1100, 0x1110, 0x2000
CHAIN = Ccw.chain_command.mask
DONE = 0x0C


def channel_program() -> bytes:
    """Return DEFINE EXTENT, LOCATE RECORD, and a WRITE UPDATE DATA for each record."""
    writes = [Ccw(0x85, CHAIN, SIZE, DATA) for _ in range(RECORDS)]
    writes[-1] = Ccw(0x85, 0, SIZE, DATA)
    ccws = (Ccw(0x63, CHAIN, 16, EXTENT), Ccw(0x47, CHAIN, 16, LOCATION), *writes)
    return b"".join(ccw.to_bytes(1) for ccw in ccws)


async def write_tracks(cpu: Cpu, first: int, tracks: int, number: int) -> None:
    """Write tracks in turn, with a new number each time, without end."""
    await cpu.modify(0, Pmcw.of_device(0).with_flag(Pmcw.enabled, on=True))
    await cpu.storage.write(PROGRAM, channel_program())
    os.write(1, b"open\n")
    while True:
        for track in range(first, first + tracks):
            number += 1
            place = b"".join(part.to_bytes(2, "big") for part in divmod(track, 15))
            extent = bytes.fromhex("80c0000000000000") + place + place
            location = bytes([1, 0, 0, RECORDS]) + place + place + b"\1\0\0\0"
            card = f"{number:08}".ljust(CARD).encode("cp037")
            await cpu.storage.write(EXTENT, extent + location)
            await cpu.storage.write(DATA, card * (SIZE // CARD))
            assert await cpu.start(0, Orb.command(PROGRAM)) == 0
            await cpu.wait()
            scsw = (await cpu.test(0)).irb.scsw
            assert (scsw.dstat, scsw.cstat, scsw.count) == (DONE, 0, 0), scsw
            os.write(1, f"{track} {number}\n".encode())


async def main(image: Path, sync: str, first: int, tracks: int, number: int) -> None:
    """Run the guest on a machine without pass-through."""
    paths = DevicePaths()
    async with System() as system:
        storage = system.spawn(Storage(0x10000), "storage")
        is_synced = sync == "sync"
        file = FileVolume(image, read_only=False, sync=is_synced)
        volume = system.spawn_thread(file, "volume")
        geometry = (await volume.ask(DescribeVolume())).geometry
        model = device_model(DeviceConfiguration("3390", geometry))
        add_device(system, paths, model, volume, gather=not is_synced)
        region = Region(0, 0x10000, storage)
        pmcw, sink = Pmcw.of_device(0), system.ref(GuestPaths().css)
        add_subchannel(system, paths, SubchannelId(0, 0), pmcw, (region,), sink=sink)
        subchannel = system.ref(paths.subchannel)

        async def program(cpu: Cpu) -> None:
            await write_tracks(cpu, first, tracks, number)

        add_guest(system, GuestPaths(), (program,), {0: subchannel}, storage)
        report = await system.ref("emulator").ask(AwaitGuest(), timeout=600)
        raise SystemExit(f"it has ended: {report}")


if __name__ == "__main__":
    image, sync, *numbers = sys.argv[1:]
    asyncio.run(main(Path(image), sync, *map(int, numbers)))
