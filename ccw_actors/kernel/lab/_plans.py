"""The scenarios of the verdict table that regions can reach, and how each is tried."""

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
    PathReport,
    Place,
    ReadState,
    Release,
    Until,
)
from ccw_actors.kernel.lab._order_parts import (
    ADDS,
    FREES,
    IRQ,
    KEEPS,
    LOCKS,
    MARK,
    NEW_MEMORY,
    OVERWRITES,
    STARTED,
    TAKEN,
    TRANSLATED,
    WORK,
    WORKER,
    WORKER_WAITS,
    WRITE,
    begin,
)
from ccw_actors.kernel.lab._plan import Plan
from ccw_actors.kernel.lab._programs import (
    DATA,
    PCI,
    QUICK,
    RAM,
    SUSPENDS,
)
from ccw_actors.kernel.lab._refusals import REFUSALS

__all__ = ["NOT_REACHED", "PLANS"]

# -- plans ----------------------------------------------------------------------------

PLANS: Final[dict[str, Plan]] = {
    **REFUSALS,
    "mail": Plan(
        invariant="I1",
        threads=(
            (("clear", "async 2"), ("", "mark"), ("", "await 2")),
            (("", "mark"), ("start", DATA), *OVERWRITES, ("", "post 2")),
        ),
        order=(
            Begin(((1, Place("vfio_ccw_async_region_write")), (2, MARK))),
            Hold("interrupt"),
            Hold("data"),
            Until(1, MARK),
            *WORKER_WAITS,
            Until(2, MARK),
            Until(KERNEL_CPU, FREES, why_not=KEEPS),
            Release(KERNEL_CPU),
            Release(1),
            Until(2, MARK, patience=WORK),
            Open("data"),
        ),
        harm=harm.foreign_memory,
    ),
    "seed": Plan(
        invariant="I1",
        variant="one thread writes the regions in the place of a guest's two CPUs",
        threads=(
            (
                ("first", QUICK),
                ("", "mark"),
                ("clear", "async 2"),
                ("", "mark"),
                ("start", DATA),
                *OVERWRITES,
            ),
        ),
        order=(
            *STARTED,
            Hold("interrupt"),
            Hold("data"),
            Until(1, MARK),
            *TAKEN,
            Until(KERNEL_CPU, IRQ),
            Until(KERNEL_CPU, FREES),
            Until(KERNEL_CPU, WORKER),
            Until(1, MARK),
            Until(KERNEL_CPU, FREES, why_not=KEEPS),
            *NEW_MEMORY,
        ),
        harm=harm.foreign_memory,
    ),
    "collapse": Plan(
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
            *STARTED,
            Hold("interrupt"),
            Until(1, MARK),
            *TAKEN,
            Until(KERNEL_CPU, IRQ),
        ),
        harm=harm.clear_twice,
    ),
    "halt": Plan(
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
            *STARTED,
            Hold("interrupt"),
            Until(1, MARK),
            *TAKEN,
            Until(KERNEL_CPU, IRQ),
        ),
        harm=harm.start_lost,
    ),
    "attention-pci": Plan(
        invariant="I1",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=((("", "mark"), ("start", PCI), *OVERWRITES),),
        order=(
            begin(MARK),
            Hold("data"),
            Attention(),
            Injected(),
            Until(KERNEL_CPU, LOCKS),
            Hold("interrupt"),
            Until(1, MARK),
            *TAKEN,
            Until(KERNEL_CPU, IRQ),
            Until(KERNEL_CPU, FREES, why_not=KEEPS),
            *NEW_MEMORY,
        ),
        harm=harm.foreign_memory,
    ),
    "attention-lost": Plan(
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
            *STARTED,
            Attention(),
            Injected(),
            Until(KERNEL_CPU, IRQ),
            Release(KERNEL_CPU),
            Until(1, WRITE, patience=WORK),
            LookAtHost(),
        ),
        harm=harm.never_freed,
    ),
    "suspend": Plan(
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
        order=(Begin(((1, MARK),)), LookAtHost()),
        harm=harm.suspended_is_freed,
    ),
    "reset": Plan(
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
        order=(*STARTED, Until(1, MARK)),
        harm=harm.stale,
        variant="RESET begins when the START has ended",
    ),
    "pci": Plan(
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
            begin(WRITE),
            Hold("interrupt"),
            Hold("data"),
            Until(1, MARK),
            *TAKEN,
            Until(KERNEL_CPU, TRANSLATED),
            Open("data"),
            Injected(),
            Until(KERNEL_CPU, IRQ),
            Until(KERNEL_CPU, WORKER),
            Until(1, MARK),
        ),
        harm=harm.host_address,
    ),
    "lost-state": Plan(
        invariant="I10",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=((("", "mark"), ("start", QUICK), ("", "mark")),),
        order=(
            begin(Place("fsm_io_request")),
            Lose(),
            Until(KERNEL_CPU, Place("vfio_ccw_sch_event"), patience=WORK),
            Until(KERNEL_CPU, Place("fsm_notoper")),
            Until(KERNEL_CPU, Place("vfio_ccw_notoper_todo"), patience=WORK),
            ReadState(),
            Until(1, Place("cp_init")),
            ReadState(),
        ),
        harm=harm.state_overwritten,
    ),
    "not-operational": Plan(
        invariant="I7",
        variant="one thread writes the regions in the place of a guest's CPU",
        threads=((("", "mark"), ("start", QUICK), ("", "mark")),),
        order=(
            begin(Place("cp_prefetch")),
            Lose(),
            Until(KERNEL_CPU, Place("fsm_notoper"), patience=WORK),
            Until(
                KERNEL_CPU,
                FREES,
                why_not="what frees the program waits for the write to end",
            ),
        ),
        harm=harm.freed_while_built,
    ),
    "unmap": Plan(
        invariant="I10",
        threads=(
            (("start", QUICK), ("", "mark"), ("", "take 3000")),
            (("", "mark"), ("unmap", f"unmap 0 {RAM:x}"), ("", "mark")),
        ),
        order=(
            *STARTED,
            Until(2, Place("fsm_close")),
            Until(KERNEL_CPU, FREES),
            Until(2, Place("fsm_close", calls="mutex_lock")),
            ReadState(),
            Until(KERNEL_CPU, Place("vfio_ccw_sch_io_todo", calls="mutex_unlock")),
            ReadState(),
        ),
        harm=harm.state_overwritten,
        variant="UNMAP begins when the START has ended",
    ),
    "reports": Plan(
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
            begin(MARK),
            PathReport(comes=False),
            Until(KERNEL_CPU, Place("vfio_ccw_crw_todo")),
            PathReport(comes=True),
            Until(KERNEL_CPU, ADDS),
            Follow(KERNEL_CPU),
            LookAtTask(),
            Until(
                1,
                MARK,
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
            begin(Place("cp_prefetch")),
            Attention(device=0),
            Injected(device=0),
            Until(KERNEL_CPU, LOCKS),
            Follow(KERNEL_CPU),
            Release(KERNEL_CPU),
            Until(2, MARK, patience=WORK),
            LookAtHost(device=1),
            LookAtTask(),
        ),
        expects=("start",),
        harm=harm.starved,
    ),
    "sequence": Plan(
        invariant="I8",
        threads=(
            (
                ("start", QUICK),
                ("", "take 3000"),
                ("clear", "async 2"),
                ("", "take 3000"),
                ("halt", "async 1"),
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
