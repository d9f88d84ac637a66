"""The scenario of one cell: a design under an emulator, in a column.

A verdict is about what the column is about (`about`), and about the window that has to
be entered: a design that never enters it is not tested by the column. Where nothing of
that is broken, everything else that could be is looked for (`others`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, Protocol, TypeVar

from ccw_actors.channel import Fctl
from ccw_actors.channel.fields import bit_names
from ccw_actors.designs import WRONG
from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import Scenario, View, World
from ccw_actors.verdicts._columns import COLUMNS, Column
from ccw_actors.verdicts._racks import EMULATORS, Emulating
from ccw_actors.verdicts._seen import GUEST, GUEST_SIDE, Seen, follow
from ccw_actors.verdicts._windows import Rack
from ccw_actors.verdicts._wiring import (
    DESIGN_NAMES,
    HOST_SIDE_ONLY,
    OURS,
    SUBSET_COLUMNS,
    V4_SUBSETS,
    rack,
)

__all__ = [
    "INVARIANTS",
    "LOOKS",
    "CellName",
    "CellNameError",
    "Judge",
    "Look",
    "cell_scenario",
]

Look = Literal["about", "others"]

INVARIANTS: Final = WRONG | GUEST_SIDE
"""What must not be broken in any cell, by id."""

LOOKS: Final[tuple[Look, ...]] = ("about", "others")
"""In the order in which they are taken."""

_PREFIX: Final = "verdicts/"


T = TypeVar("T", bound=str)


class CellNameError(CcwActorsError):
    """No cell has that name."""


class Named(Protocol):
    """What names a cell."""

    @property
    def design(self) -> str:
        """The name of its design."""
        ...

    @property
    def emulator(self) -> str:
        """The name of its emulator."""
        ...

    @property
    def scenario(self) -> str:
        """The name of its scenario."""
        ...


@dataclass(frozen=True)
class CellName:
    """Which cell: a design, an emulator and a scenario, by name."""

    design: str
    emulator: Emulating
    scenario: str

    @property
    def column(self) -> Column:
        """The column of the scenario."""
        return COLUMNS[self.scenario]

    @property
    def no_meaning(self) -> str:
        """Why there is no such cell, "" if there is one."""
        is_own = self.design in (OURS, HOST_SIDE_ONLY)
        if is_own and self.column.not_ours:
            return f"{self.scenario} has no meaning for it: {self.column.not_ours}"
        if self.design in V4_SUBSETS and self.scenario not in SUBSET_COLUMNS:
            return f"with some patches there is {', '.join(SUBSET_COLUMNS)} only"
        if self.design == HOST_SIDE_ONLY and self.emulator != "qemu":
            return "what the host's side promises is looked at under qemu only"
        return ""

    def scenario_name(self, look: Look) -> str:
        """Return what `ccw-actors explore` and `replay` know the cell by."""
        return f"{_PREFIX}{self.design}/{self.emulator}/{self.scenario}/{look}"

    @classmethod
    def of(cls, cell: "Named") -> "CellName":
        """Return which cell something is about that has these names."""
        return cls(cell.design, _one_of(cell.emulator, EMULATORS), cell.scenario)

    @classmethod
    def parse(cls, name: str) -> "tuple[CellName, Look]":
        """Read a name of `scenario_name`; without the last part that is "about".

        Raises `CellNameError`.
        """
        parts = name.removeprefix(_PREFIX).split("/")
        if len(parts) == 3:
            parts.append("about")
        if len(parts) != 4:
            raise CellNameError(
                f"{name}: expected {_PREFIX}DESIGN/EMULATOR/SCENARIO, and possibly"
                " /about or /others"
            )
        design, emulator, scenario, look = parts
        _expect(name, "design", design, DESIGN_NAMES)
        _expect(name, "emulator", emulator, EMULATORS)
        _expect(name, "scenario", scenario, COLUMNS)
        _expect(name, "part", look, LOOKS)
        of = cls(design, _one_of(emulator, EMULATORS), scenario)
        if of.no_meaning:
            raise CellNameError(f"{name}: {of.no_meaning}")
        return of, _one_of(look, LOOKS)

    @staticmethod
    def is_one(name: str) -> bool:
        """Whether a name is meant for a cell."""
        return name.startswith(_PREFIX)


@dataclass
class Judge:
    """What was found to be wrong last, in the terms of the field."""

    what: str = field(default="")


def cell_scenario(name: CellName, look: Look, judge: Judge | None = None) -> Scenario:
    """Return the scenario of a cell. `judge` is told what was wrong."""
    told = Judge() if judge is None else judge
    column = name.column

    def scenario(world: World) -> None:
        built = rack(world, name.design, name.emulator, column)
        if column.programs:
            world.monitor(Seen(), follow, of=world.system.ref(GUEST))
        for invariant in _looked_for(name, look):
            _hold(world, built, invariant, told)
        if look == "about":
            for window, entered in column.entered.items():
                world.sometimes(window, partial(entered, built))

    scenario.__doc__ = f"{name.design} under {name.emulator}: {column.summary}."
    return scenario


def _expect(name: str, kind: str, part: str, known: Iterable[str]) -> None:
    if part not in known:
        listed = ", ".join(known)
        raise CellNameError(f"{name}: no {kind} {part!r}; there are {listed}")


def _one_of(part: str, known: Iterable[T]) -> T:
    """Return what of `known` is that text."""
    return next(one for one in known if one == part)


def _looked_for(name: CellName, look: Look) -> list[str]:
    about = tuple(WRONG) if name.design == HOST_SIDE_ONLY else name.column.about
    wanted = [one for one in INVARIANTS if (one in about) is (look == "about")]
    if name.design == HOST_SIDE_ONLY:
        wanted = [one for one in wanted if one in WRONG]
    if not name.column.programs:
        wanted = [one for one in wanted if one not in GUEST_SIDE]
    return wanted


def _hold(world: World, built: Rack, invariant: str, judge: Judge) -> None:
    """Have an invariant hold in a cell's world."""
    name = f"{invariant}: {INVARIANTS[invariant]}"
    prefix = f"{invariant}:"

    def holds(view: View) -> bool:
        broken: tuple[str, ...] = (
            (view.monitor.wrong,) if invariant in GUEST_SIDE else built.broken(view)
        )
        found = next((one for one in broken if one.startswith(prefix)), "")
        judge.what = found or judge.what
        return not found

    def rests(view: View) -> bool:
        found = built.left(view) if invariant == "I6" else _unanswered(view)
        judge.what = found or judge.what
        return not found

    world.system_invariant(name, holds)
    if invariant in ("I6", "I8"):
        world.final(name, rests)


def _unanswered(view: View) -> str:
    seen: Seen = view.monitor
    if not seen.functions or seen.pending:
        return ""
    names = bit_names(Fctl.NAMES, seen.functions).upper()
    return f"I8: {names} is accepted, and its final status never comes"
