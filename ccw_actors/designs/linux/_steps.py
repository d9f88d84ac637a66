"""What each section of the models stands for in the originals.

Files without a folder are in Linux drivers/s390/cio; `lock` is what is held there
while the section is done, in the versions named.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["QEMU_STEPS", "STEPS", "Step", "as_markdown"]


class Step(NamedTuple):
    """A section: the function it is part of, the lock held, and what it does.

    `function`, `file` and `lock` are empty for what is no code of the host. `brief` is
    the same as `does` in a few words.
    """

    function: str
    file: str
    lock: str
    does: str
    brief: str


_OPS, _FSM, _CP = "vfio_ccw_ops.c", "vfio_ccw_fsm.c", "vfio_ccw_cp.c"
_DRV, _CHP = "vfio_ccw_drv.c", "vfio_ccw_chp.c"
_MUTEX, _SCH, _NONE = "io_mutex", "sch->lock", "none"
_BQL: Final = "the big lock"
_WORKER: Final = "none; io_mutex in rfc-v4-mutex and since 2026"

STEPS: Final[dict[str, Step]] = {
    "WriteIo": Step(
        "vfio_ccw_mdev_write_io_region, vfio_ccw_fsm_event",
        "vfio_ccw_ops.c, vfio_ccw_private.h",
        "io_mutex, by trylock",
        "copies the request in and reads the state",
        "the state is read",
    ),
    "io_request": Step(
        "fsm_io_request",
        _FSM,
        _MUTEX,
        "sets CP_PROCESSING, looks at the functions; rfc-v2 and -v3 refuse first",
        "CP_PROCESSING",
    ),
    "cp_init": Step(
        "cp_init",
        _CP,
        _MUTEX,
        "refuses a live program since v5.13; builds the chains",
        "a program is made",
    ),
    "cp_prefetch": Step(
        "cp_prefetch", _CP, _MUTEX, "reads the first IDAW", "the first IDAW is read"
    ),
    "copy_idal": Step(
        "cp_prefetch",
        _CP,
        _MUTEX,
        "copies the list of IDAWs and pins the pages",
        "IDAWs are copied, pages pinned",
    ),
    "io_helper": Step(
        "fsm_io_helper",
        _FSM,
        "io_mutex, sch->lock",
        "issues SSCH; with condition code 0 sets CP_PENDING",
        "SSCH",
    ),
    "idle_again": Step(
        "fsm_io_request",
        _FSM,
        _MUTEX,
        "sets IDLE after SSCH: designs without CP_PENDING",
        "IDLE",
    ),
    "free_request": Step(
        "cp_free",
        _CP,
        _MUTEX,
        "marks the program of a failed START not initialised",
        "the program is marked as free",
    ),
    "free_failed": Step(
        "cp_free",
        _CP,
        _MUTEX,
        "unpins and frees its chains",
        "the chains are freed, the pages unpinned",
    ),
    "fail_io": Step(
        "fsm_io_request",
        _FSM,
        _MUTEX,
        "sets IDLE on failure: since v5.13, and in rfc-v2 to -v4",
        "IDLE",
    ),
    "leave_io": Step(
        "vfio_ccw_mdev_write_io_region",
        _OPS,
        _MUTEX,
        "gives io_mutex up; in v5.12 sets IDLE if there was any error",
        "io_mutex is given up",
    ),
    "WriteAsync": Step(
        "vfio_ccw_async_region_write, vfio_ccw_fsm_event",
        "vfio_ccw_async.c, vfio_ccw_private.h",
        "io_mutex, by trylock",
        "copies the command in and reads the state",
        "the state is read",
    ),
    "halt": Step("fsm_do_halt", _FSM, "io_mutex, sch->lock", "issues HSCH", "HSCH"),
    "clear": Step("fsm_do_clear", _FSM, "io_mutex, sch->lock", "issues CSCH", "CSCH"),
    "IoInterruption": Step(
        "do_cio_interrupt, fsm_irq",
        "cio.c, vfio_ccw_fsm.c",
        "sch->lock, in hardirq",
        "TSCH; IRB into the one slot, work queued, wakes who quiesces; in NOT_OPER,"
        " since 6.0 also in STANDBY, fsm_disabled_irq: E off",
        "TSCH, the IRB goes into the slot, work is queued",
    ),
    "io_todo": Step(
        "process_one_work",
        "kernel/workqueue.c",
        _NONE,
        "marks the item not pending",
        "the work item is no longer pending",
    ),
    "read_final": Step(
        "vfio_ccw_sch_io_todo",
        _DRV,
        _NONE,
        "notes whether the IRB is final",
        "is it final?",
    ),
    "read_irb": Step(
        "vfio_ccw_sch_io_todo, cp_update_scsw",
        _DRV,
        _WORKER,
        "asks whether the IRB is solicited, and translates its CCW address",
        "is it solicited? its CCW address",
    ),
    "test_free": Step(
        "vfio_ccw_sch_io_todo",
        _DRV,
        _WORKER,
        "asks whether to free: CP_PENDING; cp.started in rfc-v3",
        "is it to free?",
    ),
    "cp_free": Step(
        "cp_free",
        _CP,
        _WORKER,
        "marks the program not initialised",
        "the program is marked as free",
    ),
    "free_chains": Step(
        "cp_free",
        _CP,
        _WORKER,
        "unpins and frees the chains; rfc-v4 then sets IDLE",
        "the chains are freed, the pages unpinned",
    ),
    "copy_irb": Step(
        "vfio_ccw_sch_io_todo",
        _DRV,
        _MUTEX,
        "copies the IRB into the region",
        "the IRB goes into the region",
    ),
    "copy_rest": Step(
        "vfio_ccw_sch_io_todo",
        _DRV,
        _MUTEX,
        "the second half of the copy",
        "the second half of it",
    ),
    "set_idle": Step(
        "vfio_ccw_sch_io_todo",
        _DRV,
        _WORKER,
        "sets IDLE: for any final IRB in v5.12, if it has freed since v5.13",
        "IDLE, if the version says so",
    ),
    "signal": Step(
        "vfio_ccw_sch_io_todo",
        _DRV,
        _NONE,
        "adds one to the counter of the eventfd",
        "the eventfd is signalled",
    ),
    "ReadIo": Step(
        "eventfd_read",
        "fs/eventfd.c",
        "of the eventfd",
        "sets the counter to zero",
        "the counter is cleared",
    ),
    "read_region": Step(
        "vfio_ccw_mdev_read_io_region",
        _OPS,
        _MUTEX,
        "copies the region out",
        "the IRB is read",
    ),
    "ResetDevice": Step(
        "vfio_ccw_mdev_reset", _OPS, _NONE, "refuses if the state is NOT_OPER", "RESET"
    ),
    "disable": Step(
        "fsm_close, vfio_ccw_sch_quiesce, cio_disable_subchannel",
        "vfio_ccw_fsm.c, vfio_ccw_drv.c, cio.c",
        _SCH,
        "MSCH with E off; if the subchannel is busy, cancel, halt or clear, and wait",
        "MSCH with E off, or cancel, halt, clear",
    ),
    "flush": Step(
        "vfio_ccw_sch_quiesce",
        _DRV,
        _NONE,
        "flush_workqueue: waits for all devices",
        "waits for the work queue",
    ),
    "close_free": Step(
        "fsm_close, cp_free",
        "vfio_ccw_fsm.c, vfio_ccw_cp.c",
        "none; io_mutex in 2026",
        "marks it not initialised; before 6.0 vfio_ccw_mdev_notifier and _release do",
        "the program is marked as free",
    ),
    "close_chains": Step(
        "fsm_close, cp_free",
        "vfio_ccw_fsm.c, vfio_ccw_cp.c",
        "none; io_mutex in 2026",
        "frees the chains; before 6.0 vfio_ccw_mdev_notifier and _release do",
        "the chains are freed, the pages unpinned",
    ),
    "open": Step(
        "fsm_open, cio_enable_subchannel",
        _FSM,
        "sch->lock; none before 6.0",
        "MSCH with E on, and IDLE; since 6.0 gives the device up if not STANDBY",
        "MSCH with E on, IDLE",
    ),
    "open_idle": Step(
        "vfio_ccw_mdev_reset", _OPS, _NONE, "sets IDLE, before 6.0", "IDLE"
    ),
    "DeviceLost": Step(
        "vfio_ccw_sch_event, fsm_notoper",
        "vfio_ccw_drv.c, vfio_ccw_fsm.c",
        _SCH,
        "sets NOT_OPER; frees the program in 6.0 and 2025, queues work in 2026",
        "NOT_OPER",
    ),
    "notoper_todo": Step(
        "vfio_ccw_notoper_todo",
        _DRV,
        _MUTEX,
        "frees the program",
        "the program is freed",
    ),
    "unmap": Step(
        "vfio_dma_do_unmap",
        "drivers/vfio/vfio_iommu_type1.c",
        "of the IOMMU",
        "unmaps the page, or has the driver told that it is pinned",
        "is the page pinned?",
    ),
    "check_pinned": Step(
        "vfio_ccw_dma_unmap, cp_iova_pinned",
        _OPS,
        "none; io_mutex in 2026",
        "begins to walk the chains; before 6.0 vfio_ccw_mdev_notifier has it done",
        "begins to walk the chains",
    ),
    "checked": Step(
        "vfio_ccw_dma_unmap, cp_iova_pinned",
        _OPS,
        "none; io_mutex in 2026",
        "has walked the chains; resets if the page is theirs",
        "has walked the chains",
    ),
    "PathReport": Step(
        "vfio_ccw_chp_event, vfio_ccw_queue_crw",
        _DRV,
        "sch->lock; crw_lock too in 2026",
        "begins to add a report to the list",
        "begins to add a report",
    ),
    "ReportAdded": Step(
        "vfio_ccw_queue_crw",
        _DRV,
        "sch->lock; crw_lock too in 2026",
        "has added it, and queues work",
        "has added it",
    ),
    "crw_todo": Step(
        "vfio_ccw_crw_todo",
        _DRV,
        _NONE,
        "signals the other eventfd",
        "the other eventfd is signalled",
    ),
    "ReadReport": Step(
        "vfio_ccw_crw_region_read",
        _CHP,
        "io_mutex; crw_lock too in 2026",
        "begins to take a report off the list",
        "begins to take a report off",
    ),
    "report_taken": Step(
        "vfio_ccw_crw_region_read",
        _CHP,
        "io_mutex; crw_lock too in 2026",
        "has taken it off",
        "has taken it off",
    ),
    "SignalClear": Step(
        "",
        "",
        "",
        "the clear signal goes out; status is pending",
        "the clear signal goes out; status is pending",
    ),
    "SignalHalt": Step(
        "",
        "",
        "",
        "the halt signal goes out",
        "the halt signal goes out; status is pending",
    ),
    "DeviceGoesOn": Step(
        "",
        "",
        "",
        "the device goes on with the program",
        "the program goes on, or ends; status is pending",
    ),
    "Attention": Step(
        "", "", "", "the device shows attention", "attention; status is pending"
    ),
    "IdawChanged": Step(
        "",
        "",
        "",
        "a CPU stores another address in the first IDAW",
        "a CPU changes the first IDAW",
    ),
}
"""By section, or by the message that is one."""


QEMU_STEPS: Final[dict[str, Step]] = {
    "SSCH, RSCH": Step(
        "css_do_ssch, css_do_rsch, vfio_ccw_handle_request",
        "hw/s390x/css.c, hw/vfio/ccw.c",
        _BQL,
        "condition codes 1 to 3 by SC, FC, V and E; FC and AC; writes the I/O region",
        "",
    ),
    "HSCH": Step(
        "css_do_hsch, vfio_ccw_handle_halt",
        "hw/s390x/css.c, hw/vfio/ccw.c",
        _BQL,
        "FC halt without start; writes the async region",
        "",
    ),
    "CSCH": Step(
        "css_do_csch, vfio_ccw_handle_clear",
        "hw/s390x/css.c, hw/vfio/ccw.c",
        _BQL,
        "FC clear, SC stays; writes the async region",
        "",
    ),
    "XSCH": Step("css_do_xsch", "hw/s390x/css.c", _BQL, "FC start off, here only", ""),
    "TSCH": Step(
        "css_do_tsch_get_irb, css_do_tsch_update_subch",
        "hw/s390x/css.c",
        _BQL,
        "stores the IRB, clears FC and SC; KVM has taken an interrupt off its list",
        "",
    ),
    "MSCH": Step(
        "css_do_msch", "hw/s390x/css.c", _BQL, "changes the PMCW, here only", ""
    ),
    "Signalled": Step(
        "vfio_ccw_io_notifier_handler",
        "hw/vfio/ccw.c",
        _BQL,
        "clears the counter, reads the region, replaces the SCSW, adds an interrupt",
        "",
    ),
    "ResetSubchannel": Step(
        "vfio_ccw_reset",
        "hw/vfio/ccw.c",
        _BQL,
        "VFIO_DEVICE_RESET and nothing else",
        "",
    ),
    "DeviceRequested": Step(
        "vfio_ccw_req_notifier_handler", "hw/vfio/ccw.c", _BQL, "unplugs the device", ""
    ),
}
"""What QEMU's emulator does, by what it is asked."""


def as_markdown(steps: Mapping[str, Step] = STEPS) -> str:
    """Render a table for the docs."""
    head = "| section | function | file | lock held | what it does |"
    lines = [head, "|---|---|---|---|---|"]
    for name, step in steps.items():
        function = ", ".join(f"`{one}`" for one in step.function.split(", "))
        if step.function:
            lines.append(
                f"| {name} | {function} | {step.file} | {step.lock} | {step.does} |"
            )
    return "\n".join(lines)
