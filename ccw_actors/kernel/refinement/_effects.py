"""The effect of a thread's next section, given what the trace has said of it."""

import errno
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.protocol import Written
from ccw_actors.channel import Actl, Fctl, Scsw, Stctl
from ccw_actors.designs import (
    Choices,
    DeviceLost,
    HostState,
    ReportAdded,
    Section,
    WaitExpired,
)
from ccw_actors.kernel.refinement._plans import FREES, NOTIFIES, scsw_of
from ccw_actors.kernel.refinement._sections import (
    Ended,
    Outcome,
    Sections,
    changed,
    state_of,
)
from ccw_actors.kernel.refinement._threads import Thread

__all__ = ["effect"]

_PENDING: Final = Scsw(stctl=Stctl.UNSOLICITED_STATUS)
_STARTED: Final = Scsw(fctl=Fctl.START, actl=Actl.START_PENDING)
_ACTIVE: Final = Scsw(fctl=Fctl.START, actl=Actl.ACTIVE)
_HALTED: Final = Scsw(fctl=Fctl.HALT, actl=Actl.HALT_PENDING)
_HALT_CODES: Final = (Scsw(), _PENDING, _HALTED, Scsw())
_CLEAR_CODES: Final = (Scsw(), Scsw(), Scsw(), Scsw())
_GIVEN_UP: Final = Ended(Written(errno.EINVAL))


