"""Scenarios of a guest on one bare subchannel, held against its description.

The scenarios of a guest hold a passed-through subchannel against a bare one. The host's
subchannel is of the same class as that, so what is wrong there is wrong on both sides.
Here the bare one is held against `_specification`, which shares nothing with it: all
that the same CPUs see of one has to be what they can see of the other. For the scenario
`halt` there is `bare-halt`, and so on.
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
    """Stands at a path of its own for what happens to `subchannel`."""

    def __init__(self, subchannel: ActorRef[Any]) -> None:
        self._subchannel = subchannel

    @receive
    def attend(self, message: Attend) -> None:
        """Pass it on."""
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
    """Return what makes the scenario of the same CPUs on one bare subchannel."""

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
    """Return the scenario of a bare machine that is held against its description."""
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
"""What makes each scenario, given the class that takes the part of the subchannel."""
