"""Every example runs and prints its result; `ccw-actors run` has its own tests."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TESTS = EXAMPLES / "explore/test_first.py"
SCRIPTS = [
    *sorted((EXAMPLES / "runtime").glob("*.py")),
    *sorted((EXAMPLES / "devices").glob("*.py")),
    *sorted(set((EXAMPLES / "explore").glob("*.py")) - {TESTS}),
    EXAMPLES / "emulator/main.py",
]
"""All but `designs/own_design.py`, which `tests/test_docs.py` runs."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script(script: Path) -> None:
    """The script ends well, prints its result, and emits no warning."""
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert not done.stderr


def test_scenarios_as_tests() -> None:
    """The correct scenario passes, the wrong one fails as expected."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", TESTS],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    assert "1 passed, 1 xfailed" in done.stdout, done.stdout