def effect(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Execute the next section of a thread.

    Returns None if the model's section cannot show as the trace does.
    """
    before = state_of(state)
    step = thread.step
    if step in _SPECIAL:
        return _SPECIAL[step](sections, state, name, thread)
    outcome = sections.run(state, name, _pending(thread))
    return outcome if _frees_as_shown(step, thread, before, outcome) else None


def _pending(thread: Thread) -> Section:
    assert isinstance(thread.pending, Section) or thread.pending is not None
    return thread.pending  # type: ignore[return-value]


def _frees_as_shown(
    step: str, thread: Thread, before: HostState, outcome: Outcome
) -> bool:
    """Whether the program was initialised as the entry of cp_free says."""
    if step not in ("free_request", "cp_free", "close_free", "notoper_todo"):
        return True
    initialised = dict(thread.inputs).get("initialized")
    if initialised is None or outcome.following is None:
        return True
    return bool(initialised) == _was_initialised(step, before, outcome)


def _was_initialised(step: str, before: HostState, outcome: Outcome) -> bool:
    if step == "notoper_todo":
        return bool(before.cp)
    following = outcome.following
    return isinstance(following, Section) and bool(following.program)


# -- START ----------------------------------------------------------------------------


def _cp_init(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Make a program; an error other than EBUSY is the guest's, so the trace's."""
    outcome = sections.run(state, name, _pending(thread))
    reason = -thread.get("ret")
    if reason in (0, errno.EBUSY) or outcome.following is None:
        return outcome
    if outcome.following.errno:
        return None
    return outcome._replace(state=state, following=_failed(sections.choices, reason))


def _failed(choices: Choices, reason: int) -> Section:
    return Section("fail_io" if choices.idle_on_error == "FSM" else "leave_io", reason)


def _cp_prefetch(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Translate a program; whether its memory is there, the trace says."""
    reason = max(0, -thread.get("ret"))
    outcome = sections.run(state, name, _pending(thread), mapped=not reason)
    following = outcome.following
    if reason and isinstance(following, Section):
        return outcome._replace(following=replace(following, errno=reason))
    return outcome


def _copy_idal(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Pin the pages of a program, if it has any."""
    pending = _pending(thread)
    outcome = sections.run(state, name, pending, mapped=True)
    if thread.get("pins"):
        return outcome
    pinned = tuple(
        one for one in state_of(outcome.state).pinned if one != pending.program
    )
    return outcome._replace(state=changed(outcome.state, pinned=pinned))


def _io_helper(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Issue SSCH, if the design does; its condition code is the trace's."""
    before = state_of(state)
    refuses = not before.cp or sections.choices.refuses_start(replace(before))
    if refuses == (thread.kind == "issued"):
        return None
    codes = (Scsw(), _PENDING, _STARTED, Scsw())
    return _issued(sections, state, name, thread, codes)


def _issued(
    sections: Sections,
    state: bytes,
    name: str,
    thread: Thread,
    codes: tuple[Scsw, Scsw, Scsw, Scsw],
) -> Outcome:
    """Execute a section with an instruction that gets the trace's condition code."""
    before, cc = state_of(state), thread.get("cc")
    fields: dict[str, object] = {"scsw": codes[cc], "enabled": True, "valid": cc != 3}
    outcome = sections.run(state, name, _pending(thread), **fields)
    after = changed(outcome.state, enabled=before.enabled, valid=before.valid)
    return outcome._replace(state=after)


# -- HALT and CLEAR -------------------------------------------------------------------


def _halt(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    refuses = sections.choices.refuses_halt(replace(state_of(state)))
    if refuses == (thread.kind != "not"):
        return None
    return _issued(sections, state, name, thread, _HALT_CODES)


def _clear(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    if thread.kind == "not":
        return None
    return _issued(sections, state, name, thread, _CLEAR_CODES)


# -- an interruption ------------------------------------------------------------------


def _interruption(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Take the status that the trace's TSCH has stored."""
    del name
    before = state_of(state)
    scsw = scsw_of(thread)
    is_over = not scsw.actl & Actl.ACTIVE and bool(scsw.stctl & ~_INTERMEDIATE)
    runs = 0 if is_over else before.runs
    outcome = sections.run(state, "", _pending(thread), scsw=scsw, runs=runs)
    return outcome._replace(following=Ended(Written(0)))


_INTERMEDIATE: Final = Stctl.INTERMEDIATE_STATUS

# -- RESET and CLOSE ------------------------------------------------------------------


def _disable(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Disable the subchannel, or cancel, halt or clear it, as the trace says."""
    before, pending = state_of(state), _pending(thread)
    is_on = before.enabled and before.valid
    match thread.kind.removesuffix(FREES):
        case "nothing":
            if before.fsm != "NOT_OPER":
                return None
            return Outcome(state, _given_up(pending), (), ())
        case "gives up":
            if is_on:
                return None
            outcome = sections.run(state, name, pending)
            given_up = outcome._replace(following=_given_up(pending))
            return _lost_as_shown(thread, before, given_up)
        case "done":
            scsw = Scsw()
        case _:
            scsw = _ACTIVE if thread.get("ret") else _STARTED
    if not is_on:
        return None
    outcome = sections.run(state, name, pending, scsw=scsw)
    return _expired(sections, outcome, name) if thread.get("timeout") else outcome


def _expired(sections: Sections, outcome: Outcome, name: str) -> Outcome:
    """Let a thread go on, if it waits for an interruption: none has come in time."""
    if outcome.following is not None:
        return outcome
    expired = sections.run(outcome.state, "", WaitExpired(name))
    following = dict(expired.woken).get(name)
    return outcome._replace(state=expired.state, following=following)


def _given_up(pending: Section) -> Ended | Section:
    """Return what follows CLOSE when the device is given up: OPEN, but after CLOSE."""
    return (
        Ended(Written(0)) if pending.then == "closed" else Section("open", then="lost")
    )


def _unmap(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Unmap the page, or ask the driver.

    To read the CCWs of a program, Linux 6.1 pins their pages for a moment.
    """
    if thread.kind != NOTIFIES:
        return sections.run(state, name, _pending(thread))
    before = state_of(state)
    if before.pinned or before.fsm != "CP_PROCESSING":
        return None
    following = replace(_pending(thread), step="check_pinned")
    return Outcome(state, following, (), ())


def _open(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Look at the state, as the trace says that it was."""
    before = state_of(state)
    kind = thread.kind.removesuffix(FREES)
    if not _OPENS[kind](before):
        return None
    if kind == "nothing":
        return Outcome(state, _GIVEN_UP, (), ())
    outcome = sections.run(state, name, _pending(thread))
    return outcome if kind == "opens" else _lost_as_shown(thread, before, outcome)


_OPENS: Final[dict[str, Callable[[HostState], bool]]] = {
    "opens": lambda before: before.fsm == "STANDBY",
    "gives up": lambda before: before.fsm not in ("STANDBY", "NOT_OPER"),
    "nothing": lambda before: before.fsm == "NOT_OPER",
}
"""In which states OPEN may show in each of its ways."""


def _enable(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Enable the subchannel; no model has an OPEN that fails for want of MSCH."""
    if thread.kind == "done":
        # The trace says that the subchannel is there, also after a failed OPEN.
        return sections.run(state, name, _pending(thread), valid=True)
    outcome = sections.run(state, "", DeviceLost())
    given_up = outcome._replace(following=_GIVEN_UP)
    return _lost_as_shown(thread, state_of(state), given_up)


def _device_lost(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    del name
    outcome = sections.run(state, "", _pending(thread))
    ended = outcome._replace(following=Ended(Written(0)))
    return _lost_as_shown(thread, state_of(state), ended)


def _lost_as_shown(
    thread: Thread, before: HostState, outcome: Outcome
) -> Outcome | None:
    """Return the outcome if it frees the program where the kernel does."""
    after = state_of(outcome.state)
    if not thread.kind.endswith(FREES):
        is_kept = bool(outcome.queued) or before.loss or after.cp == before.cp
        return outcome if is_kept else None
    shown = bool(thread.get("initialized")) == bool(before.cp)
    return outcome if shown and not outcome.queued and not after.cp else None


def _path_report(
    sections: Sections, state: bytes, name: str, thread: Thread
) -> Outcome | None:
    """Add a report; no thread of a run reads the list between the two halves."""
    del name
    outcome = sections.run(state, "", _pending(thread))
    if "reports" not in sections.choices.locked:
        second = sections.run(outcome.state, "", ReportAdded())
        outcome = second._replace(queued=outcome.queued + second.queued)
    return outcome._replace(following=Ended(Written(0)))


_SPECIAL: Final = {
    "cp_init": _cp_init,
    "cp_prefetch": _cp_prefetch,
    "copy_idal": _copy_idal,
    "io_helper": _io_helper,
    "halt": _halt,
    "clear": _clear,
    "IoInterruption": _interruption,
    "disable": _disable,
    "open": _open,
    "enable": _enable,
    "unmap": _unmap,
    "DeviceLost": _device_lost,
    "PathReport": _path_report,
}
