"""The same guest on a machine without pass-through: its CPUs, a subchannel, a device.

Whatever a guest sees of a passed-through subchannel has to be possible here as well.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ccw_actors.actors import Device, Region, Storage, Subchannel
from ccw_actors.actors.hardware import UNHURRIED, Pace
from ccw_actors.actors.protocol import Piece
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.explore import Network, Reference, Scenario, World, refines
from ccw_actors.machine import (
    GuestPaths,
    Layers,
    Program,
    add_subchannel,
)
from ccw_actors.runtime import System
from ccw_actors.scenarios._history import visible
from ccw_actors.scenarios._machine import (
    ENABLED,
    PATHS,
    PROGRAM,
    STORAGE,
    PassThroughMachine,
    add_cpus,
    add_disk,
    one_read,
)

__all__ = [
    "bare_scenario",
    "like_one_subchannel",
    "reference",
    "tell_all",
]


def bare_scenario(
    *programs: Program,
    guest_pmcw: Pmcw = ENABLED,
    content: bytes | None = None,
    storage_size: int = STORAGE,
    image: bytes | None = None,
    happens: Mapping[str, Any] | None = None,
    subchannel: Callable[..., Subchannel] = Subchannel,
    device: Callable[..., Device] = Device,
    pace: Pace = UNHURRIED,
) -> Scenario:
    """Return the scenario of CPUs "cpu0", "cpu1", ... on a bare subchannel.

    The arguments are those of `PassThroughMachine`. The subchannel is as slow as the
    architecture allows, unless `pace` says otherwise. `happens` has messages from
    outside, by the path of their recipient; they come at any time.
    """
    layers = Layers(subchannel=subchannel, device=device, pace=pace)
    programmed = Piece(PROGRAM, one_read() if content is None else content)

    def scenario(world: World) -> None:
        system = world.system
        storage = system.spawn(Storage(storage_size, (programmed,)), "storage")
        add_disk(system, image, layers=layers)
        add_subchannel(
            system,
            PATHS,
            SubchannelId(0, 0),
            guest_pmcw,
            (Region(0, storage_size, storage),),
            sink=system.ref(GuestPaths().css),
            layers=layers,
        )
        add_cpus(system, programs, system.ref(PATHS.subchannel), storage)
        tell_all(system, happens)

    return scenario


def tell_all(system: System, happens: Mapping[str, Any] | None) -> None:
    """Send messages from outside, by the path of their recipient."""
    for path, message in (happens or {}).items():
        system.ref(path).tell(message)


def reference(*programs: Program, delivery: Network = "channel") -> Reference:
    """Return everything that the CPUs can see on a bare subchannel."""
    return Reference(bare_scenario(*programs), visible, delivery=delivery)


def like_one_subchannel(
    *programs: Program, known: Reference | None = None, layers: Layers | None = None
) -> Scenario:
    """Return a scenario in which a guest sees only what a bare subchannel could show.

    `known` is the reference, if it exists already; its states are used again.
    """

    def scenario(world: World) -> None:
        PassThroughMachine(world.system, *programs, layers=layers)
        of = reference(*programs) if known is None else known
        refines(world, "a real subchannel", of)

    return scenario
