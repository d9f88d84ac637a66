"""Inputs with some bytes changed: every command ends in a line and a right status.

Good traces, counterexamples, machine files, vectors and images are changed: bytes are
turned, pieces left out, doubled and moved, numbers and words put in that mean something
to the parser. `-m slow` changes ten thousand.
"""

import gzip
import json
import resource
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ccw_actors.explore import Counterexample, explore
from ccw_actors.verdicts import CellName, cell_scenario
from tests.cli.in_process import ccw_actors, is_harmless
from tests.trace.play import recorded

DATA = Path(__file__).parents[1] / "data"
SECONDS: Final = 60
MEMORY: Final = 512 << 10  # in KiB, as getrusage has it
FEW, MANY = 60, 2000

MACHINE = """\
[[device]]
number = "0.0.0150"
type = "3390"
image = "disk.img"
read_only = true

[[guest]]
name = "alice"
storage = "128 KiB"
program = "tests.machine.guest_programs:name_devices"

[[guest.device]]
number = "0.0.0190"
host = "0.0.0150"

[[guest]]
name = "bob"
storage = 8192
program = "tests.machine.guest_programs:leave"
"""
WORDS = (
    *(b"null", b"true", b"-1", b"1e999", b"18446744073709551616", b"9" * 400),
    *(b'""', b"[]", b"{}", b"[" * 300, b'{"a":' * 300, b"\\ud800", b"\\u0000"),
    *(b"\n", b"\r", b"\x1b[2J", b"\x9b", b"\xff\xfe", b"\xed\xa0\x80", b"\xc2\x9b"),
    *(b"\x00" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00"),
    *(b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\x7f\xff\xff\xff"),
    *(b"\x91" * 300, b"\x81\xa1a" * 300, b"\xc1", b"\xd6\xff\xff\xff\xff\xff"),
    *(b"[/b]", b"\xcb\x7f\xf8" + bytes(5), b"\xcb\x7f\xf0" + bytes(5), b" - at `$.x`"),
)
PLACE = st.floats(0, 1, exclude_max=True)


class Edit(NamedTuple):
    """A change: what, where (as a part of the whole), how long, and to what."""

    kind: str
    place: float
    other: float
    length: int
    value: int
    word: bytes


EDITS = st.lists(
    st.builds(
        Edit,
        st.sampled_from(["byte", "byte", "word", "cut", "double", "move", "end"]),
        PLACE,
        PLACE,
        st.integers(1, 40),
        st.integers(0, 255),
        st.sampled_from(WORDS),
    ),
    min_size=1,
    max_size=4,
)


def changed(good: bytes, edits: list[Edit]) -> bytes:
    """Return the bytes with changes."""
    raw = bytearray(good)
    for kind, place, other, length, value, word in edits:
        at, to = int(place * len(raw)), int(other * len(raw))
        piece = raw[at : at + length]
        match kind:
            case "byte":
                raw[at : at + 1] = bytes([value])
            case "word":
                raw[at : at + value % 8] = word
            case "cut":
                del raw[at : at + length]
            case "double":
                raw[at:at] = piece * (1 + value % 4)
            case "move":
                raw[to : to + len(piece)] = piece
            case _:
                del raw[at + 1 :]
    return bytes(raw)


# -- inputs, and the commands that read them ------------------------------------------


class Kind(NamedTuple):
    """A good input, the commands that read it, and the statuses they may end with."""

    good: bytes
    commands: tuple[tuple[str, ...], ...]
    statuses: frozenset[int]
    beside: tuple[tuple[str, bytes], ...] = ()


@cache
def disk() -> bytes:
    """Return the image of a disk of one cylinder."""
    words = ("--type", "3390", "--volser", "DISK01", "--cylinders", "1")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "disk.img"
        assert ccw_actors("dasd", "init", path, *words).status == 0
        return path.read_bytes()


def a_trace() -> Kind:
    """Return the trace of a play."""
    commands = (("trace", "FILE"), ("trace", "FILE", "--json"))
    return Kind(recorded(), commands, frozenset({0, 2}))


def a_counterexample() -> Kind:
    """Return a counterexample of a cell, which comes with the package."""
    name = "verdicts/v5.12/qemu/attention"
    path = Path("counterexample.json")
    Counterexample.of(name, explore(cell_scenario(*CellName.parse(name)))).save(path)
    good = path.read_bytes()
    commands = (("replay", "FILE"), ("replay", "FILE", "--json"))
    return Kind(good, commands, frozenset({0, 1, 2, 3}))


def a_machine_file() -> Kind:
    """Return the machine file of two guests, one of which fails."""
    commands = (("run", "FILE", "--no-trace"), ("run", "FILE", "--no-trace", "--json"))
    beside = (("disk.img", disk()),)
    return Kind(MACHINE.encode(), commands, frozenset({0, 1, 2}), beside)


def vectors() -> Kind:
    """Return two golden vectors, which need no image."""
    cases = json.loads(gzip.decompress((DATA / "qemu-public.json.gz").read_bytes()))
    names = ("q-tpi-poll", "q-stsch")
    chosen = [one for one in cases if one["name"] in names][:2] or cases[:2]
    commands = (("conform", "FILE"), ("conform", "FILE", "--json"))
    return Kind(json.dumps(chosen).encode(), commands, frozenset({0, 1, 2}))


def an_image() -> Kind:
    """Return an image of a few tracks."""
    commands = (
        ("dasd", "ls", "FILE"),
        ("dasd", "verify", "FILE"),
        ("dasd", "cat", "FILE", "A.B", "--text"),
    )
    return Kind(disk(), commands, frozenset({0, 1, 2}))


KINDS: dict[str, Callable[[], Kind]] = {
    "traces": a_trace,
    "counterexamples": a_counterexample,
    "machine files": a_machine_file,
    "vectors": vectors,
    "images": an_image,
}


@contextmanager
def bounded() -> Generator[None]:
    """Fail if the block takes long, or needs much memory."""

    def too_long(_number: int, _frame: object) -> None:
        raise AssertionError(f"it takes more than {SECONDS} seconds")

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - size < MEMORY


def check(kind: Kind, edits: list[Edit], which: int) -> None:
    """Have one command read a changed input, and check how it ends."""
    path = Path("input")
    path.write_bytes(changed(kind.good, edits))
    command = kind.commands[which % len(kind.commands)]
    words = [str(path) if word == "FILE" else word for word in command]
    with bounded():
        ended = ccw_actors(*words)
    assert ended.status in kind.statuses
    assert is_harmless(ended.out)
    assert is_harmless(ended.err)
    lines = ended.err.splitlines()
    assert all(line.startswith("ccw-actors: ") for line in lines)
    if ended.status == 2:
        assert len(lines) == 1
    if ended.status == 0:
        assert lines == []
    if "--json" in command:
        for line in ended.out.splitlines():
            json.loads(line)


def run_through(name: str, count: int) -> None:
    """Check so many changed inputs of a kind, in this folder."""
    kind = KINDS[name]()
    for beside, content in kind.beside:
        Path(beside).write_bytes(content)

    @settings(
        max_examples=count,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        database=None,
        derandomize=count == FEW,
        phases=[Phase.generate],
    )
    @given(EDITS, st.integers(0, 5))
    def go(edits: list[Edit], which: int) -> None:
        check(kind, edits, which)

    go()


@pytest.mark.parametrize("name", KINDS)
def test_changed_inputs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few changed inputs of each kind end in one line and a right exit status."""
    monkeypatch.chdir(tmp_path)
    run_through(name, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_many_changed_inputs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two thousand changed inputs of each kind end so as well."""
    monkeypatch.chdir(tmp_path)
    run_through(name, MANY)


def test_unchanged_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unchanged inputs are good: each command does its work with them."""
    monkeypatch.chdir(tmp_path)
    for make in KINDS.values():
        kind = make()
        for beside, content in kind.beside:
            Path(beside).write_bytes(content)
        Path("input").write_bytes(kind.good)
        for command in kind.commands:
            words = ["input" if word == "FILE" else word for word in command]
            ended = ccw_actors(*words)
            if command[:2] == ("dasd", "cat"):  # the disk has no dataset
                assert (ended.status, ended.out) == (2, "")
                continue
            assert ended.status in (0, 1), ended
            assert ended.status == 0 or command[0] in ("run", "replay")
            assert ended.out
            assert ended.err.count("\n") <= 1
