"""Measures the memory of a host with a subchannel for every number.

python benchmarks/many_subchannels.py [COUNT]    print MB of the whole process

They are in one set. A handful is used: they are made, and enabled.
"""

import sys
from pathlib import Path

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.channel_machine import STORAGE_SIZE
from ccw_actors.actors import ChannelPath, ChannelSubsystem, Region, Storage
from ccw_actors.actors.protocol import ModifySubchannel, StoreSubchannel
from ccw_actors.channel import Pmcw
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.machine import add_subchannel_set
from ccw_actors.runtime import System, VirtualDispatcher

HANDFUL = 5


def megabytes(count: int) -> float:
    """Add a set of `count`, use a handful, and return the memory in MB."""
    system = System(VirtualDispatcher())
    storage = system.spawn(Storage(STORAGE_SIZE), "storage")
    subchannels = add_subchannel_set(
        system,
        "subchannel",
        range(count),
        Pmcw.of_device,
        (Region(0, STORAGE_SIZE, storage),),
        sink=system.ref("css"),
        device=lambda _index: device_model(DeviceConfiguration("virtio-rng")),
    )
    path = system.spawn(ChannelPath(0, [subchannels.all]), "path")
    system.spawn(
        ChannelSubsystem(subchannels, {0: path}, sets=[subchannels.all]), "css"
    )
    for number in range(count - 1, max(count - HANDFUL, 0) - 1, -1):
        ref = subchannels[number]
        stored = ref.ask(StoreSubchannel(), block=True)
        assert stored.schib.pmcw.devno == number
        enabled = stored.schib.pmcw.with_flag(Pmcw.enabled, on=True)
        assert ref.ask(ModifySubchannel(enabled), block=True).cc == 0
    assert system.statistics().actors == 4 + min(count, HANDFUL)
    return _resident()


def _resident() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("no VmRSS in /proc/self/status")


if __name__ == "__main__":
    print(f"{megabytes(int(sys.argv[1]) if sys.argv[1:] else 65536):.0f}")
