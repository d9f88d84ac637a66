"""Scenarios in which a guest's instruction overlaps with a function in progress.

| scenario | instruction | while |
|---|---|---|
| clear-anywhere | CLEAR | before, between and after the commands of a START |
| halt-anywhere | HALT | the same |
| busy | START, HALT | a HALT, then a CLEAR is in progress |
| two-starts | START | another is on its way, or has ended below |
| clear-late | CLEAR | a START has ended below, or is being shown |
| clear-pending | CLEAR | status is pending |
| pci-clear | CLEAR | an intermediate status is on its way up |
| attention | START | attention is on its way up |
| attention-twice | none | another attention is on its way up |
| attention-clear | CLEAR | attention is on its way up |
| disable | MSCH | a START is in progress, or status is pending |
| cancel | XSCH | a START is anywhere on its way down |
| resume | RSCH | a program is about to be suspended, or is |

`_parts` has status that comes in parts, `_instructions` each instruction during each
function, `_losses` resets and devices that are unplugged or absent, `_raw` and
`_raw_regions` what every client of VfioCcw can rely on, `_answers` orders of answers
that these layers never give, `_races` two CLEARs and the interleaving of the thread.
What the guest sees is compared with one bare subchannel.
"""

from typing import Final

from ccw_actors.actors.protocol import (
    Attend,
    UnsolicitedStatus,
)
from ccw_actors.channel import Actl, Dstat, Fctl, Stctl
from ccw_actors.explore import View
from ccw_actors.scenarios._guest_scenario import Maker, guest_scenario
from ccw_actors.scenarios._machine import ENABLED
from ccw_actors.scenarios._operations import (
    CANCEL,
    CLEAR,
    DISABLE,
    GO_ON,
    HALT,
    PCI,
    RESUME,
    START,
    START_AGAIN,
    START_SUSPENDABLE,
    TEST,
    THEN_SUSPENDS,
    TWO,
    WAIT,
)

__all__ = [
    "OVERLAPS",
    "cleared_while",
    "goes_down",
    "host_has_ended",
    "host_runs",
    "resumed",
]


def host_runs(view: View) -> bool:
    """Whether the host's subchannel executes a channel program."""
    return view["subchannel"].execution is not None


def host_has_ended(view: View) -> bool:
    """Whether the host's subchannel has executed a program, and executes none now."""
    host = view["subchannel"]
    return host.run > 0 and host.execution is None


def _function(view: View) -> int:
    fctl: int = view["guest-subchannel"].schib.scsw.fctl
    return fctl & (Fctl.HALT | Fctl.CLEAR)


def _before_first(view: View) -> bool:
    execution = view["subchannel"].execution
    return bool(_function(view)) and execution is not None and not execution.selected


def _at_device(view: View) -> bool:
    return bool(_function(view) and view["subchannel"].work.awaited == "device")


def _between(view: View) -> bool:
    host = view["subchannel"]
    execution = host.execution
    between = execution is not None and execution.selected
    return bool(_function(view) and between and host.work.awaited != "device")


def _after_end(view: View) -> bool:
    return bool(_function(view)) and host_has_ended(view)


def _refused(view: View) -> bool:
    return bool(view["guest-subchannel"].schib.scsw.fctl == Fctl.CLEAR)


def cleared_while(view: View) -> bool:
    """Whether a CLEAR of the guest is in progress."""
    return bool(view["guest-subchannel"].schib.scsw.fctl & Fctl.CLEAR)


def _ended_below(view: View) -> bool:
    return cleared_while(view) and host_has_ended(view)


def _held(view: View) -> bool:
    return view["guest-subchannel"].unsolicited is not None


def goes_down(view: View) -> bool:
    """Whether an XSCH, RSCH or STSCH of the guest is at the host."""
    return view["guest-subchannel"].below is not None


def _waits(view: View) -> bool:
    return bool(view["guest-subchannel"].waiting)


def resumed(view: View) -> bool:
    """Whether the host has accepted an RSCH and not resumed the program yet."""
    actl = view["subchannel"].schib.scsw.actl
    return bool(actl & Actl.RESUME_PENDING)


def _intermediate(view: View) -> bool:
    scsw = view["guest-subchannel"].schib.scsw
    return bool(scsw.stctl & Stctl.INTERMEDIATE)


