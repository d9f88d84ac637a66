"""The accepted functions that a driver remembers, and what it refuses because of them.

| design | admits START | tries SSCH | tries HSCH | ends at |
|---|---|---|---|---|
| Linux | always | always | always | |
| RFC v2 | no function kept | always | no HALT or CLEAR kept | the worker |
| RFC v3 | none started | no work queued | always | the freeing of the program |
| clear flag | always | no CLEAR unhandled | no CLEAR unhandled | the worker |
| composite | always | nothing kept, unread | no HALT, CLEAR kept, unread | the read |

Each function is a field of `Choices`, and runs inside the section that uses it.

Source: the mails of RFC v2 and v3, 2020 ("vfio-ccw: Fix interrupt handling for
HALT/CLEAR"); clear flag and composite were proposed in the thread and never written.
"""

import errno
from typing import Final

from ccw_actors.channel import Fctl, Scsw
from ccw_actors.designs.linux._messages import Section
from ccw_actors.designs.linux._state import HostState

__all__ = [
    "admit_always",
    "admit_inactive",
    "admit_unstarted",
    "clear_joins",
    "clear_replaces",
    "clear_voids",
    "drop_nothing",
    "drop_void",
    "end_answered",
    "end_read",
    "end_void",
    "forget_start",
    "function_is_open",
    "halts_always",
    "keep_all",
    "keep_all_read",
    "keep_start",
    "other_is_kept",
    "other_is_open",
    "status_is_void",
]

_OVER_WITH: Final = {
    0: Fctl.START,
    Fctl.HALT: Fctl.START | Fctl.HALT,
    Fctl.CLEAR: Fctl.START | Fctl.HALT | Fctl.CLEAR,
}
"""The kept bits that a final IRB of RFC v2 clears, by its own HALT and CLEAR bits."""


# -- admit ----------------------------------------------------------------------------


def admit_always(_state: HostState) -> Section | None:
    """Refuse nothing in IDLE."""
    return None


def admit_inactive(state: HostState) -> Section | None:
    """Refuse while any function is kept; keep START from here on (RFC v2)."""
    if state.kept:
        return Section("leave_io", errno.EBUSY)
    state.kept |= Fctl.START
    return None


def admit_unstarted(state: HostState) -> Section | None:
    """Refuse while a program is started and not freed (RFC v3)."""
    return Section("fail_io", errno.EBUSY) if state.started else None


# -- refuses_start, refuses_halt ------------------------------------------------------


def halts_always(_state: HostState) -> bool:
    """Refuse nothing: HSCH decides."""
    return False


def other_is_kept(state: HostState) -> bool:
    """Refuse while a HALT or a CLEAR is kept (RFC v2)."""
    return bool(state.kept & ~Fctl.START)


def status_is_void(state: HostState) -> bool:
    """Refuse until the CLEAR has been handled (clear flag)."""
    return state.void


def function_is_open(state: HostState) -> bool:
    """Refuse while a function is kept, or there is unread status (composite)."""
    return bool(state.kept) or _is_unread(state)


def other_is_open(state: HostState) -> bool:
    """Refuse while a HALT or a CLEAR is kept, or there is unread status (composite)."""
    return other_is_kept(state) or _is_unread(state)


def _is_unread(state: HostState) -> bool:
    """Whether there is status that the emulator has not read."""
    return state.work or state.events > 0


# -- start_failed, clear_accepted -----------------------------------------------------


def keep_start(_state: HostState) -> None:
    """Forget nothing."""


def forget_start(state: HostState) -> None:
    """Forget the START that `admit_inactive` has kept (RFC v2)."""
    state.kept &= ~Fctl.START


def clear_replaces(state: HostState) -> None:
    """Keep CLEAR alone: it has ended the others, as CSCH does with FC."""
    state.kept = Fctl.CLEAR


def clear_joins(state: HostState) -> None:
    """Add CLEAR to what was accepted before (RFC v2)."""
    state.kept |= Fctl.CLEAR


def clear_voids(state: HostState) -> None:
    """Make all status void until the CLEAR's comes (clear flag)."""
    clear_replaces(state)
    state.void = True


# -- drops ----------------------------------------------------------------------------


def drop_nothing(_state: HostState, _scsw: Scsw) -> bool:
    """Handle every status."""
    return False


def drop_void(state: HostState, scsw: Scsw) -> bool:
    """Drop void status: the CLEAR was accepted, and this is not its status."""
    return state.void and not scsw.fctl & Fctl.CLEAR


# -- handled, read --------------------------------------------------------------------


def keep_all(_state: HostState, _section: Section) -> None:
    """Forget nothing when status has been handled."""


def end_answered(state: HostState, section: Section) -> None:
    """Forget the functions that a final status answers (RFC v2)."""
    if section.final:
        functions = state.region.scsw.fctl & (Fctl.HALT | Fctl.CLEAR)
        state.kept &= ~_OVER_WITH[functions]


def end_void(state: HostState, _section: Section) -> None:
    """Make later status valid: that of the CLEAR has been handled (clear flag)."""
    if state.region.scsw.fctl & Fctl.CLEAR:
        state.void = False


def keep_all_read(_state: HostState) -> None:
    """Forget nothing when the emulator has read the region."""


def end_read(state: HostState) -> None:
    """Forget the functions of the status that was read; all for CLEAR (composite)."""
    fctl = state.region.scsw.fctl
    state.kept = 0 if fctl & Fctl.CLEAR else state.kept & ~fctl
