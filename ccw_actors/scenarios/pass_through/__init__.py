"""A subchannel passed through to a guest, on the actors that run in production."""

from typing import Final

from ccw_actors.scenarios.pass_through.answers import ANSWERS
from ccw_actors.scenarios.pass_through.bare import bare_machine as bare_machine
from ccw_actors.scenarios.pass_through.bare import (
    like_one_subchannel as like_one_subchannel,
)
from ccw_actors.scenarios.pass_through.crashes import CRASHES as CRASHES
from ccw_actors.scenarios.pass_through.parts import PARTS
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

MAKERS: Final[dict[str, Maker]] = {
    "seed": seed,
    "seed-seen": seed_seen,
    "halt": halt,
    "clear-twice": clear_twice,
    **WINDOWS,
    **PARTS,
    **BARE,
    **ANSWERS,
    **RAW,
    **RAW_REGIONS,
    **CRASHES,
}
"""What makes each scenario, given the classes that take the parts of the layers."""
