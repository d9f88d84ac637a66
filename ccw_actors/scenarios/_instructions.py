"""Each instruction of one CPU while a function is in progress, or status is pending.

| scenario | while | instructions |
|---|---|---|
| in-start | a START is in progress, then its status is pending | all but CLEAR |
| in-halt | a START is being halted | all |
| in-clear | a START has been cleared | all |
| in-suspension | a program is suspended, or about to be | STORE, MSCH, START, CLEAR |
| in-halt-alone | a HALT without a START is in progress | all |
| cancel-halt | the host fetches for a START, or has been cancelled | CANCEL, HALT |
| cancel-and-halt | the same, of two CPUs | CANCEL, HALT |
| cancel-attention | the same, with attention | CANCEL |
| stores | a START and a HALT are anywhere on their way | STORE |
| settings | a START is anywhere on its way | SET ADDRESS LIMIT |
| sense | | MODIFY for concurrent sense, and commands that are rejected |
| sense-attention | attention is on its way up | MODIFY for concurrent sense |
| program-check | | START of an invalid program |

What the guest sees is compared with one bare subchannel, as in `_overlaps`.
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    Attend,
    Fetch,
    Instruct,
    InstructSubsystem,
    ModifySubchannel,
    SetAddressLimit,
    StartSubchannel,
    Store,
)
from ccw_actors.channel import Actl, Ccw, Fctl, Orb, Pmcw
from ccw_actors.explore import View
from ccw_actors.scenarios._guest_scenario import GuestScenario, guest_scenario
from ccw_actors.scenarios._machine import BUFFER, ENABLED, PROGRAM, one_read, read_orb
from ccw_actors.scenarios._operations import (
    CANCEL,
    CLEAR,
    DISABLE,
    FETCHES,
    HALT,
    RESUME,
    START,
    START_AGAIN,
    START_SUSPENDABLE,
    STORE,
    TEST,
    THEN_SUSPENDS,
    WAIT,
)

__all__ = ["INSTRUCTIONS"]

_REJECTED: Final = 0xFF
_SLI: Final = Ccw.suppress_length.mask
_REJECTS: Final = Ccw(_REJECTED, _SLI, 1, BUFFER).to_bytes(1)

_LIMIT: Final = InstructSubsystem(SetAddressLimit(BUFFER + 24))
_NO_LIMIT: Final = InstructSubsystem(SetAddressLimit(0))
_BELOW: Final = Instruct(
    0, ModifySubchannel(replace(ENABLED, flags=ENABLED.flags | 0x40))
)
_LIMITED: Final = Instruct(
    0, StartSubchannel(replace(read_orb(1), flags=read_orb(1).flags | 0x10))
)
_MISALIGNED: Final = Instruct(0, StartSubchannel(Orb.command(PROGRAM + 4, intparm=1)))
_FETCH: Final = Fetch(BUFFER, 24)
_SENSE: Final = Instruct(
    0, ModifySubchannel(ENABLED.with_flag(Pmcw.concurrent_sense, on=True))
)


def _fctl(view: View) -> int:
    fctl: int = view["guest-subchannel"].schib.scsw.fctl
    return fctl


def _started(view: View) -> bool:
    return _fctl(view) == Fctl.START


def _halted(view: View) -> bool:
    return bool(_fctl(view) & Fctl.HALT)


def _cleared(view: View) -> bool:
    return _fctl(view) == Fctl.CLEAR


def _suspended(view: View) -> bool:
    return bool(view["subchannel"].schib.scsw.actl & Actl.SUSPENDED)


def _fetches(view: View) -> bool:
    return bool(view["subchannel"].cancelling)


def _has_sense(view: View) -> bool:
    return bool(view["guest-subchannel"].schib.scsw.extended_control)


INSTRUCTIONS: Final[dict[str, GuestScenario]] = {
    "in-start": guest_scenario(
        "Each instruction while a START is in progress, then with status pending.",
        (
            *(START, STORE, RESUME, DISABLE, START_AGAIN, WAIT),
            *(STORE, RESUME, CANCEL, DISABLE, HALT, START_AGAIN, TEST),
        ),
        START_is_in_progress=_started,
    ),
    "in-halt": guest_scenario(
        "Each instruction while a START is being halted.",
        (
            *(START, HALT, STORE, CANCEL, RESUME, DISABLE, HALT, START_AGAIN),
            *(WAIT, STORE, RESUME, CANCEL, DISABLE, HALT, START_AGAIN, TEST),
        ),
        HALT_is_in_progress=_halted,
    ),
    "in-clear": guest_scenario(
        "Each instruction after a START has been cleared.",
        (
            *(START, CLEAR, STORE, CANCEL, RESUME, DISABLE, HALT, START_AGAIN),
            *(WAIT, STORE, RESUME, CANCEL, DISABLE, HALT, START_AGAIN, TEST),
        ),
        CLEAR_is_in_progress=_cleared,
    ),
    "in-suspension": guest_scenario(
        "STORE, MODIFY, START and CLEAR of a program that is suspended.",
        (START_SUSPENDABLE, STORE, DISABLE, START_AGAIN, CLEAR, WAIT, TEST),
        content=THEN_SUSPENDS,
        the_program_is_suspended=_suspended,
    ),
    "in-halt-alone": guest_scenario(
        "Each instruction while a HALT without a START is in progress.",
        (HALT, STORE, CANCEL, RESUME, DISABLE, CLEAR, WAIT, TEST),
        HALT_is_in_progress=_halted,
    ),
    "cancel-halt": guest_scenario(
        "CANCEL while the host fetches for the START, then HALT.",
        (START, CANCEL, HALT, WAIT, TEST),
        content=FETCHES,
        CANCEL_waits_for_storage=_fetches,
    ),
    "cancel-and-halt": guest_scenario(
        "One CPU issues CANCEL, another issues HALT.",
        (START, CANCEL),
        (HALT, WAIT, TEST),
        content=FETCHES,
        CANCEL_waits_for_storage=_fetches,
    ),
    "cancel-attention": guest_scenario(
        "Attention is held while a START is being withdrawn.",
        (START, CANCEL, WAIT, TEST),
        content=FETCHES,
        happens={"device": Attend()},
        host_pmcw=ENABLED,
        CANCEL_waits_for_storage=_fetches,
    ),
    "stores": guest_scenario(
        "STORE while a START and a HALT are anywhere on their way.",
        (START, HALT, WAIT, TEST),
        (STORE,),
        HALT_is_in_progress=_halted,
    ),
    "settings": guest_scenario(
        "SET ADDRESS LIMIT before and after a START, which keeps the first limit.",
        (_LIMIT, _BELOW, _LIMITED, _NO_LIMIT, WAIT, TEST, _FETCH),
        described=False,
        START_is_in_progress=_started,
    ),
    "sense-attention": guest_scenario(
        "MODIFY for concurrent sense while attention is on its way up.",
        (_SENSE, START, WAIT, TEST),
        content=_REJECTS,
        happens={"device": Attend()},
        host_pmcw=ENABLED,
        described=False,
        sense_data_come_with_the_status=_has_sense,
    ),
    "program-check": guest_scenario(
        "START of a program that is not on a CCW boundary.",
        (_MISALIGNED, WAIT, TEST),
        START_is_in_progress=_started,
    ),
    "sense": guest_scenario(
        "Commands that are rejected or not, without and with concurrent sense.",
        (
            *(START, WAIT, TEST, _SENSE, START, WAIT, TEST),
            *(Store(PROGRAM, one_read()), START, WAIT, TEST),
        ),
        content=_REJECTS,
        described=False,
        sense_data_come_with_the_status=_has_sense,
    ),
}
"""The maker of each scenario, by name."""
