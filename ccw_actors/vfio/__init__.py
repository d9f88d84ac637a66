"""Other processes as guests: VFIO as QEMU sees it, answered by actors.

The client is not changed. A seccomp filter passes its system calls for VFIO to us
(`_filter`, `_launch`, `_notifications`, `_system_calls`). The actor `ClientProcess` is
the process and answers the calls; `ProcessStorage` is its memory.
"""

from ccw_actors.vfio._client_process import ClientProcess as ClientProcess
from ccw_actors.vfio._console import Console as Console
from ccw_actors.vfio._console import raw_terminal as raw_terminal
from ccw_actors.vfio._messages import AddDevice as AddDevice
from ccw_actors.vfio._messages import ClientProcessMessage as ClientProcessMessage
from ccw_actors.vfio._messages import ClientToStorage as ClientToStorage
from ccw_actors.vfio._messages import DeviceAdded as DeviceAdded
from ccw_actors.vfio._messages import DeviceRemoved as DeviceRemoved
from ccw_actors.vfio._messages import ProcessEnded as ProcessEnded
from ccw_actors.vfio._messages import ProcessStorageMessage as ProcessStorageMessage
from ccw_actors.vfio._messages import RemoveDevice as RemoveDevice
from ccw_actors.vfio._process_storage import ProcessStorage as ProcessStorage
from ccw_actors.vfio._qemu import command_line as command_line
from ccw_actors.vfio._qemu import device_name as device_name
from ccw_actors.vfio._qemu import device_option as device_option
from ccw_actors.vfio._qemu import devno_of as devno_of
from ccw_actors.vfio._qemu import find_qemu as find_qemu
from ccw_actors.vfio._qemu_version import QemuVersion as QemuVersion
from ccw_actors.vfio._qemu_version import qemu_version as qemu_version
from ccw_actors.vfio._qemu_version import read_version as read_version
from ccw_actors.vfio._qmp import Qmp as Qmp
from ccw_actors.vfio._qmp_events import QmpEvent as QmpEvent
from ccw_actors.vfio._shown_files import ShownFiles as ShownFiles
from ccw_actors.vfio._shown_files import sysfsdev_of as sysfsdev_of
from ccw_actors.vfio._spawn import Client as Client
from ccw_actors.vfio._spawn import check_host as check_host
from ccw_actors.vfio._spawn import spawn_client as spawn_client
from ccw_actors.vfio._system_calls import SystemCalls as SystemCalls

__all__ = [
    "AddDevice",
    "Client",
    "ClientProcess",
    "ClientProcessMessage",
    "ClientToStorage",
    "Console",
    "DeviceAdded",
    "DeviceRemoved",
    "ProcessEnded",
    "ProcessStorage",
    "ProcessStorageMessage",
    "QemuVersion",
    "Qmp",
    "QmpEvent",
    "RemoveDevice",
    "ShownFiles",
    "SystemCalls",
    "check_host",
    "command_line",
    "device_name",
    "device_option",
    "devno_of",
    "find_qemu",
    "qemu_version",
    "raw_terminal",
    "read_version",
    "spawn_client",
    "sysfsdev_of",
]
