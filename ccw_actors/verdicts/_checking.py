"""Holds the saved table against what the models say now."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Final, NamedTuple

from ccw_actors.explore import Counterexample, ReplayError
from ccw_actors.verdicts._cell import CellName, cell_scenario
from ccw_actors.verdicts._table import cell_hash, counterexample_of, run
from ccw_actors.verdicts._verdict import Cell

__all__ = ["Checked", "check", "work_of"]

_ALWAYS: Final = "seed"


class Checked(NamedTuple):
    """What was done, and what is another one than was saved, a line each."""

    explored: int
    replayed: int
    problems: tuple[str, ...]


def check(
    names: Sequence[CellName],
    saved: Mapping[CellName, Cell],
    executor: Executor,
    told: Callable[[int], object] = lambda _: None,
) -> Checked:
    """Explore what has changed and the column seed, replay every counterexample.

    A cell has changed if its fingerprint has, or if it is not saved.
    """
    changed = _changed(names, saved)
    problems: list[str] = []
    for one in run(changed, executor, told):
        name = CellName.of(one.cell)
        before = saved.get(name)
        if before is None:
            problems.append(f"{_title(name)}: not in the saved table")
        elif _told(before) != _told(one.cell):
            problems.append(
                f"{_title(name)}: saved as {_told(before)}, now {_told(one.cell)}"
            )
    refuted = _refuted(names, saved)
    for replayed, name in enumerate(refuted, 1):
        problem = _replay(name, saved[name])
        problems += [f"{_title(name)}: {problem}"] if problem else []
        told(len(changed) + replayed)
    return Checked(len(changed), len(refuted), tuple(problems))


def work_of(names: Sequence[CellName], saved: Mapping[CellName, Cell]) -> int:
    """Return how many cells `check` explores and replays."""
    return len(_changed(names, saved)) + len(_refuted(names, saved))


def _changed(
    names: Sequence[CellName], saved: Mapping[CellName, Cell]
) -> list[CellName]:
    return [
        name
        for name in names
        if name not in saved
        or saved[name].hash != cell_hash(name)
        or name.scenario == _ALWAYS
    ]


def _refuted(
    names: Sequence[CellName], saved: Mapping[CellName, Cell]
) -> list[CellName]:
    return [one for one in names if one in saved and saved[one].verdict == "refuted"]


def _told(cell: Cell) -> tuple[object, ...]:
    """Return what of a cell has to be the same."""
    said = cell.verdict, cell.steps, cell.why, cell.also
    return *said, cell.classes, cell.violating


def _replay(name: CellName, cell: Cell) -> str:
    """Take the steps of a cell's counterexample; return what is wrong with it."""
    path = counterexample_of(cell)
    if path is None:
        return "its counterexample is missing"
    known = Counterexample.load(path)
    of, look = CellName.parse(known.scenario)
    if of != name:
        return f"its counterexample is of {known.scenario}"
    try:
        again = known.replay(cell_scenario(of, look))
    except ReplayError as lost:
        return str(lost)
    if again.violation != known.violation or len(again.steps) != cell.steps:
        return f"its counterexample now ends in {again.violation or 'no fault'}"
    return ""


def _title(name: CellName) -> str:
    return f"{name.design}/{name.emulator}/{name.scenario}"
