"""Runs all processes of a benchmark round by round, with libraries in turn."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from benchmarks.cases import Case
from benchmarks.measures import Counts
from benchmarks.results import Results, Sample

__all__ = ["Entry", "Process", "WorkerError", "ask_worker", "plan", "run"]

ROOT = Path(__file__).resolve().parents[1]
PROCESS_SECONDS_MAX = 120


class WorkerError(Exception):
    """A process has failed; the text is its last line, or the reason."""


class Entry(NamedTuple):
    """An entry in the comparison: a library, or one of our features.

    If `row` is set, its value goes there instead of the row of the case. `checkout` is
    the folder with this package and the code that measures it.
    """

    name: str
    module: str
    python: str
    counts: Counts
    options: tuple[str, ...] = ()
    row: str | None = None
    checkout: Path = ROOT


class Process(NamedTuple):
    """One process: a case of an entry."""

    entry: Entry
    case: Case

    def rows(self) -> dict[str, str]:
        """Return the row in the results for each measured row."""
        names = [row.name for row in self.case.rows]
        return {name: self.entry.row or name for name in names}


def plan(
    tables: Sequence[tuple[Case, Sequence[Entry]]], rounds: int
) -> Iterator[Process]:
    """Yield every process: in each round all cases, for each case all entries.

    A different entry comes first in each round.
    """
    for number in range(rounds):
        for case, entries in tables:
            if case.once and number:
                continue
            first = number % len(entries) if entries else 0
            for entry in (*entries[first:], *entries[:first]):
                yield Process(entry, case)


def run(
    processes: Sequence[Process],
    results: Results,
    *,
    at_once: int = 1,
    done: Callable[[Process], None] = lambda _: None,
) -> None:
    """Run processes one after the other, and collect their answers.

    An entry that failed at a case is not tried again. Use more than one `at_once` only
    to check that everything works, because the processes disturb each other.
    """

    def run_one(process: Process) -> None:
        if process not in failed:
            try:
                _collect(process, results)
            except WorkerError as error:
                failed.add(process)
                for row in process.rows().values():
                    results.reasons[row, process.entry.name] = str(error)
        done(process)

    failed: set[Process] = set()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(run_one, processes))


def ask_worker(entry: Entry, **order: Any) -> dict[str, Any]:
    """Run one process and return its answer. Raises `WorkerError`."""
    text = json.dumps({"module": entry.module, **order})
    command = [entry.python, "-m", "benchmarks.worker", text]
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter the caller chose
            command,
            cwd=entry.checkout,
            capture_output=True,
            text=True,
            check=False,
            timeout=PROCESS_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired as error:
        raise WorkerError(f"took more than {PROCESS_SECONDS_MAX} s") from error
    except OSError as error:
        raise WorkerError(f"{entry.python} does not run: {error.strerror}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise WorkerError(lines[-1])
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _collect(process: Process, results: Results) -> None:
    entry, case = process
    answer = ask_worker(
        entry, case=case.name, counts=asdict(entry.counts), options=entry.options
    )
    if "unsupported" in answer:
        raise WorkerError(answer["unsupported"])
    calibration = fmean(answer["calibration"])
    for measured, row in process.rows().items():
        value = answer["rows"].get(measured)
        if value is None:
            results.reasons[row, entry.name] = "it does not use the event loop"
        else:
            results.samples.append(Sample(row, entry.name, value, calibration))
