"""The verdict table: which cells there are, those that are saved, and running the rest.

A saved cell holds as long as its fingerprint does: that of the models, of the scenario
and of the engine. The saved table comes with the package.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import Counterexample
from ccw_actors.verdicts._cell import CellName
from ccw_actors.verdicts._columns import COLUMNS
from ccw_actors.verdicts._fingerprint import fingerprint
from ccw_actors.verdicts._racks import EMULATORS
from ccw_actors.verdicts._verdict import Cell, Explored, explore_cell, file_name
from ccw_actors.verdicts._wiring import DESIGN_NAMES, HOST_SIDE_ONLY, OURS, features_of

__all__ = [
    "SAVED",
    "Table",
    "TableError",
    "cell_hash",
    "cells_of",
    "counterexample_of",
    "load",
    "merge",
    "recall",
    "run",
    "save",
]

SAVED: Final = Path(__file__).parent / "saved"
"""Where the table is that comes with the package."""

_TABLE: Final = "table.json"
_FILES: Final = "counterexamples"
_MODELS: Final = ("actors", "channel", "designs")
_SCENARIO: Final = (
    "scenarios/_house.py",
    "scenarios/_properties.py",
    "verdicts/_cell.py",
    "verdicts/_columns.py",
    "verdicts/_racks.py",
    "verdicts/_seen.py",
    "verdicts/_windows.py",
    "verdicts/_wiring.py",
)
_ENGINE: Final = ("explore", "runtime", "transport", "verdicts/_verdict.py")


class TableError(CcwActorsError):
    """A file is no saved table."""


class Table(Struct, frozen=True):
    """The saved table."""

    cells: tuple[Cell, ...] = ()


def cells_of(
    designs: Iterable[str] = (),
    emulators: Iterable[str] = (),
    scenarios: Iterable[str] = (),
) -> list[CellName]:
    """Return the cells of these rows and columns; nothing given means all there are."""
    wanted = tuple(designs) or DESIGN_NAMES
    under = tuple(emulators) or tuple(EMULATORS)
    columns = tuple(scenarios) or tuple(COLUMNS)
    return [
        name
        for design in DESIGN_NAMES
        for emulator in EMULATORS
        for scenario in COLUMNS
        if design in wanted and emulator in under and scenario in columns
        for name in (CellName(design, emulator, scenario),)
        if not name.no_meaning
    ]


def cell_hash(name: CellName) -> str:
    """Return the fingerprint of a cell: of models, scenario and engine."""
    is_own = name.design in (OURS, HOST_SIDE_ONLY)
    models = fingerprint(*_MODELS, *(("devices",) if is_own else ()))
    rack = "_own_rack.py" if is_own else "_linux_rack.py"
    scenario = fingerprint(*_SCENARIO, f"verdicts/{rack}")
    return f"{models}-{scenario}-{fingerprint(*_ENGINE)}"


def load(folder: Path = SAVED) -> Table:
    """Read a saved table; an empty one if there is none.

    Raises `TableError` for a file that is none.
    """
    path = folder / _TABLE
    if not path.is_file():
        return Table()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Table)
    except msgspec.DecodeError as error:
        raise TableError(f"{path}: not a saved verdict table: {error}") from error


def save(explored: Sequence[Explored], folder: Path) -> None:
    """Write a table, and the counterexamples of its cells."""
    folder.mkdir(parents=True, exist_ok=True)
    table = Table(tuple(one.cell for one in explored))
    raw = msgspec.json.format(msgspec.json.encode(table), indent=1)
    (folder / _TABLE).write_bytes(raw + b"\n")
    kept = {one.cell.counterexample for one in explored}
    files = folder / _FILES
    for old in files.glob("*.json"):
        if old.name not in kept:
            old.unlink()
    for one in explored:
        if one.counterexample is not None:
            # Steps are found by name; what they are is shown when they are replayed.
            bare = replace(one.counterexample, shown=())
            bare.save(files / str(one.cell.counterexample))


def merge(explored: Sequence[Explored], folder: Path) -> list[Explored]:
    """Return these cells, and those saved in a folder that they do not replace."""
    found = {CellName.of(one.cell): one for one in explored}
    others = recall(
        (c for c in load(folder).cells if CellName.of(c) not in found), folder
    )
    found |= {CellName.of(one.cell): one for one in others}
    return [found[name] for name in cells_of() if name in found]


def counterexample_of(cell: Cell, folder: Path = SAVED) -> Path | None:
    """Return the file of a cell's counterexample, None if it has none."""
    if cell.counterexample is None:
        return None
    path = folder / _FILES / cell.counterexample
    return path if path.is_file() else None


def recall(cells: Iterable[Cell], folder: Path = SAVED) -> list[Explored]:
    """Return saved cells with their counterexamples."""
    found: list[Explored] = []
    for cell in cells:
        path = counterexample_of(cell, folder)
        known = None if path is None else Counterexample.load(path)
        found.append(Explored(cell, known))
    return found


def run(
    names: Sequence[CellName],
    executor: Executor,
    told: Callable[[int], object] = lambda _: None,
) -> Iterator[Explored]:
    """Explore cells by way of an executor; yield them in their order.

    Cells that are wired the same are explored once. `told` is called with the number of
    cells that are done.
    """
    same: dict[object, list[CellName]] = {}
    for name in names:
        same.setdefault(_wiring(name), []).append(name)
    firsts = [group[0] for group in same.values()]
    found: dict[CellName, Explored] = {}
    waiting = {executor.submit(explore_cell, name): name for name in firsts}
    for future in as_completed(waiting):
        first = waiting[future]
        for name in same[_wiring(first)]:
            found[name] = _renamed(future.result(), name)
        told(len(found))
    for name in names:
        yield found[name]


def _wiring(name: CellName) -> object:
    """Return what two cells have in common if they are wired the same."""
    design: object = name.design
    if name.design not in (OURS, HOST_SIDE_ONLY):
        design = features_of(name.design)
    emulator = "" if name.column.raw else name.emulator
    return design, emulator, name.scenario


def _renamed(explored: Explored, name: CellName) -> Explored:
    """Return what was found of one cell as that of another that is wired the same."""
    known = explored.counterexample
    if known is not None:
        known = replace(known, scenario=name.scenario_name("about"))
    cell = replace(
        explored.cell,
        design=name.design,
        emulator=name.emulator,
        hash=cell_hash(name),
        counterexample=None if known is None else file_name(name),
    )
    return Explored(cell, known)
