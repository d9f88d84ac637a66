"""Controls the CPUs of a QEMU over its gdbstub, and finds addresses in a vmlinux."""

from ccw_actors.kernel.debugger._debugger import Debugger as Debugger
from ccw_actors.kernel.debugger._debugger import Registers as Registers
from ccw_actors.kernel.debugger._debugger import Stop as Stop
from ccw_actors.kernel.debugger._debugger import Why as Why

__all__ = ["Debugger", "Registers", "Stop", "Why"]
