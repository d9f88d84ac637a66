"""The same guest on a machine of its own: its CPUs, one subchannel, one device.

What can happen there is what a guest may see of a passed-through subchannel, too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ccw_actors.actors import (
    MemoryVolume,
    Region,
    Storage,
    Subchannel,
)
from ccw_actors.actors.hardware import UNHURRIED, Pace
from ccw_actors.actors.protocol import Piece
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.explore import Network, Reference, Scenario, World, refines
from ccw_actors.machine import (
    GuestPaths,
    Layers,
    Program,
    add_device,
    add_guest,
    add_subchannel,
)
from ccw_actors.scenarios._history import visible
from ccw_actors.scenarios._machine import (
    ENABLED,
    GEOMETRY,
    PATHS,
    PROGRAM,
    STORAGE,
    PassThroughMachine,
    one_read,
    track,
)

__all__ = [
    "RECORD",
    "bare_machine",
    "like_one_subchannel",
    "reference",
]

RECORD = b"what the channel reads.."


def bare_machine(
    *programs: Program,
    guest_pmcw: Pmcw = ENABLED,
    content: bytes | None = None,
    storage_size: int = STORAGE,
    image: bytes | None = None,
    happens: Mapping[str, Any] | None = None,
    subchannel: Callable[..., Subchannel] = Subchannel,
    pace: Pace = UNHURRIED,
) -> Scenario:
    """Return the scenario of CPUs "cpu0", "cpu1", ... on a bare subchannel.

    The arguments are those of `PassThroughMachine`. The subchannel takes the time that
    the architecture leaves it, unless `pace` says otherwise. Messages that `happens`
    has by path come from outside, at any time.
    """

    def scenario(world: World) -> None:
        system = world.system
        ref = system.ref
        program = Piece(PROGRAM, one_read() if content is None else content)
        storage = system.spawn(Storage(storage_size, (program,)), "storage")
        first = track(RECORD) if image is None else image
        volume = system.spawn(MemoryVolume(GEOMETRY, {0: first}), "volume")
        model = device_model(DeviceConfiguration("3390", GEOMETRY))
        layers = Layers(subchannel=subchannel, pace=pace)
        add_device(system, PATHS, model, volume)
        guest = GuestPaths()
        add_subchannel(
            system,
            PATHS,
            SubchannelId(0, 0),
            guest_pmcw,
            (Region(0, storage_size, storage),),
            sink=guest.css,
            layers=layers,
        )
        add_guest(
            system,
            guest,
            programs,
            {0: ref(PATHS.subchannel)},
            storage,
            cpus=len(programs) + 1,
            remember=True,
        )
        for path, message in (happens or {}).items():
            ref(path).tell(message)

    return scenario


def reference(*programs: Program, delivery: Network = "channel") -> Reference:
    """Return all that the CPUs can see on a bare subchannel."""
    return Reference(bare_machine(*programs), visible, delivery=delivery)


def like_one_subchannel(
    *programs: Program, known: Reference | None = None, layers: Layers | None = None
) -> Scenario:
    """Return a scenario in which a guest sees what it could have seen on a bare one.

    `known` is the reference if it has been made, and whose states are to be used.
    """

    def scenario(world: World) -> None:
        PassThroughMachine(world.system, *programs, layers=layers)
        of = reference(*programs) if known is None else known
        refines(world, "a real subchannel", of)

    return scenario
