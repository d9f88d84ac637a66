"""`ccw-actors run` of a machine in several processes, and its end in any way."""

import json
import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.in_process import ccw_actors
from tests.cli.test_run import COMMAND, ENVIRONMENT, ROOT, count_messages
from tests.cli.test_run_stops import PROGRAMS

GUEST = """\
[[guest]]
name = "{name}"
storage = "4 KiB"
program = "{program}"
process = "{process}"
{arguments}

"""


@pytest.fixture
def module(tmp_path: Path) -> str:
    """Write guest programs next to the machine file; return their module's name."""
    name = "programs_" + "".join(filter(str.isalnum, tmp_path.name))
    (tmp_path / f"{name}.py").write_text(PROGRAMS)
    return name


def machine(folder: Path, module: str, program: str) -> Path:
    """Write a machine of two processes: one guest ends, then one reaches a point."""
    mark = folder / "mark"
    file = folder / "machine.toml"
    done = GUEST.format(
        name="done",
        program=f"{module}:fine",
        process="east",
        arguments=f'arguments = {{ touch = "{mark}" }}',
    )
    subject = GUEST.format(
        name="subject",
        program=f"{module}:{program}",
        process="west",
        arguments=f'arguments = {{ after = "{mark}" }}',
    )
    file.write_text(done + subject)
    return file


class Running:
    """The command at work, with the processes that it has started."""

    def __init__(self, folder: Path, module: str, program: str, *words: str) -> None:
        self.folder = folder
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.process = subprocess.Popen(
            [*COMMAND, machine(folder, module, program), *words],
            cwd=folder,
            env={
                **ENVIRONMENT,
                "TMPDIR": str(self.scratch),
                "XDG_RUNTIME_DIR": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stream = self.process.stderr if "--json" in words else self.process.stdout
        assert stream is not None
        assert stream.readline().endswith("ing\n")
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        pids = map(int, task.read_text().split())
        self.children = [os.pidfd_open(pid) for pid in pids]
        assert len(self.children) == 2

    def check_children_end(self) -> None:
        """Wait until the processes have ended, which the kernel tells."""
        for child in self.children:
            poll = select.poll()
            poll.register(child, select.POLLIN)
            assert poll.poll(20_000)
            os.close(child)

    def ends(self, *numbers: signal.Signals) -> tuple[int, str, list[str]]:
        """Send signals; return the status and what was printed."""
        with self.process as process:
            for number in numbers:
                process.send_signal(number)
            try:
                out, err = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        self.check_children_end()
        return process.returncode, out, err.splitlines()


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (signal.SIGHUP, 129, ()),
        (signal.SIGINT, 130, ()),
        (signal.SIGTERM, 143, ()),
        (signal.SIGTERM, 143, ("--uvloop",)),
    ],
)
def test_run_that_a_signal_stops(
    tmp_path: Path,
    module: str,
    number: signal.Signals,
    status: int,
    words: tuple[str, ...],
) -> None:
    """All processes end, results of ended guests are printed, the trace is whole."""
    if words:
        pytest.importorskip("uvloop")
    running = Running(tmp_path, module, "waits", "--json", *words)
    ended, out, lines = running.ends(number)
    assert ended == status
    said = f"stopped by {number.name}"
    assert lines == [f"ccw-actors: {said}; trace in ccw-actors.trace"]
    guests = json.loads(out)["guests"]
    assert guests["done"]["result"] == {"found": 42}
    assert guests["subject"]["error"] == said
    assert count_messages(tmp_path / "ccw-actors.trace") > 0
    assert list(running.scratch.iterdir()) == []


def test_run_that_a_terminal_interrupts(tmp_path: Path, module: str) -> None:
    """Processes that get SIGINT as well leave the end to their parent."""
    running = Running(tmp_path, module, "waits", "--json", "--no-trace")
    for child in running.children:
        signal.pidfd_send_signal(child, signal.SIGINT)
        signal.pidfd_send_signal(child, signal.SIGHUP)
    status, out, lines = running.ends(signal.SIGINT)
    assert (status, lines) == (130, ["ccw-actors: stopped by SIGINT"])
    assert json.loads(out)["guests"]["subject"]["error"] == "stopped by SIGINT"


