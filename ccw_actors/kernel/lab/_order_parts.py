"""Parts of orders: places in vfio_ccw, and steps that several plans share.

A client's step `mark` makes a system call that takes no lock and that nothing else
makes, so an order stops a thread there between two steps.
"""

from typing import Final

from ccw_actors.kernel.lab._order import (
    KERNEL_CPU,
    Begin,
    Hold,
    Injected,
    Open,
    OrderStep,
    Place,
    Release,
    Until,
)

__all__ = [
    "ADDS",
    "FIRST_IDAW",
    "FREES",
    "IRQ",
    "KEEPS",
    "LOCKS",
    "MARK",
    "NEW_MEMORY",
    "OVERWRITES",
    "STARTED",
    "TAKEN",
    "TRANSLATED",
    "WORK",
    "WORKER",
    "WORKER_WAITS",
    "WRITE",
    "begin",
]

MARK: Final = Place("__s390x_sys_sched_get_priority_max", name="its next mark")
WRITE: Final = Place("vfio_ccw_mdev_write")
IRQ: Final = Place("fsm_irq")
WORKER: Final = Place("vfio_ccw_sch_io_todo")
LOCKS: Final = Place("vfio_ccw_sch_io_todo", calls="mutex_lock")
TRANSLATED: Final = Place("vfio_ccw_sch_io_todo", calls="cp_update_scsw", after=True)
FREES: Final = Place("cp_free")
FIRST_IDAW: Final = Place(
    "ccw_count_idaws",
    calls="vfio_dma_rw",
    after=True,
    otherwise=Place("ccwchain_fetch_direct", calls="page_array_alloc"),
)
"""The kernel has read the first IDAW, and not yet the list."""

ADDS: Final = Place("vfio_ccw_queue_crw", inlines="list_add_tail")
"""A report is about to be put on the list."""

WORK: Final = 15.0
"""Seconds for a step in which the client fills memory."""

# -- parts of orders ------------------------------------------------------------------


def begin(place: Place) -> Begin:
    """Boot, until the first thread is at its place, and the other out of the way."""
    return Begin(((1, place), (2, MARK)))


TAKEN: Final[tuple[OrderStep, ...]] = (Open("interrupt"), Injected())
"""The interruption that was held is pending at the kernel's CPUs."""

WORKER_WAITS: Final[tuple[OrderStep, ...]] = (*TAKEN, Until(KERNEL_CPU, WORKER))
"""The kernel has taken an IRB, and its worker is about to handle it."""

STARTED: Final[tuple[OrderStep, ...]] = (
    begin(WRITE),
    Hold("interrupt"),
    Until(1, MARK),
    *WORKER_WAITS,
)
"""A START has ended, its IRB is in the slot, the worker is about to handle it."""

NEW_MEMORY: Final[tuple[OrderStep, ...]] = (
    Release(KERNEL_CPU),
    Until(1, MARK, patience=WORK),
    Open("data"),
)
"""The program's memory has become other memory; then the channel gets its data."""

OVERWRITES: Final = (
    ("", "mark"),
    ("renew", "renew 1800000"),
    ("", "mark"),
    ("", "take 8000"),
    ("changed", "changed"),
)
"""Steps that look for what the channel overwrites, once a program is freed."""

KEEPS: Final = "the worker does not free the program"
