"""A guest inside a guest: the disk of the inner one is passed through twice.

The outer guest has no program of its own here. Its operating system is the layers that
pass its subchannel on: they speak to it exactly as the host's layers speak to the
host's. The inner guest's channel program is translated twice, its storage is pinned by
the inner layers, and the channel of the host reaches it directly.

    python -m examples.pass_through.guest_in_guest
"""

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
from ccw_actors.actors.protocol import AwaitGuest, CountPins
from ccw_actors.channel import SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from examples.pass_through.rack import (
    GEOMETRY,
    STORAGE_SIZE,
    enable,
    new_system,
    read_label,
    track,
    valid_pmcw,
)

OUTER, INNER = 1 << 36, 1 << 32
"""Where the outer guest's storage is for the host, the inner one's for the outer."""


async def inner(cpu: Cpu) -> str:
    """Read the label of the disk."""
    await enable(cpu)
    return await read_label(cpu)


def main() -> str:
    """Build both levels, run the inner guest, and see that nothing stays pinned."""
    system = new_system()
    ref, spawn = system.ref, system.spawn
    spawn(MemoryVolume(GEOMETRY, {0: track("two levels down")}), "volume")
    model = device_model(DeviceConfiguration("3390", GEOMETRY))
    spawn(Device(model, ref("volume")), "disk")
    outer = spawn(Storage(STORAGE_SIZE), "outer/storage")
    storage = spawn(Storage(STORAGE_SIZE), "inner/storage")
    regions = (
        Region(OUTER, STORAGE_SIZE, outer, dma=True),
        Region(OUTER + INNER, STORAGE_SIZE, storage, dma=True),
    )
    schid = SubchannelId(0, 0)
    host = Subchannel(schid, valid_pmcw(0x150), ref("disk"), regions, ref("cio"))
    spawn(host, "subchannel")
    spawn(Cio(ref("subchannel"), ref("outer/vfio-ccw")), "cio")
    spawn(
        VfioCcw(ref("cio"), outer, ref("outer/subchannel"), base=OUTER),
        "outer/vfio-ccw",
    )
    spawn(
        GuestSubchannel(
            schid, valid_pmcw(0x190), ref("outer/vfio-ccw"), ref("outer/cio")
        ),
        "outer/subchannel",
    )
    spawn(Cio(ref("outer/subchannel"), ref("inner/vfio-ccw")), "outer/cio")
    spawn(
        VfioCcw(ref("outer/cio"), storage, ref("inner/subchannel"), base=INNER),
        "inner/vfio-ccw",
    )
    subchannel = spawn(
        GuestSubchannel(
            schid, valid_pmcw(0x200), ref("inner/vfio-ccw"), ref("inner/css")
        ),
        "inner/subchannel",
    )
    css = spawn(ChannelSubsystem({0: subchannel}), "inner/css")
    emulator = spawn(Emulator(1, (subchannel,)), "inner/emulator")
    spawn(Guest(inner, {0: subchannel}, css, storage, emulator), "inner")
    report = emulator.ask(AwaitGuest(), block=True)
    assert report.error is None, report.error
    assert storage.ask(CountPins(), block=True).pages == 0
    assert report.result == "two levels down"
    return str(report.result)


if __name__ == "__main__":
    print(main())
