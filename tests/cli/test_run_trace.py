"""Where `ccw-actors run` puts its trace: it replaces no other file."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from tests.cli.in_process import ccw_actors
from tests.cli.test_run import COMMAND, ENVIRONMENT, count_messages, write_machine
from tests.machine.contents import ALICE, contents, unpack

TRACE = Path("ccw-actors.trace")
IDLE = """\
async def waits(cpu):
    print("ready", flush=True)
    await cpu.wait()


async def fine(cpu):
    return {"found": 42}
"""


@pytest.fixture
def idle(tmp_path: Path) -> str:
    """Write a machine with an idle guest; return its module."""
    name = "idle_" + "".join(filter(str.isalnum, tmp_path.name))
    (tmp_path / f"{name}.py").write_text(IDLE)
    text = f'[[guest]]\nname = "a"\nstorage = "4 KiB"\nprogram = "{name}:'
    (tmp_path / "fine.toml").write_text(f'{text}fine"\n')
    (tmp_path / "waits.toml").write_text(f'{text}waits"\n')
    return name


@pytest.mark.parametrize(
    "name",
    [
        "machine.toml",
        "ORC390.img",
        "hard.img",
        "soft.img",
        "ORC390.img.journal",
        "notes.txt",
        "folder",
        "folder/none/trace",
    ],
)
def test_places_that_are_refused(tmp_path: Path, name: str) -> None:
    """An input, and a file that is not a trace, are refused and not changed."""
    image = unpack(ALICE, tmp_path)
    (tmp_path / "hard.img").hardlink_to(image)
    (tmp_path / "soft.img").symlink_to(image)
    (tmp_path / "notes.txt").write_text("precious")
    (tmp_path / "folder").mkdir()
    machine = write_machine(tmp_path, image=image)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ended = ccw_actors("run", machine, "--trace", tmp_path / name)
    assert (ended.status, ended.out) == (2, "")
    assert ended.line.startswith(f"ccw-actors: {tmp_path / name}: ")
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_default_place_is_no_trace(tmp_path: Path, idle: str) -> None:
    """The default trace replaces no other file either."""
    del idle
    (tmp_path / TRACE).write_text("precious")
    ended = ccw_actors("run", "fine.toml", folder=tmp_path)
    assert ended.status == 2
    assert (tmp_path / TRACE).read_text() == "precious"


def test_trace_is_replaced_by_the_next(tmp_path: Path, idle: str) -> None:
    """Successive runs write to one file."""
    del idle
    for _ in range(2):
        assert ccw_actors("run", "fine.toml", folder=tmp_path).status == 0
        assert count_messages(tmp_path / TRACE) > 0


def test_two_runs_in_one_folder(tmp_path: Path, idle: str) -> None:
    """Each of two runs at once has its own trace, and names it."""
    del idle
    with subprocess.Popen(
        [*COMMAND, "waits.toml"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "ready\n"
        ended = ccw_actors("run", "fine.toml", "--json", folder=tmp_path)
        assert json.loads(ended.out)["trace"] == "ccw-actors-2.trace"
        told = ccw_actors("run", "fine.toml", "--trace", TRACE, folder=tmp_path)
        assert told.status == 2
        assert told.line == f"ccw-actors: {TRACE}: another run is writing this trace"
        first.terminate()
        _, errors = first.communicate(timeout=30)
    assert errors == f"ccw-actors: stopped by SIGTERM; trace in {TRACE}\n"
    assert count_messages(tmp_path / TRACE) == 3
    assert count_messages(tmp_path / "ccw-actors-2.trace") > 3


@pytest.mark.parametrize("place", ["pipe", "/dev/full"])
def test_trace_that_cannot_be_written(tmp_path: Path, idle: str, place: str) -> None:
    """A trace that cannot be written does not stop or delay the run."""
    del idle
    os.mkfifo(tmp_path / "pipe")
    ended = ccw_actors("run", "fine.toml", "--json", "--trace", place, folder=tmp_path)
    assert ended.status == 0
    result = json.loads(ended.out)
    assert result["guests"]["a"]["result"] == {"found": 42}
    assert result["trace_error"]
    assert ended.line.startswith(f"ccw-actors: {place}: the trace is incomplete: ")


def test_signal_while_nobody_reads_the_trace(tmp_path: Path, idle: str) -> None:
    """A pipe without a reader does not keep a signal from ending the run."""
    del idle
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(
        [*COMMAND, "waits.toml", "--trace", "pipe"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "nobody reads this pipe" in errors


def test_pipe_with_a_reader(tmp_path: Path, idle: str) -> None:
    """A reader of the pipe gets the trace while it is written."""
    del idle
    pipe, kept = tmp_path / "pipe", tmp_path / "kept"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: kept.write_bytes(pipe.read_bytes()))
    reader.start()
    assert ccw_actors("run", "fine.toml", "--trace", pipe, folder=tmp_path).status == 0
    reader.join()
    assert count_messages(kept) > 0


def test_size_of_a_trace(tmp_path: Path) -> None:
    """The newest part is kept, or all on request, and the summary says so."""
    machine = write_machine(tmp_path)
    ended = ccw_actors("run", machine, "--trace-size", "64 KiB", folder=tmp_path)
    assert ended.status == 0
    assert "without the oldest" in " ".join(ended.out.split())
    assert 0 < (tmp_path / TRACE).stat().st_size <= 64 << 10
    kept = count_messages(tmp_path / TRACE)
    whole = ccw_actors(
        *("run", machine, "--trace-size", "all", "--json"), folder=tmp_path
    )
    result = json.loads(whole.out)
    assert "trace_cut" not in result
    assert count_messages(tmp_path / TRACE) > 2 * kept
    assert result["guests"]["subject"]["sha256"] == contents(ALICE)["sha256"]


@pytest.mark.parametrize("size", ["", "x", "0", "-1", "1", "1 PiB", "9" * 5000, "1e9"])
def test_sizes_that_are_none(tmp_path: Path, size: str) -> None:
    """An invalid size is refused in one line."""
    ended = ccw_actors("run", f"--trace-size={size}", folder=tmp_path)
    assert (ended.status, ended.out) == (2, "")
    assert "--trace-size" in ended.line
    assert list(tmp_path.iterdir()) == []
