"""Tables about the models: what sections stand for, and what each design chooses.

Files without a folder are in Linux drivers/s390/cio. `lock` is the lock that is held
there during the section, in the versions named.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Final, NamedTuple, cast

from ccw_actors.designs import (
    CLOSE_AND_OPEN,
    COUNTED_LIST,
    DISABLE_AND_ENABLE,
    ONE_PROGRAM,
    STEPS,
    Choices,
)
from tools.markdown import table

__all__ = ["choices_table", "files_of_functions", "linux_table", "qemu_table"]


class Place(NamedTuple):
    """Where code is, the lock that it holds, and what it does."""

    file: str
    lock: str
    does: str


class Entry(NamedTuple):
    """A row of a table: the functions, and their place."""

    function: str
    place: Place


_OPS, _FSM, _CP = "vfio_ccw_ops.c", "vfio_ccw_fsm.c", "vfio_ccw_cp.c"
_DRV, _CHP = "vfio_ccw_drv.c", "vfio_ccw_chp.c"
_MUTEX, _SCH, _NONE = "io_mutex", "sch->lock", "none"
_BQL: Final = "the big lock"
_WORKER: Final = "none; io_mutex in rfc-v4-mutex and since 2026"

_PLACES: Final[dict[str, Place]] = {
    "WriteIo": Place(
        "vfio_ccw_ops.c, vfio_ccw_private.h",
        "io_mutex, by trylock",
        "copies the request in, and the IRB that the client wrote; reads the state",
    ),
    "io_request": Place(
        _FSM,
        _MUTEX,
        "sets CP_PROCESSING, reads the functions; rfc-v2 and -v3 refuse first",
    ),
    "cp_init": Place(
        _CP, _MUTEX, "refuses a live program since v5.13; builds the chains"
    ),
    "cp_prefetch": Place(_CP, _MUTEX, "reads the first IDAW"),
    "copy_idal": Place(_CP, _MUTEX, "copies the list of IDAWs and pins the pages"),
    "io_helper": Place(
        _FSM,
        "io_mutex, sch->lock",
        "issues SSCH; with condition code 0 sets CP_PENDING",
    ),
    "idle_again": Place(
        _FSM, _MUTEX, "sets IDLE after SSCH: designs without CP_PENDING"
    ),
    "free_request": Place(
        _CP, _MUTEX, "marks the program of a failed START as not initialised"
    ),
    "free_failed": Place(_CP, _MUTEX, "unpins and frees its chains"),
    "fail_io": Place(
        _FSM, _MUTEX, "sets IDLE on failure: since v5.13, and in rfc-v2 to -v4"
    ),
    "leave_io": Place(
        _OPS, _MUTEX, "releases io_mutex; in v5.12 sets IDLE after any error"
    ),
    "WriteAsync": Place(
        "vfio_ccw_async.c, vfio_ccw_private.h",
        "io_mutex, by trylock",
        "copies the command in and reads the state",
    ),
    "halt": Place(_FSM, "io_mutex, sch->lock", "issues HSCH"),
    "clear": Place(_FSM, "io_mutex, sch->lock", "issues CSCH"),
    "leave_async": Place("vfio_ccw_async.c", _MUTEX, "releases io_mutex"),
    "IoInterruption": Place(
        "cio.c, vfio_ccw_fsm.c",
        "sch->lock, in hardirq",
        "TSCH; puts the IRB into the one slot, queues work, wakes a thread that"
        " quiesces; in NOT_OPER, since 6.0 also in STANDBY, fsm_disabled_irq: E off",
    ),
    "io_todo": Place("kernel/workqueue.c", _NONE, "marks the item as not pending"),
    "read_final": Place(_DRV, _NONE, "notes whether the IRB is final"),
    "read_irb": Place(
        _DRV,
        _WORKER,
        "checks whether the IRB is solicited, and translates its CCW address",
    ),
    "test_free": Place(
        _DRV, _WORKER, "checks whether to free: CP_PENDING; cp.started in rfc-v3"
    ),
    "cp_free": Place(_CP, _WORKER, "marks the program as not initialised"),
    "free_chains": Place(
        _CP, _WORKER, "unpins and frees the chains; rfc-v4 then sets IDLE"
    ),
    "copy_irb": Place(_DRV, _MUTEX, "copies the IRB into the region"),
    "copy_rest": Place(_DRV, _MUTEX, "the second half of the copy"),
    "set_idle": Place(
        _DRV,
        _WORKER,
        "sets IDLE: in v5.12 for any final IRB, since v5.13 if it has freed",
    ),
    "signal": Place(_DRV, _NONE, "adds one to the counter of the eventfd"),
    "ReadIo": Place("fs/eventfd.c", "of the eventfd", "sets the counter to zero"),
    "read_region": Place(_OPS, _MUTEX, "takes io_mutex"),
    "leave_read": Place(_OPS, _MUTEX, "copies the region out, and releases io_mutex"),
    "ResetDevice": Place(_OPS, _NONE, "refuses if the state is NOT_OPER"),
    "disable": Place(
        "vfio_ccw_fsm.c, vfio_ccw_drv.c, cio.c",
        _SCH,
        "MSCH with E off; if the subchannel is busy, cancel, halt or clear, and wait",
    ),
    "WaitExpired": Place(
        _DRV, _NONE, "ends the wait for an interruption after three seconds"
    ),
    "flush": Place(_DRV, _NONE, "flush_workqueue: waits for all devices"),
    "close_free": Place(
        "vfio_ccw_fsm.c, vfio_ccw_cp.c",
        "none; io_mutex in 2026",
        "marks it not initialised; before 6.0 vfio_ccw_mdev_notifier and _release do",
    ),
    "close_chains": Place(
        "vfio_ccw_fsm.c, vfio_ccw_cp.c",
        "none; io_mutex in 2026",
        "frees the chains; before 6.0 vfio_ccw_mdev_notifier and _release do",
    ),
    "open": Place(
        "vfio_ccw_private.h",
        _NONE,
        "since 6.0: reads the state, and gives the device up if it is not STANDBY",
    ),
    "enable": Place(
        "vfio_ccw_fsm.c; vfio_ccw_ops.c before 6.0",
        "sch->lock; none for IDLE before 6.0",
        "MSCH with E on; since 6.0 also sets IDLE",
    ),
    "open_idle": Place(_OPS, _NONE, "sets IDLE, before 6.0"),
    "DeviceLost": Place(
        "vfio_ccw_drv.c, vfio_ccw_fsm.c",
        _SCH,
        "sets NOT_OPER; frees the program in 6.0, queues work in 2026",
    ),
    "notoper_todo": Place(_DRV, _MUTEX, "frees the program"),
    "unmap": Place(
        "drivers/vfio/vfio_iommu_type1.c",
        "of the IOMMU",
        "unmaps the page, or notifies the driver if the page is pinned",
    ),
    "check_pinned": Place(
        "vfio_ccw_ops.c, vfio_ccw_cp.c",
        _NONE,
        "checks cp->initialized; before 6.0 vfio_ccw_mdev_notifier calls it",
    ),
    "walk_pinned": Place(
        "vfio_ccw_cp.c", "none; io_mutex in 2026", "begins to walk the chains"
    ),
    "checked": Place(
        _OPS,
        "none; io_mutex in 2026",
        "has walked the chains; resets if one of them uses the page",
    ),
    "PathReport": Place(
        _DRV, "sch->lock; crw_lock too in 2026", "begins to add a report to the list"
    ),
    "ReportAdded": Place(
        _DRV, "sch->lock; crw_lock too in 2026", "has added it, and queues work"
    ),
    "crw_todo": Place(_DRV, _NONE, "signals the other eventfd"),
    "ReadReport": Place(
        _CHP, "io_mutex; crw_lock too in 2026", "begins to take a report off the list"
    ),
    "report_taken": Place(_CHP, "io_mutex; crw_lock too in 2026", "has taken it off"),
}
"""By section; a section that is no code of the host has none."""

_QEMU: Final[dict[str, Entry]] = {
    "SSCH, RSCH": Entry(
        "css_do_ssch, css_do_rsch, vfio_ccw_handle_request",
        Place(
            "hw/s390x/css.c, hw/vfio/ccw.c",
            _BQL,
            "condition codes 1 to 3 by SC, FC, V and E; FC and AC; writes the I/O"
            " region",
        ),
    ),
    "HSCH": Entry(
        "css_do_hsch, vfio_ccw_handle_halt",
        Place(
            "hw/s390x/css.c, hw/vfio/ccw.c",
            _BQL,
            "FC halt without start; writes the async region",
        ),
    ),
    "CSCH": Entry(
        "css_do_csch, vfio_ccw_handle_clear",
        Place(
            "hw/s390x/css.c, hw/vfio/ccw.c",
            _BQL,
            "FC clear, SC stays; writes the async region",
        ),
    ),
    "XSCH": Entry(
        "css_do_xsch", Place("hw/s390x/css.c", _BQL, "FC start off, here only")
    ),
    "TSCH": Entry(
        "css_do_tsch_get_irb, css_do_tsch_update_subch",
        Place(
            "hw/s390x/css.c",
            _BQL,
            "stores the IRB, clears FC and SC; KVM takes an interrupt off its list",
        ),
    ),
    "MSCH": Entry(
        "css_do_msch", Place("hw/s390x/css.c", _BQL, "changes the PMCW, here only")
    ),
    "Signalled": Entry(
        "vfio_ccw_io_notifier_handler",
        Place(
            "hw/vfio/ccw.c",
            _BQL,
            "clears the counter, reads the region, replaces the SCSW, adds an"
            " interrupt",
        ),
    ),
    "ResetSubchannel": Entry(
        "vfio_ccw_reset",
        Place("hw/vfio/ccw.c", _BQL, "VFIO_DEVICE_RESET and nothing else"),
    ),
    "DeviceRequested": Entry(
        "vfio_ccw_req_notifier_handler",
        Place("hw/vfio/ccw.c", _BQL, "unplugs the device"),
    ),
}
"""What QEMU's emulator does, by instruction or notification."""

