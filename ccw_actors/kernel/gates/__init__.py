"""Gates: layers of a machine that hold an event until a test lets it go.

| gate | what it holds | how to ask it |
|---|---|---|
| GatedVolume | the tracks that a device reads | HoldReads, AwaitRead, ReleaseReads |
| GatedRegions | interruptions of a client | HoldSignals, AwaitEvents, ReleaseSignals |

GatedRegions also refuses STARTs, if it receives RefuseStarts.
A gate that holds nothing changes nothing. Each counts what has passed, so that a test
waits for an event instead of an amount of time. `Gates` makes the `Layers` of a machine
with one device, and has the references of its actors; `MachineGates` does for several.
"""

from ccw_actors.kernel.gates._gates import Gates as Gates
from ccw_actors.kernel.gates._gates import MachineGates as MachineGates
from ccw_actors.kernel.gates._regions import AwaitEvents as AwaitEvents
from ccw_actors.kernel.gates._regions import CountEvents as CountEvents
from ccw_actors.kernel.gates._regions import EventsCounted as EventsCounted
from ccw_actors.kernel.gates._regions import GatedRegions as GatedRegions
from ccw_actors.kernel.gates._regions import HoldSignals as HoldSignals
from ccw_actors.kernel.gates._regions import RefuseStarts as RefuseStarts
from ccw_actors.kernel.gates._regions import ReleaseSignals as ReleaseSignals
from ccw_actors.kernel.gates._volume import AwaitRead as AwaitRead
from ccw_actors.kernel.gates._volume import GatedVolume as GatedVolume
from ccw_actors.kernel.gates._volume import HoldReads as HoldReads
from ccw_actors.kernel.gates._volume import ReadHeld as ReadHeld
from ccw_actors.kernel.gates._volume import ReleaseReads as ReleaseReads

__all__ = [
    "AwaitEvents",
    "AwaitRead",
    "CountEvents",
    "EventsCounted",
    "GatedRegions",
    "GatedVolume",
    "Gates",
    "HoldReads",
    "HoldSignals",
    "MachineGates",
    "ReadHeld",
    "RefuseStarts",
    "ReleaseReads",
    "ReleaseSignals",
]