def test_stop_and_machines(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands see one machine, and `stop` ends all its processes."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    running = Running(tmp_path, module, "waits", "--no-trace")
    (listed,) = json.loads(ccw_actors("machines", "--json", "--timeout", "30").out)
    assert listed["pid"] == running.process.pid
    states = {one["name"]: one["state"] for one in listed["guests"]}
    assert states == {"done": "finished", "subject": "running"}
    shown = json.loads(ccw_actors("dump", "machine", "--json").out)
    paths = [one["path"] for one in shown["actors"]]
    assert any(path.startswith("west: subject/") for path in paths), paths
    assert ccw_actors("stop", "machine") == (0, "", "")
    status, out, lines = running.ends()
    assert (status, lines) == (143, ["ccw-actors: stopped by request"])
    assert "{'found': 42}" in out


@pytest.mark.parametrize("program", ["waits", "spins", "spins_in_thread"])
def test_parent_that_is_killed(tmp_path: Path, module: str, program: str) -> None:
    """No process outlives it, whatever its guests do, and none leaves a folder."""
    running = Running(tmp_path, module, program, "--no-trace")
    running.process.kill()
    running.process.communicate(timeout=30)
    running.check_children_end()
    (left,) = running.scratch.iterdir()
    assert {one.name for one in left.iterdir()} == {
        "link.sock",
        "part-1.json",
        "part-2.json",
    }


def test_guest_that_spins(tmp_path: Path, module: str) -> None:
    """Two signals end the run at once; it names the process, and has results."""
    running = Running(tmp_path, module, "spins", "--json", "--trace", "trace")
    running.process.send_signal(signal.SIGINT)
    assert running.process.stderr is not None
    hint = running.process.stderr.readline()
    assert hint.startswith("ccw-actors: SIGINT: process west (")
    assert "does not answer; a second signal ends the run at once" in hint
    status, out, (line,) = running.ends(signal.SIGTERM)
    assert status == 143
    assert line.startswith("ccw-actors: ended by SIGTERM: process west (")
    guests = json.loads(out)["guests"]
    assert guests["done"]["result"] == {"found": 42}
    assert guests["subject"]["error"].startswith("ended by SIGTERM: process west (")
    assert count_messages(tmp_path / "trace") > 0


@pytest.mark.parametrize("placement", ["with-guest", "shared-host"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_process_that_is_ended(
    tmp_path: Path, module: str, number: signal.Signals, placement: str
) -> None:
    """One line says which guest was lost, and the exit status is that of a failure."""
    words = ("--json", "--no-trace", "--placement", placement)
    running = Running(tmp_path, module, "waits", *words)
    for child in running.children:
        signal.pidfd_send_signal(child, number)
    status, out, (line,) = running.ends()
    assert status == 1
    assert line.startswith("ccw-actors: guest subject: process west (")
    assert line.endswith(f") was ended by {number.name}")
    assert json.loads(out)["guests"]["done"]["result"] == {"found": 42}


def test_json_is_not_mixed_with_what_guests_print(tmp_path: Path, module: str) -> None:
    """With --json standard output has the result and nothing else."""
    running = Running(tmp_path, module, "waits", "--json", "--no-trace")
    status, out, _ = running.ends(signal.SIGTERM)
    assert status == 143
    assert list(json.loads(out)["guests"]) == ["done", "subject"]


def test_number_of_processes(tmp_path: Path) -> None:
    """`--processes` deals out the guests of any machine; less than one is refused."""
    done = subprocess.run(
        [*COMMAND, "--processes", "2", "--json", "--no-trace", "--no-control"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["system"]["messages"]["Joined"] == 2
    assert [one["records"] for one in result["guests"].values()] == [41, 360]
    assert ccw_actors("run", "--processes", "0").status == 2


def test_placement_without_processes(tmp_path: Path) -> None:
    """A placement is for several processes, and the line says how to get them."""
    file = tmp_path / "machine.toml"
    program = "ccw_actors.machine.programs:read_volume"
    guest = GUEST.format(name="a", program=program, process="b", arguments="")
    file.write_text(guest.replace('process = "b"\n', ""))
    for placed in (("--placement", "shared-host"), ()):
        status, _, said = ccw_actors("run", file, "--no-trace", *placed)
        assert status == 2
        assert "shared-host is for guests in several processes" in said
        assert "expected --processes N, or process in the machine file" in said
        file.write_text(f'placement = "shared-host"\n{file.read_text()}')
    refused = ccw_actors("run", file, "--placement", "elsewhere")
    assert refused.status == 2
    assert "'elsewhere' is not one of 'shared-host', 'with-guest'" in refused.err


@pytest.mark.parametrize("placement", ["with-guest", "shared-host"])
def test_machine_of_three_processes(tmp_path: Path, placement: str) -> None:
    """The example has a process for each guest, and the actors allow its trace."""
    file = ROOT / "examples" / "three_processes.toml"
    done = subprocess.run(
        [*COMMAND, file, "--json", "--no-control", "--placement", placement],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert list(result["guests"]) == ["first", "second", "inspector"]
    assert result["system"]["messages"]["Joined"] == 3
    trace = tmp_path / "ccw-actors.trace"
    checked = ccw_actors("trace", "check", trace, "--model", "ccw-actors")
    assert checked.status == 0
    for number in (0x150, 0x151, 0x152):
        assert f"allowed: host/0.0.{number:04x}/subchannel" in checked.out
