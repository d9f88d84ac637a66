"""Outcomes of tries, and the files about them."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from ccw_actors.kernel.emulators import (
    EMULATOR_SCENARIOS,
    EmulatorTestError,
    junit_of,
    save_record,
)
from ccw_actors.kernel.emulators._judgement import Runs, Try, judged
from ccw_actors.kernel.emulators._qemu_version import QemuVersion, read_version
from ccw_actors.kernel.records import Outcome, Record, Target
from tests.kernel.emulators.disk import saved_record

TARGET = Target(kind="qemu", version="9.2.1")
RIGHT = Try(steps=("CPU 0: SSCH: cc 0",))
WRONG = Try(("XSCH cc 0 (PoP, ...)",), ("CPU 0: XSCH: cc 0",))
STUCK = Try(problem="no answer")
REFUSED = Try(refusal="HSCH is refused")


def record_of(*tries: Try, bare: Try = RIGHT) -> Record:
    """Return the record of these tries."""
    return judged(
        TARGET, "cancel", EMULATOR_SCENARIOS["cancel"], Runs(tries, bare, RIGHT)
    )


@pytest.mark.parametrize(
    ("tries", "outcome", "reproduced"),
    [
        ((RIGHT, RIGHT), "not reproduced", 0),
        ((RIGHT, WRONG), "reproduced", 1),
        ((WRONG, STUCK), "reproduced", 1),
        ((RIGHT, STUCK), "undecided", 0),
        ((REFUSED, REFUSED), "not applicable", 0),
        ((REFUSED, STUCK), "undecided", 0),
    ],
)
def test_an_outcome(tries: tuple[Try, ...], outcome: Outcome, reproduced: int) -> None:
    """One wrong try is enough; all have to run to their end for "not reproduced"."""
    record = record_of(*tries)
    assert (record.outcome, record.reproduced) == (outcome, reproduced)
    assert record.tries == len(tries)


@pytest.mark.parametrize("bare", [WRONG, STUCK, REFUSED])
def test_a_check_that_fails_itself(bare: Try) -> None:
    """If a bare subchannel fails the check, nothing is said about the QEMU."""
    record = record_of(WRONG, bare=bare)
    assert (record.outcome, record.reproduced) == ("undecided", 0)
    assert bare.wrong in record.why


def test_a_record_in_a_file(tmp_path: Path) -> None:
    """A record's file has the version and the scenario in its name, and all of it."""
    record = saved_record("7.2", "cancel")
    file = save_record(record, tmp_path)
    assert file.name == "qemu-7.2-cancel.json"
    again = saved_record("7.2", "cancel")
    assert (record, file.read_bytes().endswith(b"}\n")) == (again, True)


def test_junit() -> None:
    """What is reproduced is a failure, what is undecided an error."""
    reproduced = saved_record("7.2", "cancel")
    others: tuple[Outcome, ...] = ("undecided", "not applicable", "not reproduced")
    records = [reproduced, *(replace(reproduced, outcome=one) for one in others)]
    suite = ET.fromstring(junit_of(records))  # noqa: S314 - it is our own
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["4", "1", "1", "1"]
    found = [[element.tag for element in case] for case in suite]
    assert found == [["failure"], ["error"], ["skipped"], []]
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text is not None
    assert reproduced.steps[-1] in failure.text


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (
            "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright",
            QemuVersion("7.2.22", "Debian 1:7.2+dfsg-7+deb12u18+b3"),
        ),
        (
            "QEMU emulator version 9.2.50 (v9.2.0-1-gab)",
            QemuVersion("9.2.50", "v9.2.0-1-gab"),
        ),
        ("QEMU emulator version 10.1.0\n", QemuVersion("10.1.0")),
    ],
)
def test_a_version(text: str, version: QemuVersion) -> None:
    """The version and the package are those that a QEMU says."""
    assert read_version(text, Path("qemu")) == version


def test_no_version() -> None:
    """Any other text is refused with one line."""
    with pytest.raises(EmulatorTestError, match="does not say its version: 'hello'"):
        read_version("hello", Path("qemu"))
