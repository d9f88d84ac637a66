"""The verdict table as data, and the part of its page that a script fills.

`table.json` has the cells and the names of their designs, emulators and scenarios.
`paths.json` has the interleavings of the refuted ones, each once.
"""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from ccw_actors.verdicts import (
    DESIGN_NAMES,
    EMULATORS,
    V4_SUBSETS,
    VERDICT_SCENARIOS,
    CellName,
    ExploredCell,
    Row,
    VerdictCell,
    cell_text,
    command,
    design_row,
    lines_of,
    load,
    others,
    recall,
    share,
)
from tools.design_tables import files_of_functions
from tools.executed_page import executed_mark
from tools.verdict_table_page import records_by_cell

__all__ = ["with_filters", "write"]

_BEFORE: Final = "## Scenarios of a guest"
_FILTERS: Final = """\
## Find a cell

<div id="verdicts" class="verdicts">
<p>This needs a script, which your browser does not run. The whole table is below.</p>
</div>
<script type="module" src="../../../_static/verdicts.js"></script>

"""
_HEAD: Final = "---\nhide-toc: true\n---\n"
_AT_ONCE: Final = 8

Path_ = list[tuple[str, str, str]]
"""The steps of an interleaving: the column, what happens, and the file it is in."""


def with_filters(page: str) -> str:
    """Return the page of the table with a place for filters.

    Raises `ValueError` if the page has no place for them.
    """
    if _BEFORE not in page:
        raise ValueError(f"expected the heading {_BEFORE!r}")
    return _HEAD + page.replace(_BEFORE, _FILTERS + _BEFORE, 1)


def write(folder: Path) -> None:
    """Write the data into a folder."""
    cells = load().cells
    found = _paths(cells)
    paths = list(dict.fromkeys(tuple(path) for path in found if path))
    at = {path: number for number, path in enumerate(paths)}
    data = {
        "designs": [
            _row(name, design_row(name)) | {"part": name in V4_SUBSETS}
            for name in DESIGN_NAMES
        ],
        "emulators": [_row(name, row) for name, row in EMULATORS.items()],
        "scenarios": [
            {"id": name, "title": one.title, "summary": one.summary}
            for name, one in VERDICT_SCENARIOS.items()
        ],
        "cells": [
            _cell(cell) | {"path": at[tuple(path)] if path else None}
            for cell, path in zip(cells, found, strict=True)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in (("table", data), ("paths", paths)):
        text = json.dumps(one, ensure_ascii=False, separators=(",", ":"))
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _row(name: str, row: Row) -> dict[str, Any]:
    return {"id": name, "title": row.title, "summary": row.summary}


def _cell(cell: VerdictCell) -> dict[str, Any]:
    """Return what the page shows of a cell."""
    kind = "broken" if cell.verdict == "verified" and cell.also else cell.verdict
    return {
        "name": str(CellName.of(cell)),
        "design": cell.design,
        "emulator": cell.emulator,
        "scenario": cell.scenario,
        "verdict": kind,
        "text": cell_text(cell),
        "steps": cell.steps,
        "why": cell.why,
        "also": cell.also,
        "share": share(cell),
        "states": cell.states,
        "command": command(cell),
        "others": others(cell) if cell.also else "",
        "executed": executed_mark(records_by_cell(), cell.design, cell.scenario),
    }


def _paths(cells: Sequence[VerdictCell]) -> list[Path_]:
    """Return the interleaving of each cell, empty if it is not refuted.

    Designs that share a counterexample take the same steps, so it is replayed once for
    each scenario and emulator.
    """
    explored = {_shared(one.cell): one for one in recall(cells) if one.counterexample}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(_path, explored.values(), chunksize=_AT_ONCE)
        paths = dict(zip(explored, found, strict=True))
    return [paths.get(_shared(cell), []) for cell in cells]


def _shared(cell: VerdictCell) -> tuple[str | None, ...]:
    """Return what cells with the same interleaving have in common."""
    return cell.counterexample, cell.scenario, cell.emulator


def _path(explored: ExploredCell) -> Path_:
    """Take the steps of a counterexample again."""
    assert explored.counterexample is not None, "those of refuted cells alone are asked"
    files = files_of_functions()
    return [
        (line.column, line.what, files.get(line.what.partition("(")[0], ""))
        for line in lines_of(explored.cell, explored.counterexample)
    ]
