"""The part of docs/verdicts/refinement.md that says which random runs were checked."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tools.markdown import table

__all__ = ["RUNS", "RandomRuns", "as_markdown", "load_runs"]

RUNS: Final = Path(__file__).parents[1] / "docs" / "verdicts" / "runs"
"""The folder of the records."""


class RandomRuns(Struct, frozen=True, forbid_unknown_fields=True):
    """Random runs of a kernel, and what the model of its row says of them.

    `kinds` counts them by threads, CPUs, and threads that reset: "2x2x1". `events` is
    how many events their traces have. `refused` and `undecided` name runs.
    """

    kernel: str
    package: str
    change: str
    qemu: str
    model: str
    kinds: dict[str, int]
    events: int
    refused: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return sum(self.kinds.values())

    @property
    def allowed(self) -> int:
        """How many of them the model allows."""
        return self.runs - len(self.refused) - len(self.undecided)


def load_runs(folder: Path = RUNS) -> list[RandomRuns]:
    """Read the records of a folder, in the order of their versions."""
    found = [
        msgspec.json.decode(path.read_bytes(), type=RandomRuns)
        for path in folder.glob("*.json")
    ]

    def order(one: RandomRuns) -> tuple[object, ...]:
        return one.change, tuple(int(part) for part in one.kernel.split("."))

    return sorted(found, key=order)


def as_markdown(records: Sequence[RandomRuns]) -> str:
    """Render the table."""
    head = ("kernel", "model", "one thread", "two threads", "events", "allowed")
    return table(head, map(_row, records), right=(2, 3, 4, 5))


def _row(one: RandomRuns) -> tuple[str, ...]:
    by_threads: Counter[str] = Counter()
    for kind, runs in one.kinds.items():
        by_threads[kind.split("x")[0]] += runs
    kernel = f"{one.kernel}, {one.change}" if one.change else one.kernel
    numbers = (by_threads["1"], by_threads["2"], one.events)
    allowed = f"{one.allowed} of {one.runs}"
    return (kernel, f"`{one.model}`", *(f"{count:,}" for count in numbers), allowed)
