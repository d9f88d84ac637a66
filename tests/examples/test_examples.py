"""Every example runs and finds what it says."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "examples" / "runtime").glob("*.py"))
PUBLIC = ("ccw_actors.errors", "ccw_actors.runtime", "ccw_actors.testkit")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script(script: Path) -> None:
    """The script ends well, and prints what it found."""
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout or script.stem == "time", done.stderr


@pytest.mark.parametrize(
    "script",
    [*SCRIPTS, *sorted((ROOT / "examples" / "emulator").glob("*.py"))],
    ids=lambda path: path.stem,
)
def test_only_public_names(script: Path) -> None:
    """An example imports only names that its packages make public."""
    for line in script.read_text().splitlines():
        words = line.split()
        if words[:1] == ["from"] and words[1].startswith("ccw_actors"):
            assert words[1] in PUBLIC, line
    namespace = runpy.run_path(str(script))
    for name in ("Actor", "System", "Probe"):
        if name in namespace:
            assert not namespace[name].__module__.startswith("_")
