"""The records of random runs: what they count, and how the page shows them."""

from pathlib import Path

import msgspec
import pytest

from tests.kernel.refinement.recorded import traces_of
from tools.runs_page import RandomRuns, as_markdown, load_runs

RUNS = RandomRuns(
    kernel="6.12.118",
    package="linux-source-6.12 6.12.118-1",
    change="clear-flag",
    qemu="7.2.22",
    model="clear-flag",
    kinds={"1x1x1": 2, "2x2x1": 3, "2x2x2": 1},
    events=1234,
    refused=("6.12.118-2x2x1-7",),
)


def test_what_a_record_counts() -> None:
    """A run is allowed, refused or undecided."""
    assert (RUNS.runs, RUNS.allowed) == (6, 5)
    assert as_markdown([RUNS]).splitlines()[2] == (
        "| 6.12.118, clear-flag | `clear-flag` | 2 | 4 | 1,234 | 5 of 6 |"
    )


def test_records_in_order(tmp_path: Path) -> None:
    """Kernels without a change come first, by their versions."""
    for version in ("6.12.118", "6.1.192"):
        for change in ("", "clear-flag"):
            one = msgspec.structs.replace(RUNS, kernel=version, change=change)
            file = tmp_path / f"{version}-{change}.json"
            file.write_bytes(msgspec.json.encode(one))
    assert [(one.kernel, one.change) for one in load_runs(tmp_path)] == [
        ("6.1.192", ""),
        ("6.12.118", ""),
        ("6.1.192", "clear-flag"),
        ("6.12.118", "clear-flag"),
    ]


@pytest.mark.parametrize("record", load_runs(), ids=lambda one: one.kernel)
def test_the_model_allows_all_runs(record: RandomRuns) -> None:
    """There are runs of one thread and of two, and a sample of them is kept."""
    assert record.allowed == record.runs
    assert {kind[0] for kind in record.kinds} == {"1", "2"}
    kept = [name for name in traces_of(record.model) if record.kernel in name]
    assert kept
