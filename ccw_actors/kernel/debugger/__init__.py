"""Controls the CPUs of a QEMU over its gdbstub, and finds addresses in a vmlinux."""

from ccw_actors.kernel.debugger._debugger import CpuStop as CpuStop
from ccw_actors.kernel.debugger._debugger import Debugger as Debugger
from ccw_actors.kernel.debugger._debugger import Registers as Registers
from ccw_actors.kernel.debugger._debugger import Why as Why
from ccw_actors.kernel.debugger._slide import kernel_slide as kernel_slide
from ccw_actors.kernel.debugger._slide import running_slide as running_slide
from ccw_actors.kernel.debugger._structures import Member as Member
from ccw_actors.kernel.debugger._symbols import Symbols as Symbols

__all__ = [
    "CpuStop",
    "Debugger",
    "Member",
    "Registers",
    "Symbols",
    "Why",
    "kernel_slide",
    "running_slide",
]
