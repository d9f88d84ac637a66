"""The same guest on a machine of its own: its CPUs, one subchannel, one device.

What can happen there is what a guest may see of a passed-through subchannel, too.
"""

from ccw_actors.actors import (
    ChannelSubsystem,
    Device,
    Emulator,
    Guest,
    MemoryVolume,
    Region,
    Storage,
    Subchannel,
)
from ccw_actors.actors.protocol import Piece, WriteStorage
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.explore import Network, Reference, Scenario, World, refines
from ccw_actors.scenarios.pass_through.history import visible
from ccw_actors.scenarios.pass_through.house import (
    ENABLED,
    GEOMETRY,
    PROGRAM,
    House,
    Layers,
    Program,
    one_read,
    track,
)

__all__ = ["bare_machine", "like_one_subchannel", "reference"]

_STORAGE = 0x3000
_RECORD = b"what the channel reads.."


def bare_machine(
    *programs: Program,
    guest_pmcw: Pmcw = ENABLED,
    content: bytes | None = None,
    storage_size: int = _STORAGE,
    image: bytes | None = None,
) -> Scenario:
    """Return the scenario of CPUs "cpu0", "cpu1", ... on a bare subchannel.

    The arguments are those of `House`.
    """

    def scenario(world: World) -> None:
        system = world.system
        ref = system.ref
        storage = system.spawn(Storage(storage_size), "storage")
        pieces = (Piece(PROGRAM, one_read() if content is None else content),)
        storage.ask(WriteStorage(0, pieces), block=True)
        first = track(_RECORD) if image is None else image
        system.spawn(MemoryVolume(GEOMETRY, {0: first}), "volume")
        model = device_model(DeviceConfiguration("3390", GEOMETRY))
        system.spawn(Device(model, ref("volume")), "device")
        subchannel = system.spawn(
            Subchannel(
                SubchannelId(0, 0),
                guest_pmcw,
                ref("device"),
                (Region(0, storage_size, storage),),
                ref("css"),
            ),
            "subchannel",
        )
        system.spawn(ChannelSubsystem({0: subchannel}), "css")
        system.spawn(Emulator(len(programs) + 1, (subchannel,)), "emulator")
        for number, program in enumerate(programs):
            cpu = Guest(
                program,
                {0: subchannel},
                ref("css"),
                storage,
                ref("emulator"),
                remember=True,
            )
            system.spawn(cpu, f"cpu{number}")

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
        House(world.system, *programs, layers=layers)
        of = reference(*programs) if known is None else known
        refines(world, "a real subchannel", of)

    return scenario
