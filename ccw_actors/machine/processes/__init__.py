"""A machine in several operating-system processes, each with some of its guests.

| actor | where it lives |
|---|---|
| a guest: storage, css, emulator, cpu, program, subchannels, vfio-ccw | its process |
| the host's devices of that guest: volume, device, subchannel, cio | the same process |
| host/processes/NAME, which answers for a process | that process |
| host/processes, host/control | the parent, which runs no guest |

Guests share nothing, so no message of channel I/O crosses. A volume is in one process
only, because a host device is passed to one guest only. These messages cross:

| message | from, to | when |
|---|---|---|
| Joined | process, parent | it has started; says its time, and who answers for it |
| AwaitPartGuest | parent, process | at once, for each guest; answered at its end |
| DescribePart | parent, process | the parent is asked for states or progress |
| requests about devices | parent, process | as at the control socket of the parent |
| EndPart | parent, process | all guests have ended, or the run is stopped |
| Notice | process, parent | a line of its log |

A process that dies takes its guests along: its link ends, asks about its guests fail,
and their results say how it died. Its volumes are recovered when next opened. A process
whose parent dies sees the end of a pipe, and ends.
"""

from ccw_actors.machine.processes._parent import ProcessesRun as ProcessesRun
from ccw_actors.machine.processes._parent import run_in_processes as run_in_processes
from ccw_actors.machine.processes._plan import guests_by_process as guests_by_process

__all__ = ["ProcessesRun", "guests_by_process", "run_in_processes"]
