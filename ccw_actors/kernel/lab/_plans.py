"""The scenarios of the verdict table that regions can reach, and how each is tried.

A client's step `mark` makes a system call that takes no lock and that nothing else
makes, so an order stops a thread there between two steps.
"""

from typing import Final

from ccw_actors.kernel.lab import _harm as harm
from ccw_actors.kernel.lab._order import (
    KERNEL_CPU,
    Attention,
    Begin,
    Follow,
    Hold,
    Injected,
    LookAtHost,
    LookAtTask,
    Lose,
    Open,
    OrderStep,
    PathReport,
    Place,
    ReadState,
    Release,
    Until,
)
from ccw_actors.kernel.lab._plan import Plan
from ccw_actors.kernel.lab._programs import (
    BAD,
    CHAINS,
    CHANGE_IDAW,
    DATA,
    FEWER_CHAINS,
    INDIRECT,
    NOTHING,
    PCI,
    QUICK,
    RAM,
    SUSPENDS,
)

__all__ = ["NOT_REACHED", "PLANS"]

_MARK: Final = Place("__s390x_sys_sched_get_priority_max", name="its next mark")
_WRITE: Final = Place("vfio_ccw_mdev_write")
_IRQ: Final = Place("fsm_irq")
_WORKER: Final = Place("vfio_ccw_sch_io_todo")
_LOCKS: Final = Place("vfio_ccw_sch_io_todo", calls="mutex_lock")
_TRANSLATED: Final = Place("vfio_ccw_sch_io_todo", calls="cp_update_scsw", after=True)
_FREES: Final = Place("cp_free")
_FIRST_IDAW: Final = Place(
    "ccw_count_idaws",
    calls="vfio_dma_rw",
    after=True,
    otherwise=Place("ccwchain_fetch_direct", calls="page_array_alloc"),
)
"""The kernel has read the first IDAW, and not yet the list."""

_ADDS: Final = Place("vfio_ccw_queue_crw", inlines="list_add_tail")
"""A report is about to be put on the list."""

_WORK: Final = 15.0
"""Seconds for a step in which the client fills memory."""

# -- parts of orders ------------------------------------------------------------------


def _begin(place: Place) -> Begin:
    """Boot, until the first thread is at its place, and the other out of the way."""
    return Begin(((1, place), (2, _MARK)))


_TAKEN: Final[tuple[OrderStep, ...]] = (Open("interrupt"), Injected())
"""The interruption that was held is pending at the kernel's CPUs."""

_WORKER_WAITS: Final[tuple[OrderStep, ...]] = (*_TAKEN, Until(KERNEL_CPU, _WORKER))
"""The kernel has taken an IRB, and its worker is about to handle it."""

_STARTED: Final[tuple[OrderStep, ...]] = (
    _begin(_WRITE),
    Hold("interrupt"),
    Until(1, _MARK),
    *_WORKER_WAITS,
)
"""A START has ended, its IRB is in the slot, the worker is about to handle it."""

_NEW_MEMORY: Final[tuple[OrderStep, ...]] = (
    Release(KERNEL_CPU),
    Until(1, _MARK, patience=_WORK),
    Open("data"),
)
"""The program's memory has become other memory; then the channel gets its data."""

_OVERWRITES: Final = (
    ("", "mark"),
    ("renew", "renew 1800000"),
    ("", "mark"),
    ("", "take 8000"),
    ("changed", "changed"),
)
"""Steps that look for what the channel overwrites, once a program is freed."""

_KEEPS: Final = "the worker does not free the program"

# -- plans ----------------------------------------------------------------------------

