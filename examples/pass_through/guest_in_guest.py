"""A guest inside a guest: the disk of the inner one is passed through twice.

The outer guest has no program here. Its operating system consists of the layers that
pass its subchannel on, which drive it exactly as the host's layers drive the host's
subchannel. The inner guest's channel program is translated twice, the inner layers pin
its storage, and the host's channel reaches it directly.

    python -m examples.pass_through.guest_in_guest
"""

from ccw_actors.actors import Cpu, MemoryVolume, Region, Storage
from ccw_actors.actors.protocol import AwaitGuest, CountPins
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_device,
    add_guest,
    add_subchannel,
    pass_through,
)
from examples.pass_through.machine import (
    GEOMETRY,
    STORAGE_SIZE,
    enable,
    label,
    new_system,
    read_label,
)

OUTER, INNER = 1 << 36, 1 << 32
"""Address of the outer guest's storage in the host, and the inner's in the outer."""


async def inner(cpu: Cpu) -> str:
    """Read the label of the disk."""
    await enable(cpu)
    return await read_label(cpu)


def main() -> str:
    """Build both levels, run the inner guest, and check that nothing stays pinned."""
    system = new_system()
    ref, spawn = system.ref, system.spawn
    volume = spawn(MemoryVolume(GEOMETRY, label("two levels down")), "volume")
    outer = spawn(Storage(STORAGE_SIZE), "outer/storage")
    storage = spawn(Storage(STORAGE_SIZE), "inner/storage")
    regions = (
        Region(OUTER, STORAGE_SIZE, outer, dma=True),
        Region(OUTER + INNER, STORAGE_SIZE, storage, dma=True),
    )
    # The host's layers, which pass its subchannel to the outer guest.
    paths = DevicePaths(vfio_ccw="outer/vfio-ccw", emulated="outer/subchannel")
    model = device_model(DeviceConfiguration("3390", GEOMETRY))
    add_device(system, paths, model, volume)
    add_subchannel(system, paths, SubchannelId(0, 0), Pmcw.of_device(0x150), regions)
    pmcw = Pmcw.of_device(0x190)
    pass_through(system, paths, outer, base=OUTER, pmcw=pmcw, sink=ref("outer/cio"))
    # The outer guest's layers: they see its subchannel as the host's layers see theirs.
    paths = DevicePaths(
        subchannel="outer/subchannel",
        cio="outer/cio",
        vfio_ccw="inner/vfio-ccw",
        emulated="inner/subchannel",
    )
    pmcw = Pmcw.of_device(0x200)
    pass_through(system, paths, storage, base=INNER, pmcw=pmcw, sink=ref("inner/css"))
    guest = GuestPaths.below("inner")
    add_guest(system, guest, (inner,), {0: ref(paths.emulated)}, storage)
    report = ref(guest.emulator).ask(AwaitGuest(), block=True)
    assert report.error is None, report.error
    assert storage.ask(CountPins(), block=True).pages == 0
    assert report.result == "two levels down"
    return str(report.result)


if __name__ == "__main__":
    print(main())
