"""What to trace in a kernel: probes at functions, and tracepoints.

`PROBES` is written to `kprobe_events` of tracefs, line by line; `TRACEPOINTS` are
enabled under `events`. A function that a compiler has inlined, or that a version does
not have, cannot be probed: leave it out, and name it in the header of the trace.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

__all__ = ["GROUP", "PROBES", "TRACEPOINTS", "Probe", "Probes", "probes"]

GROUP: Final = "ccw_actors"
"""The group of all probes, which is their folder under `events`."""
_AT_ONCE: Final = 16
"""How many calls of a function may be in progress at once."""


class Probe(Struct, frozen=True):
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
    Probe("vfio_ccw_mdev_write", "offset=+0($arg4):x64", "s64"),
    Probe("vfio_ccw_mdev_read", "offset=+0($arg4):x64", "s64"),
    Probe("vfio_ccw_mdev_ioctl", "command=$arg2:x32", "s64"),
    Probe("vfio_ccw_mdev_open_device", "", "s32"),
    Probe("vfio_ccw_mdev_close_device"),
    Probe("vfio_ccw_async_region_write", "", "s64"),
    Probe("fsm_io_request"),
    Probe("fsm_async_request"),
    Probe("fsm_open"),
    Probe("fsm_close"),
    Probe("fsm_notoper"),
    Probe("cp_init", "", "s32"),
    Probe("cp_prefetch", "", "s32"),
    Probe("cp_free", "initialized=+48($arg1):u8"),
    Probe("cp_update_scsw", "scsw=+0($arg2):x32 cpa=+4($arg2):x32 stat=+8($arg2):x32"),
    Probe("cp_iova_pinned", "", "u8"),
    Probe("vfio_pin_pages"),
    Probe("vfio_ccw_sch_io_todo"),
    Probe("vfio_ccw_notoper_todo"),
    Probe("vfio_ccw_crw_todo"),
    Probe("vfio_ccw_dma_unmap"),
    Probe("vfio_ccw_sch_quiesce", "", "s32"),
    Probe("cio_cancel_halt_clear", "", "s32"),
    Probe("cio_disable_subchannel", "", "s32"),
    Probe("cio_enable_subchannel", "", "s32"),
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