OVERLAPS: Final[dict[str, Maker]] = {
    "clear-anywhere": guest_scenario(
        "CLEAR before, between and after the commands of a START.",
        (START, WAIT, TEST),
        (CLEAR,),
        content=TWO,
        CLEAR_comes_before_the_first_command=_before_first,
        CLEAR_comes_while_the_device_works=_at_device,
        CLEAR_comes_between_two_commands=_between,
        CLEAR_comes_after_the_end=_after_end,
    ),
    "halt-anywhere": guest_scenario(
        "HALT before, between and after the commands of a START.",
        (START, WAIT, TEST),
        (HALT,),
        content=TWO,
        HALT_comes_before_the_first_command=_before_first,
        HALT_comes_while_the_device_works=_at_device,
        HALT_comes_between_two_commands=_between,
        HALT_comes_after_the_end=_after_end,
    ),
    "busy": guest_scenario(
        "START while a HALT is in progress, HALT and START while a CLEAR is.",
        (HALT, START, CLEAR, HALT, START, WAIT, TEST),
        CLEAR_replaces_HALT=_refused,
    ),
    "two-starts": guest_scenario(
        "Two CPUs start; one finds the subchannel busy or status pending.",
        (START, WAIT, TEST),
        (START_AGAIN,),
        the_host_runs_the_program=host_runs,
    ),
    "clear-late": guest_scenario(
        "CLEAR races with the completion of a START; two CPUs test.",
        (START, WAIT, TEST),
        (CLEAR, TEST),
        the_host_has_ended_the_program=_ended_below,
    ),
    "clear-pending": guest_scenario(
        "CLEAR drops pending status, and START is busy until the CLEAR has ended.",
        (START, WAIT, CLEAR, TEST, START_AGAIN, WAIT, TEST, START_AGAIN, WAIT, TEST),
        the_function_is_clear=cleared_while,
    ),
    "pci-clear": guest_scenario(
        "CLEAR while a program-controlled interruption is on its way.",
        (START, CLEAR, WAIT, TEST),
        content=PCI,
        the_host_has_ended_the_program=_ended_below,
    ),
    "pci": guest_scenario(
        "A program-controlled interruption, then the end of its program.",
        (START, WAIT, TEST, WAIT, TEST),
        content=PCI,
        an_intermediate_status_is_shown=_intermediate,
    ),
    "attention": guest_scenario(
        "Attention at any time during a START: it is held while FC is nonzero.",
        (START, WAIT, TEST, WAIT, TEST),
        happens={"device": Attend()},
        host_pmcw=ENABLED,
        attention_is_held=_held,
    ),
    "attention-twice": guest_scenario(
        "Attention while the status of another has not been tested.",
        (WAIT, WAIT, TEST, WAIT, TEST),
        happens={"device": Attend(), "subchannel": UnsolicitedStatus(Dstat.ATTENTION)},
        host_pmcw=ENABLED,
        described=False,
        attention_is_held=_held,
    ),
    "attention-clear": guest_scenario(
        "Attention at any time during a CLEAR, which drops it.",
        (CLEAR, WAIT, TEST, TEST),
        happens={"device": Attend()},
        host_pmcw=ENABLED,
        the_function_is_clear=cleared_while,
    ),
    "disable": guest_scenario(
        "MSCH disables the subchannel at any time during a START.",
        (START, DISABLE, WAIT, TEST, DISABLE),
        the_host_runs_the_program=host_runs,
    ),
    "cancel": guest_scenario(
        "CANCEL while a START is anywhere on its way; a CLEAR waits for it.",
        (START, CANCEL, START_AGAIN, WAIT, TEST),
        (CLEAR,),
        the_instruction_is_at_the_host=goes_down,
        another_waits_for_it=_waits,
    ),
    "resume": guest_scenario(
        "RESUME of a program that the guest has changed races with HALT.",
        (START_SUSPENDABLE, WAIT, TEST, GO_ON, RESUME),
        (HALT,),
        content=THEN_SUSPENDS,
        the_host_is_to_resume=resumed,
        another_waits_for_it=_waits,
    ),
}
"""The maker of each scenario, by name."""
