"""A cell of the verdict table: what exploring it has found."""

from msgspec import Struct

from ccw_actors.explore import Counterexample, Verdict
from ccw_actors.verdicts._rows import EmulatorName

__all__ = ["ExploredCell", "VerdictCell"]


class VerdictCell(Struct, frozen=True, kw_only=True):
    """The verdict of a design under an emulator in a scenario.

    `emulator` is None where threads write the regions themselves. `steps` is the length
    of the shortest counterexample. `violating` of `classes` end in a fault: classes of
    orders that are the same for every actor. Where there are too many to count,
    `classes` is None and `violating` the rate among random orders. `why` says what goes
    wrong, or what limits the verdict, `also` what goes wrong that the scenario is not
    about. `counterexample` is the name of its file, which other cells may share.
    `states` were visited. `hash` is the fingerprint of what the verdict rests on.
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
