"""A cell of the verdict table: what exploring it has found."""

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.explore import (
    Counterexample,
    Limits,
    Tick,
    census,
    explore,
    sample_rate,
)
from ccw_actors.verdicts._cell import CellName, Judge, cell_scenario

__all__ = ["Cell", "Explored", "explore_cell", "file_name"]

CellVerdict = Literal["verified", "refuted", "incomplete", "vacuous"]

_LIMITS: Final = Limits(states=1_000_000, seconds=300.0)
_CLASSES: Final = 5_000
_ORDERS: Final = 1_000


class Cell(Struct, frozen=True, kw_only=True):
    """The verdict of a design under an emulator in a scenario.

    `steps` is the length of the shortest counterexample. `violating` of `classes`
    orders that differ for some actor end in a fault; where there are too many to count,
    `classes` is None and `violating` the rate among orders taken by lot. `why` says
    what goes wrong, or what limits the verdict. `counterexample` is the name of its
    file. `states` were visited. `hash` is the fingerprint of what the verdict rests on.
    """

    design: str
    emulator: str
    scenario: str
    verdict: CellVerdict
    steps: int | None = None
    classes: int | None = None
    violating: float | int | None = None
    why: str = ""
    also: str = ""
    counterexample: str | None = None
    states: int = 0
    hash: str = ""


class Explored(Struct, frozen=True):
    """A cell, and its counterexample if it is refuted."""

    cell: Cell
    counterexample: Counterexample | None = None


def explore_cell(
    name: CellName, *, tick: Tick | None = None, counts: bool = True
) -> Explored:
    """Explore a cell; see `cell` for what is looked for.

    With `counts` the classes of a refuted cell are counted, or orders taken by lot.
    """
    judge = Judge()
    scenario = cell_scenario(name, "about", judge)
    result = explore(scenario, engine="states", limits=_LIMITS, tick=tick)
    verdict: CellVerdict = result.verdict
    cell = Cell(
        design=name.design,
        emulator=name.emulator,
        scenario=name.scenario,
        verdict=verdict,
        states=result.states or 0,
    )
    if verdict == "refuted":
        known = Counterexample.of(name.scenario_name("about"), result)
        classes, violating = _count(name) if counts else (None, None)
        refuted = replace(
            cell,
            steps=len(result.counterexample),
            classes=classes,
            violating=violating,
            why=judge.what or result.violation,
            counterexample=file_name(name),
        )
        return Explored(refuted, known)
    if verdict == "incomplete":
        return Explored(replace(cell, why=result.scope))
    if verdict == "vacuous":
        return Explored(replace(cell, why=result.violation))
    judge.what = ""
    others = cell_scenario(name, "others", judge)
    result = explore(others, engine="states", limits=_LIMITS, tick=tick)
    if result.verdict == "incomplete":
        return Explored(replace(cell, verdict="incomplete", why=result.scope))
    return Explored(replace(cell, also=judge.what or result.violation))


def file_name(name: CellName) -> str:
    """Return the name of the file of a cell's counterexample."""
    return f"{name.design}.{name.emulator}.{name.scenario}.json"


def _count(name: CellName) -> tuple[int | None, float | int]:
    """Return how many classes there are and how many are wrong, or None and a rate."""
    scenario: Callable[..., None] = cell_scenario(name, "about")
    counted = census(scenario, classes_max=_CLASSES)
    if not counted.limit:
        return counted.classes, counted.violating
    rate = sample_rate(scenario, orders=_ORDERS)
    return None, rate.violating / rate.orders
