"""Scenarios of a guest on one bare subchannel, compared with its description.

The scenarios of a guest compare a passed-through subchannel with a bare one. The host's
subchannel is of the same class as the bare one, so a fault of that class is on both
sides. Here the bare one is compared with `_specification`, which shares no code with
it: the CPUs may see of the one only what they can see of the other. The scenario `busy`
has `bare-busy`, and so on.
"""

from collections.abc import Mapping
from typing import Any, Final

from ccw_actors.actors.hardware import UNHURRIED
from ccw_actors.actors.protocol import Attend
from ccw_actors.explore import Reference, Scenario, World, refines
from ccw_actors.machine import OURS, Layers, Program
from ccw_actors.runtime import Actor, ActorRef, receive
from ccw_actors.scenarios._bare import bare_scenario, tell_all
from ccw_actors.scenarios._guest_scenario import GuestScenario, Maker
from ccw_actors.scenarios._history import visible
from ccw_actors.scenarios._instructions import INSTRUCTIONS
from ccw_actors.scenarios._life_cycle import hold_invariants
from ccw_actors.scenarios._losses import LOSSES
from ccw_actors.scenarios._machine import (
    ENABLED,
    PROGRAM,
    RECORD,
    STORAGE,
    add_cpus,
    one_read,
)
from ccw_actors.scenarios._overlaps import OVERLAPS
from ccw_actors.scenarios._parts import DATA_THEN_PCI, PARTS
from ccw_actors.scenarios._specification import SpecifiedSubchannel

__all__ = ["BARE", "specified_scenario"]


class Relay(Actor):
    """Receives messages for the device in place of `subchannel`."""

    def __init__(self, subchannel: ActorRef[Any]) -> None:
        self._subchannel = subchannel

    @receive
    def attend(self, message: Attend) -> None:
        """Pass attention on to the subchannel."""
        self._subchannel.tell(message)


def specified_scenario(
    *programs: Program,
    content: bytes | None = None,
    happens: Mapping[str, Any] | None = None,
) -> Scenario:
    """Return the scenario of CPUs on a subchannel as the architecture describes it.

    The arguments are those of `bare_scenario`.
    """
    ccws = one_read() if content is None else content
    storage = (bytes(PROGRAM) + ccws).ljust(STORAGE, b"\0")

    def scenario(world: World) -> None:
        system = world.system
        css = system.ref("css")
        subchannel = SpecifiedSubchannel(ENABLED, storage, RECORD, css)
        machine = system.spawn(subchannel, "subchannel")
        system.spawn(Relay(machine), "device")
        add_cpus(system, programs, machine, machine)
        tell_all(system, happens)

    return scenario


def _bare(scenario: GuestScenario) -> Maker:
    """Return the maker of the scenario of the same CPUs on one bare subchannel."""

    def maker(layers: Layers | None = None) -> Scenario:
        layers = layers or OURS
        bare = bare_scenario(
            *scenario.programs,
            content=scenario.content,
            happens=scenario.happens,
            subchannel=layers.subchannel,
            pace=layers.pace or UNHURRIED,
        )
        return _described(scenario, bare)

    return maker


def _described(of: GuestScenario, bare: Scenario) -> Scenario:
    """Return the scenario of a bare machine that is compared with its description."""
    described = specified_scenario(*of.programs, content=of.content, happens=of.happens)
    reference = Reference(described, visible)

    def scenario(world: World) -> None:
        bare(world)
        hold_invariants(world)
        refines(world, "what the architecture describes", reference)

    scenario.__doc__ = f"On one subchannel: {of.summary}"
    return scenario


BARE: Final[dict[str, Maker]] = {
    f"bare-{name}": _bare(scenario)
    for name, scenario in {
        **OVERLAPS,
        **LOSSES,
        **PARTS,
        **INSTRUCTIONS,
        "data-then-pci": DATA_THEN_PCI,
    }.items()
    if isinstance(scenario, GuestScenario)
    and scenario.described
    and not scenario.unhurried
}
"""The maker of each scenario, by name."""
