"""A guest that reads one record of its disk repeatedly, and says when."""

import time
from typing import Any

from ccw_actors.actors import Cpu
from ccw_actors.machine import Disk
from ccw_actors.machine.guest_os import find_devices

__all__ = ["read"]


async def read(cpu: Cpu, ios: int) -> dict[str, Any]:
    """Read a record of the only disk `ios` times.

    Returns the begin and the end in seconds of a clock that all processes of a host
    share, and the number of bytes read.
    """
    (device,) = await find_devices(cpu)
    disk = await Disk.at(device)
    assert disk is not None, "the device is a disk"
    size = 0
    began = time.clock_gettime(time.CLOCK_MONOTONIC)
    for _ in range(ios):
        record = await disk.record(0, 0, 3)
        assert record is not None, "a volume has a label"
        size += len(record)
    ended = time.clock_gettime(time.CLOCK_MONOTONIC)
    return {"began": began, "ended": ended, "bytes": size}
