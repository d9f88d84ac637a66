"""Which cells there are, and their names.

| name | cell |
|---|---|
| `verdicts/2026/qemu/seed` | a design under an emulator in a scenario of a guest |
| `verdicts/2026/mail` | a design where threads write the regions, with no emulator |
| either, and `/others` | the same, held to all but the scenario's own invariants |
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product, starmap
from typing import Final, Literal, Protocol, TypeAlias, TypeVar

from ccw_actors._suggestions import did_you_mean
from ccw_actors.errors import CcwActorsError
from ccw_actors.verdicts._rows import (
    DESIGN_NAMES,
    EMULATORS,
    HOST_SIDE_ONLY,
    OUR_DESIGN,
    SUBSET_SCENARIOS,
    V4_SUBSETS,
    EmulatorName,
)
from ccw_actors.verdicts._scenario import VerdictScenario
from ccw_actors.verdicts._scenarios import VERDICT_SCENARIOS

__all__ = ["CellName", "CellNameError", "Checks", "cells_of"]

Checks: TypeAlias = Literal["own", "others"]
"""The invariants that a cell is held to: the scenario's own, or all others."""

_PREFIX: Final = "verdicts/"
_OTHERS: Final = "others"
_FORM: Final = (
    f"expected {_PREFIX}DESIGN/EMULATOR/SCENARIO, {_PREFIX}DESIGN/SCENARIO where"
    f" threads write the regions themselves, and possibly /{_OTHERS}"
)
# Parts of names that are no longer used: an error says what the name is now.
_OWN_CHECKS_BEFORE: Final = "about"
_DESIGNS_BEFORE: Final = {"2025": "v6.0"}

T = TypeVar("T", bound=str)


class CellNameError(CcwActorsError):
    """No cell has that name."""


class Named(Protocol):
    """An object that names a cell."""

    @property
    def design(self) -> str:
        """The id of its design."""
        ...

    @property
    def emulator(self) -> EmulatorName | None:
        """The id of its emulator, None if it has none."""
        ...

    @property
    def scenario(self) -> str:
        """The id of its scenario."""
        ...


@dataclass(frozen=True)
class CellName:
    """The name of a cell: its design, its emulator if it has one, and its scenario."""

    design: str
    emulator: EmulatorName | None
    scenario: str

    def __str__(self) -> str:
        """Return the ids, such as "2026/qemu/seed" or "2026/mail"."""
        return "/".join(filter(None, (self.design, self.emulator, self.scenario)))

    @property
    def verdict_scenario(self) -> VerdictScenario:
        """The scenario of the cell."""
        return VERDICT_SCENARIOS[self.scenario]

    @property
    def why_none(self) -> str:
        """Why there is no such cell, "" if there is one."""
        of = self.verdict_scenario
        if bool(self.emulator) is not of.has_emulator:
            return self._no_such_emulator
        if self.design in (OUR_DESIGN, HOST_SIDE_ONLY) and of.not_ours:
            return f"{self.scenario} does not apply to it: {of.not_ours}"
        if self.design in V4_SUBSETS and self.scenario not in SUBSET_SCENARIOS:
            return f"with some patches there are only {', '.join(SUBSET_SCENARIOS)}"
        if self.design == HOST_SIDE_ONLY and self.emulator == "ours":
            return "only the invariants of the host's side: under qemu alone"
        return ""

    @property
    def _no_such_emulator(self) -> str:
        """Why the scenario needs an emulator, or cannot have one."""
        if self.emulator:
            there = CellName(self.design, None, self.scenario)
            return (
                f"in {self.scenario} threads write the regions themselves, without an"
                f" emulator: see {_PREFIX}{there}"
            )
        there = CellName(self.design, "qemu", self.scenario)
        return f"{self.scenario} takes an emulator: see {_PREFIX}{there}"

    def scenario_name(self, checks: Checks = "own") -> str:
        """Return the name that `ccw-actors explore` and `replay` take."""
        behind = "" if checks == "own" else f"/{_OTHERS}"
        return f"{_PREFIX}{self}{behind}"

    @classmethod
    def of(cls, cell: "Named") -> "CellName":
        """Return the name of the cell that an object names."""
        return cls(cell.design, cell.emulator, cell.scenario)

    @classmethod
    def parse(cls, name: str) -> "tuple[CellName, Checks]":
        """Read a name of `scenario_name`.

        Raises `CellNameError`, which says how a name of an earlier version reads now.
        """
        parts = name.removeprefix(_PREFIX).split("/")
        checks: Checks = "own"
        if parts[-1] == _OTHERS:
            checks = "others"
            parts.pop()
        was_own = parts[-1] == _OWN_CHECKS_BEFORE
        if was_own:
            parts.pop()
        of = cls._of_parts(name, parts)
        if of.why_none:
            raise CellNameError(f"{name}: {of.why_none}")
        if was_own:
            now = of.scenario_name()
            raise CellNameError(
                f"{name}: /{_OWN_CHECKS_BEFORE} is no longer needed: see {now}"
            )
        return of, checks

    @classmethod
    def _of_parts(cls, name: str, parts: list[str]) -> "CellName":
        """Find the design, the emulator if it has one, and the scenario of a name."""
        if len(parts) not in (2, 3) or parts[-1] in EMULATORS:
            raise CellNameError(f"{name}: {_FORM}")
        design, scenario = parts[0], parts[-1]
        if design in _DESIGNS_BEFORE:
            same = _DESIGNS_BEFORE[design]
            raise CellNameError(f"{name}: {design} was the same as {same}: see {same}")
        _expect(name, "design", design, DESIGN_NAMES)
        _expect(name, "scenario", scenario, VERDICT_SCENARIOS)
        emulator: EmulatorName | None = None
        if len(parts) == 3:
            _expect(name, "emulator", parts[1], EMULATORS)
            emulator = _one_of(parts[1], EMULATORS)
        return cls(design, emulator, scenario)

    @staticmethod
    def is_one(name: str) -> bool:
        """Whether a name is that of a cell, by its beginning."""
        return name.startswith(_PREFIX)


def cells_of(
    designs: Iterable[str] = (),
    emulators: Iterable[str] = (),
    scenarios: Iterable[str] = (),
) -> list[CellName]:
    """Return the cells of these designs, emulators and scenarios, all unless given.

    If emulators are given, cells without an emulator are left out.
    """
    wanted = tuple(designs) or DESIGN_NAMES
    under: tuple[str | None, ...] = tuple(emulators) or (*EMULATORS, None)
    tried = tuple(scenarios) or tuple(VERDICT_SCENARIOS)
    every: tuple[EmulatorName | None, ...] = (*EMULATORS, None)
    names = starmap(CellName, product(DESIGN_NAMES, every, VERDICT_SCENARIOS))
    return [
        name
        for name in names
        if name.design in wanted and name.emulator in under and name.scenario in tried
        if not name.why_none
    ]


def _expect(name: str, kind: str, part: str, known: Iterable[str]) -> None:
    if part not in known:
        names = list(known)
        hint = did_you_mean(part, names) or f"there are {', '.join(names)}"
        raise CellNameError(f"{name}: no {kind} {part!r}; {hint}")


def _one_of(part: str, known: Iterable[T]) -> T:
    """Return the element of `known` that is equal to `part`."""
    return next(one for one in known if one == part)
