"""`ccw-actors qemu test`: its table, its exit statuses, its errors."""

import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ccw_actors.cli import _qemu_test
from ccw_actors.kernel.emulators import EMULATOR_SCENARIOS, EmulatorScenario
from ccw_actors.kernel.records import Record
from tests.cli.in_process import ccw_actors
from tests.kernel.emulators.disk import saved_record

FAKE_QEMU = """#!/bin/sh
[ "$2" = vfio-ccw,help ] && echo "vfio-ccw options:" && exit
[ "$1" = --version ] && echo "QEMU emulator version 1.2.3" && exit
echo "this is no QEMU" >&2
exit 1
"""


class Recorded:
    """Answers with records of the package instead of running a QEMU."""

    def __init__(self, change: Callable[[Record], Record]) -> None:
        self._change = change

    async def run(self, name: str, scenario: EmulatorScenario, tries: int) -> Record:
        """Return the record of a scenario."""
        assert scenario is EMULATOR_SCENARIOS[name]
        record = saved_record("7.2", name)
        return self._change(replace(record, tries=tries, reproduced=tries))


@pytest.fixture
def recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Callable[[Record], Record]], None]:
    """Return a function that puts records in the place of QEMUs."""

    def put(change: Callable[[Record], Record]) -> None:
        @contextlib.asynccontextmanager
        async def opened(_program: str | None) -> AsyncGenerator[Recorded]:
            yield Recorded(change)

        monkeypatch.setattr(_qemu_test, "open_laboratory", opened)

    return put


Put = Callable[[Callable[[Record], Record]], None]


def unchanged(record: Record) -> Record:
    """Return a record as it is."""
    return record


def as_right(record: Record) -> Record:
    """Return what a right QEMU would have shown."""
    return replace(record, outcome="not reproduced", reproduced=0, why="it is right")


def as_stuck(record: Record) -> Record:
    """Return what a QEMU would have shown that does not answer."""
    return replace(record, outcome="undecided", reproduced=0, why="it is stuck")


def test_the_table(recorded: Put) -> None:
    """Each scenario has a row with its claim, its outcome, and what the guest saw."""
    recorded(unchanged)
    ended = ccw_actors("qemu", "test")
    assert (ended.status, ended.err) == (1, "")
    assert "QEMU 7.2.22 (Debian" in ended.out
    rows = [line.split("│")[1:4] for line in ended.out.splitlines() if "│" in line]
    first, outcomes, evidence = (" ".join(cells) for cells in zip(*rows, strict=True))
    for name, scenario in EMULATOR_SCENARIOS.items():
        assert f"{name}: {scenario.claim or scenario.title}" in " ".join(first.split())
    assert " ".join(outcomes.split()).count("reproduced 1 of 1") == 13
    words = " ".join(evidence.split())
    assert "XSCH cc 0 while the channel program is active (PoP, " in words
    assert "00c01107 00200020 0c000000 (FC clear, AC clear-pending, SC" in words
    assert "the architecture asks for: XSCH answers condition code 2" in words
    assert ended.out.splitlines()[-1] == "5 not reproduced, 13 reproduced"


@pytest.mark.parametrize(
    ("change", "status"), [(unchanged, 1), (as_right, 0), (as_stuck, 125)]
)
def test_exit_statuses(
    recorded: Put, change: Callable[[Record], Record], status: int
) -> None:
    """1 reproduced, 0 nothing reproduced, 125 an order did not run to its end."""
    recorded(change)
    assert ccw_actors("qemu", "test", "--scenario", "cancel").status == status


def test_files_and_json(recorded: Put, tmp_path: Path) -> None:
    """--json prints what --record writes; --junit writes XML; a name is run once."""
    recorded(unchanged)
    junit, folder = tmp_path / "junit.xml", tmp_path / "new" / "records"
    twice = ("--scenario", "cancel", "--scenario", "cancel", "--scenario", "pci")
    ended = ccw_actors(
        *("qemu", "test", "--json", "--tries", "2", *twice),
        *("--junit", junit, "--record", folder),
    )
    assert (ended.status, ended.err) == (1, "")
    printed = json.loads(ended.out)
    assert [(one["scenario"], one["tries"]) for one in printed] == [
        ("cancel", 2),
        ("pci", 2),
    ]
    files = [folder / f"qemu-7.2-{name}.json" for name in ("cancel", "pci")]
    assert sorted(folder.iterdir()) == files
    assert [json.loads(file.read_text()) for file in files] == printed
    assert "<failure" in junit.read_text()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("--scenario", "cancle"),
            "no scenario 'cancle'; did you mean cancel?",
        ),
        (("--scenario", "?"), "no scenario '?'; there are sequence, attention,"),
        (("--tries", "0"), "--tries: expected a whole number from 1 to 1000, got '0'"),
        (("--tries", "x"), "--tries: expected a whole number from 1 to 1000, got 'x'"),
        (("--junit", "/nowhere/x"), "--junit: expected a file in a folder that exists"),
        (("--junit", "/"), "--junit: expected a file in a folder that exists, got /"),
        (("--record", "/dev/null"), "--record: expected a folder, got /dev/null"),
    ],
)
def test_wrong_words(words: tuple[str, ...], text: str) -> None:
    """A wrong command line is a usage error that says what was expected."""
    ended = ccw_actors("qemu", "test", *words)
    assert (ended.status, ended.out) == (2, "")
    assert text in ended.line


def test_no_qemu() -> None:
    """A QEMU that is not there cannot be tested."""
    ended = ccw_actors("qemu", "test", "--qemu", "/nowhere/qemu")
    assert (ended.status, ended.line) == (125, "ccw-actors: there is no /nowhere/qemu")


def make_program(folder: Path, name: str, text: str) -> Path:
    """Write a program."""
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler, the error names its package."""
    qemu = make_program(tmp_path, "qemu", FAKE_QEMU)
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = ccw_actors("qemu", "test", "--qemu", qemu)
    assert ended.status == 125
    assert ended.line.endswith(
        "there is no s390x-linux-gnu-gcc on PATH (Debian: apt install"
        " gcc-s390x-linux-gnu)"
    )


def test_a_compiler_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has the first line that the compiler has said."""
    qemu = make_program(tmp_path, "qemu", FAKE_QEMU)
    says = "#!/bin/sh\necho 'unknown option' >&2\nexit 1\n"
    make_program(tmp_path, "s390x-linux-gnu-gcc", says)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ended = ccw_actors("qemu", "test", "--qemu", qemu)
    assert ended.status == 125
    assert ended.line.endswith("refuses guest.c: unknown option")


def test_a_qemu_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that does not start is an error with QEMU's last words."""
    qemu = make_program(tmp_path, "qemu", FAKE_QEMU)
    compiles = "#!/bin/sh\n[ $1 = --version ] && echo cc 1.0\nexit 0\n"
    make_program(tmp_path, "s390x-linux-gnu-gcc", compiles)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ended = ccw_actors("qemu", "test", "--qemu", qemu, "--scenario", "pci")
    assert ended.status == 125
    assert "the guest does not start" in ended.line
    assert ended.line.endswith("this is no QEMU")
