"""The benchmark of links runs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def benchmark(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark, quickly."""
    return subprocess.run(
        [sys.executable, "benchmarks/links.py", "--quick", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_quick_run(tmp_path: Path) -> None:
    """Each library has a row, and each goal is compared with one that was measured."""
    page = tmp_path / "links.md"
    names = ("--only", "ours", "--only", "streams")
    done = benchmark(*names, "--write", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split(" | ") for line in page.read_text().splitlines() if "|" in line]
    first = {row[0].strip("| "): row[1:] for row in rows}
    assert set(first) >= {"ours", "streams"}
    measured = [goal for goal, row in first.items() if "x" in row[0] and ": of" in goal]
    assert measured == ["tell: of raw streams", "ask: of raw streams"]


def test_a_library_that_is_not_there() -> None:
    """An unknown name is a usage error."""
    done = benchmark("--only", "nothing")
    assert done.returncode == 2
    assert "expected one of ours, streams" in done.stderr.replace("\n", " ")
