"""`ccw-actors trace --follow`: waits for what a run still writes."""

import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ccw_actors.cli._trace_follow import following
from ccw_actors.runtime import Handled
from ccw_actors.trace import TraceTarget, TraceWriter, open_trace
from ccw_actors.transport import Codec, Message
from tests.cli.in_process import ccw_actors
from tests.trace.play import recorded

ENCODE = Codec().encode


class Data(Message, frozen=True):
    """The traced message."""

    number: int


def write(writer: TraceWriter, target: TraceTarget, number: int) -> None:
    """Write one message, and what is buffered."""
    message = Data(number)
    writer.handled(Handled(number, 0, 0.0, 0.0, "", "a", ENCODE(message), Data))
    target.flush()


@contextmanager
def follower(path: Path, *words: str) -> "Generator[subprocess.Popen[str]]":
    """Run the command, which must not outlive the test."""
    with subprocess.Popen(
        [sys.executable, "-m", "ccw_actors", "trace", path, "--follow", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: "subprocess.Popen[str]") -> str:
    """Return the next line of output, as soon as there is one."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_messages_appear_as_they_are_written(tmp_path: Path) -> None:
    """It prints what comes, and ends with the run that writes."""
    path = tmp_path / "run.trace"
    target = open_trace(path)
    writer = TraceWriter(target)
    write(writer, target, 1)
    with follower(path) as process:
        for number in (1, 2, 3):
            assert f"Data(number={number})" in next_line(process)
            write(writer, target, number + 1)
        target.close()
        out, err = process.communicate(timeout=60)
        assert "Data(number=4)" in out
        assert (process.returncode, err) == (0, "")


def test_limit_ends_it(tmp_path: Path) -> None:
    """With --limit it ends on its own."""
    path = tmp_path / "run.trace"
    path.write_bytes(recorded())
    with follower(path, "--limit", "1") as process:
        assert next_line(process)
        assert process.wait(60) == 0


def test_ctrl_c(tmp_path: Path) -> None:
    """A file that nobody holds is followed until Ctrl-C; the status is 130."""
    path = tmp_path / "run.trace"
    path.write_bytes(recorded())
    lines = len(ccw_actors("trace", path).out.splitlines())
    with follower(path) as process:
        for _ in range(lines):
            assert next_line(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_columns_come_as_actors_do(tmp_path: Path) -> None:
    """A new actor brings a new header."""
    path = tmp_path / "run.trace"
    path.write_bytes(recorded())
    with follower(path, "--columns", "--limit", "2") as process:
        out, _ = process.communicate(timeout=60)
    first, _, second, _ = out.splitlines()
    assert first.split()[3:] == ["host/driver"]
    assert second.split()[3:] == ["host/driver", "host/disk"]


def test_a_trace_that_is_begun_anew(tmp_path: Path) -> None:
    """When what was read is gone, one line says so."""
    path = tmp_path / "run.trace"
    path.write_bytes(recorded())
    lines = len(ccw_actors("trace", path).out.splitlines())
    with follower(path) as process:
        for _ in range(lines):
            next_line(process)
        open_trace(path).close()
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
        assert line.startswith(f"ccw-actors: {path}: its beginning was removed")
        assert process.wait(60) == 2


def test_a_run_that_ends_before_its_trace_is_read(tmp_path: Path) -> None:
    """The writer is noticed at the first read, and is gone at the end."""
    path = tmp_path / "run.trace"
    path.touch()
    with path.open("rb") as file:
        trace = following(file)
        target = open_trace(path)
        write(TraceWriter(target), target, 1)
        found = [trace.read(10)]
        target.close()
        # A thread, because without an end nothing else would end the test.
        rest = threading.Thread(
            target=lambda: found.append(trace.read(4096)), daemon=True
        )
        rest.start()
        rest.join(60)
        assert b"".join(found) == path.read_bytes()
        over = threading.Thread(
            target=lambda: found.append(trace.read(4096)), daemon=True
        )
        over.start()
        over.join(60)
        assert found[-1] == b""
