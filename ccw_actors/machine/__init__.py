"""The machine file, wiring and run; the guest programs that come with the package."""

from pathlib import Path
from typing import Final

from ccw_actors.machine._attachment import AttachDisk as AttachDisk
from ccw_actors.machine._attachment import DetachDisk as DetachDisk
from ccw_actors.machine._attachment import PauseGuest as PauseGuest
from ccw_actors.machine._attachment import ResumeGuest as ResumeGuest
from ccw_actors.machine._config import Binary as Binary
from ccw_actors.machine._config import ConsoleTarget as ConsoleTarget
from ccw_actors.machine._config import DeviceNumber as DeviceNumber
from ccw_actors.machine._config import GuestConfiguration as GuestConfiguration
from ccw_actors.machine._config import HostDevice as HostDevice
from ccw_actors.machine._config import Machine as Machine
from ccw_actors.machine._config import PassedThrough as PassedThrough
from ccw_actors.machine._config import QemuGuest as QemuGuest
from ccw_actors.machine._config import StorageSize as StorageSize
from ccw_actors.machine._config import read_size as read_size
from ccw_actors.machine._disk import Disk as Disk
from ccw_actors.machine._guest_program import GuestProgram as GuestProgram
from ccw_actors.machine._images import unpacked as unpacked
from ccw_actors.machine._machine_file import check_machine as check_machine
from ccw_actors.machine._machine_file import load_machine as load_machine
from ccw_actors.machine._results import GuestProgress as GuestProgress
from ccw_actors.machine._results import GuestResult as GuestResult
from ccw_actors.machine._results import Progress as Progress
from ccw_actors.machine._results import RunResult as RunResult
from ccw_actors.machine._run import STOPPED as STOPPED
from ccw_actors.machine._run import MachineRun as MachineRun
from ccw_actors.machine._run import begin_trace as begin_trace
from ccw_actors.machine._run import run_machine as run_machine

__all__ = [
    "SHIPPED_MACHINE",
    "STOPPED",
    "AttachDisk",
    "Binary",
    "ConsoleTarget",
    "DetachDisk",
    "DeviceNumber",
    "Disk",
    "GuestConfiguration",
    "GuestProgram",
    "GuestProgress",
    "GuestResult",
    "HostDevice",
    "Machine",
    "MachineRun",
    "PassedThrough",
    "PauseGuest",
    "Progress",
    "QemuGuest",
    "ResumeGuest",
    "RunResult",
    "StorageSize",
    "begin_trace",
    "check_machine",
    "load_machine",
    "read_size",
    "run_machine",
    "unpacked",
]

SHIPPED_MACHINE: Final = Path(__file__).parent / "shipped" / "machine.toml"
"""The machine file that comes with the package."""
