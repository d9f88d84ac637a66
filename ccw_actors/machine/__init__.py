"""The machine file, wiring and run; the guest programs that come with the package."""

from pathlib import Path
from typing import Final

from ccw_actors.machine.config import Binary as Binary
from ccw_actors.machine.config import ConsoleTarget as ConsoleTarget
from ccw_actors.machine.config import DeviceNumber as DeviceNumber
from ccw_actors.machine.config import GuestConfiguration as GuestConfiguration
from ccw_actors.machine.config import HostDevice as HostDevice
from ccw_actors.machine.config import Machine as Machine
from ccw_actors.machine.config import PassedThrough as PassedThrough
from ccw_actors.machine.config import QemuGuest as QemuGuest
from ccw_actors.machine.config import StorageSize as StorageSize
from ccw_actors.machine.config import read_size as read_size
from ccw_actors.machine.guest_program import GuestProgram as GuestProgram
from ccw_actors.machine.machine_file import load_machine as load_machine
from ccw_actors.machine.results import GuestProgress as GuestProgress
from ccw_actors.machine.results import GuestResult as GuestResult
from ccw_actors.machine.results import Progress as Progress
from ccw_actors.machine.results import RunResult as RunResult
from ccw_actors.machine.run import STOPPED as STOPPED
from ccw_actors.machine.run import MachineRun as MachineRun
from ccw_actors.machine.run import begin_trace as begin_trace
from ccw_actors.machine.run import run_machine as run_machine

__all__ = [
    "SHIPPED_MACHINE",
    "STOPPED",
    "Binary",
    "ConsoleTarget",
    "DeviceNumber",
    "GuestConfiguration",
    "GuestProgram",
    "GuestProgress",
    "GuestResult",
    "HostDevice",
    "Machine",
    "MachineRun",
    "PassedThrough",
    "Progress",
    "QemuGuest",
    "RunResult",
    "StorageSize",
    "begin_trace",
    "load_machine",
    "read_size",
    "run_machine",
]

SHIPPED_MACHINE: Final = Path(__file__).parent / "shipped" / "machine.toml"
"""The machine file that comes with the package."""
