"""The choices of each design: the one place where versions of vfio-ccw differ.

To add a design, take an existing value of `Choices`, and replace some of its functions
by your own or by those of the modules here.

Sources: Linux drivers/s390/cio/vfio_ccw_{fsm,drv,ops,cp}.c of each version; for series
that were never merged, their mails.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from msgspec import Struct

from ccw_actors.designs.linux._activity import (
    admit_always,
    admit_inactive,
    admit_unstarted,
    clear_joins,
    clear_replaces,
    clear_voids,
    drop_nothing,
    drop_void,
    end_answered,
    end_read,
    end_void,
    forget_start,
    function_is_open,
    halts_always,
    keep_all,
    keep_all_read,
    keep_start,
    other_is_kept,
    other_is_open,
    status_is_void,
)
from ccw_actors.designs.linux._driver import Choices
from ccw_actors.designs.linux._programs import COUNTED_LIST, ONE_PROGRAM
from ccw_actors.designs.linux._submit import (
    any_may_initialise,
    free_may_initialise,
    initialised_anyway,
    starts_always,
    work_is_queued,
)
from ccw_actors.designs.linux._teardown import (
    CLOSE_AND_OPEN,
    DISABLE_AND_ENABLE,
    free_at_loss,
    free_by_work,
    free_nothing,
)
from ccw_actors.designs.linux._worker import (
    by_list,
    by_started_flag,
    by_state,
    copy_next,
    free_next,
    idle_and_copy,
    idle_if_final,
    idle_if_freed,
    never_idle,
)

__all__ = ["DESIGNS", "Design", "v4_with"]


class Design(Struct, frozen=True):
    """A design of vfio-ccw: its title in tables, a summary, and its choices."""

    title: str
    summary: str
    choices: Choices


# -- versions of Linux ----------------------------------------------------------------

_V5_12: Final = Choices(
    admit=admit_always,
    may_initialise=initialised_anyway,
    programs=ONE_PROGRAM,
    chains_max=0,
    frees_chains=False,
    checks_idaw=False,
    refuses_start=starts_always,
    pending_state=True,
    idle_on_error="write handler",
    start_failed=keep_start,
    refuses_halt=halts_always,
    clear_accepted=clear_replaces,
    drops=drop_nothing,
    unsolicited_is_final=True,
    to_free=by_state,
    freed=copy_next,
    sets_idle=idle_if_final,
    handled=keep_all,
    read=keep_all_read,
    reset=DISABLE_AND_ENABLE,
    lost=free_nothing,
    locked=frozenset(),
)
_V5_13: Final = replace(
    _V5_12,
    may_initialise=free_may_initialise,
    idle_on_error="FSM",
    sets_idle=idle_if_freed,
)
_V6_0: Final = replace(_V5_13, reset=CLOSE_AND_OPEN, lost=free_at_loss)
_2026: Final = replace(
    _V6_0,
    chains_max=16,
    frees_chains=True,
    checks_idaw=True,
    lost=free_by_work,
    locked=frozenset({"worker", "close", "unmap", "reports"}),
)

# -- the series of the thread ---------------------------------------------------------

_RFC_V2: Final = replace(
    _V5_12,
    admit=admit_inactive,
    idle_on_error="FSM",
    start_failed=forget_start,
    refuses_halt=other_is_kept,
    clear_accepted=clear_joins,
    unsolicited_is_final=False,
    handled=end_answered,
)
_RFC_V3: Final = replace(
    _V5_12,
    admit=admit_unstarted,
    refuses_start=work_is_queued,
    pending_state=False,
    idle_on_error="FSM",
    to_free=by_started_flag,
    sets_idle=never_idle,
)


def _initialised_check(choices: Choices) -> Choices:
    return replace(choices, may_initialise=free_may_initialise)


def _work_pending(choices: Choices) -> Choices:
    return replace(choices, refuses_start=work_is_queued)


def _idle_in_fsm(choices: Choices) -> Choices:
    return replace(choices, idle_on_error="FSM")


def _free_and_idle(choices: Choices) -> Choices:
    return replace(choices, freed=idle_and_copy, sets_idle=never_idle)


class _Patch(NamedTuple):
    """A patch of RFC v4: its short name, and how it changes the choices."""

    name: str
    apply: Callable[[Choices], Choices]


_PATCHES: Final = {
    "1": _Patch("initialised check", _initialised_check),
    "2": _Patch("work_pending", _work_pending),
    "3": _Patch("IDLE inside the FSM", _idle_in_fsm),
    "4": _Patch("free and IDLE together", _free_and_idle),
}
"""Each changes other fields, so that they can be combined in any order."""


def v4_with(patches: str) -> Design:
    """Return v5.12 with some of the four patches of RFC v4, such as "13".

    Raises `KeyError` for an unknown patch.
    """
    choices = _V5_12
    for patch in patches:
        choices = _PATCHES[patch].apply(choices)
    names = ", ".join(f"{patch} ({_PATCHES[patch].name})" for patch in patches)
    return Design(
        f"RFC v4, patches {', '.join(patches)}" if patches else "RFC v4, no patch",
        f"v5.12 with patches {names} of RFC v4",
        choices,
    )


_RFC_V4: Final = v4_with("1234").choices

DESIGNS: Final[dict[str, Design]] = {
    "v5.12": Design(
        "Linux v5.12 (baseline)", "Linux v5.12, the baseline of the thread", _V5_12
    ),
    "rfc-v2": Design(
        "RFC v2: activity bits",
        "RFC v2, May 2020: START is refused by activity bits kept in the driver",
        _RFC_V2,
    ),
    "rfc-v3": Design(
        "RFC v3: started flag",
        "RFC v3, June 2020: a started flag, no CP_PENDING, work_pending",
        _RFC_V3,
    ),
    "rfc-v4": Design(
        "RFC v4: all four patches",
        "RFC v4, April 2021, the mail that opens the thread: all four patches",
        _RFC_V4,
    ),
    "rfc-v4-mutex": Design(
        "RFC v4, worker locked",
        "RFC v4 with io_mutex across the whole worker",
        replace(_RFC_V4, locked=frozenset({"worker"})),
    ),
    "v5.13": Design(
        "Linux v5.13 (merged)", "Linux v5.13, as the series was merged", _V5_13
    ),
    "v6.0": Design(
        "Linux 6.0 (rework)",
        "Linux 6.0, after the rework of 2022; for races the same up to the fixes of"
        " 2026",
        _V6_0,
    ),
    "2026": Design(
        "Linux 2026 (fixes)", "Linux with the ten fixes of August 2026", _2026
    ),
    "counted-programs": Design(
        "Counted programs",
        "a list of reference-counted programs instead of CP_PENDING (2020), on top of"
        " Linux 2026",
        replace(
            _2026,
            may_initialise=any_may_initialise,
            programs=COUNTED_LIST,
            pending_state=False,
            to_free=by_list,
            freed=free_next,
        ),
    ),
    "clear-flag": Design(
        "Flag at CLEAR",
        "an atomic flag at CSCH (2021), on top of Linux 2026",
        replace(
            _2026,
            refuses_start=status_is_void,
            refuses_halt=status_is_void,
            clear_accepted=clear_voids,
            drops=drop_void,
            handled=end_void,
        ),
    ),
    "composite": Design(
        "Composite device",
        "the composite-device view (2020), on top of Linux 2026: the driver decides by"
        " FC as the guest sees it",
        replace(
            _2026,
            refuses_start=function_is_open,
            refuses_halt=other_is_open,
            read=end_read,
        ),
    ),
}
"""By name: versions of Linux, then the proposals that nobody built."""
