"""`ccw-actors trace`, run as a command."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest

from ccw_actors.trace import as_json, as_line
from tests.trace.play import events_of, recorded

TRACE = recorded()
COMMAND = (sys.executable, "-m", "ccw_actors", "trace")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a trace."""
    path = tmp_path / "play.trace"
    path.write_bytes(TRACE)
    return path


def lines_of(*arguments: str | Path) -> list[str]:
    """Run the command, which must succeed; return its lines."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def all_lines() -> list[str]:
    """Return the lines of the whole trace."""
    events, reader = events_of(TRACE)
    return [as_line(event, reader.types) for event in events]


def test_all(file: Path) -> None:
    """With --raw every event is a line with its fields as they are."""
    lines = lines_of("--raw", file)
    assert lines == all_lines()
    assert "\x1b" not in "".join(lines)


def test_json(file: Path) -> None:
    """With --json every line is an object."""
    events, reader = events_of(TRACE)
    expected = [as_json(event, reader.types) for event in events]
    assert [json.loads(line) for line in lines_of("--json", file)] == expected


def test_actor(file: Path) -> None:
    """--actor keeps messages from and to actors whose path matches."""
    driver = [line for line in all_lines() if "host/driver" in line]
    assert lines_of("--raw", "--actor", "*/driver", file) == driver
    assert lines_of("--raw", "--actor", "outside", file) == [
        line for line in all_lines() if "outside" in line
    ]
    assert lines_of("--actor", "driver", file) == []


def test_type(file: Path) -> None:
    """--type keeps messages of that type, and failures on them."""
    explode = [line for line in all_lines() if "Explode" in line]
    assert len(explode) == 2
    assert lines_of("--raw", "--type", "Explode", file) == explode


def test_from_and_limit(file: Path) -> None:
    """--from and --limit cut out a part by message numbers and lines."""
    numbered = [(int(line.split("#")[1].split()[0]), line) for line in all_lines()]
    later = [line for number, line in numbered if number >= 3]
    assert lines_of("--raw", "--from", "3", file) == later
    assert lines_of("--raw", "--from", "3", "--limit", "2", file) == later[:2]
    assert lines_of("--limit", "0", file) == []


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("text", b"hello", "not a trace: Expected `array`, got `int`"),
        ("newer", msgpack.packb(["trace", "ccw-actors", 99]), "has version 99"),
        ("older", msgpack.packb(["trace", "ccw-actors", -1]), "has version -1"),
        ("absent", None, "No such file or directory; expected a trace"),
    ],
)
def test_errors(tmp_path: Path, name: str, data: bytes | None, error: str) -> None:
    """A file that is not a trace is one line on stderr, which names it; status 2."""
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    done = subprocess.run([*COMMAND, path], capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ccw-actors: {path}: ")
    assert error in line
    assert (done.returncode, done.stdout) == (2, "")


def test_progress(file: Path) -> None:
    """A bar is drawn on a terminal, and the lines go to standard output alone."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "--raw", file],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
        text=True,
    ) as process:
        os.close(theirs)
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    said = os.read(ours, 65536).decode()
    os.close(ours)
    assert lines == all_lines()
    assert "reading" in said
    assert lines[0] not in said


def test_truncated(file: Path) -> None:
    """A trace that was cut short is shown as far as it goes, then the error."""
    file.write_bytes(TRACE[:-1])
    done = subprocess.run(
        [*COMMAND, "--raw", file], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == all_lines()[:-1]
    assert f"{file}: the stream ends inside the value" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("arguments", [(), ("--limit", "x", "f"), ("--nonsense", "f")])
def test_usage(arguments: tuple[str, ...]) -> None:
    """A usage error is exit status 2."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, check=False)
    assert done.returncode == 2


def test_broken_pipe(tmp_path: Path) -> None:
    """When the reader closes the pipe, the command ends silently."""
    path = tmp_path / "long.trace"
    unpacker = msgpack.Unpacker()
    unpacker.feed(TRACE)
    parts = list(unpacker)
    handled = next(part for part in parts if part[0] == "handled")
    packed = [msgpack.packb(part) for part in parts[: parts.index(handled)]]
    path.write_bytes(b"".join(packed) + msgpack.packb(handled) * 20_000)
    with subprocess.Popen(
        [*COMMAND, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
