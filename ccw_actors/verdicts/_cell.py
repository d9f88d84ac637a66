"""A cell of the verdict table: the result of exploring it."""

from msgspec import Struct

from ccw_actors.explore import Counterexample, Verdict
from ccw_actors.verdicts._rows import EmulatorName

__all__ = ["ExploredCell", "VerdictCell"]


class VerdictCell(Struct, frozen=True, kw_only=True):
    """The verdict of a design under an emulator in a scenario.

    `emulator` is None where threads write the regions themselves. `steps` is the length
    of the shortest counterexample. `violating` of `classes` end in a fault; schedules
    that differ only in the order of independent steps are one class. Where there are
    too many classes to count, `classes` is None and `violating` is the share of random
    schedules that fail. `why` is the fault, or what limits the verdict; `also` is a
    fault that the scenario is not about. `counterexample` is the name of its file,
    which other cells may share. `states` is the number of states visited, and `hash`
    the fingerprint of the code that the verdict depends on.
    """

    design: str
    emulator: EmulatorName | None
    scenario: str
    verdict: Verdict
    steps: int | None = None
    classes: int | None = None
    violating: float | int | None = None
    why: str = ""
    also: str = ""
    counterexample: str | None = None
    states: int = 0
    hash: str = ""


class ExploredCell(Struct, frozen=True):
    """A cell, and its counterexample if it is refuted."""

    cell: VerdictCell
    counterexample: Counterexample | None = None
