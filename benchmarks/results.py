"""The results: medians by row and library, and reasons for missing values."""

import math
from collections import defaultdict
from statistics import median
from typing import Any, NamedTuple

from benchmarks.cases import CASES, Row

__all__ = ["FEATURE_ROW", "Cell", "Results", "Sample", "ratio"]

FEATURE_ROW = Row("tell with", "us", "tell of ccw-actors, with one more feature")
ROWS = {row.name: row for case in CASES for row in case.rows}
ROWS[FEATURE_ROW.name] = FEATURE_ROW


class Sample(NamedTuple):
    """One value of one process, and the time of its calibration loop (ms)."""

    row: str
    library: str
    value: float
    calibration: float


class Cell(NamedTuple):
    """The median of a row for a library, and its relative `spread`.

    The spread is the second-highest value minus the second-lowest one; with less than
    five values, the highest minus the lowest.
    """

    median: float
    unit: str
    spread: float
    samples: int


class Results:
    """Collects samples; times are scaled to the same speed of the machine.

    `reasons` says why a value is missing, by (row, library).
    """

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.reasons: dict[tuple[str, str], str] = {}

    @property
    def calibration(self) -> float:
        """The median calibration in ms: the speed to which times are scaled."""
        return median(sample.calibration for sample in self.samples)

    def cells(self) -> dict[str, dict[str, Cell]]:
        """Return the cells by row and library, in the order of the first round."""
        if not self.samples:
            return {}
        usual = self.calibration
        values: dict[str, dict[str, list[float]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for sample in self.samples:
            value = _scaled(sample, usual)
            values[sample.row][sample.library].append(value)
        return {
            name: {
                library: _cell(found, ROWS[name].unit)
                for library, found in values[name].items()
            }
            for name in ROWS
            if name in values
        }

    def spread(self) -> float:
        """Return the median of the spreads of all cells."""
        every = [cell.spread for row in self.cells().values() for cell in row.values()]
        return median(every) if every else 0.0

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return the cells as `{row: {library: {"median": ..., "unit": ...}}}`."""
        return {
            row: {library: cell._asdict() for library, cell in cells.items()}
            for row, cells in self.cells().items()
        }


def ratio(row: str, other: Cell, ours: Cell) -> float:
    """Return how many times better ours is than the other cell.

    Infinite if ours is 0: a few actors may add no memory at all.
    """
    above, below = other.median, ours.median
    if ROWS[row].more_is_better:
        above, below = below, above
    return above / below if above > 0 and below > 0 else math.inf


def _scaled(sample: Sample, usual: float) -> float:
    unit = ROWS[sample.row].unit
    if unit == "bytes":
        return sample.value
    slowness = sample.calibration / usual
    if ROWS[sample.row].more_is_better:
        return sample.value * slowness
    return sample.value / slowness


def _cell(values: list[float], unit: str) -> Cell:
    ordered = sorted(values)
    inner = ordered[1:-1] if len(ordered) >= 5 else ordered
    middle = median(ordered)
    spread = (inner[-1] - inner[0]) / middle if middle else 0.0
    return Cell(middle, unit, spread, len(ordered))
