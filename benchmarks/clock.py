"""The current speed of the machine, the memory in use, and percentiles."""

import gc
import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

__all__ = ["calibrate", "percentile", "resident_bytes"]

_STEPS = 60_000
_REPEATS = 5


def calibrate() -> float:
    """Return how many milliseconds a fixed loop of plain Python takes now.

    It takes the fastest of several, so that one interruption does not count.
    """
    times: list[float] = []
    for _ in range(_REPEATS):
        start = perf_counter()
        total = 0
        for step in range(_STEPS):
            total += step & 7
        times.append(perf_counter() - start)
    return min(times) * 1e3


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def resident_bytes() -> int:
    """Return the memory in use by this process (Linux: its resident set)."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
