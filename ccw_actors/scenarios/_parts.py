"""Scenarios in which status comes in parts: intermediate status, then the end.

| scenario | instruction | while |
|---|---|---|
| pci-halt | HALT, TPI | the interruption of a PCI is pending |
| pci-halt-unhurried | HALT | the host shows a PCI after it has accepted the HALT |
| cancel-late | XSCH | a PCI has come since Cio looked |
| resume-early | RSCH | the status of the suspension is on its way up |
| suspend-halt | HALT | the status of the suspension is on its way up |
| resume-pci-halt | HSCH, RSCH | a PCI and a suspension are on their way up |
| halt-data | HALT | a command moves data, and another is chained |
| restart | START | after a START that a HALT has ended |
| cancel-suspended | XSCH | the program is suspended |
| initial-status | HALT | the initial-status interruption is on its way up |
| suspended-again | RSCH twice | the program is suspended again |

What the guest sees is compared with one bare subchannel, as in `_overlaps`. An
unhurried host is as slow as the architecture allows.
"""

from typing import Final

from ccw_actors.actors.protocol import (
    Fetch,
    Instruct,
    InstructSubsystem,
    StartSubchannel,
    TestPendingInterruption,
)
from ccw_actors.channel import Actl, Ccw, Command, Orb, Stctl
from ccw_actors.explore import View
from ccw_actors.machine import READ_DATA
from ccw_actors.scenarios._guest_scenario import GuestScenario, guest_scenario
from ccw_actors.scenarios._machine import BUFFER, PROGRAM
from ccw_actors.scenarios._operations import (
    CANCEL,
    GO_ON,
    HALT,
    PCI,
    RESUME,
    START,
    START_AGAIN,
    START_SUSPENDABLE,
    STORE,
    SUSPENDS,
    TEST,
    THEN_SUSPENDS,
    TWO,
    WAIT,
)

__all__ = ["DATA_THEN_PCI", "PARTS"]

_SLI, _CC = Ccw.suppress_length.mask, Ccw.chain_command.mask
_PCI: Final = Ccw.program_controlled.mask

_BOTH: Final = Ccw(Command.NOOP, _CC | _SLI | _PCI, 1).to_bytes(1) + SUSPENDS

_TPI: Final = InstructSubsystem(TestPendingInterruption(0xFF))
_FETCH: Final = Fetch(BUFFER, 8)
_QUIET: Final = Instruct(
    0,
    StartSubchannel(Orb.command(PROGRAM, suspend=True, suppress_suspended=True)),
)
_INITIAL: Final = Instruct(
    0, StartSubchannel(Orb.command(PROGRAM, intparm=1, initial_status=True))
)


def _shown(view: View) -> bool:
    return bool(view["guest-subchannel"].schib.scsw.stctl & Stctl.INTERMEDIATE)


def _halted_then_shown(view: View) -> bool:
    return _shown(view) and view["guest-subchannel"].halt > 0


def _late(view: View) -> bool:
    return bool(view["vfio-ccw"].cancel) and not view["cio"].looked


def _found_late(view: View) -> bool:
    return view["guest-subchannel"].below is not None and _shown(view)


def _suspended(view: View) -> bool:
    return bool(view["subchannel"].schib.scsw.actl & Actl.SUSPENDED)


def _ended(view: View) -> bool:
    return view["subchannel"].run > 0 and view["subchannel"].execution is None


def _ended_twice(view: View) -> bool:
    return view["subchannel"].run > 1 and view["subchannel"].execution is None


DATA_THEN_PCI: Final = guest_scenario(
    "A PCI that is newer than HALT, as data in storage show.",
    (START, HALT, _FETCH, WAIT, TEST, WAIT, TEST),
    content=Ccw(Command.READ_IPL, _CC | _SLI, 24, BUFFER).to_bytes(1)
    + Ccw(READ_DATA, _SLI | _PCI, 24, BUFFER).to_bytes(1),
)
"""Here a passed-through subchannel differs from a bare one: if the HALT reaches the
host late, it withdraws the PCI."""

PARTS: Final[dict[str, GuestScenario]] = {
    "pci-halt": guest_scenario(
        "HALT withdraws a PCI and its interruption.",
        (START, HALT, _TPI, TEST, WAIT, TEST),
        content=PCI,
        an_intermediate_status_is_shown=_shown,
    ),
    "pci-halt-unhurried": guest_scenario(
        "A PCI that the host shows before HALT, or after it has accepted the HALT.",
        (START, HALT, WAIT, TEST, WAIT, TEST),
        content=PCI,
        unhurried=True,
        an_intermediate_status_is_newer_than_HALT=_halted_then_shown,
    ),
    "cancel-late": guest_scenario(
        "CANCEL with a PCI that has come since Cio looked at the subchannel.",
        (_QUIET, CANCEL, WAIT, TEST),
        content=_BOTH,
        status_has_come_since=_late,
    ),
    "resume-early": guest_scenario(
        "RESUME while the status of the suspension is on its way up.",
        (START_SUSPENDABLE, RESUME, WAIT, TEST),
        content=THEN_SUSPENDS,
        status_has_come_before_the_answer=_found_late,
    ),
    "suspend-halt": guest_scenario(
        "HALT while the status of the suspension is on its way up.",
        (START_SUSPENDABLE, HALT, WAIT, TEST, STORE),
        content=THEN_SUSPENDS,
        the_host_has_suspended_the_program=_suspended,
    ),
    "resume-pci-halt": guest_scenario(
        "RESUME and HALT while a PCI and a suspension are on their way up.",
        (START_SUSPENDABLE, RESUME, HALT, WAIT, TEST),
        content=_BOTH,
        an_intermediate_status_is_shown=_shown,
    ),
    "suspended-again": guest_scenario(
        "RESUME of a program that is suspended again, and then continues.",
        (START_SUSPENDABLE, WAIT, TEST, RESUME, WAIT, TEST, GO_ON, RESUME, WAIT, TEST),
        content=THEN_SUSPENDS,
        the_host_has_suspended_the_program=_suspended,
    ),
    "cancel-suspended": guest_scenario(
        "CANCEL of a program that is suspended, twice.",
        (
            *(START_SUSPENDABLE, WAIT, TEST, CANCEL),
            *(START_SUSPENDABLE, WAIT, TEST, CANCEL, TEST),
        ),
        content=THEN_SUSPENDS,
        the_host_has_suspended_the_program=_suspended,
    ),
    "initial-status": guest_scenario(
        "The initial-status interruption, and HALT.",
        (_INITIAL, HALT, WAIT, TEST, WAIT, TEST),
        content=TWO,
        an_intermediate_status_is_shown=_shown,
    ),
    "halt-data": guest_scenario(
        "HALT while the first of two commands moves data: the second does not run.",
        (START, HALT, WAIT, TEST, _FETCH),
        content=Ccw(Command.READ_IPL, _CC | _SLI, 24, BUFFER).to_bytes(1)
        + Ccw(Command.NOOP, _SLI, 1).to_bytes(1),
        the_host_has_ended_the_program=_ended,
    ),
    "restart": guest_scenario(
        "START after a START that a HALT has ended: nothing of the first is left.",
        (START, HALT, WAIT, TEST, START_AGAIN, WAIT, TEST, _FETCH),
        content=TWO,
        the_host_has_ended_both=_ended_twice,
    ),
}
"""The maker of each scenario, by name."""