PLANS: Final[dict[str, Plan]] = {
    "mail": Plan(
        title="The mail's six steps",
        invariant="I1",
        threads=(
            (("clear", "async 2"), ("", "mark"), ("", "await 2")),
            (("", "mark"), ("start", DATA), *_OVERWRITES, ("", "post 2")),
        ),
        order=(
            Begin(((1, Place("vfio_ccw_async_region_write")), (2, _MARK))),
            Hold("interrupt"),
            Hold("data"),
            Until(1, _MARK),
            *_WORKER_WAITS,
            Until(2, _MARK),
            Until(KERNEL_CPU, _FREES, why_not=_KEEPS),
            Release(KERNEL_CPU),
            Release(1),
            Until(2, _MARK, patience=_WORK),
            Open("data"),
        ),
        harm=harm.foreign_memory,
    ),
    "seed": Plan(
        title="Two STARTs and a CLEAR",
        invariant="I1",
        variant="one thread writes the regions in the place of a guest's two CPUs",
        threads=(
            (
                ("first", QUICK),
                ("", "mark"),
                ("clear", "async 2"),
                ("", "mark"),
                ("start", DATA),
                *_OVERWRITES,
            ),
        ),
        order=(
            *_STARTED,
            Hold("interrupt"),
            Hold("data"),
            Until(1, _MARK),
            *_TAKEN,
            Until(KERNEL_CPU, _IRQ),
            Until(KERNEL_CPU, _FREES),
            Until(KERNEL_CPU, _WORKER),
            Until(1, _MARK),
            Until(KERNEL_CPU, _FREES, why_not=_KEEPS),
            *_NEW_MEMORY,
        ),
        harm=harm.foreign_memory,
    ),
    "collapse": Plan(
        title="CLEAR of a START that ended",
        invariant="I3",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=(
            (
                ("start", QUICK),
                ("", "mark"),
                ("clear", "async 2"),
                ("", "mark"),
                ("", "take 3000"),
                ("", "take 1500"),
            ),
        ),
        order=(
            *_STARTED,
            Hold("interrupt"),
            Until(1, _MARK),
            *_TAKEN,
            Until(KERNEL_CPU, _IRQ),
        ),
        harm=harm.clear_twice,
    ),
    "halt": Plan(
        title="HALT against completion",
        invariant="I3",
        variant="one thread writes the regions in the place of a guest's two CPUs",
        threads=(
            (
                ("start", QUICK),
                ("", "mark"),
                ("halt", "async 1"),
                ("", "mark"),
                ("", "take 3000"),
                ("", "take 1500"),
            ),
        ),
        order=(
            *_STARTED,
            Hold("interrupt"),
            Until(1, _MARK),
            *_TAKEN,
            Until(KERNEL_CPU, _IRQ),
        ),
        harm=harm.start_lost,
    ),
    "attention-pci": Plan(
        title="Attention and PCI",
        invariant="I1",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=((("", "mark"), ("start", PCI), *_OVERWRITES),),
        order=(
            _begin(_MARK),
            Hold("data"),
            Attention(),
            Injected(),
            Until(KERNEL_CPU, _LOCKS),
            Hold("interrupt"),
            Until(1, _MARK),
            *_TAKEN,
            Until(KERNEL_CPU, _IRQ),
            Until(KERNEL_CPU, _FREES, why_not=_KEEPS),
            *_NEW_MEMORY,
        ),
        harm=harm.foreign_memory,
    ),
    "attention-lost": Plan(
        title="Attention and freeing",
        invariant="I6",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=(
            (
                ("start", QUICK),
                ("", "mark"),
                ("", "take 3000"),
                ("", "take 500"),
                ("again", QUICK),
                ("pins", "pins"),
            ),
        ),
        order=(
            *_STARTED,
            Attention(),
            Injected(),
            Until(KERNEL_CPU, _IRQ),
            Release(KERNEL_CPU),
            Until(1, _WRITE, patience=_WORK),
            LookAtHost(),
        ),
        harm=harm.busy_for_ever,
    ),
    "suspend": Plan(
        title="Suspended program",
        invariant="I1",
        variant="there is no RESUME: the regions have none",
        threads=(
            (
                ("before", "pins"),
                ("start", SUSPENDS),
                ("", "take 3000"),
                ("pins", "pins"),
                ("", "mark"),
            ),
        ),
        # To count pins, the kernel needs every CPU: none may be parked.
        order=(Begin(((1, _MARK),)), LookAtHost()),
        harm=harm.suspended_is_freed,
    ),
    "reset": Plan(
        title="RESET during START",
        invariant="stale",
        threads=(
            (
                ("start", QUICK),
                ("", "mark"),
                ("reset", "reset"),
                ("", "mark"),
                ("after", "take 3000"),
            ),
        ),
        order=(*_STARTED, Until(1, _MARK)),
        harm=harm.stale,
        variant="RESET begins when the START has ended",
    ),
    "pci": Plan(
        title="PCI, then the end",
        invariant="I13",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=(
            (
                ("start", PCI),
                ("", "mark"),
                ("", "take 5000"),
                ("", "mark"),
                ("", "take 1500"),
            ),
        ),
        order=(
            _begin(_WRITE),
            Hold("interrupt"),
            Hold("data"),
            Until(1, _MARK),
            *_TAKEN,
            Until(KERNEL_CPU, _TRANSLATED),
            Open("data"),
            Injected(),
            Until(KERNEL_CPU, _IRQ),
            Until(KERNEL_CPU, _WORKER),
            Until(1, _MARK),
        ),
        harm=harm.host_address,
    ),
    "bad-chain": Plan(
        title="Second chain missing",
        invariant="I6",
        threads=(
            (
                *(("", BAD),) * 40,
                ("before", "slab"),
                *(("", BAD),) * 400,
                ("after", "slab"),
            ),
        ),
        harm=harm.leaks,
    ),
    "no-function": Plan(
        title="Write without a function",
        invariant="no-op",
        threads=((("nothing", NOTHING),),),
        harm=harm.accepts_nothing,
    ),
    "lost-state": Plan(
        title="Loss and the driver's state",
        invariant="I10",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=((("", "mark"), ("start", QUICK), ("", "mark")),),
        order=(
            _begin(Place("fsm_io_request")),
            Lose(),
            Until(KERNEL_CPU, Place("vfio_ccw_sch_event"), patience=_WORK),
            Until(KERNEL_CPU, Place("fsm_notoper")),
            Until(KERNEL_CPU, Place("vfio_ccw_notoper_todo"), patience=_WORK),
            ReadState(),
            Until(1, Place("cp_init")),
            ReadState(),
        ),
        harm=harm.state_overwritten,
    ),
    "not-operational": Plan(
        title="Device lost",
        invariant="I7",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=((("", "mark"), ("start", QUICK), ("", "mark")),),
        order=(
            _begin(Place("cp_prefetch")),
            Lose(),
            Until(KERNEL_CPU, Place("fsm_notoper"), patience=_WORK),
            Until(
                KERNEL_CPU,
                _FREES,
                why_not="what frees the program waits for the write to end",
            ),
        ),
        harm=harm.state_overwritten,
    ),
    "unmap": Plan(
        title="DMA_UNMAP during START",
        invariant="I10",
        threads=(
            (("start", QUICK), ("", "mark"), ("", "take 3000")),
            (("", "mark"), ("unmap", f"unmap 0 {RAM:x}"), ("", "mark")),
        ),
        order=(
            *_STARTED,
            Until(2, Place("fsm_close")),
            Until(KERNEL_CPU, _FREES),
            Until(2, Place("fsm_close", calls="mutex_lock")),
            ReadState(),
            Until(KERNEL_CPU, Place("vfio_ccw_sch_io_todo", calls="mutex_unlock")),
            ReadState(),
        ),
        harm=harm.state_overwritten,
        variant="UNMAP begins when the START has ended",
    ),
    "reports": Plan(
        title="Channel path reports",
        invariant="I9",
        threads=(
            (
                ("", "mark"),
                ("first", "crw"),
                ("", "mark"),
                ("", "sleep 500"),
                ("second", "crw"),
            ),
        ),
        order=(
            _begin(_MARK),
            PathReport(comes=False),
            Until(KERNEL_CPU, Place("vfio_ccw_crw_todo")),
            PathReport(comes=True),
            Until(KERNEL_CPU, _ADDS),
            Follow(KERNEL_CPU),
            LookAtTask(),
            Until(
                1,
                _MARK,
                patience=3.0,
                why_not="what reads a report waits while one is added",
            ),
            LookAtTask(),
        ),
        expects=("first", "second"),
        harm=harm.taken_while_added,
        variant="one thread reads, and is about to when the second report is added",
    ),
    "isolation": Plan(
        title="Another guest hangs",
        invariant="I8",
        variant="the other START hangs while a debugger holds its CPU",
        drives=(0, 1),
        threads=(
            (("hangs", QUICK), ("", "take 3000"), ("", "mark")),
            (
                ("", "mark"),
                ("start", QUICK),
                ("starved", "take 3000"),
                ("", "mark"),
                ("late", "take 3000"),
            ),
        ),
        order=(
            _begin(Place("cp_prefetch")),
            Attention(device=0),
            Injected(device=0),
            Until(KERNEL_CPU, _LOCKS),
            Follow(KERNEL_CPU),
            Release(KERNEL_CPU),
            Until(2, _MARK, patience=_WORK),
            LookAtHost(device=1),
            LookAtTask(),
        ),
        expects=("start",),
        harm=harm.starved,
    ),
    "double-start": Plan(
        title="START written twice",
        invariant="I7",
        threads=(
            (("start", DATA), ("", "mark")),
            (("", "mark"), ("refused", QUICK), ("", "mark")),
        ),
        order=(
            _begin(Place("cp_prefetch")),
            Hold("data"),
            Until(2, _MARK),
        ),
        harm=harm.accepts,
        expects=("start",),
    ),
    "idaw": Plan(
        title="IDAW changed",
        invariant="I12",
        threads=(
            (
                ("plain", INDIRECT),
                ("", "take 3000"),
                ("", "mark"),
                ("refused", INDIRECT),
            ),
            (("", "mark"), ("", CHANGE_IDAW), ("", "mark")),
        ),
        order=(_begin(_MARK), Until(1, _FIRST_IDAW), Until(2, _MARK)),
        expects=("plain",),
        harm=harm.accepts,
    ),
    "chains": Plan(
        title="Program of 17 chains",
        invariant="I11",
        threads=((("plain", FEWER_CHAINS), ("", "take 3000"), ("refused", CHAINS)),),
        harm=harm.accepts,
        expects=("plain",),
    ),
    "sequence": Plan(
        title="One after the other",
        invariant="I8",
        threads=(
            (
                ("start", QUICK),
                ("", "take 3000"),
                ("clear", "async 2"),
                ("", "take 3000"),
                ("again", QUICK),
                ("", "take 3000"),
            ),
        ),
        harm=harm.out_of_order,
        variant="one thread writes the regions in the place of a guest's CPU",
    ),
}
"""The plan of each scenario, by its name in the verdict table."""

_BY_A_GUEST: Final = (
    "an emulator answers the guest here: 'ccw-actors qemu test' tries it on a QEMU"
)
_TOGETHER: Final = (
    "the devices of this package present channel end and device end together"
)

NOT_REACHED: Final[dict[str, str]] = {
    "attention": _BY_A_GUEST,
    "clear-queued": _BY_A_GUEST,
    "clear-pending": _BY_A_GUEST,
    "clear-twice": _BY_A_GUEST,
    "guest-reset": _BY_A_GUEST,
    "disable": _BY_A_GUEST,
    "cancel": _BY_A_GUEST,
    "primary": _TOGETHER,
    "torn": "a debugger cannot stop within an instruction that copies an IRB",
}
"""Why a scenario of the verdict table is not tried, by its name."""
