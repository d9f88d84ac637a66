"""The verdict table: designs of others and ours, in the scenarios of the thread."""

from ccw_actors.scenarios.verdicts.cell import INVARIANTS as INVARIANTS
from ccw_actors.scenarios.verdicts.cell import CellName as CellName
from ccw_actors.scenarios.verdicts.cell import CellNameError as CellNameError
from ccw_actors.scenarios.verdicts.cell import cell_scenario as cell_scenario
from ccw_actors.scenarios.verdicts.checking import Checked as Checked
from ccw_actors.scenarios.verdicts.checking import check as check
from ccw_actors.scenarios.verdicts.checking import work_of as work_of
from ccw_actors.scenarios.verdicts.columns import COLUMNS as COLUMNS
from ccw_actors.scenarios.verdicts.columns import Column as Column
from ccw_actors.scenarios.verdicts.linux_rack import linux_rack as linux_rack
from ccw_actors.scenarios.verdicts.racks import EMULATORS as EMULATORS
from ccw_actors.scenarios.verdicts.table import SAVED as SAVED
from ccw_actors.scenarios.verdicts.table import cell_hash as cell_hash
from ccw_actors.scenarios.verdicts.table import cells_of as cells_of
from ccw_actors.scenarios.verdicts.table import (
    counterexample_of as counterexample_of,
)
from ccw_actors.scenarios.verdicts.table import load as load
from ccw_actors.scenarios.verdicts.table import merge as merge
from ccw_actors.scenarios.verdicts.table import recall as recall
from ccw_actors.scenarios.verdicts.table import run as run
from ccw_actors.scenarios.verdicts.table import save as save
from ccw_actors.scenarios.verdicts.verdict import Cell as Cell
from ccw_actors.scenarios.verdicts.verdict import Explored as Explored
from ccw_actors.scenarios.verdicts.verdict import explore_cell as explore_cell
from ccw_actors.scenarios.verdicts.wiring import DESIGN_NAMES as DESIGN_NAMES
from ccw_actors.scenarios.verdicts.wiring import HOST_SIDE_ONLY as HOST_SIDE_ONLY
from ccw_actors.scenarios.verdicts.wiring import OURS as OURS

__all__ = [
    "COLUMNS",
    "DESIGN_NAMES",
    "EMULATORS",
    "HOST_SIDE_ONLY",
    "INVARIANTS",
    "OURS",
    "SAVED",
    "Cell",
    "CellName",
    "CellNameError",
    "Checked",
    "Column",
    "Explored",
    "cell_hash",
    "cell_scenario",
    "cells_of",
    "check",
    "counterexample_of",
    "explore_cell",
    "linux_rack",
    "load",
    "merge",
    "recall",
    "run",
    "save",
    "work_of",
]
