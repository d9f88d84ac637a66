"""A subchannel passed through to a guest, on the actors that run in production."""

from typing import Final

from ccw_actors.explore import Scenario, World
from ccw_actors.scenarios.pass_through.answers import ANSWERS
from ccw_actors.scenarios.pass_through.bare import bare_machine as bare_machine
from ccw_actors.scenarios.pass_through.bare import (
    like_one_subchannel as like_one_subchannel,
)
from ccw_actors.scenarios.pass_through.crashes import CRASHES as CRASHES
from ccw_actors.scenarios.pass_through.house import Layers
from ccw_actors.scenarios.pass_through.instructions import INSTRUCTIONS
from ccw_actors.scenarios.pass_through.losses import LOSSES
from ccw_actors.scenarios.pass_through.parts import PARTS
from ccw_actors.scenarios.pass_through.phases import name_phases
from ccw_actors.scenarios.pass_through.races import clear_twice as clear_twice
from ccw_actors.scenarios.pass_through.races import halt as halt
from ccw_actors.scenarios.pass_through.races import seed as seed
from ccw_actors.scenarios.pass_through.races import seed_seen as seed_seen
from ccw_actors.scenarios.pass_through.raw import RAW
from ccw_actors.scenarios.pass_through.raw_regions import RAW_REGIONS
from ccw_actors.scenarios.pass_through.specified import BARE
from ccw_actors.scenarios.pass_through.windows import WINDOWS as WINDOWS
from ccw_actors.scenarios.pass_through.windows import Maker as Maker

__all__ = [
    "CRASHES",
    "MAKERS",
    "WINDOWS",
    "Maker",
    "bare_machine",
    "clear_twice",
    "halt",
    "like_one_subchannel",
    "seed",
    "seed_seen",
]


def _named(maker: Maker) -> Maker:
    """Have the layers tell what they are doing, for the coverage."""

    def named(layers: Layers | None = None) -> Scenario:
        scenario = maker(layers)

        def with_phases(world: World) -> None:
            scenario(world)
            name_phases(world)

        with_phases.__doc__ = scenario.__doc__
        return with_phases

    return named


_MAKERS: Final[dict[str, Maker]] = {
    "seed": seed,
    "seed-seen": seed_seen,
    "halt": halt,
    "clear-twice": clear_twice,
    **WINDOWS,
    **LOSSES,
    **PARTS,
    **INSTRUCTIONS,
    **BARE,
    **ANSWERS,
    **RAW,
    **RAW_REGIONS,
    **CRASHES,
}

MAKERS: Final = {name: _named(maker) for name, maker in _MAKERS.items()}
"""What makes each scenario, given the classes that take the parts of the layers."""
