"""The benchmark of the explorer runs, and says what it leaves out."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_quick_run(tmp_path: Path) -> None:
    """A quick run prints every table that it can, and writes them."""
    written = tmp_path / "table.md"
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/explore.py", "--quick", "--write", written],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "| two-phase commit, plain, 5 | states | verified | 8,832 |" in done.stdout
    assert (
        "| Paxos, unordered, noops kept | states | verified | 16,668 |" in done.stdout
    )
    assert "| bank, 4 tellers | 3,521,280 | 24 | 1,040 |" in done.stdout
    assert "were left out" in done.stdout
    assert written.read_text().endswith(done.stdout.rstrip("\n") + "\n")
