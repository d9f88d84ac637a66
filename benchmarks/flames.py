"""Flame graphs of channel I/O, which py-spy samples from a process of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

__all__ = ["FlamesError", "draw"]

RATE = 500
_ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = """
import sys
from benchmarks.channel_machine import WORKS, spent_per_io
spent_per_io("full", "async", WORKS[sys.argv[1]], guests=8, ios=int(sys.argv[2]))
"""


class FlamesError(Exception):
    """There is no flame graph, for a person."""


def draw(work: str, folder: Path, *, ios: int) -> Path:
    """Write the flame graph (SVG) of one work of the full stack; return its file.

    Raises `FlamesError` without py-spy, or if that cannot look into a process.
    """
    py_spy = shutil.which("py-spy", path=sysconfig.get_path("scripts"))
    if py_spy is None:
        raise FlamesError("py-spy is not installed: pip install 'ccw-actors[bench]'")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{work.lower().replace(' ', '-')}.svg"
    done = subprocess.run(  # noqa: S603 - a program of this package's environment
        [
            py_spy,
            *("record", "--rate", str(RATE), "--format", "flamegraph"),
            *("--output", file, "--", sys.executable, "-c", _PROGRAM),
            *(work, str(ios)),
        ],
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not file.exists():
        raise FlamesError(f"py-spy has failed:\n{done.stderr}")
    return file
