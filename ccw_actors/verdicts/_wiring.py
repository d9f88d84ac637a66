"""Wires a design for a scenario of the table."""

from ccw_actors.designs import Choices
from ccw_actors.explore import World
from ccw_actors.verdicts._linux_machine import linux_machine
from ccw_actors.verdicts._machine import VerdictMachine
from ccw_actors.verdicts._own_machine import own_machine
from ccw_actors.verdicts._rows import (
    HOST_SIDE_ONLY,
    OUR_DESIGN,
    EmulatorName,
    choices_of,
)
from ccw_actors.verdicts._scenario import VerdictScenario
from ccw_actors.verdicts._scenarios import VERDICT_SCENARIOS

__all__ = ["design_machine"]


def design_machine(
    world: World,
    design: str | Choices,
    emulator: EmulatorName | None,
    scenario: str | VerdictScenario,
) -> VerdictMachine:
    """Spawn the actors of a design, of an emulator, and of a scenario.

    Args:
        world: Where they are spawned.
        design: One of `DESIGN_NAMES`, or the choices of another design.
        emulator: Its emulator; not used where threads write the regions themselves.
        scenario: The id of one of `VERDICT_SCENARIOS`, or another scenario.

    Raises:
        KeyError: No design, or no scenario, has that id.
    """
    if isinstance(scenario, str):
        scenario = VERDICT_SCENARIOS[scenario]
    under = emulator if scenario.has_emulator else None
    if design in (OUR_DESIGN, HOST_SIDE_ONLY):
        return own_machine(world, under, scenario)
    choices = choices_of(design) if isinstance(design, str) else design
    return linux_machine(world, choices, under, scenario)