_NAMES: Final[dict[object, str]] = {
    ONE_PROGRAM: "ONE_PROGRAM",
    COUNTED_LIST: "COUNTED_LIST",
    DISABLE_AND_ENABLE: "DISABLE_AND_ENABLE",
    CLOSE_AND_OPEN: "CLOSE_AND_OPEN",
}


def linux_table() -> str:
    """Render what the sections of the models stand for in Linux."""
    return _steps(
        {
            name: Entry(step.function, _PLACES[name])
            for name, step in STEPS.items()
            if step.function
        }
    )


def files_of_functions() -> dict[str, str]:
    """Return the file of each function of Linux that a section ends in."""
    return {
        STEPS[name].function.rpartition(", ")[2]: place.file.rpartition(", ")[2]
        for name, place in _PLACES.items()
        if STEPS[name].function
    }


def qemu_table() -> str:
    """Render what the model of QEMU's emulator stands for."""
    return _steps(_QEMU)


def _steps(steps: Mapping[str, Entry]) -> str:
    rows: list[tuple[str, ...]] = []
    for name, (function, place) in steps.items():
        functions = ", ".join(f"`{one}`" for one in function.split(", "))
        rows.append((name, functions, *place))
    return table(("section", "function", "file", "lock held", "what it does"), rows)


def choices_table(designs: Mapping[str, Choices]) -> str:
    """Render what designs choose; an empty cell is as in the first design."""
    first, *others = designs
    rows: list[tuple[str, ...]] = []
    for choice in (field.name for field in fields(Choices)):
        usual = getattr(designs[first], choice)
        found = [getattr(designs[other], choice) for other in others]
        texts = ["" if one == usual else _text(one) for one in found]
        rows.append((choice, _text(usual), *texts))
    return table(("choice", *designs), rows)


def _text(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(cast("frozenset[str]", value))) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | str):
        return str(value)
    name = _NAMES.get(value) or getattr(value, "__name__", repr(value))
    return f"`{name}`"
