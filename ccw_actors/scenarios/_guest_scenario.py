"""The maker of a guest's scenario, which is compared with one bare subchannel."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.hardware import UNHURRIED
from ccw_actors.actors.protocol import Operation
from ccw_actors.channel import Pmcw
from ccw_actors.explore import Reference, Scenario, View, World, refines
from ccw_actors.machine import OURS, Layers
from ccw_actors.runtime import System
from ccw_actors.scenarios._bare import bare_scenario
from ccw_actors.scenarios._history import visible
from ccw_actors.scenarios._life_cycle import hold_invariants
from ccw_actors.scenarios._machine import VALID_HOST, PassThroughMachine, one_read
from ccw_actors.scenarios._properties import hold_never_busy, hold_pins

__all__ = [
    "Condition",
    "GuestScenario",
    "Maker",
    "Steps",
    "expect",
    "guest_scenario",
    "spelled",
]

Maker: TypeAlias = Callable[[Layers | None], Scenario]
Steps = Sequence[Operation]
Condition = Callable[[View], bool]


T = TypeVar("T")

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class GuestScenario(Struct, frozen=True):
    """The maker of a scenario: call it with the classes of the layers, or with None.

    `programs` are those of the CPUs, `content` the channel program in storage.
    `happens` has messages from outside to the device or the subchannel, which come at
    any time. The host's subchannel starts with `host_pmcw`; if `unhurried`, it is as
    slow as the architecture allows. `described` says that `_specification` can run the
    channel program. Some schedule has to reach each of the `conditions`.
    """

    summary: str
    programs: tuple[Steps, ...]
    content: bytes
    happens: Mapping[str, Any]
    host_pmcw: Pmcw
    unhurried: bool
    described: bool
    conditions: Mapping[str, Condition]

    def __call__(self, layers: Layers | None = None) -> Scenario:
        """Make the scenario."""
        bare = bare_scenario(*self.programs, content=self.content, happens=self.happens)
        reference = Reference(bare, visible)

        def scenario(world: World) -> None:
            self._play(world.system, layers)
            hold_invariants(world)
            hold_pins(world)
            hold_never_busy(world)
            refines(world, "a real subchannel", reference)
            expect(world, self.conditions)

        scenario.__doc__ = self.summary
        return scenario

    def _play(self, system: System, layers: Layers | None) -> None:
        PassThroughMachine(
            system,
            *self.programs,
            layers=_unhurried(layers) if self.unhurried else layers,
            content=self.content,
            host_pmcw=self.host_pmcw,
        )
        # Nothing waits for these, so they come at any time while the CPUs run.
        for path, message in self.happens.items():
            system.ref(path).tell(message)


def spelled(by_keyword: Mapping[str, T]) -> dict[str, T]:
    """Return the same with spaces for the underscores of the keywords."""
    return {name.replace("_", " "): value for name, value in by_keyword.items()}


def expect(world: World, conditions: Mapping[str, Condition]) -> None:
    """Check that some schedule reaches each of the conditions."""
    for name, is_met in conditions.items():
        world.sometimes(name, is_met)


def guest_scenario(
    summary: str,
    *programs: Steps,
    content: bytes | None = None,
    happens: Mapping[str, Any] = _NOTHING,
    host_pmcw: Pmcw = VALID_HOST,
    unhurried: bool = False,
    described: bool = True,
    **conditions: Condition,
) -> GuestScenario:
    """Return the maker of a scenario; `conditions` have underscores for spaces."""
    return GuestScenario(
        summary,
        programs,
        one_read() if content is None else content,
        happens,
        host_pmcw,
        unhurried,
        described,
        spelled(conditions),
    )


def _unhurried(layers: Layers | None) -> Layers:
    """Slow the host's subchannel down, unless it has a pace already."""
    layers = layers or OURS
    return replace(layers, pace=layers.pace or UNHURRIED)
