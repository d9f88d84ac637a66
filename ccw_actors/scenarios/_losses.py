"""Scenarios of a loss: a guest is reset, a device is unplugged or absent.

| scenario | what happens | while |
|---|---|---|
| reset | reset | a START is anywhere |
| reset-halt | reset | a HALT is anywhere |
| reset-clear | reset | a CLEAR is anywhere |
| reset-suspended | reset | a RESUME is on its way, or has ended |
| unplug | START, CLEAR | the device is unplugged |
| unplug-waiting | none | a CPU waits, and the device is unplugged |
| unplug-store, -cancel | STSCH, XSCH | it is at the host, and the device is unplugged |
| unplug-resume | RSCH | the same |
| unplugged | any | there is no longer a host subchannel |
| absent | any | there never was a host subchannel |
| no-path | START, HALT | no path leads to the host's device |

What the guest sees is compared with one bare subchannel, as in `_overlaps`. A reset
is the exception, because it needs an emulator, and so is a device without a path.
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.protocol import DetachDevice, Tested
from ccw_actors.channel import Fctl, Pmcw
from ccw_actors.explore import Reference, Scenario, View, World, refines
from ccw_actors.machine import Layers
from ccw_actors.scenarios._bare import bare_scenario
from ccw_actors.scenarios._guest_scenario import (
    Condition,
    Maker,
    Steps,
    expect,
    guest_scenario,
    spelled,
)
from ccw_actors.scenarios._history import visible
from ccw_actors.scenarios._life_cycle import hold_invariants
from ccw_actors.scenarios._machine import VALID_HOST, PassThroughMachine
from ccw_actors.scenarios._operations import (
    CANCEL,
    CLEAR,
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
from ccw_actors.scenarios._overlaps import (
    cleared_while,
    goes_down,
    host_has_ended,
    host_runs,
    resumed,
)
from ccw_actors.scenarios._properties import guard, hold_pins

__all__ = ["LOSSES"]

_NO_PATH: Final = 3


def _reset(
    summary: str, steps: Steps, content: bytes | None = None, **conditions: Condition
) -> Maker:
    """Return the maker of a scenario: a guest is reset when its CPU has ended."""

    def maker(layers: Layers | None = None) -> Scenario:
        def scenario(world: World) -> None:
            PassThroughMachine(
                world.system, steps, layers=layers, content=content, ends=True
            )
            _is_reset(world)
            expect(world, spelled(conditions))

        scenario.__doc__ = summary
        return scenario

    return maker


def _is_reset(world: World) -> None:
    """Check that a guest that has been reset leaves nothing behind."""
    world.final("the reset ends", lambda view: view["emulator"].ended)
    world.final("nothing stays pinned", lambda view: not view["storage"].pins)
    world.final(
        "the subchannel is disabled, and nothing is pending",
        lambda view: (
            not view["guest-subchannel"].schib.pmcw.enabled
            and not view["guest-subchannel"].schib.scsw.stctl
        ),
    )
    world.system_invariant(
        "the reset ends only when nothing of the guest is at work", _ends_in_time
    )
    hold_invariants(world)
    hold_pins(world)


def _ends_in_time(view: View) -> bool:
    host = view["subchannel"]
    at_work = host.execution is not None or host.work.awaited != "nothing"
    clears = view["vfio-ccw"].clear
    return not view["emulator"].ended or not (at_work or clears)


def _absent(layers: Layers | None = None) -> Scenario:
    programs = ((START, CLEAR, TEST),)
    happens = {"subchannel": DetachDevice()}
    reference = Reference(bare_scenario(*programs, happens=happens), visible)

    def scenario(world: World) -> None:
        """START and CLEAR on a host that never had the subchannel."""
        # A PMCW without V: STSCH of the host ends with cc 3 from the beginning.
        PassThroughMachine(world.system, *programs, layers=layers, host_pmcw=Pmcw())
        refines(world, "a real subchannel", reference)
        world.final("the guest's subchannel is not operational", _is_gone)
        world.final("nothing stays pinned", lambda view: not view["storage"].pins)
        world.sometimes("START has been accepted before", _started_in_vain)

    return scenario


def _no_path(layers: Layers | None = None) -> Scenario:
    def scenario(world: World) -> None:
        """START and HALT on a host without a path to the device."""
        pmcw = replace(VALID_HOST, pam=0)
        steps = (START, WAIT, TEST, START_AGAIN, WAIT, TEST)
        PassThroughMachine(world.system, steps, (HALT,), layers=layers, host_pmcw=pmcw)
        guard(world)
        world.final("START has deferred condition code 3", _has_no_path)
        world.sometimes("each START has ended", _have_ended)

    return scenario


def _is_gone(view: View) -> bool:
    return not view["guest-subchannel"].schib.pmcw.valid


def _started_in_vain(view: View) -> bool:
    return bool(view["guest-subchannel"].start)


def _has_no_path(view: View) -> bool:
    """Whether each START that was not halted has ended without a path."""
    tested = [one.irb.scsw for one in view["cpu0"].outcomes if isinstance(one, Tested)]
    starts = [scsw for scsw in tested if scsw.fctl == Fctl.START]
    return all(scsw.deferred_cc == _NO_PATH for scsw in starts)


def _have_ended(view: View) -> bool:
    tested = [one for one in view["cpu0"].outcomes if isinstance(one, Tested)]
    return [one.irb.scsw.fctl for one in tested] == [Fctl.START] * 2


def _halted(view: View) -> bool:
    return bool(view["guest-subchannel"].schib.scsw.fctl & Fctl.HALT)


def _unplugged_late(view: View) -> bool:
    gone = not view["guest-subchannel"].schib.pmcw.valid
    return gone and view["subchannel"].run > 0


LOSSES: Final[dict[str, Maker]] = {
    "reset": _reset(
        "A guest is reset while its START is anywhere.",
        (START,),
        the_host_runs_the_program=host_runs,
        the_host_has_ended_the_program=host_has_ended,
    ),
    "reset-halt": _reset(
        "A guest is reset while its START is being halted.",
        (START, HALT),
        HALT_is_in_progress=_halted,
        the_host_has_ended_the_program=host_has_ended,
    ),
    "reset-clear": _reset(
        "A guest is reset while a CLEAR is in progress.",
        (START, CLEAR),
        the_function_is_clear=cleared_while,
    ),
    "reset-suspended": _reset(
        "A guest is reset after it has resumed a program, or has tried to.",
        (START_SUSPENDABLE, WAIT, TEST, RESUME),
        content=THEN_SUSPENDS,
        the_host_is_to_resume=resumed,
    ),
    "unplug": guest_scenario(
        "The device is unplugged while a START is anywhere, then CLEAR.",
        (START, TEST, CLEAR, TEST),
        happens={"subchannel": DetachDevice()},
        the_host_has_begun_the_program=_unplugged_late,
    ),
    "unplug-waiting": guest_scenario(
        "The device is unplugged while a CPU waits for the end of its START.",
        (START, WAIT, TEST),
        happens={"subchannel": DetachDevice()},
        the_host_has_begun_the_program=_unplugged_late,
    ),
    "unplug-store": guest_scenario(
        "The device is unplugged while STORE is at the host.",
        (START, STORE, TEST),
        happens={"subchannel": DetachDevice()},
        the_instruction_is_at_the_host=goes_down,
    ),
    "unplug-cancel": guest_scenario(
        "The device is unplugged while CANCEL is at the host.",
        (START, CANCEL, TEST),
        happens={"subchannel": DetachDevice()},
        the_instruction_is_at_the_host=goes_down,
    ),
    "unplug-resume": guest_scenario(
        "The device is unplugged while RESUME is at the host.",
        (START_SUSPENDABLE, WAIT, TEST, RESUME, TEST),
        content=THEN_SUSPENDS,
        happens={"subchannel": DetachDevice()},
        the_instruction_is_at_the_host=goes_down,
    ),
    "absent": _absent,
    "no-path": _no_path,
    "unplugged": guest_scenario(
        "START and CLEAR of a subchannel that the host does not have.",
        (START, CLEAR, TEST),
        happens={"subchannel": DetachDevice()},
        host_pmcw=Pmcw(),
    ),
}
"""The maker of each scenario, by name."""
