"""The plot of a run: how many times better than each library, row by row."""

import importlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.libraries import OURS
from benchmarks.results import ROWS, Cell, ratio

__all__ = ["draw", "missing"]

MARKERS = "os^Dv<>P"


def missing() -> str | None:
    """Return why no plot can be drawn, or None."""
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        return str(error)
    return None


def draw(
    cells: Mapping[str, Mapping[str, Cell]], libraries: Sequence[str], file: Path
) -> None:
    """Write the plot, as PNG or SVG by the file's suffix."""
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    rows = [row for row in ROWS if OURS in cells.get(row, {})]
    figure, axes = pyplot.subplots(figsize=(9, 1.5 + 0.36 * len(rows)))
    others = [library for library in libraries if library != OURS]
    for library, marker in zip(others, MARKERS, strict=False):
        points = [
            (ratio(row, cells[row][library], cells[row][OURS]), place)
            for place, row in enumerate(rows)
            if library in cells[row]
        ]
        shown = [(times, place) for times, place in points if math.isfinite(times)]
        if shown:
            times, places = zip(*shown, strict=True)
            axes.scatter(times, places, marker=marker, label=library, alpha=0.8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.grid(axis="x", which="both", alpha=0.25)
    axes.set_xlabel(f"times better {OURS} is (left of 1: the other one is)")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(file, bbox_inches="tight", dpi=150)
    pyplot.close(figure)
