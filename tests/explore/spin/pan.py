"""Runs Spin: it writes a verifier in C, which gcc compiles, which visits all states."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.explore.spin.promela import Program

__all__ = ["Judgement", "SpinError", "judge", "needs_spin"]

TOOLS = ("spin", "gcc")

_missing = [tool for tool in TOOLS if shutil.which(tool) is None]

needs_spin = pytest.mark.skipif(
    bool(_missing),
    reason=f"apt-get install spin gcc: there is no {', '.join(_missing)}",
)

_OPTIONS = ("-DBFS", "-DNOREDUCE", "-DSAFETY", "-DVECTORSZ=65536", "-DMEMLIM=1024")

_VIOLATED = re.compile(
    r"^pan:\d+: assertion violated \(+(\d+)<0\).* \(at depth (\d+)\)$"
)
_STORED = re.compile(r"^\s*(\d+) states, stored$")
_NOMINAL = re.compile(r"^\s*(\d+) nominal states \(stored-atomic\)$")
_ERRORS = re.compile(r"^State-vector \d+ byte, depth reached \d+, errors: (\d+)$")
_FULL = "Full statespace search for:"
_WRONG = ("max search depth", "Warning: Search", "out of memory", "bound", "too small")
_TIMES = ("pan: elapsed time", "pan: rate")
_SECONDS = 120


class SpinError(Exception):
    """Spin did not do what it was asked to, or not to the end."""


class Judgement(NamedTuple):
    """What Spin has found.

    `violated` has, for each property that does not always hold (by number), the fewest
    steps after which it does not. `states` and `ends` are lines, as `line_of` has them.
    `steps` is how many there are in all states together; of two messages that are alike
    each is one.
    """

    violated: dict[int, int]
    states: frozenset[str]
    ends: frozenset[str]
    steps: int


def judge(program: Program, folder: Path, *, depth_max: int = 10_000) -> Judgement:
    """Have Spin visit all states of a program, nearest first.

    It uses no reduction, and does not stop at a violation. Raises `SpinError` for
    anything but a search that was carried to its end.
    """
    found = _read(program, _run_pan(program, folder, depth_max))
    # One state is that before the beginning, and after each end comes another one.
    expected = 1 + len(found.judgement.states) + len(found.judgement.ends)
    if found.nominal != expected:
        raise SpinError(f"Spin has {found.nominal} states, and has shown {expected}")
    return found.judgement


def _run_pan(program: Program, folder: Path, depth_max: int) -> list[str]:
    (folder / "model.pml").write_text(program.text)
    _run(folder, "spin", "-a", "model.pml")
    _run(folder, "gcc", "-O0", "-w", *_OPTIONS, "-o", "pan", "pan.c")
    lines = _run(folder, "./pan", f"-m{depth_max}", "-w18", "-c0").splitlines()
    told = [line for line in lines if line[:1] not in ("@", "$")]
    wrong = [line for line in told if any(word in line for word in _WRONG)]
    if wrong or _FULL not in lines:
        raise SpinError("Spin has not visited all: " + "; ".join(wrong or told))
    return lines


def _run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    if done.returncode:
        raise SpinError(
            f"{words[0]} ends with {done.returncode}: {done.stdout[-2000:]}"
        )
    return done.stdout


class _Read(NamedTuple):
    """What the verifier has printed, and how many states it says there are."""

    judgement: Judgement
    nominal: int


def _read(program: Program, lines: list[str]) -> _Read:
    states: set[str] = set()
    ends: set[str] = set()
    violated: dict[int, int] = {}
    steps = -1  # The first state is also shown.
    shown = nominal = 0
    counted = -1
    for line in lines:
        mark, _, rest = line.partition(" ")
        if mark == "@":
            steps += 1
            states.add(rest)
        elif mark == "$":
            ends.add(rest)
        elif found := _VIOLATED.match(line):
            number = int(found[1])
            taken = (int(found[2]) + 1 - program.lead) // 2
            violated[number] = min(taken, violated.get(number, taken))
            shown += 1
        elif line.startswith("pan:") and not line.startswith(_TIMES):
            raise SpinError(line)
        elif found := _ERRORS.match(line):
            counted = int(found[1])
        elif found := _NOMINAL.match(line) or _STORED.match(line):
            nominal = int(found[1])
    # The same one that comes again at once is counted, and not shown.
    if counted < shown or (counted > 0) != (shown > 0):
        raise SpinError(f"Spin has counted {counted} violations, and shown {shown}")
    return _Read(
        Judgement(violated, frozenset(states), frozenset(ends), steps), nominal
    )
