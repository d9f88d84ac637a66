"""`ccw-actors run` ends, whatever its guests do, and prints the results so far."""

import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.cli.in_process import Ended, ccw_actors
from tests.cli.test_run import COMMAND, ENVIRONMENT, count_messages

GUEST = """\
[[guest]]
name = "{name}"
storage = "4 KiB"
program = "{program}"
{arguments}

"""
PROGRAMS = """\
import asyncio
import sys
import threading
import time
from pathlib import Path


async def fine(cpu, touch=""):
    if touch:
        Path(touch).touch()
    return {"found": 42}


def fine_in_thread(cpu):
    return {"found": 42}


class Unspeakable(Exception):
    def __str__(self):
        raise SystemExit(9)


async def exits(cpu):
    await cpu.wait(0.01)
    sys.exit(3)


async def interrupts(cpu):
    raise KeyboardInterrupt


async def leaves(cpu):
    raise GeneratorExit


async def cancels(cpu):
    raise asyncio.CancelledError


async def raises(cpu):
    raise BaseException("boom")


async def is_unspeakable(cpu):
    raise Unspeakable


def exits_in_thread(cpu):
    sys.exit(3)


def is_unspeakable_in_thread(cpu):
    raise Unspeakable


async def clings(cpu):
    while True:
        try:
            await cpu.wait(0.01)
            raise BaseException("boom")
        finally:
            sys.exit(4)


async def returns_itself(cpu):
    found = {}
    found["found"] = found
    return found


async def returns_much(cpu):
    return {"found": 1 << 100}


def returns_nonsense_in_thread(cpu):
    return {"found": "\\udc80"}


async def closes_stdout(cpu):
    sys.stdout.close()
    return {"closed": True}


async def spins(cpu, after):
    while not Path(after).exists():
        await cpu.wait(0.01)
    await cpu.wait(0.3)
    print("spinning", flush=True)
    while True:
        pass


def spins_in_thread(cpu, after):
    while not Path(after).exists():
        cpu.wait(0.01)
    cpu.wait(0.3)
    print("spinning", flush=True)
    while True:
        pass


async def waits(cpu, after):
    while not Path(after).exists():
        await cpu.wait(0.01)
    await cpu.wait(0.3)
    print("waiting", flush=True)
    await cpu.wait()
"""


@pytest.fixture
def module(tmp_path: Path) -> str:
    """Write guest programs next to the machine file; return their module's name."""
    name = "programs_" + "".join(filter(str.isalnum, tmp_path.name))
    (tmp_path / f"{name}.py").write_text(PROGRAMS)
    return name


def machine(folder: Path, **guests: str) -> Path:
    """Write a machine file with guests: a program each, and arguments after a space."""
    file = folder / "machine.toml"
    parts: list[str] = []
    for name, text in guests.items():
        program, _, arguments = text.partition(" ")
        given = f"arguments = {{ {arguments} }}" if arguments else ""
        parts.append(GUEST.format(name=name, program=program, arguments=given))
    file.write_text("\n".join(parts))
    return file


def check_subject(ended: Ended, said: str) -> None:
    """Check the subject's error, and that the others have results."""
    assert ended.status == 1
    assert ended.line == f"ccw-actors: guest subject: {said}"
    guests = json.loads(ended.out)["guests"]
    assert guests["subject"]["error"] == said
    for name in ("before", "after"):
        assert (guests[name]["error"], guests[name]["result"]) == (None, {"found": 42})


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("exits", "SystemExit: 3"),
        ("interrupts", "KeyboardInterrupt"),
        ("leaves", "GeneratorExit"),
        ("cancels", "CancelledError"),
        ("raises", "BaseException: boom"),
        ("is_unspeakable", "Unspeakable: it cannot be shown: SystemExit"),
        ("exits_in_thread", "SystemExit: 3"),
        ("is_unspeakable_in_thread", "Unspeakable: it cannot be shown: SystemExit"),
        ("clings", "SystemExit: 4"),
    ],
)
def test_whatever_a_guest_raises(
    tmp_path: Path, module: str, program: str, said: str
) -> None:
    """A failing guest ends with one line, and the others with their results."""
    file = machine(
        tmp_path,
        before=f"{module}:fine",
        subject=f"{module}:{program}",
        after=f"{module}:fine_in_thread",
    )
    check_subject(ccw_actors("run", file, "--json", "--no-trace"), said)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("returns_itself", "RecursionError"),
        ("returns_much", "OverflowError"),
        ("returns_nonsense_in_thread", "TypeError"),
    ],
)
def test_whatever_a_guest_returns(
    tmp_path: Path, module: str, program: str, said: str
) -> None:
    """A result that cannot be encoded is the error of that guest alone."""
    file = machine(
        tmp_path,
        before=f"{module}:fine",
        subject=f"{module}:{program}",
        after=f"{module}:fine_in_thread",
    )
    ended = ccw_actors("run", file, "--json", "--no-trace")
    error = json.loads(ended.out)["guests"]["subject"]["error"]
    assert error.startswith(f"the result of the program: {said}")
    check_subject(ended, error)


