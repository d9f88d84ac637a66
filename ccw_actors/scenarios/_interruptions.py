"""An interruption handed from a subchannel to one of two CPUs, straight away.

| scenario | what happens meanwhile |
|---|---|
| interruption-mask | the first CPU gives up its wait, and waits for another ISC |
| interruption-isc | the second CPU tests the status, and changes the ISC |
| interruption-crash | the first CPU crashes, or the subchannel does |
| bare-interruption-mask, bare-interruption-crash | the same on one subchannel |

| property | |
|---|---|
| no CPU gets an interruption of an ISC that it has off | always |
| an interruption reaches one CPU that waits, even if another failed on it | at rest |
| a CPU that still waits has its turn, even if a subchannel has failed | at rest |
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from ccw_actors.actors.protocol import (
    AwaitStatus,
    Instruct,
    Interruption,
    ModifySubchannel,
    NoInterruption,
    Operation,
)
from ccw_actors.explore import Event, Scenario, View, World
from ccw_actors.machine import OURS, Layers
from ccw_actors.scenarios._answers_below import ended, spawn_guest
from ccw_actors.scenarios._bare import bare_scenario
from ccw_actors.scenarios._guest_scenario import Maker
from ccw_actors.scenarios._machine import ENABLED, PATHS
from ccw_actors.scenarios._operations import START, START_AGAIN, TEST, WAIT

__all__ = ["INTERRUPTIONS"]

_Programs: TypeAlias = Sequence[Sequence[Operation]]
_CPUS: Final = ("cpu0", "cpu1")
_ISC_3, _ISC_4 = 0x10, 0x08
_MASKS: Final[_Programs] = (
    (AwaitStatus(1.0, _ISC_3), AwaitStatus(mask=_ISC_4)),
    (START, AwaitStatus(mask=_ISC_3), TEST),
)
_ISCS: Final[_Programs] = (
    (AwaitStatus(mask=_ISC_3),),
    (
        START,
        TEST,
        Instruct(0, ModifySubchannel(ENABLED.with_isc(4))),
        START_AGAIN,
        AwaitStatus(mask=_ISC_4),
    ),
)
_CRASHES: Final[_Programs] = ((WAIT,), (START, WAIT, TEST))


class Handled(NamedTuple):
    """How many interruptions the CPUs have handled, and on how many they failed."""

    times: int = 0
    failed: int = 0


def _follow(known: Handled, event: Event) -> Handled:
    if event.actor not in _CPUS or not isinstance(event.message, Interruption):
        return known
    if event.crash:
        return known._replace(failed=known.failed + 1)
    return known._replace(times=known.times + 1)


def _masks(world: World, _subchannel: str) -> None:
    """Check what the CPUs get while the first changes its mask."""
    _hold_masks(world, _MASKS)
    world.final("one CPU gets the interruption", lambda view: view.monitor.times == 1)
    world.sometimes("the first CPU gives up in time", _gave_up)
    world.sometimes("the first CPU gets it", lambda view: _taken(view, "cpu0"))
    world.sometimes("the wait is cancelled while the subchannel is asked", _is_late)


def _iscs(world: World, subchannel: str) -> None:
    """Check what the CPUs get while the ISC changes."""
    _hold_masks(world, _ISCS)

    def is_left(view: View) -> bool:
        is_asked = any(one.asked >= 0 for one in view["css"].waiters)
        of_new = view[subchannel].schib.pmcw.isc == 4
        return is_asked and of_new and bool(view[subchannel].interruption.pending)

    world.sometimes("one of another ISC is pending when it is asked", is_left)


def _hold_masks(world: World, programs: _Programs) -> None:
    def fits(view: View) -> bool:
        return all(
            not isinstance(outcome, Interruption)
            or operation.mask & 0x80 >> outcome.code.isc
            for operation, outcome in _waits(view, programs)
        )

    world.system_invariant("no CPU gets an ISC that it has off", fits)


def _crashes(world: World, subchannel: str) -> None:
    """Check what the second CPU gets when the first or the subchannel crashes."""
    world.may_crash(world.system.ref("cpu0"), world.system.ref(subchannel))

    def is_served(view: View) -> bool:
        lost = not view[subchannel].schib.pmcw.valid
        return lost or view.monitor.times == 1 or not view["cpu1"].waits

    world.final("the other CPU gets it", is_served)
    world.sometimes(
        "it is taken again after a failure",
        lambda view: view.monitor == Handled(1, 1),
    )


def _waits(view: View, programs: _Programs) -> Iterator[tuple[AwaitStatus, object]]:
    for path, program in zip(_CPUS, programs, strict=True):
        for operation, outcome in zip(program, view[path].outcomes, strict=False):
            if isinstance(operation, AwaitStatus):
                yield operation, outcome


def _taken(view: View, path: str) -> bool:
    return any(isinstance(one, Interruption) for one in view[path].outcomes)


def _gave_up(view: View) -> bool:
    gave_up = any(isinstance(one, NoInterruption) for one in view["cpu0"].outcomes)
    return gave_up and _taken(view, "cpu1")


def _are_open(view: View) -> bool:
    # A wait that was served stays as it is until the CPU waits again.
    cpus = [cpu for cpu in _CPUS if cpu in view]  # One may have crashed.
    waiting = [cpu for cpu in cpus if isinstance(view[cpu].operation, AwaitStatus)]
    waits = [one for one in view["css"].waiters if one.to.ref.path in waiting]
    return all(one.asked < 0 for one in waits)


def _is_late(view: View) -> bool:
    return any(one.asked >= 0 and one.cancelled for one in view["css"].waiters)


def _interruptions(
    summary: str,
    programs: _Programs,
    check: Callable[[World, str], None],
    *,
    bare: bool = False,
) -> Maker:
    """Return the maker of a scenario of two CPUs; `check` states the properties."""

    def maker(layers: Layers | None = None) -> Scenario:
        def scenario(world: World) -> None:
            if bare:
                kind = (layers or OURS).subchannel
                bare_scenario(*programs, subchannel=kind)(world)
            else:
                spawn_guest(world.system, programs, ended, layers or OURS)
            world.monitor(Handled(), _follow)
            world.final("a CPU that still waits has its turn", _are_open)
            check(world, PATHS.subchannel if bare else PATHS.emulated)

        scenario.__doc__ = summary
        return scenario

    return maker


INTERRUPTIONS: Final[dict[str, Maker]] = {
    "interruption-mask": _interruptions(
        "A CPU changes its mask while it is handed an interruption.", _MASKS, _masks
    ),
    "interruption-isc": _interruptions(
        "The ISC changes while a CPU is handed an interruption.", _ISCS, _iscs
    ),
    "interruption-crash": _interruptions(
        "A CPU or the subchannel crashes while an interruption is handed over.",
        _CRASHES,
        _crashes,
    ),
    "bare-interruption-mask": _interruptions(
        "On one subchannel: A CPU changes its mask while it is handed an interruption.",
        _MASKS,
        _masks,
        bare=True,
    ),
    "bare-interruption-crash": _interruptions(
        "On one subchannel: A CPU or the subchannel crashes while it is handed over.",
        _CRASHES,
        _crashes,
        bare=True,
    ),
}
"""The maker of each scenario, by name."""
