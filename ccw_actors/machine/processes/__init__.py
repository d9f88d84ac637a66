"""A machine in several operating-system processes, each with some of its guests.

| actor | with-guest | shared-host |
|---|---|---|
| a guest: css, emulator, cpu, program, subchannels | its process | its process |
| below the vfio interface: storage, vfio-ccw | its process | the parent |
| its devices in the host: volume, device, subchannel, cio | its process | the parent |
| host/processes/NAME, which answers for a process | that process | that process |
| host/processes, host/control | the parent | the parent |
| host/parts, which builds the host's parts of guests | - | the parent |

Guests share nothing, so with-guest no message of channel I/O crosses. A volume is in
one process only, because a host device is passed to one guest only. With a shared host
cross the messages of the vfio interface and those between a guest and its storage, and
in both placements:

| message | from, to | when |
|---|---|---|
| Joined | process, parent | it has started; says its time, and who answers for it |
| BuildHostPart | process, parent | a guest starts, with a shared host |
| AwaitPartGuest | parent, process | at once, for each guest; answered at its end |
| DescribePart | parent, process | the parent is asked for states or progress |
| requests about devices | parent, process | as at the control socket of the parent |
| EndPart | parent, process | all guests have ended, or the run is stopped |
| Notice | process, parent | a line of its log |

A process that dies takes its guests along: its link ends, asks about its guests fail,
and their results say how it died. Its volumes are recovered when next opened. A shared
host gives up its subchannels and the pins of its storage instead. A process whose
parent dies sees the end of a pipe, and ends.
"""

from ccw_actors.machine.processes._parent import ProcessesRun as ProcessesRun
from ccw_actors.machine.processes._parent import run_in_processes as run_in_processes
from ccw_actors.machine.processes._plan import guests_by_process as guests_by_process
from ccw_actors.machine.processes._plan import placed as placed

__all__ = ["ProcessesRun", "guests_by_process", "placed", "run_in_processes"]
