"""What the versions of vfio-ccw do differently, as far as the models show it.

Sources: Linux drivers/s390/cio/vfio_ccw_{fsm,drv,ops,cp}.c of each version; for what
was never merged, the mails of the series.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

__all__ = ["DESIGNS", "Design", "Features", "v4_with"]


class Features(Struct, frozen=True, kw_only=True):
    """What a version does; the defaults are those of v5.12.

    | switch | what it does |
    |---|---|
    | init_checked | cp_init refuses (EBUSY) while a program is initialised |
    | work_pending | io_helper refuses (EBUSY) while the work item is queued |
    | idle_in_fsm | a failed request sets IDLE where it fails, not the write handler |
    | free_sets_idle | the worker sets IDLE where it frees, before it takes io_mutex |
    | finished | the worker sets IDLE only if it has freed the program |
    | unsolicited_apart | unsolicited status leaves the state alone |
    | kept_activity | START and HALT go by bits that the driver keeps in private->scsw |
    | started_flag | cp.started decides what an interrupt frees, and refuses START |
    | no_pending_state | no CP_PENDING: the state is IDLE again after SSCH |
    | locked_worker | the whole worker runs inside io_mutex |
    | events | OPEN and CLOSE are events; RESET is CLOSE and OPEN |
    | frees_at_loss | not-operational frees the program where it is noticed |
    | frees_late | not-operational queues work that frees inside io_mutex |
    | locked_close | CLOSE frees inside io_mutex, and cancels the work items |
    | locked_unmap | the unmap check walks the program inside io_mutex |
    | locked_reports | a spin lock guards the list of channel reports |
    | chains_max | chains of a program, 0 for no limit |
    | idaw_checked | the first IDAW has to be the same when it is read again |
    | frees_all | a failed translation frees the chains it has built |
    | counted | programs are a list; an interrupt detaches those that are over |
    | clear_flag | CSCH marks queued status as void until the CLEAR has been handled |
    | composite | FC ends when the emulator reads the status, and START goes by FC |
    """

    init_checked: bool = False
    work_pending: bool = False
    idle_in_fsm: bool = False
    free_sets_idle: bool = False
    finished: bool = False
    unsolicited_apart: bool = False
    kept_activity: bool = False
    started_flag: bool = False
    no_pending_state: bool = False
    locked_worker: bool = False
    events: bool = False
    frees_at_loss: bool = False
    frees_late: bool = False
    locked_close: bool = False
    locked_unmap: bool = False
    locked_reports: bool = False
    chains_max: int = 0
    idaw_checked: bool = False
    frees_all: bool = False
    counted: bool = False
    clear_flag: bool = False
    composite: bool = False


class Design(Struct, frozen=True):
    """A design of vfio-ccw: what it is, and what it does."""

    summary: str
    features: Features


_V5_12: Final = Features()
_V5_13: Final = Features(init_checked=True, idle_in_fsm=True, finished=True)
_V6_0: Final = replace(_V5_13, events=True, frees_at_loss=True)
_2026: Final = replace(
    _V6_0,
    frees_at_loss=False,
    frees_late=True,
    locked_worker=True,
    locked_close=True,
    locked_unmap=True,
    locked_reports=True,
    chains_max=16,
    idaw_checked=True,
    frees_all=True,
)
_PATCHES: Final = {
    "1": {"init_checked": True},
    "2": {"work_pending": True},
    "3": {"idle_in_fsm": True},
    "4": {"free_sets_idle": True},
}
_NAMES: Final = {
    "1": "initialised check",
    "2": "work_pending",
    "3": "IDLE inside the FSM",
    "4": "free and IDLE together",
}


def v4_with(patches: str) -> Design:
    """Return v5.12 with some of the four patches of RFC v4, such as "13"."""
    switches: dict[str, bool] = {}
    for patch in patches:
        switches |= _PATCHES[patch]
    names = ", ".join(f"{patch} ({_NAMES[patch]})" for patch in patches)
    return Design(f"v5.12 with patches {names} of RFC v4", Features(**switches))


DESIGNS: Final[dict[str, Design]] = {
    "v5.12": Design("Linux v5.12, the baseline of the thread", _V5_12),
    "rfc-v2": Design(
        "RFC v2, May 2020: START is refused by activity bits kept in the driver",
        Features(unsolicited_apart=True, kept_activity=True, idle_in_fsm=True),
    ),
    "rfc-v3": Design(
        "RFC v3, June 2020: a started flag, no CP_PENDING, work_pending",
        Features(
            started_flag=True,
            no_pending_state=True,
            work_pending=True,
            idle_in_fsm=True,
        ),
    ),
    "rfc-v4": Design(
        "RFC v4, April 2021, the mail that opens the thread: all four patches",
        v4_with("1234").features,
    ),
    "rfc-v4-mutex": Design(
        "RFC v4 with io_mutex across the whole worker",
        replace(v4_with("1234").features, locked_worker=True),
    ),
    "v5.13": Design("Linux v5.13, as the series was merged", _V5_13),
    "v6.0": Design(
        "Linux 6.0, after the rework of 2022; for races the same up to the fixes of"
        " 2026",
        _V6_0,
    ),
    "2026": Design("Linux with the ten fixes of August 2026", _2026),
    "counted-programs": Design(
        "a list of reference-counted programs instead of CP_PENDING (2020), on top of"
        " Linux 2026",
        replace(_2026, counted=True, no_pending_state=True),
    ),
    "clear-flag": Design(
        "an atomic flag at CSCH (2021), on top of Linux 2026",
        replace(_2026, clear_flag=True),
    ),
    "composite": Design(
        "the composite-device view (2020), on top of Linux 2026: the driver goes by FC"
        " as the guest sees it",
        replace(_2026, composite=True),
    ),
}
"""By name: versions of Linux, then the proposals that nobody built."""
