"""Faulty variants of a version's model: each has one function or field replaced.

A variant that no recorded run refutes says in `why_not` what a run would need.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from msgspec import Struct

from ccw_actors.channel import Fctl, Irb, Scsw
from ccw_actors.designs import (
    CLOSE_AND_OPEN,
    DISABLE_AND_ENABLE,
    ONE_PROGRAM,
    Choices,
    Driver,
    HostState,
    Section,
    is_solicited,
)

__all__ = ["VARIANTS", "Variant"]


class Variant(Struct, frozen=True):
    """What is wrong, and the fields of `Choices` that make it so.

    `of` are the designs whose fault it is; for others it is no change. `why_not` says
    why the runs of the designs `not_by` do not refuse it.
    """

    fault: str
    fields: dict[str, Any]
    why_not: str = ""
    of: tuple[str, ...] = ("v6.0", "2026")
    explained: tuple[str, ...] = ("v6.0", "2026")

    @property
    def not_by(self) -> tuple[str, ...]:
        """The designs whose runs do not refuse it."""
        return self.explained if self.why_not else ()

    def apply(self, choices: Choices) -> Choices:
        """Return the choices with the fault."""
        fields = {
            name: value(getattr(choices, name))
            if isinstance(value, _Changed)
            else value
            for name, value in self.fields.items()
        }
        return replace(choices, **fields)


class _Changed(Struct, frozen=True):
    """A new value that depends on the old one."""

    change: Callable[[Any], Any]

    def __call__(self, before: Any) -> Any:
        """Return the new value."""
        return self.change(before)


# -- functions with a fault -----------------------------------------------------------


def _admit_if_no_program(state: HostState) -> Section | None:
    return Section("leave_io", 16) if state.cp else None


def _initialise_anyway(_driver: Driver) -> int:
    return 0


def _never_initialise(_driver: Driver) -> int:
    return 16


def _yes(*_: Any) -> bool:
    return True


def _no(*_: Any) -> bool:
    return False


def _work_queued(state: HostState) -> bool:
    return state.work


def _unless_started(state: HostState) -> bool:
    return not state.kept & Fctl.START


def _clear_idles(state: HostState) -> None:
    state.fsm = "IDLE"


def _clear_forgets(state: HostState) -> None:
    state.cp = 0


def _drops_clear(_state: HostState, scsw: Scsw) -> bool:
    return bool(scsw.fctl & Fctl.CLEAR)


def _drops_halt(_state: HostState, scsw: Scsw) -> bool:
    return bool(scsw.fctl & Fctl.HALT)


def _drops_unsolicited(_state: HostState, scsw: Scsw) -> bool:
    return not is_solicited(scsw)


def _free_never(_state: HostState, _section: Section) -> None:
    return None


def _free_always(state: HostState, _section: Section) -> int | None:
    return state.cp


def _free_final(state: HostState, section: Section) -> int | None:
    return state.cp if section.final else None


def _free_any_status(state: HostState, _section: Section) -> int | None:
    return state.cp if state.fsm == "CP_PENDING" else None


def _free_if_start(state: HostState, section: Section) -> int | None:
    is_start = state.irb.scsw.fctl & Fctl.START
    pending = state.fsm == "CP_PENDING"
    return state.cp if section.final and pending and is_start else None


def _idle_first(driver: Driver, section: Section) -> Section:
    driver.set_fsm("IDLE", "the worker")
    return Section("copy_irb", final=section.final, finished=True)


def _no_copy(_driver: Driver, section: Section) -> Section:
    return Section("set_idle", final=section.final, finished=True)


def _if_final(section: Section) -> bool:
    return section.final


def _forgets_irb(state: HostState) -> None:
    state.region = Irb(Scsw())


def _slot_is_emptied(state: HostState, _section: Section) -> None:
    state.irb = Irb(Scsw())


def _region_is_emptied(state: HostState, _section: Section) -> None:
    state.region = Irb(Scsw())


def _open_at_once(driver: Driver, section: Section) -> Section:
    driver.state.fsm = "STANDBY"
    return Section("open", then=section.then)


def _stays_open(_driver: Driver, section: Section) -> Section:
    return Section("close_free", then=section.then)


def _mark_nothing(_state: HostState, _program: int) -> int:
    return 0


def _mark_kept(state: HostState, _program: int) -> int:
    return state.cp


def _lose_nothing(_driver: Driver) -> None:
    """Free nothing, and queue nothing."""


def _lose_by_work(driver: Driver) -> None:
    driver.queue("notoper_todo")


def _without(name: str) -> _Changed:
    return _Changed(lambda locked: locked - {name})


def _with(name: str) -> _Changed:
    return _Changed(lambda locked: locked | {name})


_NO_UNSOLICITED: Final = "no run has unsolicited status: the disk never has attention"
_NEVER_IDLE: Final = "the state is never IDLE while a program lives"
_HIDDEN: Final = "nothing shows between the two statements that it swaps"

VARIANTS: Final = {
    # START
    "admits-no-second": Variant(
        "START is refused before CP_PROCESSING while a program lives",
        {"admit": _admit_if_no_program},
        why_not=_NEVER_IDLE,
    ),
    "initialises-anyway": Variant(
        "START is admitted while a program lives",
        {"may_initialise": _initialise_anyway},
        why_not=_NEVER_IDLE,
    ),
    "never-initialises": Variant(
        "cp_init always returns EBUSY", {"may_initialise": _never_initialise}
    ),
    "waits-for-work": Variant(
        "SSCH is not issued while the work item is queued",
        {"refuses_start": _work_queued},
    ),
    "never-starts": Variant("SSCH is never issued", {"refuses_start": _yes}),
    "idle-after-start": Variant(
        "the state is IDLE after SSCH", {"pending_state": False}
    ),
    "stays-processing": Variant(
        "a failed START leaves CP_PROCESSING", {"idle_on_error": "nobody"}
    ),
    "idle-late": Variant(
        "the write handler sets IDLE after every error",
        {"idle_on_error": "write handler"},
    ),
    # HALT and CLEAR
    "never-halts": Variant("HSCH is never issued", {"refuses_halt": _yes}),
    "halts-a-start": Variant(
        "HSCH is issued only if a START was accepted", {"refuses_halt": _unless_started}
    ),
    "clear-idles": Variant("CLEAR sets IDLE", {"clear_accepted": _clear_idles}),
    "clear-forgets": Variant(
        "CLEAR forgets the program", {"clear_accepted": _clear_forgets}
    ),
    # an interruption and the worker
    "drops-clear": Variant("the status of a CLEAR is dropped", {"drops": _drops_clear}),
    "drops-halt": Variant("the status of a HALT is dropped", {"drops": _drops_halt}),
    "drops-unsolicited": Variant(
        "unsolicited status is dropped",
        {"drops": _drops_unsolicited},
        why_not=_NO_UNSOLICITED,
    ),
    "never-frees": Variant("the worker frees nothing", {"to_free": _free_never}),
    "frees-always": Variant("the worker always frees", {"to_free": _free_always}),
    "frees-any-state": Variant(
        "the worker frees at each final status, in any state", {"to_free": _free_final}
    ),
    "frees-any-status": Variant(
        "the worker frees at intermediate status as well",
        {"to_free": _free_any_status},
        why_not="no run of that kernel takes intermediate status before the end",
        explained=("v6.0",),
    ),
    "frees-own": Variant(
        "the worker frees only at the status of a START", {"to_free": _free_if_start}
    ),
    "idle-first": Variant(
        "the worker sets IDLE before it copies the IRB",
        {"freed": _idle_first},
        why_not=_HIDDEN,
        explained=("2026",),
    ),
    "copies-nothing": Variant(
        "the worker does not copy the IRB of a program that it frees",
        {"freed": _no_copy},
    ),
    "never-idle": Variant("the worker never sets IDLE", {"sets_idle": _no}),
    "always-idle": Variant("the worker always sets IDLE", {"sets_idle": _yes}),
    "idle-if-final": Variant(
        "the worker sets IDLE at each final status", {"sets_idle": _if_final}
    ),
    "region-emptied": Variant(
        "the worker empties the region", {"handled": _region_is_emptied}
    ),
    "slot-emptied": Variant(
        "the worker empties the slot when it has copied it",
        {"handled": _slot_is_emptied},
    ),
    "read-once": Variant("a read empties the region", {"read": _forgets_irb}),
    # RESET, CLOSE, DMA_UNMAP
    "reset-of-v5.13": Variant("RESET is that of v5.13", {"reset": DISABLE_AND_ENABLE}),
    "close-frees-nothing": Variant(
        "CLOSE does not free the program",
        {"reset": replace(CLOSE_AND_OPEN, down=_open_at_once)},
    ),
    "close-stays-open": Variant(
        "CLOSE does not set STANDBY",
        {"reset": replace(CLOSE_AND_OPEN, down=_stays_open)},
    ),
    "deaf-when-idle": Variant(
        "an interruption in IDLE is dropped",
        {
            "reset": replace(
                CLOSE_AND_OPEN, deaf=frozenset({"NOT_OPER", "STANDBY", "IDLE"})
            )
        },
    ),
    "marks-nothing": Variant(
        "cp_free frees nothing",
        {"programs": replace(ONE_PROGRAM, mark_free=_mark_nothing)},
    ),
    "marks-late": Variant(
        "cp_free leaves the program marked as initialised until it is freed",
        {"programs": replace(ONE_PROGRAM, mark_free=_mark_kept)},
        why_not=_HIDDEN,
    ),
    # locks
    "worker-unlocked": Variant(
        "the worker does not hold io_mutex",
        {"locked": _without("worker")},
        of=("2026",),
    ),
    "worker-locked": Variant(
        "the worker holds io_mutex throughout",
        {"locked": _with("worker")},
        of=("v6.0",),
    ),
    "loss-frees-nothing": Variant(
        "the loss of a device queues no work",
        {"lost": _lose_nothing},
        of=("2026",),
    ),
    "loss-by-work": Variant(
        "the loss of a device queues work",
        {"lost": _lose_by_work},
        of=("v6.0",),
    ),
}
