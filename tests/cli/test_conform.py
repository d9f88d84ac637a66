"""`ccw-actors conform`: what it prints, and what it ends with."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ccw_actors.cli import app
from ccw_actors.errors import CcwActorsError

DATA = Path(__file__).parents[1] / "data"
HERCULES = DATA / "hercules-public.json.gz"
QEMU = DATA / "qemu-public.json.gz"
IMAGES = DATA / "images"
VERDICTS = ["agree", "explained", "unexplained", "differ", "unstable", "unsupported"]


def run(*words: str | Path, code: int = 0) -> Result:
    """Run the command in this process; it has to end with this exit code."""
    result = CliRunner().invoke(app, ["conform", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def vectors(*names: str) -> list[dict[str, Any]]:
    """Return golden vectors by their names."""
    every = [
        case
        for file in (HERCULES, QEMU)
        for case in json.loads(gzip.decompress(file.read_bytes()))
    ]
    return [next(case for case in every if case["name"] == name) for name in names]


def saved(folder: Path, *cases: dict[str, Any]) -> Path:
    """Write a file of vectors."""
    file = folder / "vectors.json"
    file.write_text(json.dumps(cases))
    return file


def test_table_by_category() -> None:
    """Each category has a row, and unsupported cases are listed."""
    lines = run(HERCULES, "--category", "flags", "--category", "unit-record").stdout
    head, flags, unit_record, total, *rest = lines.splitlines()
    assert head.split() == ["category", *VERDICTS]
    assert flags.split() == ["flags", "6", "3", "-", "-", "-", "-"]
    assert unit_record.split() == ["unit-record", "-", "-", "-", "-", "-", "10"]
    assert total.split() == ["all", "6", "3", "-", "-", "-", "10"]
    assert "rdr-senseid: unsupported" in rest
    assert "there is no model of 3505" in rest


def test_one_case_is_explained() -> None:
    """The rule is printed, and what differs, decoded."""
    text = run(HERCULES, "--case", "tic-first").stdout
    assert "tic-first: explained" in text
    assert "The first CCW may not be a transfer in channel: program check." in text
    row = next(line for line in text.splitlines() if "SCSW cstat" in line)
    assert row.split()[-2:] == ["0", "program-check"]


def test_json() -> None:
    """The six verdicts and their numbers, and each case with its reason."""
    found = json.loads(run(QEMU, "--category", "chaining", "--json").stdout)
    assert list(found) == [*VERDICTS, "cases"]
    assert sum(found[verdict] for verdict in VERDICTS) == len(found["cases"])
    assert found["agree"] == 6
    assert found["explained"] == 7
    assert found["cases"]["q-cc-3"] == {"verdict": "agree", "why": ""}
    assert "256th CCW" in found["cases"]["q-nop-loop-infinite"]["why"]


def test_nothing_but_the_table(tmp_path: Path) -> None:
    """Without a terminal nothing is printed to standard error."""
    file = saved(tmp_path, *vectors("nop-sli-count1"))
    done = subprocess.run(
        [sys.executable, "-m", "ccw_actors", "conform", file, "--images", IMAGES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("category ")


def test_a_case_that_differs(tmp_path: Path) -> None:
    """One wrong value makes a case differ, and the exit status 1."""
    wrong, right, marked = vectors("nop-count0-fmt0", "nop-sli-count1", "tic-first")
    wrong["observed"][2]["cc"] = 1
    marked["observed"][2]["cc"] = 1
    file = saved(tmp_path, wrong, right, marked)
    text = run(file, "--images", DATA / "images", code=1).stdout
    assert "nop-count0-fmt0: differ" in text
    assert "tic-first: unexplained" in text
    assert "nop-sli-count1" not in text
    found = json.loads(run(file, "--images", DATA / "images", "--json", code=1).stdout)
    assert (found["agree"], found["differ"], found["unexplained"]) == (1, 1, 1)
    assert found["cases"]["nop-count0-fmt0"]["why"].startswith(
        "3 TSCHPOLL, cc: 1, found 0"
    )


def test_many_pieces_of_storage_are_counted(tmp_path: Path) -> None:
    """A list of cases shows a few pieces of storage; a single case shows all."""
    case, other = vectors("nop-sli-count1", "nop-count0-fmt1")
    case["storage_after"] = {f"{0x60000 + 16 * n:#x}": "11" * 16 for n in range(9)}
    file = saved(tmp_path, case, other)
    images = ("--images", DATA / "images")
    text = run(file, *images, code=1).stdout
    assert text.count("  storage") == 4
    assert "14 more pieces of storage: --case nop-sli-count1" in text
    text = run(file, *images, "--case", "nop-sli-count1", code=1).stdout
    assert text.count("  storage") == 18


def test_vectors_that_cannot_be_run(tmp_path: Path) -> None:
    """An invalid case, and one whose image is missing, do not stop the others."""
    sane, odd, lost, apart = vectors(
        "nop-sli-count1", "nop-count0-fmt1", "tic-first", "nop-count0-fmt0"
    )
    odd["instructions"][0]["op"] = odd["observed"][0]["op"] = "SIGP"
    lost["setup"]["devices"][0]["image"] = "none.img"
    apart["storage_after"] = {"0x1000": "00"}
    file = saved(tmp_path, sane, odd, lost, apart)
    text = run(file, "--images", DATA / "images", "--json").stdout
    found = json.loads(text)
    assert (found["agree"], found["unsupported"]) == (1, 3)
    assert "'SIGP': expected one of" in found["cases"]["nop-count0-fmt1"]["why"]
    assert "no image none.img" in found["cases"]["tic-first"]["why"]
    assert (
        "0x1000 is not in 0x40000-0x7ffff" in found["cases"]["nop-count0-fmt0"]["why"]
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--category", "none"], "--category: expected one of 3270, address, basic"),
        (["--case", "none"], "--case: no case is called 'none'"),
        (["--images", "nowhere"], "'nowhere' does not exist"),
    ],
)
def test_usage(words: list[str], said: str) -> None:
    """A category, a case or a folder that does not exist is a usage error."""
    assert said in " ".join(run(QEMU, *words, code=2).stderr.split())


def test_two_cases_of_one_name(tmp_path: Path) -> None:
    """Two cases of one name are refused."""
    file = saved(tmp_path, *vectors("q-cc-3", "q-cc-3"))
    with pytest.raises(CcwActorsError, match="two cases are named q-cc-3"):
        run(file)
