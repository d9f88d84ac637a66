"""Explores cells.

A verdict is about the scenario's own invariants and its conditions: a scenario does not
test a design that never reaches the conditions. If the own invariants hold, a second
exploration checks all others.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from functools import partial
from typing import Final

from msgspec.structs import replace

from ccw_actors.designs import WRONG
from ccw_actors.explore import (
    Counterexample,
    Limits,
    Result,
    Scenario,
    Tick,
    World,
    census,
    explore,
    sample_rate,
)
from ccw_actors.verdicts._cell import ExploredCell, VerdictCell
from ccw_actors.verdicts._cell_hash import cell_hash, counterexample_name
from ccw_actors.verdicts._guest_monitor import GUEST, GUEST_SIDE, GuestMonitor, follow
from ccw_actors.verdicts._invariants import INVARIANTS, LastFault, hold
from ccw_actors.verdicts._names import CellName, Checks
from ccw_actors.verdicts._rows import HOST_SIDE_ONLY
from ccw_actors.verdicts._wiring import design_machine

__all__ = ["cell_scenario", "explore_cell", "explore_cells"]

_LIMITS: Final = Limits(states=2_000_000, seconds=900.0)
_CLASSES: Final = 5_000


def cell_scenario(
    name: CellName, checks: Checks = "own", fault: LastFault | None = None
) -> Scenario:
    """Return the scenario of a cell, held to its own invariants or to all others.

    `fault` receives the last fault.
    """
    told = LastFault() if fault is None else fault
    of = name.verdict_scenario

    def scenario(world: World) -> None:
        machine = design_machine(world, name.design, name.emulator, of)
        if of.programs:
            world.monitor(GuestMonitor(), follow, of=world.system.ref(GUEST))
        for invariant in _checked(name, checks):
            hold(world, machine, invariant, told)
        if checks == "own":
            for condition, is_met in of.conditions.items():
                world.sometimes(condition, partial(is_met, machine))

    under = f" under {name.emulator}" if name.emulator else ""
    scenario.__doc__ = f"{name.design}{under}: {of.summary}."
    return scenario


def _checked(name: CellName, checks: Checks) -> list[str]:
    of, is_host_side = name.verdict_scenario, name.design == HOST_SIDE_ONLY
    own = tuple(WRONG) if is_host_side else of.invariants

    def is_about_it(one: str) -> bool:
        """Whether it can be broken in this cell."""
        if is_host_side and one not in WRONG:
            return False
        return bool(of.programs) or one not in GUEST_SIDE

    wanted = (one for one in INVARIANTS if (one in own) is (checks == "own"))
    return list(filter(is_about_it, wanted))


def explore_cells(
    names: Sequence[CellName],
    executor: Executor,
    told: Callable[[int], object] = lambda _: None,
) -> list[ExploredCell]:
    """Explore cells with an executor; return them in the order of their names.

    `told` is called with the number of cells that are done.
    """
    found: dict[CellName, ExploredCell] = {}
    waiting = {executor.submit(explore_cell, name): name for name in names}
    for future in as_completed(waiting):
        found[waiting[future]] = future.result()
        told(len(found))
    return [found[name] for name in names]


def explore_cell(
    name: CellName, *, tick: Tick | None = None, counts: bool = True
) -> ExploredCell:
    """Explore a cell; see `VerdictCell` for the result.

    With `counts` the classes of a refuted cell are counted, or if there are more than
    5,000, random schedules are tried.
    """
    fault = LastFault()
    scenario = cell_scenario(name, "own", fault)
    result = explore(scenario, engine="states", limits=_LIMITS, tick=tick)
    cell = VerdictCell(
        design=name.design,
        emulator=name.emulator,
        scenario=name.scenario,
        verdict=result.verdict,
        states=result.states or 0,
        hash=cell_hash(name),
    )
    match result.verdict:
        case "refuted":
            cell = replace(cell, why=fault.what or result.violation)
            return _refuted(name, cell, result, counts=counts)
        case "incomplete":
            return ExploredCell(replace(cell, why=result.scope))
        case "vacuous":
            return ExploredCell(replace(cell, why=result.violation))
        case _:
            return ExploredCell(_held_to_others(name, cell, tick))


def _refuted(
    name: CellName, cell: VerdictCell, result: Result, *, counts: bool
) -> ExploredCell:
    """Return a refuted cell with its counterexample."""
    known = Counterexample.of(name.scenario_name(), result)
    classes, violating = _count(name) if counts else (None, None)
    refuted = replace(
        cell,
        steps=len(result.counterexample),
        classes=classes,
        violating=violating,
        counterexample=counterexample_name(known),
    )
    return ExploredCell(refuted, known)


def _held_to_others(
    name: CellName, cell: VerdictCell, tick: Tick | None
) -> VerdictCell:
    """Return a cell whose own invariants hold, with another that is broken, if any."""
    fault = LastFault()
    others = cell_scenario(name, "others", fault)
    result = explore(others, engine="states", limits=_LIMITS, tick=tick)
    if result.verdict == "incomplete":
        return replace(cell, verdict="incomplete", why=result.scope)
    return replace(cell, also=fault.what or result.violation)


def _count(name: CellName) -> tuple[int | None, float | int]:
    """Return how many classes there are and how many fail, or None and a rate."""
    scenario = cell_scenario(name)
    counted = census(scenario, classes_max=_CLASSES)
    if not counted.limit:
        return counted.classes, counted.violating
    rate = sample_rate(scenario)
    return None, rate.violating / rate.schedules
