"""Scenarios of a subchannel passed through to a guest, on the actors of production."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from ccw_actors.explore import Scenario, World
from ccw_actors.machine import Layers
from ccw_actors.scenarios._answers import ANSWERS
from ccw_actors.scenarios._bare import bare_scenario as bare_scenario
from ccw_actors.scenarios._bare import (
    like_one_subchannel as like_one_subchannel,
)
from ccw_actors.scenarios._crashes import CRASHES
from ccw_actors.scenarios._guest_scenario import Maker as Maker
from ccw_actors.scenarios._held_writes import HELD_WRITES
from ccw_actors.scenarios._instructions import INSTRUCTIONS
from ccw_actors.scenarios._interruptions import INTERRUPTIONS
from ccw_actors.scenarios._losses import LOSSES
from ccw_actors.scenarios._machine import BUFFER as BUFFER
from ccw_actors.scenarios._machine import ENABLED as ENABLED
from ccw_actors.scenarios._machine import GEOMETRY as GEOMETRY
from ccw_actors.scenarios._machine import PATHS as PATHS
from ccw_actors.scenarios._machine import PROGRAM as PROGRAM
from ccw_actors.scenarios._machine import STORAGE as STORAGE
from ccw_actors.scenarios._machine import VALID_HOST as VALID_HOST
from ccw_actors.scenarios._machine import HostMachine as HostMachine
from ccw_actors.scenarios._machine import PassThroughMachine as PassThroughMachine
from ccw_actors.scenarios._machine import add_cpus as add_cpus
from ccw_actors.scenarios._machine import add_disk as add_disk
from ccw_actors.scenarios._machine import one_read as one_read
from ccw_actors.scenarios._machine import read_orb as read_orb
from ccw_actors.scenarios._machine import track as track
from ccw_actors.scenarios._nested import NESTED
from ccw_actors.scenarios._nested import NestedMachine as NestedMachine
from ccw_actors.scenarios._operations import CANCEL as CANCEL
from ccw_actors.scenarios._operations import CLEAR as CLEAR
from ccw_actors.scenarios._operations import DISABLE as DISABLE
from ccw_actors.scenarios._operations import GO_ON as GO_ON
from ccw_actors.scenarios._operations import HALT as HALT
from ccw_actors.scenarios._operations import PCI as PCI
from ccw_actors.scenarios._operations import RESUME as RESUME
from ccw_actors.scenarios._operations import START as START
from ccw_actors.scenarios._operations import START_AGAIN as START_AGAIN
from ccw_actors.scenarios._operations import START_SUSPENDABLE as START_SUSPENDABLE
from ccw_actors.scenarios._operations import TEST as TEST
from ccw_actors.scenarios._operations import THEN_SUSPENDS as THEN_SUSPENDS
from ccw_actors.scenarios._operations import WAIT as WAIT
from ccw_actors.scenarios._overlaps import OVERLAPS
from ccw_actors.scenarios._parts import PARTS
from ccw_actors.scenarios._phases import name_phases
from ccw_actors.scenarios._properties import is_held as is_held
from ccw_actors.scenarios._races import clear_twice, halt, seed, seed_seen
from ccw_actors.scenarios._raw import RAW
from ccw_actors.scenarios._raw_regions import RAW_REGIONS
from ccw_actors.scenarios._specified import BARE

__all__ = [
    "BUFFER",
    "CANCEL",
    "CLEAR",
    "DISABLE",
    "ENABLED",
    "GEOMETRY",
    "GO_ON",
    "HALT",
    "MAKERS",
    "PATHS",
    "PCI",
    "PROGRAM",
    "RESUME",
    "SCENARIOS",
    "START",
    "START_AGAIN",
    "START_SUSPENDABLE",
    "STORAGE",
    "TEST",
    "THEN_SUSPENDS",
    "VALID_HOST",
    "WAIT",
    "HostMachine",
    "Maker",
    "NestedMachine",
    "PassThroughMachine",
    "add_cpus",
    "add_disk",
    "bare_scenario",
    "is_held",
    "like_one_subchannel",
    "one_read",
    "read_orb",
    "track",
]


class _Scenarios(Mapping[str, Scenario]):
    """Scenarios by name, each made at its first use.

    Many explore their specification when they are made. Making them all would take
    longer than most commands.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Scenario]]) -> None:
        self._makers = makers
        self._made: dict[str, Scenario] = {}

    def __getitem__(self, name: str) -> Scenario:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _named(maker: Maker) -> Maker:
    """Name the phases of the layers in a scenario, for its coverage."""

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
    **OVERLAPS,
    **LOSSES,
    **PARTS,
    **INSTRUCTIONS,
    **BARE,
    **ANSWERS,
    **RAW,
    **RAW_REGIONS,
    **CRASHES,
    **INTERRUPTIONS,
    **HELD_WRITES,
    **NESTED,
}

MAKERS: Final = {name: _named(maker) for name, maker in _MAKERS.items()}
"""The maker of each scenario: call it with the classes of the layers, or with None."""

SCENARIOS: Final[Mapping[str, Scenario]] = _Scenarios(
    {name: partial(maker, None) for name, maker in MAKERS.items()}
)
"""The scenarios that come with the package, by name."""
