"""`ccw-actors dump`, for machines of `ccw-actors run`."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.in_process import ccw_actors
from tests.cli.test_machines import Run
from tests.cli.test_run import WAITING, write_machine


@pytest.fixture(autouse=True)
def _sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def run(tmp_path: Path) -> Generator[Run]:
    """Run a machine whose guest waits forever, under the name m."""
    (tmp_path / "waiting.py").write_text(WAITING)
    machine = write_machine(tmp_path, program="waiting:as_coroutine")
    running = Run(machine, "--json", "--name", "m")
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.end()


def test_idle_actors_are_counted(run: Run) -> None:
    """The actor that answers is not idle; the others are only counted."""
    del run
    lines = ccw_actors("dump", "m").out.splitlines()
    [control] = [line for line in lines if line.startswith("host/control")]
    assert control.split()[1] == "Control"
    assert lines[-1].endswith("actors are idle")
    assert not any(line.startswith("host/subchannel") for line in lines)


def test_all_actors(run: Run) -> None:
    """With --all each actor has a line, and JSON has the same ones.

    Actors may come and go meanwhile: those count that are there before and after.
    """
    del run
    before = json.loads(ccw_actors("dump", "m", "--json").out)
    shown = ccw_actors("dump", "m", "--all").out.splitlines()
    found = json.loads(ccw_actors("dump", "m", "--json").out)
    paths = {one["path"] for one in before["actors"]}
    paths &= {one["path"] for one in found["actors"]}
    assert "host/control" in paths
    assert all(any(line.startswith(path[:8]) for line in shown) for path in paths)
    assert found["asks"] == [] or {"asker", "target"} <= found["asks"][0].keys()


def test_wrong_names(tmp_path: Path) -> None:
    """A machine that is not there, and a name that none can have."""
    del tmp_path
    missing = ccw_actors("dump", "nobody")
    assert (missing.status, missing.out) == (1, "")
    assert "nobody" in missing.err
    assert ccw_actors("dump", ".m").status == 2
