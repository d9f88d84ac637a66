"""Checks all traces of a folder, and records how many the model allows.

    python -m tests.kernel.refinement.recording.check FOLDER --model DESIGN [--record]

With --record it writes the result into docs/verdicts/runs, from which
`python -m tools.pages refinement` makes the table. It ends with 1 if a trace is not
allowed.
"""

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from ccw_actors.designs import DESIGNS
from ccw_actors.kernel.refinement import (
    Answer,
    Header,
    check_kernel_trace,
    read_kernel_trace,
)
from tools.runs_page import RUNS, RandomRuns


def answered(model: str, file: Path) -> tuple[Header, Answer]:
    """Return the header of a trace, and whether the model allows it."""
    trace = read_kernel_trace(file)
    return trace.header, check_kernel_trace(trace, DESIGNS[model].choices)


def main() -> int:
    """Check the traces."""
    parser = argparse.ArgumentParser(description="Check the traces of a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", required=True, choices=DESIGNS)
    parser.add_argument("--record", action="store_true", help="write a record")
    given = parser.parse_args()
    files = sorted(given.folder.glob("*.jsonl.gz"))
    if not files:
        parser.error(f"no trace is in {given.folder}: expected *.jsonl.gz")
    with ProcessPoolExecutor() as executor:
        found = list(executor.map(partial(answered, given.model), files))
    names: dict[str, list[str]] = {"allowed": [], "refused": [], "undecided": []}
    for file, (_, answer) in zip(files, found, strict=True):
        names[answer.decision].append(file.name.partition(".jsonl")[0])
        if answer.decision != "allowed":
            sys.stderr.write(f"{file}: {answer}\n")
    kernels = {(one.kernel, one.package, one.change, one.qemu) for one, _ in found}
    if len(kernels) > 1:
        parser.error(f"traces of {len(kernels)} kernels are in {given.folder}")
    kernel, package, change, qemu = kernels.pop()
    record = RandomRuns(
        kernel=kernel,
        package=package,
        change=change,
        qemu=qemu,
        model=given.model,
        kinds=dict(sorted(Counter(one.name.split("-")[1] for one in files).items())),
        events=sum(answer.events for _, answer in found),
        refused=tuple(names["refused"]),
        undecided=tuple(names["undecided"]),
    )
    text = msgspec.json.format(msgspec.json.encode(record), indent=1)
    sys.stdout.write(text.decode() + "\n")
    if given.record:
        RUNS.mkdir(parents=True, exist_ok=True)
        (RUNS / f"{kernel}-{given.model}.json").write_bytes(text + b"\n")
    return int(record.allowed < record.runs)


if __name__ == "__main__":
    sys.exit(main())
