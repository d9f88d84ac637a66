"""How each section of a model shows in a trace of the kernel.

A section is one step of a model. In the kernel it happens inside a function, at a time
that no event shows: after the events before it, and before those after it. Between two
sections of a thread, the functions are left and entered that the next one is not in, or
is in.
"""

from typing import Final

from msgspec import Struct

__all__ = ["INPUTS", "VISIBLE", "Visible"]

_WRITE: Final = ("vfio_ccw_mdev_write",)
_REQUEST: Final = (*_WRITE, "fsm_io_request")
_ASYNC: Final = (*_WRITE, "vfio_ccw_async_region_write")
_WORK: Final = ("vfio_ccw_sch_io_todo",)
_CLOSE: Final = ("fsm_close",)


class Visible(Struct, frozen=True):
    """The events of one section.

    `inside` are the functions in which it happens, the outermost first; those of RESET,
    CLOSE, OPEN and DMA_UNMAP are inside the function of the call as well. `first` comes
    before these are entered. `before` and `after` are events inside the last one.
    `shows` says what the data of the events have to agree with.
    """

    inside: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    shows: str = ""


VISIBLE: Final[dict[str, Visible]] = {
    "WriteIo": Visible(
        _WRITE,
        after=("fsm event",),
        shows="the state; no event if io_mutex is taken (EAGAIN)",
    ),
    "io_request": Visible(_REQUEST),
    "cp_init": Visible((*_REQUEST, "cp_init"), shows="the error number"),
    "cp_prefetch": Visible((*_REQUEST, "cp_prefetch"), shows="the error number"),
    "copy_idal": Visible((*_REQUEST, "cp_prefetch"), shows="the error number"),
    "io_helper": Visible(
        _REQUEST, before=("ssch",), shows="whether SSCH is issued at all"
    ),
    "idle_again": Visible(_REQUEST),
    "free_request": Visible(
        (*_REQUEST, "cp_free"), shows="whether the program is initialised"
    ),
    "free_failed": Visible((*_REQUEST, "cp_free")),
    "fail_io": Visible(_REQUEST, after=("io request",), shows="the error number"),
    "leave_io": Visible(_WRITE, shows="the error number that the write returns"),
    "WriteAsync": Visible(
        _ASYNC,
        after=("fsm event",),
        shows="the state; no event if io_mutex is taken (EAGAIN)",
    ),
    "halt": Visible(
        (*_ASYNC, "fsm_async_request"),
        before=("hsch",),
        after=("async request",),
        shows="whether HSCH is issued at all, and the error number",
    ),
    "clear": Visible(
        (*_ASYNC, "fsm_async_request"),
        before=("csch",),
        after=("async request",),
        shows="the error number",
    ),
    "leave_async": Visible(_ASYNC, shows="the error number that the write returns"),
    "IoInterruption": Visible(
        before=("tsch", "fsm event"),
        shows="the state; it ends before the CPU's next event outside interrupts",
    ),
    "io_todo": Visible(shows="that the work item was queued, and comes next"),
    "read_final": Visible(_WORK),
    "read_irb": Visible(
        _WORK,
        after=("enter cp_update_scsw", "exit cp_update_scsw"),
        shows="the IRB in the slot; no event if it is unsolicited",
    ),
    "test_free": Visible(_WORK),
    "cp_free": Visible((*_WORK, "cp_free"), shows="whether the program is initialised"),
    "free_chains": Visible((*_WORK, "cp_free")),
    "copy_irb": Visible(_WORK),
    "copy_rest": Visible(_WORK),
    "set_idle": Visible(_WORK, shows="the state, in later events"),
    "signal": Visible(_WORK),
    "ReadIo": Visible(("vfio_ccw_mdev_read",)),
    "read_region": Visible(("vfio_ccw_mdev_read",)),
    "leave_read": Visible(
        ("vfio_ccw_mdev_read",),
        after=("ret",),
        shows="the IRB, if the client writes it to trace_marker",
    ),
    "ResetDevice": Visible(),
    "disable": Visible(
        _CLOSE,
        first=("fsm event",),
        before=("enter cio_disable_subchannel", "exit cio_disable_subchannel"),
        shows="the state; if the subchannel is busy, vfio_ccw_sch_quiesce and"
        " cio_cancel_halt_clear; fsm_notoper instead of fsm_close in STANDBY",
    ),
    "WaitExpired": Visible(shows="that nothing comes for three seconds"),
    "flush": Visible((*_CLOSE, "vfio_ccw_sch_quiesce")),
    "close_free": Visible(
        (*_CLOSE, "cp_free"), shows="whether the program is initialised"
    ),
    "close_chains": Visible((*_CLOSE, "cp_free")),
    "open": Visible(
        first=("fsm event",),
        shows="the state; fsm_notoper follows if it is neither STANDBY nor NOT_OPER",
    ),
    "enable": Visible(
        ("fsm_open",),
        before=("enter cio_enable_subchannel", "exit cio_enable_subchannel"),
        shows="whether the subchannel was enabled; if not, fsm_notoper follows",
    ),
    "open_idle": Visible(("fsm_open",)),
    "DeviceLost": Visible(("fsm_notoper",), first=("fsm event",)),
    "notoper_todo": Visible(
        ("vfio_ccw_notoper_todo", "cp_free"),
        shows="whether the program is initialised",
    ),
    "unmap": Visible(
        shows="that no program has pinned a page, if it succeeds; while a program is"
        " translated, another page may be pinned"
    ),
    "check_pinned": Visible(("vfio_ccw_dma_unmap", "cp_iova_pinned")),
    "walk_pinned": Visible(("vfio_ccw_dma_unmap", "cp_iova_pinned")),
    "checked": Visible(
        ("vfio_ccw_dma_unmap", "cp_iova_pinned"),
        shows="whether the program names the page",
    ),
    "PathReport": Visible(before=("path event",)),
    "ReportAdded": Visible(),
    "crw_todo": Visible(("vfio_ccw_crw_todo",)),
    "ReadReport": Visible(("vfio_ccw_mdev_read",)),
    "report_taken": Visible(("vfio_ccw_mdev_read",)),
}
"""By the `step` of `Section`, or by the name of the message."""
INPUTS: Final = {
    "SignalClear": "the subchannel: condition codes and IRBs are those of the trace",
    "SignalHalt": "the same",
    "DeviceGoesOn": "the same",
    "Attention": "the same: an IRB without a function",
    "IdawChanged": "the guest's memory: what cp_prefetch returns is that of the trace",
}
"""Steps that are not the kernel's, and what takes their place."""
