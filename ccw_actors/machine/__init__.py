"""Machines: the machine file, wiring, the run, and guest programs of the package."""

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
from ccw_actors.machine._config import Placement as Placement
from ccw_actors.machine._config import QemuGuest as QemuGuest
from ccw_actors.machine._config import StorageSize as StorageSize
from ccw_actors.machine._disk import DEFINE_EXTENT as DEFINE_EXTENT
from ccw_actors.machine._disk import LOCATE_RECORD as LOCATE_RECORD
from ccw_actors.machine._disk import READ_DATA as READ_DATA
from ccw_actors.machine._disk import SEEK as SEEK
from ccw_actors.machine._disk import Disk as Disk
from ccw_actors.machine._fault_requests import AddFault as AddFault
from ccw_actors.machine._fault_requests import ClearFaults as ClearFaults
from ccw_actors.machine._fault_requests import DeviceFaults as DeviceFaults
from ccw_actors.machine._fault_requests import ListFaults as ListFaults
from ccw_actors.machine._faulty import add_faulty_device as add_faulty_device
from ccw_actors.machine._faulty import add_faulty_path as add_faulty_path
from ccw_actors.machine._guest_program import GuestProgram as GuestProgram
from ccw_actors.machine._images import unpacked as unpacked
from ccw_actors.machine._machine_file import MachineSource as MachineSource
from ccw_actors.machine._machine_file import load_machine as load_machine
from ccw_actors.machine._problems import check_machine as check_machine
from ccw_actors.machine._results import GuestProgress as GuestProgress
from ccw_actors.machine._results import GuestResult as GuestResult
from ccw_actors.machine._results import Progress as Progress
from ccw_actors.machine._results import RunResult as RunResult
from ccw_actors.machine._run import STOPPED as STOPPED
from ccw_actors.machine._run import MachineRun as MachineRun
from ccw_actors.machine._run import run_machine as run_machine
from ccw_actors.machine._run_trace import begin_trace as begin_trace
from ccw_actors.machine._wiring import OURS as OURS
from ccw_actors.machine._wiring import DevicePaths as DevicePaths
from ccw_actors.machine._wiring import GuestPaths as GuestPaths
from ccw_actors.machine._wiring import Layers as Layers
from ccw_actors.machine._wiring import Program as Program
from ccw_actors.machine._wiring import add_device as add_device
from ccw_actors.machine._wiring import add_driver as add_driver
from ccw_actors.machine._wiring import add_guest as add_guest
from ccw_actors.machine._wiring import add_guest_subchannel as add_guest_subchannel
from ccw_actors.machine._wiring import add_subchannel as add_subchannel
from ccw_actors.machine._wiring import add_subchannel_set as add_subchannel_set
from ccw_actors.machine._wiring import pass_through as pass_through

__all__ = [
    "DEFINE_EXTENT",
    "LOCATE_RECORD",
    "OURS",
    "READ_DATA",
    "SEEK",
    "SHIPPED_MACHINE",
    "STOPPED",
    "AddFault",
    "AttachDisk",
    "Binary",
    "ClearFaults",
    "ConsoleTarget",
    "DetachDisk",
    "DeviceFaults",
    "DeviceNumber",
    "DevicePaths",
    "Disk",
    "GuestConfiguration",
    "GuestPaths",
    "GuestProgram",
    "GuestProgress",
    "GuestResult",
    "HostDevice",
    "Layers",
    "ListFaults",
    "Machine",
    "MachineRun",
    "MachineSource",
    "PassedThrough",
    "PauseGuest",
    "Placement",
    "Program",
    "Progress",
    "QemuGuest",
    "ResumeGuest",
    "RunResult",
    "StorageSize",
    "add_device",
    "add_driver",
    "add_faulty_device",
    "add_faulty_path",
    "add_guest",
    "add_guest_subchannel",
    "add_subchannel",
    "add_subchannel_set",
    "begin_trace",
    "check_machine",
    "load_machine",
    "pass_through",
    "run_machine",
    "unpacked",
]

SHIPPED_MACHINE: Final = Path(__file__).parent / "shipped" / "machine.toml"
"""The machine file that comes with the package."""
