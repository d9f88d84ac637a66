"""Targets of a trace: no other file is overwritten, and none grows forever."""

import contextlib
import errno
import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.errors import StreamError, TraceFileError, TraceInUseError
from ccw_actors.runtime import Handled
from ccw_actors.trace import HandledRecord, TraceReader, TraceWriter, open_trace
from ccw_actors.transport import Codec, Message
from tests.trace.play import play, recorded

ENCODE = Codec().encode
KIB = 1 << 10


class Data(Message, frozen=True):
    """The traced message."""

    content: bytes


class Other(Message, frozen=True):
    """A message that is traced once, at the beginning."""


def event(number: int, message: Message) -> Handled:
    """Return an event of a message."""
    return Handled(number, 0, 0.0, 0.0, "", "a", ENCODE(message), type(message))


def write_many(writer: TraceWriter, first: int, last: int, size: int) -> None:
    """Write events of that size until a write fails."""
    for number in range(first, last):
        writer.handled(event(number, Data(bytes(size))))


def numbers(path: Path) -> list[int]:
    """Read a trace, and return the numbers of its events."""
    with path.open("rb") as file:
        reader = TraceReader(file)
        found = list(reader)
    assert all(isinstance(one, HandledRecord) for one in found)
    return [one.number for one in found]


def test_a_play(tmp_path: Path) -> None:
    """A trace in a file equals one elsewhere."""
    path = tmp_path / "trace"
    target = open_trace(path)
    play(TraceWriter(target))
    target.close()
    assert path.read_bytes() == recorded()


def test_header_is_there_at_once(tmp_path: Path) -> None:
    """A trace can be read from its beginning, whatever happens to the process."""
    path = tmp_path / "trace"
    target = open_trace(path)
    TraceWriter(target)
    assert numbers(path) == []
    target.close()


def test_newest_is_kept(tmp_path: Path) -> None:
    """A trace of bounded size has the newest events and all their types."""
    path, size = tmp_path / "trace", 64 * KIB
    target = open_trace(path, size_max=size)
    writer = TraceWriter(target)
    writer.handled(event(1, Other()))
    largest = 0
    for number in range(2, 3000):
        writer.handled(event(number, Data(bytes(number % 700))))
        if number % 500 == 0:
            writer.handled(event(number, Other()))
        largest = max(largest, path.stat().st_size)
    target.close()
    found = numbers(path)
    assert found[-1] == 2999
    steps = {b - a for a, b in itertools.pairwise(found)}
    assert steps <= {0, 1}
    assert size * 7 // 8 <= path.stat().st_size <= size
    assert largest <= size * 2
    assert target.cut > 500 * KIB


def test_all_is_kept_on_request(tmp_path: Path) -> None:
    """Without a bound nothing is removed."""
    path = tmp_path / "trace"
    target = open_trace(path, size_max=None)
    writer = TraceWriter(target)
    for number in range(1, 3000):
        writer.handled(event(number, Data(bytes(number % 700))))
    target.close()
    assert numbers(path) == list(range(1, 3000))
    assert target.cut == 0


def test_large_records_in_a_small_trace(tmp_path: Path) -> None:
    """Records as large as the bound leave a readable trace."""
    path, size = tmp_path / "trace", 64 * KIB
    target = open_trace(path, size_max=size)
    writer = TraceWriter(target)
    for number in range(1, 30):
        writer.handled(event(number, Data(bytes(size * (number % 3)))))
    target.close()
    found = numbers(path)
    assert found == sorted(found)
    assert path.stat().st_size <= size


@pytest.mark.parametrize("content", [b"text", b"CKD_P370", bytes(600), b"\x93\xa5trac"])
def test_what_is_no_trace_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """A file with other content is refused and unchanged."""
    path = tmp_path / "precious"
    path.write_bytes(content)
    with pytest.raises(TraceFileError, match="exists and is not a trace"):
        open_trace(path)
    assert path.read_bytes() == content


