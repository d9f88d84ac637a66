"""The races of the thread, each at the smallest size that shows it."""

from typing import Final

from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import Layers
from ccw_actors.scenarios._bare import like_one_subchannel
from ccw_actors.scenarios._guest_scenario import Steps
from ccw_actors.scenarios._machine import PassThroughMachine
from ccw_actors.scenarios._operations import CLEAR, HALT, START, START_AGAIN, TEST, WAIT
from ccw_actors.scenarios._properties import guard

__all__ = ["clear_twice", "halt", "seed", "seed_seen"]


_SEED: Final[tuple[Steps, ...]] = (
    (START, WAIT, TEST),
    (CLEAR, START_AGAIN, WAIT, TEST),
)


def seed(layers: Layers | None = None) -> Scenario:
    """Return the race of the thread: two STARTs and a CLEAR from two CPUs."""

    def scenario(world: World) -> None:
        """Two STARTs and a CLEAR from two CPUs on one passed-through subchannel."""
        PassThroughMachine(world.system, *_SEED, layers=layers)
        guard(world)
        world.sometimes("CLEAR comes before the program is at the host", _clear_early)
        world.sometimes("CLEAR comes while the host runs the program", _clear_amidst)
        world.sometimes("the second program runs at the host", _second_runs)

    return scenario


def seed_seen(layers: Layers | None = None) -> Scenario:
    """Return the same; the CPUs may see only what one subchannel could show."""
    compared = like_one_subchannel(*_SEED, layers=layers)

    def scenario(world: World) -> None:
        """The same, and the CPUs see only what one subchannel could have shown."""
        compared(world)

    return scenario


def halt(layers: Layers | None = None) -> Scenario:
    """Return a HALT that comes at any time during a START, or after its end."""

    def scenario(world: World) -> None:
        """HALT races with the completion of a START on a passed-through subchannel."""
        PassThroughMachine(world.system, (START, WAIT, TEST), (HALT,), layers=layers)
        guard(world)
        world.sometimes("HALT comes before the program is at the host", _halt_early)
        world.sometimes("HALT comes while the host runs the program", _halt_amidst)
        world.sometimes("HALT comes after the host has ended the program", _halt_late)

    return scenario


def clear_twice(layers: Layers | None = None) -> Scenario:
    """Return a START, two CLEARs and another START of one CPU."""
    steps = (START, CLEAR, CLEAR, WAIT, TEST, START_AGAIN, WAIT, TEST)

    def scenario(world: World) -> None:
        """A START, two CLEARs and another START of one CPU."""
        PassThroughMachine(world.system, steps, layers=layers)
        guard(world)
        world.sometimes("CLEAR comes while the host runs the program", _clear_amidst)
        world.sometimes("the second program runs at the host", _second_runs)

    return scenario


def _phase(view: View) -> str:
    program = view["vfio-ccw"].program
    return program.phase if program is not None else ""


def _clear_early(view: View) -> bool:
    return view["guest-subchannel"].clear > 0 and _phase(view) in {"copying", "pinning"}


def _clear_amidst(view: View) -> bool:
    runs = view["subchannel"].execution is not None
    return view["guest-subchannel"].clear > 0 and runs


def _second_runs(view: View) -> bool:
    host = view["subchannel"]
    return host.execution is not None and host.run >= 2


def _halt_early(view: View) -> bool:
    return view["guest-subchannel"].halt > 0 and _phase(view) in {"copying", "pinning"}


def _halt_amidst(view: View) -> bool:
    runs = view["subchannel"].execution is not None
    return view["guest-subchannel"].halt > 0 and runs


def _halt_late(view: View) -> bool:
    over = view["subchannel"].run > 0 and view["subchannel"].execution is None
    return view["guest-subchannel"].halt > 0 and over and _phase(view) == "started"
