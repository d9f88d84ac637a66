"""`ccw-actors` with faulty disks: `faults.py FAULT... run MACHINE.TOML`.

| FAULT | what happens |
|---|---|
| stall=0500:60:4:2 | the first 2 reads of track 60 of host device 0500 take 4 s |
| detach=0500:100 | the host loses device 0500 when 100 tracks of it are read |

It replaces the volumes of the machine, and nothing else.
"""

import sys
import threading
from functools import partial
from typing import Any
from unittest.mock import patch

from ccw_actors.actors import FileVolume
from ccw_actors.actors.protocol import DetachDevice, ReadTrack, TrackFailed, TrackRead
from ccw_actors.cli import _running, main
from ccw_actors.machine import Layers, MachineRun
from ccw_actors.runtime import receive

STALLS: dict[str, list[int]] = {}
DETACHES: dict[str, int] = {}


class FaultyVolume(FileVolume):
    """An image whose disk is slow, or is detached, as FAULT says."""

    _reads = 0

    def bind(self, system: Any, cell: Any) -> None:
        """Keep the System, which has the subchannel."""
        super().bind(system, cell)
        self._system = system

    @receive
    def read(self, message: ReadTrack) -> TrackRead | TrackFailed:
        """Read a track, slowly if it stalls; first detach the device if it is due."""
        host, _, _ = self.path.rpartition("/")
        number = host[-4:]
        self._reads += 1
        if self._reads == DETACHES.get(number):
            self._system.ref(f"{host}/subchannel").tell(DetachDevice())
        stall = STALLS.get(number)
        if stall is not None and stall[0] == message.track and stall[2]:
            stall[2] -= 1
            threading.Event().wait(stall[1])
        return super().read(message)


if __name__ == "__main__":
    while "=" in sys.argv[1]:
        kind, _, about = sys.argv.pop(1).partition("=")
        device, *numbers = about.split(":")
        if kind == "stall":
            STALLS[device] = [int(one) for one in numbers]
        else:
            DETACHES[device] = int(numbers[0])
    # The command has no option for another class of volume; the machine has one.
    faulty = partial(MachineRun, layers=Layers(volume=FaultyVolume))
    with patch.object(_running, "MachineRun", faulty):
        main()
