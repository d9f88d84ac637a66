"""`ccw-actors trace`: fields in words, colours, columns, a search, one I/O."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccw_actors.runtime import Handled
from ccw_actors.trace import TraceWriter, as_line, open_trace
from ccw_actors.transport import Codec, Message
from tests.cli.in_process import ccw_actors, is_harmless
from tests.show.pages import HOSTILE, everything, hostile_trace, trace_of
from tests.trace.play import events_of, recorded

COMMAND = (sys.executable, "-m", "ccw_actors", "trace")
ENCODE = Codec().encode


class StartSubchannel(Message, frozen=True):
    """A START, as its type is called."""


class Went(Message, frozen=True):
    """Any other message."""


GUEST, CPU, CIO, HOST = "a/0.0.0001/subchannel", "a/cpu0", "host/1/cio", "host/1/sub"
TWO_STARTS = (
    (1, 0, "", CPU, Went),
    (2, 1, CPU, GUEST, StartSubchannel),
    (3, 2, GUEST, CIO, Went),
    (4, 0, "", "host/2/cio", Went),
    (5, 3, CIO, HOST, StartSubchannel),
    (6, 5, HOST, CIO, Went),
    (7, 4, "host/2/cio", "host/2/sub", Went),
    (8, 6, CIO, CPU, Went),
    (9, 8, CPU, GUEST, StartSubchannel),
    (10, 9, GUEST, CPU, Went),
    (11, 6, CIO, GUEST, Went),
)
"""Number, cause, sender, recipient and type of the messages of two STARTs."""


@pytest.fixture
def starts(tmp_path: Path) -> Path:
    """Write a trace of two STARTs, the second because of the first."""
    path = tmp_path / "starts.trace"
    target = open_trace(path)
    writer = TraceWriter(target)
    for number, cause, sender, recipient, kind in TWO_STARTS:
        payload = ENCODE(kind())
        writer.handled(
            Handled(number, cause, 0.0, 0.0, sender, recipient, payload, kind)
        )
    target.close()
    return path


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """Write a trace of a play."""
    path = tmp_path / "play.trace"
    path.write_bytes(recorded())
    return path


def lines_of(*words: str | Path, columns: int = 200) -> list[str]:
    """Run the command, which must succeed; return its lines."""
    done = ccw_actors("trace", *words, columns=columns)
    assert (done.status, done.err) == (0, "")
    assert is_harmless(done.out)
    return done.out.splitlines()


def numbers_of(*words: str | Path) -> list[int]:
    """Return the numbers of the messages that the command prints."""
    return [int(line.split("#")[1].split()[0]) for line in lines_of(*words)]


def test_fields_are_in_words(tmp_path: Path) -> None:
    """Bits, commands and sense have names, and a program is its CCWs."""
    path = tmp_path / "one.trace"
    path.write_bytes(trace_of(everything()))
    (line,) = lines_of(path)
    for words in (
        "outside -> sink  Everything(orb=Orb(",
        "dstat=0x0e (channel-end, device-end, unit-check)",
        "errno=16 (EBUSY)",
        "sense=1002 (equipment check)",
        "channel program=[0x00002000 Ccw(code=0x03 (noop)",
    ):
        assert words in line
    (raw,) = lines_of("--raw", path)
    assert "dstat=14" in raw
    assert "channel program" not in raw


def test_lines_differ_from_raw_ones_in_fields_only(play: Path) -> None:
    """Time, number, cause, actors, reasons and failures are the same."""
    events, reader = events_of(recorded())
    raw = [as_line(event, reader.types) for event in events]
    shown = lines_of(play)
    for line, other in zip(shown, raw, strict=True):
        assert line.partition("(")[0] == other.partition("(")[0]
    assert [line for line in shown if "failed on" in line] == [
        line for line in raw if "failed on" in line
    ]
    lost = [line.partition("  dead letter: ")[2] for line in shown]
    assert lost == [line.partition("  dead letter: ")[2] for line in raw]
    assert any(lost)


def test_hostile_trace(tmp_path: Path) -> None:
    """Names and fields are text, in each form."""
    path = tmp_path / "hostile.trace"
    path.write_bytes(hostile_trace())
    for words in ((), ("--columns",), ("--raw",), ("--grep", re.escape(HOSTILE))):
        assert lines_of(path, *words)


@pytest.mark.parametrize(
    ("number", "expected"), [(1, [2, 3, 5, 6, 8, 11]), (2, [9, 10])]
)
def test_io(starts: Path, number: int, expected: list[int]) -> None:
    """The N-th START of a guest, and what it caused up to the guest's next START."""
    assert numbers_of(starts, "--io", f"{number}") == expected


