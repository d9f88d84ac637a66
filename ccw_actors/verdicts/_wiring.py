"""The rows of the table by name, and the wiring of each."""

from itertools import combinations
from typing import Final

from ccw_actors.designs import DESIGNS, Features, v4_with
from ccw_actors.explore import World
from ccw_actors.verdicts._columns import Column
from ccw_actors.verdicts._linux_rack import linux_rack
from ccw_actors.verdicts._own_rack import own_rack
from ccw_actors.verdicts._racks import Emulating
from ccw_actors.verdicts._windows import Rack

__all__ = [
    "DESIGN_NAMES",
    "HOST_SIDE_ONLY",
    "OURS",
    "SUBSET_COLUMNS",
    "V4_SUBSETS",
    "features_of",
    "rack",
]

OURS: Final = "ours"
"""The name of the design of this package."""
HOST_SIDE_ONLY: Final = "ours-host-side"
"""The same, of which only the promises of the host's side are looked at."""

V4_SUBSETS: Final = tuple(
    "rfc-v4-" + "".join(patches)
    for count in (1, 2, 3)
    for patches in combinations("1234", count)
)
"""v5.12 with some of the patches of RFC v4."""

SUBSET_COLUMNS: Final = ("sequence", "seed", "mail", "double-start", "collapse")
"""The scenarios that they are in."""

DESIGN_NAMES: Final = (*DESIGNS, OURS, HOST_SIDE_ONLY, *V4_SUBSETS)
"""The rows, in the order of the table."""


def features_of(design: str) -> Features:
    """Return what a design does: one of `DESIGNS`, or "rfc-v4-13" with some patches."""
    known = DESIGNS.get(design)
    if known is None:
        known = v4_with(design.removeprefix("rfc-v4-"))
    return known.features


def rack(world: World, design: str, emulator: Emulating, column: Column) -> Rack:
    """Wire a kernel with an emulator for a column."""
    if design in (OURS, HOST_SIDE_ONLY):
        return own_rack(world, emulator, column)
    return linux_rack(world, features_of(design), emulator, column)
