"""The speed goals of this package, and whether a run meets them."""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.libraries import OURS
from benchmarks.results import Cell

__all__ = ["GOALS", "Goal", "Outcome", "check"]

Cells = dict[str, dict[str, Cell]]
"""The measured cells, by row and library."""


class Goal(NamedTuple):
    """A value of `case` that must be at least, or at most, a limit."""

    text: str
    case: str
    measure: Callable[[Cells], float]
    limit: float
    at_least: bool
    unit: str


class Outcome(NamedTuple):
    """A goal and the measured value, None without one."""

    goal: Goal
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met, None if it was not measured."""
        if self.measured is None:
            return None
        if self.goal.at_least:
            return self.measured >= self.goal.limit
        return self.measured <= self.goal.limit

    @property
    def verdict(self) -> str:
        """Return whether the goal is met, as text."""
        return {True: "met", False: "NOT MET", None: "not measured"}[self.met]

    @property
    def shown(self) -> str:
        """Return the measured value and its limit."""
        goal = self.goal
        sign = ">=" if goal.at_least else "<="
        value = "-" if self.measured is None else f"{self.measured:,.3g}{goal.unit}"
        if self.measured is not None and self.measured >= 100:
            value = f"{self.measured:,.0f}{goal.unit}"
        return f"{value} ({sign} {goal.limit:,g}{goal.unit})"


def _against(row: str, library: str) -> Callable[[Cells], float]:
    return lambda cells: cells[row][library].median / cells[row][OURS].median


def _ours(row: str) -> Callable[[Cells], float]:
    return lambda cells: cells[row][OURS].median


def _asks(cells: Cells) -> float:
    found = cells["actor-to-actor ask"]
    return found[OURS].median / found["asyncio.Queue"].median


GOALS = (
    Goal(
        "tell: faster than asyncio.Queue",
        "tell",
        _against("tell", "asyncio.Queue"),
        1.3,
        at_least=True,
        unit="x",
    ),
    Goal(
        "tell: faster than Pykka",
        "tell",
        _against("tell", "pykka"),
        5,
        at_least=True,
        unit="x",
    ),
    Goal(
        "tell: faster than xoscar",
        "tell",
        _against("tell", "xoscar"),
        15,
        at_least=True,
        unit="x",
    ),
    Goal(
        "ring hop: faster than asyncio.Queue",
        "ring",
        _against("ring hop", "asyncio.Queue"),
        4.4,
        at_least=True,
        unit="x",
    ),
    Goal(
        "ask from a task: compared with a hand-written Future",
        "ask",
        _against("ask", "asyncio.Queue"),
        0.87,
        at_least=True,
        unit="x",
    ),
    Goal(
        "actor-to-actor ask: time relative to a hand-written Future",
        "actor-ask",
        _asks,
        0.53,
        at_least=False,
        unit="x",
    ),
    Goal(
        "idle actor without state: resident",
        "spawn",
        _ours("idle actor"),
        650,
        at_least=False,
        unit=" bytes",
    ),
    Goal(
        "idle actor without state: allocated",
        "memory",
        _ours("idle actor, allocated"),
        650,
        at_least=False,
        unit=" bytes",
    ),
    Goal(
        "ask p50 of an idle actor under flood",
        "flood",
        _ours("flood: ask p50"),
        150,
        at_least=False,
        unit=" us",
    ),
    Goal(
        "loop lag p99 under flood",
        "flood",
        _ours("flood: loop lag p99"),
        600,
        at_least=False,
        unit=" us",
    ),
)


def check(cells: Cells) -> list[Outcome]:
    """Return every goal with its measured value."""

    def measured(goal: Goal) -> float | None:
        try:
            return goal.measure(cells)
        except KeyError:
            return None

    return [Outcome(goal, measured(goal)) for goal in GOALS]