def test_io_with_other_filters(starts: Path) -> None:
    """All filters hold at once."""
    assert numbers_of(starts, "--io", "1", "--actor", "host/*") == [3, 5, 6, 8, 11]
    assert numbers_of(starts, "--io", "1", "--from", "6", "--limit", "1") == [6]


def test_io_that_is_not_there(starts: Path) -> None:
    """The line says how many there are; the host's own STARTs do not count."""
    done = ccw_actors("trace", starts, "--io", "3")
    assert (done.status, done.out) == (2, "")
    assert done.line.endswith("no START number 3 of a guest; the trace has 2")
    assert ccw_actors("trace", starts, "--io", "0").status == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("StartSub", [2, 5, 9]),
        ("^outside", [1, 4]),
        (r"host/2/(cio|sub)", [4, 7]),
        ("nothing like it", []),
    ],
)
def test_grep(starts: Path, text: str, expected: list[int]) -> None:
    """A text or regular expression is searched in type and actors."""
    assert numbers_of(starts, "--grep", text) == expected


def test_grep_searches_words(tmp_path: Path) -> None:
    """The fields are searched in words, also where they are printed raw."""
    path = tmp_path / "one.trace"
    path.write_bytes(trace_of(everything()))
    for form in ((), ("--raw",), ("--json",)):
        assert len(lines_of(path, "--grep", "unit-check", *form)) == 1
        assert not lines_of(path, "--grep", "intervention", *form)


def test_grep_of_no_expression(starts: Path) -> None:
    """One line says how to search for such a text."""
    done = ccw_actors("trace", starts, "--grep", "Orb(")
    assert done.status == 2
    assert "--grep: 'Orb(' is no regular expression" in done.line
    assert "Put a backslash before" in done.line


@pytest.mark.parametrize(
    "words", [("--raw", "--json"), ("--columns", "--raw"), ("--columns", "--json")]
)
def test_forms_that_exclude_each_other(starts: Path, words: tuple[str, ...]) -> None:
    """Only one form can be printed."""
    done = ccw_actors("trace", starts, *words)
    assert done.status == 2
    assert "expected one of --columns, --raw and --json" in done.line


def test_columns(starts: Path) -> None:
    """Each event stands below the name of its recipient, within the width."""
    header, *lines = lines_of(starts, "--columns", columns=140)
    assert len(lines) == len(TWO_STARTS)
    names = sorted({recipient for *_, recipient, _ in TWO_STARTS})
    cell = (140 - 29) // len(names)
    for at, name in enumerate(names):
        assert header[29 + at * cell :].split()[0].endswith(name[-12:])
    for line, (_, _, _, recipient, kind) in zip(lines, TWO_STARTS, strict=True):
        begin = line.rindex(kind.__name__[:10])
        assert begin == 29 + names.index(recipient) * cell
        assert len(line) <= 140


def test_columns_that_do_not_fit(starts: Path) -> None:
    """The busiest actors have columns, and the others share the last."""
    header, *lines = lines_of(starts, "--columns", columns=29 + 3 * 14)
    assert header.split()[-2:] == ["a/cpu0", "others"]
    assert len(lines) == len(TWO_STARTS)
    assert all(len(line) <= 29 + 3 * 14 for line in lines)
    assert any(line.endswith(" …/2/cio Went") for line in lines)


def coloured(path: Path, *words: str, **environment: str) -> str:
    """Return what the command prints on a terminal."""
    ours, theirs = pty.openpty()
    plain = {name: one for name, one in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [*COMMAND, path, *words],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**plain, "TERM": "xterm-256color", "COLUMNS": "300", **environment},
    ) as process:
        os.close(theirs)
        found = b""
        while piece := _piece(ours):
            found += piece
    os.close(ours)
    assert process.returncode == 0
    return found.decode().replace("\r\n", "\n")


def _piece(terminal: int) -> bytes:
    """Return the next bytes of a terminal, none at its end."""
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""


def test_colours(starts: Path) -> None:
    """On a terminal an actor has one colour, everywhere; the text is the same."""
    shown = coloured(starts)
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert plain.splitlines() == lines_of(starts)
    for actor in (CPU, GUEST):
        colours = set(re.findall(rf"(\x1b\[\d+m){re.escape(actor)}\x1b\[0m", shown))
        assert len(colours) == 1, actor
    assert "\x1b" not in coloured(starts, NO_COLOR="1")
