"""The verdict table: designs of others and ours, in the scenarios of the thread."""

from ccw_actors.verdicts._cell import INVARIANTS as INVARIANTS
from ccw_actors.verdicts._cell import CellName as CellName
from ccw_actors.verdicts._cell import CellNameError as CellNameError
from ccw_actors.verdicts._cell import cell_scenario as cell_scenario
from ccw_actors.verdicts._checking import Checked as Checked
from ccw_actors.verdicts._checking import check as check
from ccw_actors.verdicts._checking import work_of as work_of
from ccw_actors.verdicts._columns import COLUMNS as COLUMNS
from ccw_actors.verdicts._columns import Column as Column
from ccw_actors.verdicts._interleaving import Line as Line
from ccw_actors.verdicts._interleaving import columns_of as columns_of
from ccw_actors.verdicts._interleaving import sequence_diagram as sequence_diagram
from ccw_actors.verdicts._linux_rack import linux_rack as linux_rack
from ccw_actors.verdicts._racks import EMULATORS as EMULATORS
from ccw_actors.verdicts._table import SAVED as SAVED
from ccw_actors.verdicts._table import cell_hash as cell_hash
from ccw_actors.verdicts._table import cells_of as cells_of
from ccw_actors.verdicts._table import counterexample_of as counterexample_of
from ccw_actors.verdicts._table import load as load
from ccw_actors.verdicts._table import merge as merge
from ccw_actors.verdicts._table import recall as recall
from ccw_actors.verdicts._table import run as run
from ccw_actors.verdicts._table import save as save
from ccw_actors.verdicts._text import cell_text as cell_text
from ccw_actors.verdicts._text import command as command
from ccw_actors.verdicts._text import lines_of as lines_of
from ccw_actors.verdicts._text import others as others
from ccw_actors.verdicts._text import share as share
from ccw_actors.verdicts._verdict import Cell as Cell
from ccw_actors.verdicts._verdict import Explored as Explored
from ccw_actors.verdicts._verdict import explore_cell as explore_cell
from ccw_actors.verdicts._wiring import DESIGN_NAMES as DESIGN_NAMES
from ccw_actors.verdicts._wiring import HOST_SIDE_ONLY as HOST_SIDE_ONLY
from ccw_actors.verdicts._wiring import OURS as OURS
from ccw_actors.verdicts._wiring import V4_SUBSETS as V4_SUBSETS

__all__ = [
    "COLUMNS",
    "DESIGN_NAMES",
    "EMULATORS",
    "HOST_SIDE_ONLY",
    "INVARIANTS",
    "OURS",
    "SAVED",
    "V4_SUBSETS",
    "Cell",
    "CellName",
    "CellNameError",
    "Checked",
    "Column",
    "Explored",
    "Line",
    "cell_hash",
    "cell_scenario",
    "cell_text",
    "cells_of",
    "check",
    "columns_of",
    "command",
    "counterexample_of",
    "explore_cell",
    "lines_of",
    "linux_rack",
    "load",
    "merge",
    "others",
    "recall",
    "run",
    "save",
    "sequence_diagram",
    "share",
    "work_of",
]
