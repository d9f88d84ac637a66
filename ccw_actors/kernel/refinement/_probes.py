"""What to trace in a kernel: probes at functions, and tracepoints.

`PROBES` is written to `kprobe_events` of tracefs, line by line; `TRACEPOINTS` are
enabled under `events`. A function that a compiler has inlined, or that a version does
not have, cannot be probed: leave it out, and name it in the header of the trace.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

__all__ = [
    "GROUP",
    "NOT_OPER_EVENT",
    "PROBES",
    "REGION_SHIFT",
    "TRACEPOINTS",
    "KernelProbe",
    "Probes",
    "probes",
]

GROUP: Final = "ccw_actors"
"""The group of all probes, which is their folder under `events`."""
_AT_ONCE: Final = 16
"""How many calls of a function may be in progress at once."""


REGION_SHIFT: Final = 10
"""An offset in the device's file, shifted right by this, is the number of a region."""
NOT_OPER_EVENT: Final = 0
"""The event of vfio_ccw's FSM that says that the device is lost."""


class KernelProbe(Struct, frozen=True):
    """A function, the arguments to record when it is entered, and its result.

    The arguments are in the syntax of `kprobe_events`. `result` is the type of the
    result, "" for none.
    """

    function: str
    arguments: str = ""
    result: str = ""

    @property
    def lines(self) -> tuple[str, str]:
        """The lines for `kprobe_events`: at the entry, and at the exit."""
        name = self.function
        enter = f"p:{GROUP}/enter_{name} {name} {self.arguments}".rstrip()
        result = f"ret=$retval:{self.result}" if self.result else ""
        leave = f"r{_AT_ONCE}:{GROUP}/exit_{name} {name} {result}".rstrip()
        return enter, leave


class Probes(Struct, frozen=True):
    """Lines for `kprobe_events`, folders of `events`, and functions left out."""

    lines: tuple[str, ...]
    events: tuple[str, ...]
    missing: tuple[str, ...]


# No function of an interrupt: the kernel misses a probe that it meets in an interrupt
# while it handles another one. Tracepoints show all that is needed there.
# The offset of `initialized` in struct channel_program is the same from 6.1 to 7.2.
PROBES: Final = (
    KernelProbe("vfio_ccw_mdev_write", "offset=+0($arg4):x64", "s64"),
    KernelProbe("vfio_ccw_mdev_read", "offset=+0($arg4):x64", "s64"),
    KernelProbe("vfio_ccw_mdev_ioctl", "command=$arg2:x32", "s64"),
    KernelProbe("vfio_ccw_mdev_open_device", "", "s32"),
    KernelProbe("vfio_ccw_mdev_close_device"),
    KernelProbe("vfio_ccw_async_region_write", "", "s64"),
    KernelProbe("fsm_io_request"),
    KernelProbe("fsm_async_request"),
    KernelProbe("fsm_open"),
    KernelProbe("fsm_close"),
    KernelProbe("fsm_notoper"),
    KernelProbe("cp_init", "", "s32"),
    KernelProbe("cp_prefetch", "", "s32"),
    KernelProbe("cp_free", "initialized=+48($arg1):u8"),
    KernelProbe(
        "cp_update_scsw", "scsw=+0($arg2):x32 cpa=+4($arg2):x32 stat=+8($arg2):x32"
    ),
    KernelProbe("cp_iova_pinned", "", "u8"),
    KernelProbe("vfio_pin_pages"),
    KernelProbe("vfio_ccw_sch_io_todo"),
    KernelProbe("vfio_ccw_notoper_todo"),
    KernelProbe("vfio_ccw_crw_todo"),
    KernelProbe("vfio_ccw_dma_unmap"),
    KernelProbe("vfio_ccw_sch_quiesce", "", "s32"),
    KernelProbe("cio_cancel_halt_clear", "", "s32"),
    KernelProbe("cio_disable_subchannel", "", "s32"),
    KernelProbe("cio_enable_subchannel", "", "s32"),
)
TRACEPOINTS: Final = (
    "s390/s390_cio_ssch",
    "s390/s390_cio_csch",
    "s390/s390_cio_hsch",
    "s390/s390_cio_xsch",
    "s390/s390_cio_tsch",
    "s390/s390_cio_msch",
    "s390/s390_cio_interrupt",
    "vfio_ccw/vfio_ccw_fsm_event",
    "vfio_ccw/vfio_ccw_fsm_io_request",
    "vfio_ccw/vfio_ccw_fsm_async_request",
    "vfio_ccw/vfio_ccw_chp_event",
)


def probes(functions: Iterable[str]) -> Probes:
    """Return what to trace in a kernel that has these functions.

    The names are those of `available_filter_functions`, or of the kernel's System.map.
    """
    there = set(functions)
    kept = [one for one in PROBES if one.function in there]
    lines = tuple(line for one in kept for line in one.lines)
    missing = tuple(one.function for one in PROBES if one.function not in there)
    return Probes(lines, (*TRACEPOINTS, GROUP), missing)
