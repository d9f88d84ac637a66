"""Compares the saved table with the models as they are now."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Final, NamedTuple

from ccw_actors.explore import ReplayError
from ccw_actors.verdicts._cell import VerdictCell
from ccw_actors.verdicts._cell_hash import cell_hash
from ccw_actors.verdicts._explore import cell_scenario, explore_cells
from ccw_actors.verdicts._names import CellName
from ccw_actors.verdicts._store import recall

__all__ = ["Checked", "check", "work_of"]

# Explored even if no hash has changed: a hash may miss code that matters.
_ALWAYS: Final = "seed"


class Checked(NamedTuple):
    """The numbers of cells explored and replayed, and a line for each difference."""

    explored: int
    replayed: int
    problems: tuple[str, ...]


def check(
    names: Sequence[CellName],
    saved: Mapping[CellName, VerdictCell],
    executor: Executor,
    told: Callable[[int], object] = lambda _: None,
) -> Checked:
    """Explore the changed cells and the scenario seed; replay all counterexamples.

    A cell has changed if its fingerprint has, or if it is not saved. `told` is called
    with the number of explorations and replays that are done.
    """
    changed = _changed(names, saved)
    problems: list[str] = []
    for one in explore_cells(changed, executor, told):
        name = CellName.of(one.cell)
        before = saved.get(name)
        if before is None:
            problems.append(f"{name}: not in the saved table")
        elif _compared(before) != _compared(one.cell):
            problems.append(
                f"{name}: saved as {_compared(before)}, now {_compared(one.cell)}"
            )
    refuted = _refuted(names, saved)
    for replayed, name in enumerate(refuted, 1):
        problem = _replay(name, saved[name])
        problems += [f"{name}: {problem}"] if problem else []
        told(len(changed) + replayed)
    return Checked(len(changed), len(refuted), tuple(problems))


def work_of(names: Sequence[CellName], saved: Mapping[CellName, VerdictCell]) -> int:
    """Return how many cells `check` explores and replays."""
    return len(_changed(names, saved)) + len(_refuted(names, saved))


def _changed(
    names: Sequence[CellName], saved: Mapping[CellName, VerdictCell]
) -> list[CellName]:
    return [
        name
        for name in names
        if name not in saved
        or saved[name].hash != cell_hash(name)
        or name.scenario == _ALWAYS
    ]


def _refuted(
    names: Sequence[CellName], saved: Mapping[CellName, VerdictCell]
) -> list[CellName]:
    return [one for one in names if one in saved and saved[one].verdict == "refuted"]


def _compared(cell: VerdictCell) -> tuple[object, ...]:
    """Return the part of a cell that has to be the same."""
    said = cell.verdict, cell.steps, cell.why, cell.also
    return *said, cell.classes, cell.violating


def _replay(name: CellName, cell: VerdictCell) -> str:
    """Replay a cell's counterexample; return what is wrong with it, or ""."""
    (saved,) = recall([cell])
    known = saved.counterexample
    if known is None:
        return "its counterexample is missing"
    try:
        again = known.replay(cell_scenario(name))
    except ReplayError as lost:
        return str(lost)
    if again.violation != known.violation or len(again.steps) != cell.steps:
        return f"its counterexample now ends with {again.violation or 'no fault'}"
    return ""