def test_trace_is_replaced(tmp_path: Path) -> None:
    """A new trace replaces an existing one, or an empty file."""
    path = tmp_path / "trace"
    for before in (recorded() * 2, b""):
        path.write_bytes(before)
        target = open_trace(path)
        play(TraceWriter(target))
        target.close()
        assert path.read_bytes() == recorded()


@pytest.mark.parametrize("link", [os.link, os.symlink, None])
def test_inputs_are_left_alone(
    tmp_path: Path, link: Callable[[Path, Path], None] | None
) -> None:
    """An input is refused under any name, even if it is empty."""
    given = tmp_path / "given"
    given.touch()
    path = given
    if link is not None:
        path = tmp_path / "link"
        link(given, path)
    with pytest.raises(TraceFileError, match="an input"):
        open_trace(path, inputs=[tmp_path / "absent", given])


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """A second trace to a file is refused while the first is being written."""
    path = tmp_path / "trace"
    first = open_trace(path)
    play(TraceWriter(first))
    with pytest.raises(TraceInUseError, match="another run"):
        open_trace(path)
    first.close()
    assert path.read_bytes() == recorded()
    open_trace(path).close()


@pytest.mark.parametrize("name", ["missing/trace", "."])
def test_places_that_are_none(tmp_path: Path, name: str) -> None:
    """A folder, and a path in no folder, are refused."""
    with pytest.raises(TraceFileError):
        open_trace(tmp_path / name)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk is full the trace ends after a whole record, with an error."""
    path = tmp_path / "trace"
    target = open_trace(path)
    writer = TraceWriter(target)
    write_many(writer, 1, 500, 1000)
    before = path.stat().st_size
    assert before > 1000
    real = os.pwrite

    def full(fd: int, data: Any, at: int) -> int:
        if at + len(data) > before + 5000:
            if at >= before + 5000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(fd, data[: before + 5000 - at], at)
        return real(fd, data, at)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        write_many(writer, 500, 1000, 1000)
    assert writer.error is not None
    target.close()
    found = numbers(path)
    assert found == list(range(1, len(found) + 1))


def test_full_device() -> None:
    """A device that takes nothing ends the trace with its error."""
    target = open_trace(Path("/dev/full"))
    TraceWriter(target)
    with pytest.raises(OSError, match="No space left"):
        target.close()


def test_pipe_that_is_read(tmp_path: Path) -> None:
    """The reader of a pipe gets the trace."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    target = open_trace(path)
    play(TraceWriter(target))
    reader.start()
    target.close()
    reader.join()
    assert found == [recorded()]


def test_pipe_that_nobody_reads(tmp_path: Path) -> None:
    """Without a reader a pipe blocks for at most a second."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    target = open_trace(path)
    writer = TraceWriter(target)
    with pytest.raises(OSError, match="nobody reads this pipe"):
        write_many(writer, 1, 5000, 10_000)
    with pytest.raises(OSError, match="nobody reads this pipe"):
        target.close()


def test_reader_that_goes_away(tmp_path: Path) -> None:
    """A reader that closes the pipe ends the trace."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    target = open_trace(path)
    writer = TraceWriter(target)
    os.close(fd)
    with pytest.raises(OSError, match="Broken pipe"):
        write_many(writer, 1, 5000, 10_000)
    with pytest.raises(OSError, match="Broken pipe"):
        target.close()


def test_cut_in_the_middle_of_taking_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process dies during the removal, the trace reads correctly."""
    path = tmp_path / "trace"
    target = open_trace(path, size_max=64 * KIB)
    writer = TraceWriter(target)

    class Died(BaseException):
        pass

    def die(_fd: int, _size: int) -> None:
        raise Died

    monkeypatch.setattr(os, "ftruncate", die)
    with pytest.raises(Died):
        write_many(writer, 1, 3000, 350)
    found: list[int] = []
    with path.open("rb") as file, contextlib.suppress(StreamError):
        for one in TraceReader(file):
            found.append(one.number)  # noqa: PERF401 - those before damage are kept
    assert found
    monkeypatch.undo()
    target.close()
