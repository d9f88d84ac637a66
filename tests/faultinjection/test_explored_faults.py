"""A faulty device under the explorer: every order of a guest, its channel and time."""

from collections.abc import Sequence
from typing import Any

import pytest

from ccw_actors.actors import MemoryVolume, Region, Storage
from ccw_actors.actors.protocol import (
    AwaitStatus,
    ClearSubchannel,
    HaltSubchannel,
    Instruct,
    Operation,
    Outcome,
    Piece,
    StartSubchannel,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import Cstat, Dstat, Orb, Pmcw, Rsc, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.explore import World, explore
from ccw_actors.faults import Fault
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_faulty_device,
    add_faulty_path,
    add_guest,
    add_subchannel,
)
from ccw_actors.scenarios._machine import GEOMETRY, RECORD, one_read, track

STORAGE = 0x3000
PROGRAM = 0x1000
PATHS = DevicePaths()
ENABLED = Pmcw.of_device(0x190).with_flag(Pmcw.enabled, on=True).with_isc(3)
START = Instruct(0, StartSubchannel(Orb.command(PROGRAM)))
TEST = Instruct(0, TestSubchannel())
READ = (START, AwaitStatus(), TEST)


def machine(world: World, fault: Fault, steps: Sequence[Operation]) -> Any:
    """Make a guest with one device, which has the fault; return its CPU."""
    system = world.system
    programmed = Piece(PROGRAM, one_read())
    storage = system.spawn(Storage(STORAGE, (programmed,)), "storage")
    volume = system.spawn(MemoryVolume(GEOMETRY, {0: track(RECORD)}), "volume")
    model = device_model(DeviceConfiguration("3390", GEOMETRY))
    add_faulty_device(system, PATHS, model, volume, geometry=GEOMETRY, faults=(fault,))
    css = system.ref(GuestPaths().css)
    region = Region(0, STORAGE, storage)
    add_subchannel(system, PATHS, SubchannelId(0, 0), ENABLED, (region,), sink=css)
    add_faulty_path(system, PATHS, 0, css)
    subchannels = {0: system.ref(PATHS.subchannel)}
    (cpu,) = add_guest(
        system, GuestPaths(), (steps,), subchannels, storage, cpus=2, remember=True
    )
    return cpu


def statuses(outcomes: Sequence[Outcome]) -> list[int]:
    """Return the device status of each TSCH that found some."""
    tested = [one for one in outcomes if isinstance(one, Tested) and not one.cc]
    return [one.irb.scsw.dstat for one in tested]


def scenario(fault: Fault, steps: Sequence[Operation], *shown: list[int]) -> Any:
    """Return the scenario of a guest that comes to its end, and finds one of these."""

    def explored(world: World) -> None:
        machine(world, fault, steps)
        world.final("the guest ends", lambda view: view["cpu0"].ended)
        world.final(
            "it finds a status that can be",
            lambda view: statuses(view["cpu0"].outcomes) in shown,
        )
        world.no_dead_letters()

    return explored


NORMAL = Dstat.CHANNEL_AND_DEVICE_END
CHECK = NORMAL | Dstat.UNIT_CHECK
HALT, CLEAR = Instruct(0, HaltSubchannel()), Instruct(0, ClearSubchannel())
HALTED = (START, HALT, AwaitStatus(), TEST)
CLEARED = (START, CLEAR, AwaitStatus(), TEST)


@pytest.mark.parametrize(
    ("fault", "steps", "shown"),
    [
        (Fault("unit check", sense="08"), READ, [[CHECK]]),
        (Fault("stall", seconds=1, track=(0, 0)), READ, [[NORMAL]]),
        (Fault("late interrupt", seconds=1), READ, [[NORMAL]]),
        (Fault("busy"), READ, [[Dstat.BUSY]]),
        (Fault("stall", seconds=1), HALTED, [[0], [NORMAL]]),
        (Fault("late interrupt", seconds=1), HALTED, [[0], [NORMAL]]),
        (Fault("lost interrupt"), HALTED, [[0], [NORMAL]]),
        (Fault("lost interrupt"), CLEARED, [[0]]),
        (Fault("stall", seconds=1, track=(0, 0)), CLEARED, [[0], [NORMAL]]),
    ],
)
def test_every_order(
    fault: Fault, steps: Sequence[Operation], shown: list[list[int]]
) -> None:
    """In every order the guest gets one status, that of its fault, and ends."""
    result = explore(scenario(fault, steps, *shown))
    assert result.verdict == "verified", result


def test_lost_means_lost() -> None:
    """A guest that only waits never ends: the fault is there."""
    result = explore(scenario(Fault("lost interrupt"), READ, [NORMAL]))
    assert result.verdict == "refuted"
    assert "the guest ends" in str(result)


def test_path_off() -> None:
    """A path that goes cuts the program short, and a report says so, in every order."""

    def explored(world: World) -> None:
        machine(world, Fault("path off"), READ)
        world.final(
            "the report is there",
            lambda view: [one.rsc for one in view["css"].reports] == [Rsc.CHANNEL_PATH],
        )
        world.sometimes(
            "the program is cut short",
            lambda view: any(
                one.irb.scsw.cstat == Cstat.INTERFACE_CONTROL_CHECK
                for one in view["cpu0"].outcomes
                if isinstance(one, Tested)
            ),
        )

    result = explore(explored)
    assert result.verdict == "verified", result
