"""Measures the memory of a host with a subchannel for every number.

python benchmarks/many_subchannels.py [COUNT]    print MB of the whole process
"""

import sys
from pathlib import Path

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.channel_machine import STORAGE_SIZE
from ccw_actors.actors import ChannelSubsystem, Region, Storage
from ccw_actors.actors.protocol import StoreSubchannel
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.machine import DevicePaths, add_subchannel
from ccw_actors.runtime import System, VirtualDispatcher


def megabytes(count: int) -> float:
    """Define `count` subchannels, check the last one, and return the memory in MB."""
    system = System(VirtualDispatcher())
    storage = system.spawn(Storage(STORAGE_SIZE), "storage")
    regions = (Region(0, STORAGE_SIZE, storage),)
    subchannels = {number: system.ref(f"subchannel{number}") for number in range(count)}
    for number, subchannel in subchannels.items():
        paths = DevicePaths(subchannel=subchannel.path)
        schid, pmcw = SubchannelId(0, number), Pmcw.of_device(number)
        add_subchannel(system, paths, schid, pmcw, regions, sink="css")
    system.spawn(ChannelSubsystem(subchannels), "css")
    stored = subchannels[count - 1].ask(StoreSubchannel(), block=True)
    assert stored.schib.pmcw.devno == count - 1
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("no VmRSS in /proc/self/status")


if __name__ == "__main__":
    print(f"{megabytes(int(sys.argv[1]) if sys.argv[1:] else 65536):.0f}")
