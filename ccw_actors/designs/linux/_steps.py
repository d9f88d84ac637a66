"""The function of the original that each section of the models is part of.

Tables of counterexamples show it for each step, and `tools/design_tables.py` in a page.
"""

from typing import Final, NamedTuple

__all__ = ["STEPS", "Step"]


class Step(NamedTuple):
    """A section, or the message that is one: its function, and its effect in brief.

    `function` is the one of Linux that does it; of several names it is the last. It is
    empty for a step that is not code of the host.
    """

    function: str
    brief: str


STEPS: Final[dict[str, Step]] = {
    "WriteIo": Step(
        "vfio_ccw_mdev_write_io_region, vfio_ccw_fsm_event", "the state is read"
    ),
    "io_request": Step("fsm_io_request", "CP_PROCESSING"),
    "cp_init": Step("cp_init", "a program is made"),
    "cp_prefetch": Step("cp_prefetch", "the first IDAW is read"),
    "copy_idal": Step("cp_prefetch", "IDAWs are copied, pages pinned"),
    "io_helper": Step("fsm_io_helper", "SSCH"),
    "idle_again": Step("fsm_io_request", "IDLE"),
    "free_request": Step("cp_free", "the program is marked as free"),
    "free_failed": Step("cp_free", "the chains are freed, the pages unpinned"),
    "fail_io": Step("fsm_io_request", "IDLE"),
    "leave_io": Step("vfio_ccw_mdev_write_io_region", "io_mutex is given up"),
    "WriteAsync": Step(
        "vfio_ccw_async_region_write, vfio_ccw_fsm_event", "the state is read"
    ),
    "halt": Step("fsm_do_halt", "HSCH"),
    "clear": Step("fsm_do_clear", "CSCH"),
    "leave_async": Step("vfio_ccw_async_region_write", "io_mutex is given up"),
    "IoInterruption": Step(
        "do_cio_interrupt, fsm_irq", "TSCH, the IRB goes into the slot, work is queued"
    ),
    "io_todo": Step("process_one_work", "the work item is no longer pending"),
    "read_final": Step("vfio_ccw_sch_io_todo", "is it final?"),
    "read_irb": Step(
        "vfio_ccw_sch_io_todo, cp_update_scsw", "is it solicited? its CCW address"
    ),
    "test_free": Step("vfio_ccw_sch_io_todo", "is it to free?"),
    "cp_free": Step("cp_free", "the program is marked as free"),
    "free_chains": Step("cp_free", "the chains are freed, the pages unpinned"),
    "copy_irb": Step("vfio_ccw_sch_io_todo", "the IRB goes into the region"),
    "copy_rest": Step("vfio_ccw_sch_io_todo", "the second half of it"),
    "set_idle": Step("vfio_ccw_sch_io_todo", "IDLE, if the version says so"),
    "signal": Step("vfio_ccw_sch_io_todo", "the eventfd is signalled"),
    "ReadIo": Step("eventfd_read", "the counter is cleared"),
    "read_region": Step("vfio_ccw_mdev_read_io_region", "io_mutex is taken"),
    "leave_read": Step(
        "vfio_ccw_mdev_read_io_region", "the IRB is read, io_mutex is given up"
    ),
    "ResetDevice": Step("vfio_ccw_mdev_reset", "RESET"),
    "disable": Step(
        "fsm_close, vfio_ccw_sch_quiesce, cio_disable_subchannel",
        "MSCH with E off, or cancel, halt, clear",
    ),
    "WaitExpired": Step("vfio_ccw_sch_quiesce", "the wait for an interruption ends"),
    "flush": Step("vfio_ccw_sch_quiesce", "waits for the work queue"),
    "close_free": Step("fsm_close, cp_free", "the program is marked as free"),
    "close_chains": Step(
        "fsm_close, cp_free", "the chains are freed, the pages unpinned"
    ),
    "open": Step("vfio_ccw_fsm_event", "OPEN: is the state STANDBY?"),
    "enable": Step("fsm_open, cio_enable_subchannel", "MSCH with E on, IDLE"),
    "open_idle": Step("vfio_ccw_mdev_reset", "IDLE"),
    "DeviceLost": Step("vfio_ccw_sch_event, fsm_notoper", "NOT_OPER"),
    "notoper_todo": Step("vfio_ccw_notoper_todo", "the program is freed"),
    "unmap": Step("vfio_dma_do_unmap", "is the page pinned?"),
    "check_pinned": Step("vfio_ccw_dma_unmap, cp_iova_pinned", "is there a program?"),
    "walk_pinned": Step(
        "vfio_ccw_dma_unmap, cp_iova_pinned", "begins to walk the chains"
    ),
    "checked": Step("vfio_ccw_dma_unmap, cp_iova_pinned", "has walked the chains"),
    "PathReport": Step(
        "vfio_ccw_chp_event, vfio_ccw_queue_crw", "begins to add a report"
    ),
    "ReportAdded": Step("vfio_ccw_queue_crw", "has added it"),
    "crw_todo": Step("vfio_ccw_crw_todo", "the other eventfd is signalled"),
    "ReadReport": Step("vfio_ccw_crw_region_read", "begins to take a report off"),
    "report_taken": Step("vfio_ccw_crw_region_read", "has taken it off"),
    "SignalClear": Step("", "the clear signal goes out; status is pending"),
    "SignalHalt": Step("", "the halt signal goes out; status is pending"),
    "DeviceGoesOn": Step("", "the program goes on, or ends; status is pending"),
    "Attention": Step("", "attention; status is pending"),
    "IdawChanged": Step("", "a CPU changes the first IDAW"),
}
"""By the `step` of `Section`, or by the name of the message."""
