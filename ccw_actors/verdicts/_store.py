"""The saved table: a file of cells, and one for each counterexample.

A saved cell is valid while its hash is that of `cell_hash`. The package contains the
table. Many cells have the same steps to a fault. They share a file, which is named
after these steps, and which names the scenario of the first of these cells.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import Counterexample
from ccw_actors.verdicts._cell import ExploredCell, VerdictCell
from ccw_actors.verdicts._names import CellName, cells_of

__all__ = [
    "SAVED",
    "SavedTable",
    "TableError",
    "counterexample_of",
    "load",
    "merge",
    "recall",
    "save",
]

SAVED: Final = Path(__file__).parent / "saved"
"""The folder of the table that the package contains."""

_TABLE: Final = "table.json"
_FILES: Final = "counterexamples"


class TableError(CcwActorsError):
    """A file is not a saved verdict table."""


class SavedTable(Struct, frozen=True):
    """The cells of a file, in the order of the table."""

    cells: tuple[VerdictCell, ...] = ()


def load(folder: Path = SAVED) -> SavedTable:
    """Read the saved table of a folder; return an empty one if it has none.

    Raises `TableError` if the file is not a saved table.
    """
    path = folder / _TABLE
    if not path.is_file():
        return SavedTable()
    try:
        return msgspec.json.decode(path.read_bytes(), type=SavedTable)
    except msgspec.DecodeError as error:
        raise TableError(f"{path}: not a saved verdict table: {error}") from error


def save(explored: Sequence[ExploredCell], folder: Path) -> None:
    """Write a table, and the counterexamples of its cells, each once."""
    folder.mkdir(parents=True, exist_ok=True)
    table = SavedTable(tuple(one.cell for one in explored))
    raw = msgspec.json.format(msgspec.json.encode(table), indent=1)
    (folder / _TABLE).write_bytes(raw + b"\n")
    files = folder / _FILES
    kept: dict[str, Counterexample] = {}
    for one in explored:
        if one.counterexample is not None:
            # A replay finds steps by name, and shows them then.
            bare = replace(one.counterexample, shown=())
            kept.setdefault(str(one.cell.counterexample), bare)
    for old in files.glob("*.json"):
        if old.name not in kept:
            old.unlink()
    for name, known in kept.items():
        known.save(files / name)


def merge(explored: Sequence[ExploredCell], folder: Path) -> list[ExploredCell]:
    """Return these cells, and those saved in a folder that they do not replace."""
    found = {CellName.of(one.cell): one for one in explored}
    others = recall(
        (c for c in load(folder).cells if CellName.of(c) not in found), folder
    )
    found |= {CellName.of(one.cell): one for one in others}
    return [found[name] for name in cells_of() if name in found]


def counterexample_of(cell: VerdictCell, folder: Path = SAVED) -> Path | None:
    """Return the file of a cell's counterexample, None if it has none."""
    if cell.counterexample is None:
        return None
    path = folder / _FILES / cell.counterexample
    return path if path.is_file() else None


def recall(cells: Iterable[VerdictCell], folder: Path = SAVED) -> list[ExploredCell]:
    """Return saved cells with their counterexamples, each as that of its cell."""
    found: list[ExploredCell] = []
    loaded: dict[Path, Counterexample] = {}
    for cell in cells:
        path = counterexample_of(cell, folder)
        known = None
        if path is not None:
            if path not in loaded:
                loaded[path] = Counterexample.load(path)
            scenario = CellName.of(cell).scenario_name()
            known = replace(loaded[path], scenario=scenario)
        found.append(ExploredCell(cell, known))
    return found
