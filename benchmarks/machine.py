"""The machine and the interpreter of a run."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["describe"]


def describe() -> str:
    """Return one line: CPU, memory, system, interpreter, date, load."""
    parts = [
        f"{os.cpu_count()} x {_processor()}",
        f"{_memory_gib():.0f} GiB",
        f"{platform.system()} {platform.release()}",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"load average {os.getloadavg()[0]:.1f} before",
    ]
    return ", ".join(parts)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
