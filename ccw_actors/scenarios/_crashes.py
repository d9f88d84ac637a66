"""A layer crashes at any message; it begins again, and the guest loses its device.

Whoever begins again has lost track of what is under way. So it gives the host's
subchannel up: the device is detached, and when nothing of it is at work any more, pins
are given up and the guest's subchannel is not operational.

| who crashes | what it does then |
|---|---|
| Device | has the Subchannel detach |
| Subchannel | detaches, once storage has answered what it had asked for |
| Cio | has the Subchannel detach, and refuses operations until then |
| VfioCcw | has Cio give the subchannel up; keeps all pins until then |
| VfioCcwRegions | the same, and fails what it was asked: see `_raw_regions` |
| GuestSubchannel | is not operational, and has VfioCcw give up the host's |

An instruction that has gone down when GuestSubchannel crashes is answered by nobody: so
none of these scenarios has one.
"""

from collections.abc import Sequence
from typing import Final

from ccw_actors.actors.protocol import Instruct, Operation
from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import Layers
from ccw_actors.scenarios._guest_scenario import Maker
from ccw_actors.scenarios._machine import PassThroughMachine
from ccw_actors.scenarios._operations import CLEAR, HALT, START, TEST, WAIT
from ccw_actors.scenarios._properties import is_held

__all__ = ["CRASHES"]

_LAYERS: Final = ("device", "subchannel", "cio", "vfio-ccw", "guest-subchannel")


def _crashes(summary: str, *programs: Sequence[Operation], ends: bool = False) -> Maker:
    """Return what makes a scenario in which one of the layers crashes, once."""

    def maker(layers: Layers | None = None) -> Scenario:
        def scenario(world: World) -> None:
            system = world.system
            PassThroughMachine(system, *programs, layers=layers, ends=ends)
            world.may_crash(*(system.ref(path) for path in _LAYERS))
            _hold(world)
            world.sometimes("the device is lost", _is_lost)
            world.sometimes("all goes well", lambda view: not _is_lost(view))

        scenario.__doc__ = summary
        return scenario

    return maker


def _hold(world: World) -> None:
    world.system_invariant(
        "no program is released while the subchannel may use it", is_held
    )
    world.final("nothing stays pinned", lambda view: not view["storage"].pins)
    world.final("the guest is told", _is_told)
    world.final("each instruction is answered", _is_answered)


def _is_lost(view: View) -> bool:
    return not view["guest-subchannel"].schib.pmcw.valid


def _is_told(view: View) -> bool:
    """Whether a guest that still waits for an interruption has a report instead."""
    if _is_lost(view):
        return bool(view["css"].reports)
    return view["cpu0"].operation is None and not view["guest-subchannel"].below


def _is_answered(view: View) -> bool:
    """Whether the CPU waits for nothing but an interruption."""
    return not isinstance(view["cpu0"].operation, Instruct)


CRASHES: Final[dict[str, Maker]] = {
    "crash-start": _crashes(
        "A layer crashes at any message of a START.", (START, WAIT, TEST)
    ),
    "crash-clear": _crashes(
        "A layer crashes at any message of a START and a CLEAR.",
        (START, CLEAR, WAIT, TEST),
    ),
    "crash-halt": _crashes(
        "A layer crashes at any message of a START and a HALT.",
        (START, HALT, WAIT, TEST),
    ),
    "crash-reset": _crashes(
        "A layer crashes while the guest is reset during its START.",
        (START,),
        ends=True,
    ),
}
"""What makes each scenario, given the classes that take the parts of the layers."""
