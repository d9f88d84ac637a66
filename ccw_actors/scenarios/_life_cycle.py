"""Invariants of a subchannel's state, whatever instructions it gets.

They hold for the host's subchannel in every scenario, and for a bare one.

| property | source |
|---|---|
| no status condition without status pending | PoP, "Status Control" |
| an interruption is pending only with status | PoP, "I/O Interruption" |
| intermediate status is of the start function | the same |
| status of no function is unsolicited: alert alone | the same |
| CLEAR is in FC alone | CSCH: FC is replaced |
| start pending, suspended, subchannel active: one of them, and only with START | AC |
| resume pending only with suspended | RSCH |
| halt pending only with HALT, clear pending only with CLEAR | AC |
| primary status: the subchannel is not active; secondary: nor is the device | SC |
| no channel program without START | TSCH, CSCH, XSCH |
| nothing is at work when a function's last status is pending | no early release |
| nothing of a program that has ended is left for the next one | SSCH |
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from ccw_actors.actors.hardware import SubchannelState
from ccw_actors.channel import Actl, Fctl, Stctl
from ccw_actors.explore import World

__all__ = ["INVARIANTS", "hold_invariants"]

Invariant: TypeAlias = Callable[[SubchannelState], bool]

_STATES: Final = (Actl.START_PENDING, Actl.SUSPENDED, Actl.SUBCHANNEL_ACTIVE)


def _has_pending(state: SubchannelState) -> bool:
    stctl = state.schib.scsw.stctl
    return not stctl or bool(stctl & Stctl.PENDING)


def _interrupts_with_status(state: SubchannelState) -> bool:
    return not state.interruption.pending or state.schib.scsw.pending


def _intermediate_of_start(state: SubchannelState) -> bool:
    scsw = state.schib.scsw
    return not scsw.stctl & Stctl.INTERMEDIATE or bool(scsw.fctl & Fctl.START)


def _unsolicited_is_alert(state: SubchannelState) -> bool:
    scsw = state.schib.scsw
    alone = Stctl.UNSOLICITED_STATUS
    return bool(scsw.fctl) or not scsw.pending or scsw.stctl == alone


def _clear_alone(state: SubchannelState) -> bool:
    fctl = state.schib.scsw.fctl
    return not fctl & Fctl.CLEAR or fctl == Fctl.CLEAR


def _one_state(state: SubchannelState) -> bool:
    scsw = state.schib.scsw
    found = [bit for bit in _STATES if scsw.actl & bit]
    return len(found) <= bool(scsw.fctl & Fctl.START)


def _resumes_suspended(state: SubchannelState) -> bool:
    actl = state.schib.scsw.actl
    return not actl & Actl.RESUME_PENDING or bool(actl & Actl.SUSPENDED)


def _signals_of_functions(state: SubchannelState) -> bool:
    scsw = state.schib.scsw
    halts = not scsw.actl & Actl.HALT_PENDING or scsw.fctl & Fctl.HALT
    clears = not scsw.actl & Actl.CLEAR_PENDING or scsw.fctl & Fctl.CLEAR
    return bool(halts and clears)


def _primary_is_inactive(state: SubchannelState) -> bool:
    scsw = state.schib.scsw
    primary = scsw.stctl & Stctl.PRIMARY and scsw.actl & Actl.SUBCHANNEL_ACTIVE
    secondary = scsw.stctl & Stctl.SECONDARY and scsw.actl & Actl.DEVICE_ACTIVE
    return not primary and not secondary


def _runs_with_start(state: SubchannelState) -> bool:
    runs = state.execution is not None or bool(state.program)
    return not runs or bool(state.schib.scsw.fctl & Fctl.START)


def _rests_at_the_end(state: SubchannelState) -> bool:
    scsw = state.schib.scsw
    over = scsw.fctl and scsw.pending and not scsw.stctl & Stctl.INTERMEDIATE
    at_work = state.work.awaited != "nothing" or state.execution is not None
    return not over or not at_work


def _nothing_is_left(state: SubchannelState) -> bool:
    scsw = state.schib.scsw
    halted = state.work.owed == "end of halt"
    return not halted or bool(scsw.fctl & Fctl.HALT)


INVARIANTS: Final[dict[str, Invariant]] = {
    "no status condition without status pending": _has_pending,
    "an interruption is pending only with status": _interrupts_with_status,
    "intermediate status is of the start function": _intermediate_of_start,
    "status of no function is unsolicited": _unsolicited_is_alert,
    "CLEAR is in FC alone": _clear_alone,
    "start pending, suspended, active: at most one, and with START": _one_state,
    "resume pending only with suspended": _resumes_suspended,
    "halt and clear pending only with their functions": _signals_of_functions,
    "a subchannel or device that has ended is not active": _primary_is_inactive,
    "no channel program without START": _runs_with_start,
    "nothing is at work when the last status is pending": _rests_at_the_end,
    "nothing of a program that has ended is left": _nothing_is_left,
}
"""The invariants, by the text that shows when one is broken."""


def hold_invariants(world: World) -> None:
    """Check the invariants of the actor "subchannel" in a world."""
    subchannel = world.system.ref("subchannel")
    for name, holds in INVARIANTS.items():
        world.invariant(subchannel, name, holds)