def test_guest_that_is_left_waiting_at_its_end(tmp_path: Path, module: str) -> None:
    """A guest that raises while it is closed does not disturb the others."""
    program = tmp_path / f"{module}.py"
    program.write_text(
        PROGRAMS + "\n\nasync def closes_badly(cpu):\n    try:\n"
        "        await cpu.store(0)\n        await asyncio.sleep(9)\n"
        "    finally:\n        raise BaseException('at its end')\n"
    )
    file = machine(
        tmp_path,
        before=f"{module}:fine",
        subject=f"{module}:closes_badly",
        after=f"{module}:fine_in_thread",
    )
    ended = ccw_actors("run", file, "--json", "--no-trace")
    said = json.loads(ended.out)["guests"]["subject"]["error"]
    assert "awaits the methods of its cpu only" in said
    check_subject(ended, said)


def test_guest_that_closes_standard_output(tmp_path: Path, module: str) -> None:
    """Results are printed even if a guest has closed standard output."""
    file = machine(tmp_path, a=f"{module}:closes_stdout", b=f"{module}:fine")
    for options in ((), ("--json",)):
        done = subprocess.run(
            [*COMMAND, file, "--no-trace", *options],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "closed" in done.stdout
        assert "42" in done.stdout


def test_json_is_not_mixed_with_what_guests_print(tmp_path: Path, module: str) -> None:
    """With --json standard output has the result and nothing else."""
    program = tmp_path / f"{module}.py"
    program.write_text(PROGRAMS + "\n\nasync def prints(cpu):\n    print('hello')\n")
    file = machine(tmp_path, a=f"{module}:prints")
    ended = ccw_actors("run", file, "--json", "--no-trace")
    assert json.loads(ended.out)["guests"]["a"]["error"] is None
    assert ended.err == "hello\n"


def test_no_room_for_threads(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guests without a thread report that; those with one run to their end."""
    start, room = threading.Thread.start, 3
    started: list[str] = []

    def limited(thread: threading.Thread) -> None:
        if thread.name.startswith("_Thread"):  # threads of actors
            started.append(thread.name)
            if len(started) > room:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    guests = {f"g{number}": f"{module}:fine_in_thread" for number in range(8)}
    ended = ccw_actors("run", machine(tmp_path, **guests), "--json", "--no-trace")
    found = json.loads(ended.out)["guests"]
    errors = [guest["error"] for guest in found.values() if guest["error"]]
    assert ended.status == 1
    assert len(found) - len(errors) == room
    assert all("thread cannot be started" in error for error in errors)
    assert len(ended.err.splitlines()) == len(errors)
    assert not [one for one in threading.enumerate() if one.name.startswith("actor ")]


def test_no_room_for_any_thread_in_the_end(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run ends with its results when there is no thread to wait for the others."""
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if thread.name.startswith("shutdown"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    file = machine(tmp_path, a=f"{module}:fine_in_thread")
    ended = ccw_actors("run", file, "--json", "--no-trace")
    assert (ended.status, ended.err) == (0, "")


# -- signals --------------------------------------------------------------------------


class Running:
    """The command with a finished guest, and one that has reached a point."""

    def __init__(self, folder: Path, module: str, program: str, *words: str) -> None:
        mark = folder / "mark"
        file = machine(
            folder,
            done=f'{module}:fine touch = "{mark}"',
            subject=f'{module}:{program} after = "{mark}"',
        )
        scratch = folder / "scratch"
        scratch.mkdir()
        self.process = subprocess.Popen(
            [*COMMAND, file, *words],
            cwd=folder,
            env={
                **ENVIRONMENT,
                "TMPDIR": str(scratch),
                "XDG_RUNTIME_DIR": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stream = self.process.stderr if "--json" in words else self.process.stdout
        assert stream is not None
        assert stream.readline().endswith("ing\n")

    def ends(self, *numbers: signal.Signals) -> tuple[int, str, list[str]]:
        """Send signals; return the status and what was printed."""
        with self.process as process:
            for number in numbers:
                process.send_signal(number)
            out, err = process.communicate(timeout=30)
        return process.returncode, out, err.splitlines()


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ((signal.SIGINT, signal.SIGINT), 130),
        ((signal.SIGTERM, signal.SIGTERM), 143),
        ((signal.SIGHUP, signal.SIGTERM), 143),
    ],
)
def test_guest_that_spins(
    tmp_path: Path, module: str, numbers: tuple[signal.Signals, ...], status: int
) -> None:
    """Two signals end the run at once; it names the spinning guest, and has results."""
    running = Running(tmp_path, module, "spins", "--json", "--trace", "trace")
    running.process.send_signal(numbers[0])
    assert running.process.stderr is not None
    hint = running.process.stderr.readline()
    assert hint.startswith(f"ccw-actors: {numbers[0].name}: guest subject spins, at ")
    ended, out, lines = running.ends(numbers[1])
    assert ended == status
    (line,) = lines
    said = f"ended by {numbers[1].name}: guest subject spins, at "
    assert line.startswith(f"ccw-actors: {said}")
    assert f"{module}.py, line " in line
    guests = json.loads(out)["guests"]
    assert guests["done"]["result"] == {"found": 42}
    assert guests["subject"]["error"].startswith(said)
    assert count_messages(tmp_path / "trace") > 0
    assert list((tmp_path / "scratch").iterdir()) == []


def test_two_signals_at_once(tmp_path: Path, module: str) -> None:
    """Two signals may come without a pause."""
    running = Running(tmp_path, module, "spins", "--no-trace")
    status, out, lines = running.ends(signal.SIGINT, signal.SIGTERM)
    assert status in (130, 143)
    assert "guest subject spins" in lines[-1]
    assert "{'found': 42}" in out


def test_guest_that_spins_in_a_thread(tmp_path: Path, module: str) -> None:
    """A thread that does not end is named when two signals end the process."""
    running = Running(tmp_path, module, "spins_in_thread", "--no-trace")
    status, out, lines = running.ends(signal.SIGINT, signal.SIGTERM)
    assert status in (130, 143)
    assert lines[-1].startswith("ccw-actors: ended by SIG")
    assert "{'found': 42}" in out


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (signal.SIGHUP, 129, ()),
        (signal.SIGINT, 130, ()),
        (signal.SIGTERM, 143, ()),
        (signal.SIGTERM, 143, ("--uvloop",)),
    ],
)
def test_what_is_there_when_a_run_is_stopped(
    tmp_path: Path,
    module: str,
    number: signal.Signals,
    status: int,
    words: tuple[str, ...],
) -> None:
    """A stopped run prints the results of ended guests, and its trace is complete."""
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


def test_nohup(tmp_path: Path, module: str) -> None:
    """If SIGHUP is ignored, as under nohup, it stays so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        running = Running(tmp_path, module, "waits", "--no-trace")
    finally:
        signal.signal(signal.SIGHUP, before)
    status, _, lines = running.ends(signal.SIGHUP, signal.SIGINT)
    assert (status, lines) == (130, ["ccw-actors: stopped by SIGINT"])


def test_handlers_are_put_back(tmp_path: Path, module: str) -> None:
    """After a run the signal handlers are restored, and no thread is left."""
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(kind) for kind in kinds], threading.active_count()
    ccw_actors("run", machine(tmp_path, a=f"{module}:fine"), "--no-trace")
    after = [signal.getsignal(kind) for kind in kinds], threading.active_count()
    assert after == before
    assert signal.set_wakeup_fd(-1) == -1
