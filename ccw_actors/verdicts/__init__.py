"""The verdict table: the designs of the thread, and ours, in its scenarios."""

from ccw_actors.verdicts._cell import ExploredCell as ExploredCell
from ccw_actors.verdicts._cell import VerdictCell as VerdictCell
from ccw_actors.verdicts._cell_hash import cell_hash as cell_hash
from ccw_actors.verdicts._check import Checked as Checked
from ccw_actors.verdicts._check import check as check
from ccw_actors.verdicts._check import work_of as work_of
from ccw_actors.verdicts._explore import cell_scenario as cell_scenario
from ccw_actors.verdicts._explore import explore_cell as explore_cell
from ccw_actors.verdicts._explore import explore_cells as explore_cells
from ccw_actors.verdicts._interleaving import Line as Line
from ccw_actors.verdicts._interleaving import columns_of as columns_of
from ccw_actors.verdicts._interleaving import interleaving as interleaving
from ccw_actors.verdicts._interleaving import sequence_diagram as sequence_diagram
from ccw_actors.verdicts._invariants import INVARIANTS as INVARIANTS
from ccw_actors.verdicts._legend import all_invariants as all_invariants
from ccw_actors.verdicts._legend import invariants_legend as invariants_legend
from ccw_actors.verdicts._legend import signs_legend as signs_legend
from ccw_actors.verdicts._machine import VerdictMachine as VerdictMachine
from ccw_actors.verdicts._names import CellName as CellName
from ccw_actors.verdicts._names import CellNameError as CellNameError
from ccw_actors.verdicts._names import Checks as Checks
from ccw_actors.verdicts._names import cells_of as cells_of
from ccw_actors.verdicts._rows import DESIGN_NAMES as DESIGN_NAMES
from ccw_actors.verdicts._rows import EMULATORS as EMULATORS
from ccw_actors.verdicts._rows import HOST_SIDE_ONLY as HOST_SIDE_ONLY
from ccw_actors.verdicts._rows import OUR_DESIGN as OUR_DESIGN
from ccw_actors.verdicts._rows import V4_SUBSETS as V4_SUBSETS
from ccw_actors.verdicts._rows import EmulatorName as EmulatorName
from ccw_actors.verdicts._rows import Row as Row
from ccw_actors.verdicts._rows import design_row as design_row
from ccw_actors.verdicts._scenario import VerdictScenario as VerdictScenario
from ccw_actors.verdicts._scenarios import VERDICT_SCENARIOS as VERDICT_SCENARIOS
from ccw_actors.verdicts._store import SAVED as SAVED
from ccw_actors.verdicts._store import SavedTable as SavedTable
from ccw_actors.verdicts._store import TableError as TableError
from ccw_actors.verdicts._store import counterexample_of as counterexample_of
from ccw_actors.verdicts._store import load as load
from ccw_actors.verdicts._store import merge as merge
from ccw_actors.verdicts._store import recall as recall
from ccw_actors.verdicts._store import save as save
from ccw_actors.verdicts._text import cell_text as cell_text
from ccw_actors.verdicts._text import command as command
from ccw_actors.verdicts._text import lines_of as lines_of
from ccw_actors.verdicts._text import others as others
from ccw_actors.verdicts._text import share as share
from ccw_actors.verdicts._wiring import design_machine as design_machine

__all__ = [
    "DESIGN_NAMES",
    "EMULATORS",
    "HOST_SIDE_ONLY",
    "INVARIANTS",
    "OUR_DESIGN",
    "SAVED",
    "V4_SUBSETS",
    "VERDICT_SCENARIOS",
    "CellName",
    "CellNameError",
    "Checked",
    "Checks",
    "EmulatorName",
    "ExploredCell",
    "Line",
    "Row",
    "SavedTable",
    "TableError",
    "VerdictCell",
    "VerdictMachine",
    "VerdictScenario",
    "all_invariants",
    "cell_hash",
    "cell_scenario",
    "cell_text",
    "cells_of",
    "check",
    "columns_of",
    "command",
    "counterexample_of",
    "design_machine",
    "design_row",
    "explore_cell",
    "explore_cells",
    "interleaving",
    "invariants_legend",
    "lines_of",
    "load",
    "merge",
    "others",
    "recall",
    "save",
    "sequence_diagram",
    "share",
    "signs_legend",
    "work_of",
]
