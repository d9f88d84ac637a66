"""Records: files that were written by the commands, and what is made of them."""

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from ccw_actors.kernel.records import (
    ExecutionRecord,
    RecordError,
    Target,
    junit_of,
    load_records,
    save_record,
)
from ccw_actors.verdicts import VERDICT_SCENARIOS
from tools import executed_page

ROOT = Path(__file__).parents[3]
SAVED = ROOT / "docs" / "verdicts" / "records"


def one(outcome: str, scenario: str = "mail") -> ExecutionRecord:
    """Return a record with that outcome."""
    return msgspec.convert(
        {
            "target": {"kind": "linux", "version": "6.12.118", "change": "clear-flag"},
            "scenario": scenario,
            "interface": "regions",
            "window": "forced",
            "outcome": outcome,
            "why": f"it is {outcome}",
            "evidence": ["a line"],
        },
        ExecutionRecord,
    )


def test_saved_records_are_as_the_command_writes_them(tmp_path: Path) -> None:
    """Each file of the package has the name and the bytes of its record."""
    written = [save_record(record, tmp_path) for record in load_records(SAVED)]
    saved = {path.name: path.read_bytes() for path in SAVED.iterdir()}
    assert {path.name: path.read_bytes() for path in written} == saved


def test_every_scenario_was_tried_on_three_kernels() -> None:
    """Each scenario of the table has a record for 6.1, 6.12 and 7.x, and is decided."""
    linux = [
        one
        for one in load_records(SAVED)
        if one.target.kind == "linux" and not one.target.change
    ]
    for series in ("6.1.", "6.12.", "7."):
        tried = [
            one
            for one in linux
            if one.target.version.startswith(series) and not one.target.configuration
        ]
        assert {one.scenario for one in tried} == set(VERDICT_SCENARIOS)
        assert [one.scenario for one in tried if one.outcome == "undecided"] == []


def test_what_the_page_says_of_clear_flag() -> None:
    """With the change the mail's order does no harm, and other orders still do."""
    changed = [one for one in load_records(SAVED) if one.target.change == "clear-flag"]
    for name, outcome in {"mail": "not reproduced", "seed": "reproduced"}.items():
        found = [one.outcome for one in changed if one.scenario == name]
        assert found == [outcome] * 2
    mail = [one for one in changed if one.scenario == "mail"]
    assert all("thread 1: START of DATA: EBUSY" in one.steps for one in mail)


def test_names_of_records(tmp_path: Path) -> None:
    """A file's name has the target, what was added or changed, and the scenario."""
    path = save_record(one("reproduced"), tmp_path)
    assert path.name == "linux-6.12-clear-flag-mail.json"
    assert msgspec.json.decode(path.read_bytes(), type=ExecutionRecord) == one(
        "reproduced"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "truncated"),
        ('{"target": 5}', "Expected `object`"),
        (None, "expected 'ccw-actors execution record', got 'another'"),
    ],
)
def test_a_file_that_is_no_record(
    tmp_path: Path,
    content: str | None,
    said: str,
) -> None:
    """The error names the file."""
    if content is None:
        other = msgspec.structs.replace(one("reproduced"), format="another")
        content = msgspec.json.encode(other).decode()
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(RecordError, match=f"^a.json: .*{said}"):
        load_records(tmp_path)


def test_junit_counts_outcomes() -> None:
    """What is reproduced is a failure, what is undecided an error."""
    outcomes = ("reproduced", "not reproduced", "not applicable", "undecided")
    text = junit_of([one(outcome) for outcome in outcomes], "a suite")
    root = ET.fromstring(text)  # noqa: S314 - it is ours
    counts = {
        name: root.get(name) for name in ("tests", "failures", "errors", "skipped")
    }
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    failure = root.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "it is reproduced"
    assert "a line" in (failure.text or "")


def test_target_without_extras(tmp_path: Path) -> None:
    """The shortest name has the series and the scenario."""
    record = msgspec.structs.replace(
        one("reproduced"), target=Target(kind="linux", version="7.2.13")
    )
    assert save_record(record, tmp_path).name == "linux-7.2-mail.json"


def test_what_delays_show_stands_apart(tmp_path: Path) -> None:
    """A widened window replaces no forced record, and marks no cell of the table."""
    forced = one("reproduced")
    widened = msgspec.structs.replace(forced, window="widened", invariant="I1")
    names = [save_record(record, tmp_path).name for record in (forced, widened)]
    assert names == [
        "linux-6.12-clear-flag-mail.json",
        "linux-6.12-clear-flag-mail-widened.json",
    ]
    records = {("clear-flag", "mail"): [widened]}
    assert executed_page.executed_mark(records, "clear-flag", "mail") == ""
    records = {("clear-flag", "mail"): [forced, widened]}
    mark = executed_page.executed_mark(records, "clear-flag", "mail")
    assert mark == "reproduced on 6.12.118 + clear-flag"
    shown = executed_page.widened([forced, widened])
    assert shown.count("| `mail` |") == 1
    assert "Report privately first" in shown
