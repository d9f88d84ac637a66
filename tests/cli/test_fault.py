"""`ccw-actors fault`, for machines of `ccw-actors run`."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.in_process import ccw_actors
from tests.cli.test_machines import Run
from tests.cli.test_run import WAITING, write_machine

DEVICE = "0.0.0150"


@pytest.fixture(autouse=True)
def _sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return the file of a machine with a guest that waits forever."""
    (tmp_path / "waiting.py").write_text(WAITING)
    return write_machine(tmp_path, program="waiting:as_coroutine")


@pytest.fixture
def run(machine: Path) -> Generator[Run]:
    """Run such a machine with --faults, under the name m."""
    running = Run(machine, "--json", "--name", "m", "--faults")
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.end()


def test_add_list_remove(run: Run) -> None:
    """Faults have numbers, are listed with how often they happened, and go."""
    del run
    at = ("--track", "3,4", "--times", "always")
    words = ("unit check", "--sense", "data check", *at)
    assert ccw_actors("fault", "add", "m", "0150", *words) == (0, "1\n", "")
    words = ("stall", "--seconds", "2.5", "--command", "06", "--command", "0x86")
    assert ccw_actors("fault", "add", "m", DEVICE, *words).out == "2\n"
    listed = ccw_actors("fault", "ls", "m")
    rows = [line for line in listed.out.splitlines() if line.startswith(DEVICE)]
    assert [row.split()[1] for row in rows] == ["1", "2"]
    assert "unit check, sense data check" in rows[0]
    assert "stall, seconds 2.5, commands 06 86" in rows[1]
    assert ccw_actors("fault", "rm", "m", DEVICE, "1").status == 0
    found = json.loads(ccw_actors("fault", "ls", "m", DEVICE, "--json").out)
    assert found == [
        {
            "device": DEVICE,
            "number": 2,
            "fault": {"effect": "stall", "seconds": 2.5, "commands": [6, 134]},
            "seen": 0,
            "happened": 0,
        }
    ]
    ended = ccw_actors("fault", "rm", "m", DEVICE, "1")
    assert (ended.status, ended.line) == (
        1,
        f"ccw-actors: device {DEVICE} has no fault 1",
    )
    assert ccw_actors("fault", "rm", "m", DEVICE).status == 0
    assert ccw_actors("fault", "ls", "m").out == "no device has a fault\n"


def test_machine_that_takes_none(machine: Path) -> None:
    """Without --faults a device takes none, and the error says what to do."""
    running = Run(machine, "--json", "--name", "m")
    ended = ccw_actors("fault", "add", "m", "0150", "path off")
    assert ended.status == 1
    assert "run the machine with --faults" in ended.line
    assert "there is no device 0.0.0199" in ccw_actors("fault", "ls", "m", "0199").line
    running.process.kill()
    running.end()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("0150", "pain"), "effect: expected one of unit check, busy"),
        (("x", "path off"), "DEVICE: expected a device number"),
        (("0150", "stall"), "seconds: expected more than 0 for stall"),
        (("0150", "unit check", "--sense", "x"), "sense: expected the name of sense"),
        (("0150", "path on", "--command", "x"), "--command: expected a command code"),
        (("0150", "path on", "--command", "100"), "commands: expected a list"),
        (
            ("0150", "path on", "--track", "3"),
            "--track: expected a cylinder",
        ),
        (("0150", "path on", "--times", "x"), "--times: expected a number"),
        (("0150", "path on", "--nth", "0"), "--nth: expected a whole number"),
        (("0150", "stall", "--after", "1", "--seconds", "1"), "after: expected an"),
    ],
)
def test_wrong_words(words: tuple[str, ...], said: str) -> None:
    """A wrong option is one line that names it; no machine is asked."""
    ended = ccw_actors("fault", "add", "m", *words)
    assert ended.status == 2
    assert said in ended.line


def test_no_machine() -> None:
    """The commands say that no such machine is running."""
    for words in (("add", "m", "0150", "path on"), ("ls", "m"), ("rm", "m", "0150")):
        ended = ccw_actors("fault", *words)
        assert (ended.status, ended.line) == (
            1,
            "ccw-actors: no machine named m is running",
        )
