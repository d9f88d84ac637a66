"""A layer crashes at any message; it restarts, and the guest loses its device.

A layer that restarts does not know what is in progress. So it gives up the host's
subchannel: the device is detached, and when nothing of it is at work any longer, its
pages are unpinned and the guest's subchannel is not operational.

| layer that crashes | what it does then |
|---|---|
| Device | has the Subchannel detach |
| Subchannel | detaches, once storage has answered its earlier requests |
| Cio | has the Subchannel detach, and refuses operations until then |
| VfioCcw | has Cio give up the subchannel; keeps all pages pinned until then |
| VfioCcwRegions | the same, and fails open requests: see `_raw_regions` |
| GuestSubchannel | is not operational, and has VfioCcw give up the host's |

An instruction that is at the host when GuestSubchannel crashes is never answered, so
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
    """Return the maker of a scenario in which one of the layers crashes, once."""

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
    world.final("the guest gets its status or a channel report", _is_informed)
    world.final("each instruction is answered", _is_answered)


def _is_lost(view: View) -> bool:
    return not view["guest-subchannel"].schib.pmcw.valid


def _is_informed(view: View) -> bool:
    """Whether a guest that lost its device has a report, or else waits for nothing."""
    if _is_lost(view):
        return bool(view["css"].reports)
    return view["cpu0"].operation is None and not view["guest-subchannel"].below


def _is_answered(view: View) -> bool:
    """Whether the CPU waits for an interruption at most."""
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
"""The maker of each scenario, by name."""
