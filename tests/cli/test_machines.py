"""`ccw-actors machines` and `stop`, for machines of `ccw-actors run`."""

import json
import os
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.control import ControlSocket
from tests.cli.in_process import ccw_actors
from tests.cli.test_run import COMMAND, ENVIRONMENT, WAITING, write_machine


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of sockets for the test; return it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "ccw-actors"


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """Return the file of a machine with a guest that waits forever."""
    (tmp_path / "waiting.py").write_text(WAITING)
    return write_machine(tmp_path, program="waiting:as_coroutine")


class Run:
    """A `ccw-actors run` whose subject waits."""

    def __init__(self, machine: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, machine, *options],
            cwd=machine.parent,
            env=ENVIRONMENT | {"XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stream = self.process.stderr if "--json" in options else self.process.stdout
        assert stream is not None
        assert stream.readline() == "ready\n"

    def end(self) -> tuple[int, str, str]:
        """Wait for its end; return status and output."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def run(waiting: Path) -> Generator[Run]:
    """Run such a machine under the name m."""
    running = Run(waiting, "--json", "--name", "m")
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.end()


def listed() -> list[dict[str, Any]]:
    """Return what `machines --json` prints."""
    ended = ccw_actors("machines", "--json")
    assert (ended.status, ended.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(ended.out)
    return found


def when_finished(guest: str) -> dict[str, Any]:
    """Return the description of the one machine, once that guest has ended."""
    while True:
        (machine,) = listed()
        if {"name": guest, "state": "finished"} in machine["guests"]:
            return machine


def test_nothing_runs(runtime_folder: Path) -> None:
    """Without machines the command says so, and makes no folder."""
    assert ccw_actors("machines") == (0, "no machine is running\n", "")
    assert listed() == []
    assert not runtime_folder.exists()


def test_list(run: Run) -> None:
    """A machine is listed with its devices, guests and their states."""
    machine = when_finished("bystander")
    states = {one["name"]: one["state"] for one in machine["guests"]}
    assert states == {"subject": "running", "bystander": "finished"}
    assert (machine["name"], machine["pid"]) == ("m", run.process.pid)
    assert machine["messages"] > 1000
    assert machine["devices"] == [
        {
            "number": f"0.0.015{index}",
            "type": "3390",
            "guest": guest,
            "guest_number": "0.0.0190",
        }
        for index, guest in enumerate(("subject", "bystander"))
    ]


def test_list_as_a_table(run: Run) -> None:
    """The table has a line for each guest, and the machine's name in the first."""
    when_finished("bystander")
    first, second = ccw_actors("machines").out.splitlines()[-2:]
    name, process, _messages, *rest = first.split()
    assert (name, process) == ("m", str(run.process.pid))
    assert rest == ["subject", "running", "0.0.0190:", "0.0.0150,", "3390"]
    assert second.split() == ["bystander", "finished", "0.0.0190:", "0.0.0151,", "3390"]


def test_stop(run: Run) -> None:
    """A stopped machine ends, says why, and is no longer listed."""
    when_finished("bystander")
    assert ccw_actors("stop", "m") == (0, "", "")
    assert listed() == []
    status, out, err = run.end()
    assert status == 128 + signal.SIGTERM
    assert err == "ccw-actors: stopped by request; trace in ccw-actors.trace\n"
    guests = json.loads(out)["guests"]
    assert guests["subject"]["error"] == "stopped by request"
    assert guests["bystander"]["error"] is None


def test_stopped_machine_prints_what_is_over(waiting: Path) -> None:
    """The table has the guests that had ended."""
    run = Run(waiting)
    (machine,) = listed()
    assert machine["name"] == waiting.stem
    when_finished("bystander")
    assert ccw_actors("stop", waiting.stem).status == 0
    status, out, err = run.end()
    assert status == 128 + signal.SIGTERM
    assert "bystander   finished" in out
    assert err.startswith("ccw-actors: stopped by request")


def test_same_machine_twice(waiting: Path) -> None:
    """A name from --name has to be free; the default gets a number."""
    runs = [Run(waiting, "--name", waiting.stem), Run(waiting)]
    names = [waiting.stem, f"{waiting.stem}-2"]
    ended = ccw_actors("run", waiting, "--name", names[0], "--no-trace")
    assert (ended.status, ended.out) == (2, "")
    assert ended.line.startswith(f"ccw-actors: a machine named {names[0]} is running (")
    for name, run in zip(names, runs, strict=True):
        assert name in [one["name"] for one in listed()]
        assert ccw_actors("stop", name).status == 0
        assert run.end()[0] == 128 + signal.SIGTERM


def test_killed_machine(waiting: Path, run: Run, runtime_folder: Path) -> None:
    """A killed machine is not listed and cannot be stopped; its name is free."""
    run.process.kill()
    run.end()
    assert [path.name for path in runtime_folder.iterdir()] == ["m.sock"]
    assert listed() == []
    ended = ccw_actors("stop", "m")
    assert (ended.status, ended.out) == (1, "")
    assert ended.line == "ccw-actors: no machine named m is running"
    again = Run(waiting, "--name", "m")
    assert [one["name"] for one in listed()] == ["m"]
    assert ccw_actors("stop", "m").status == 0
    again.end()


def test_interrupted_machine_leaves_no_socket(run: Run, runtime_folder: Path) -> None:
    """Ctrl-C frees the name as well."""
    run.process.send_signal(signal.SIGINT)
    assert run.end()[0] == 128 + signal.SIGINT
    assert list(runtime_folder.iterdir()) == []


def test_machine_that_does_not_answer() -> None:
    """A silent machine is named with its process, and the command ends."""
    control = ControlSocket.claim("m")
    said = f"ccw-actors: machine m (process {os.getpid()}) has not answered for 0.05 s"
    for words, out in (
        (["machines"], "no machine answers\n"),
        (["machines", "--json"], "[]\n"),
        (["stop", "m"], ""),
    ):
        ended = ccw_actors(*words, "--timeout", "0.05")
        assert (ended.status, ended.out, ended.line) == (1, out, said)
    control.close()


@pytest.mark.parametrize("name", ["../m", "", ".m", "a b"])
def test_name_that_is_none(name: str, waiting: Path) -> None:
    """A name that no machine can have is a usage error."""
    for words in (["stop", name], ["run", waiting, f"--name={name}"]):
        ended = ccw_actors(*words)
        assert (ended.status, ended.out) == (2, "")
        assert "expected at most 64 letters, digits, '.', '_' and '-'" in ended.line


def test_options_that_exclude_each_other() -> None:
    """--name and --no-control exclude each other."""
    ended = ccw_actors("run", "--name", "m", "--no-control")
    assert ended.status == 2
    assert "--name and --no-control exclude each other" in ended.line


def test_no_control(waiting: Path, runtime_folder: Path) -> None:
    """With --no-control a machine has no socket."""
    run = Run(waiting, "--no-control")
    assert not runtime_folder.exists()
    run.process.send_signal(signal.SIGINT)
    run.end()


def test_no_place_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place for a socket the machine runs, unless --name was given."""
    machine = write_machine(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    ended = ccw_actors("run", machine, "--json", "--no-trace")
    assert ended.status == 0
    assert json.loads(ended.out)["guests"]["subject"]["error"] is None
    assert ended.line == (
        "ccw-actors: the machine runs without a control socket:"
        " /nowhere/ccw-actors: cannot be made: no /nowhere"
    )
    ended = ccw_actors("run", machine, "--name", "m", "--no-trace")
    assert (ended.status, ended.out) == (1, "")
    assert ended.line.startswith("ccw-actors: /nowhere/ccw-actors: cannot be made")


def test_folder_of_everybody(runtime_folder: Path) -> None:
    """The commands say in one line what is wrong with the folder."""
    runtime_folder.mkdir()
    runtime_folder.chmod(0o755)
    for words in (["machines"], ["stop", "m"]):
        ended = ccw_actors(*words)
        assert (ended.status, ended.out) == (1, "")
        assert "nobody else may enter (mode 0700), but it has mode 0755" in ended.line
