"""The benchmark of the runtime runs, and evaluates its numbers correctly."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cases import CASES
from benchmarks.features import FEATURES
from benchmarks.goals import check
from benchmarks.libraries import BEFORE, LIBRARIES, OURS
from benchmarks.report import report, to_markdown
from benchmarks.results import FEATURE_ROW, Results, Sample

ROOT = Path(__file__).parents[2]
BY_HAND = "asyncio.Queue"


def benchmark(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark, quickly."""
    return subprocess.run(
        [sys.executable, "benchmarks/runtime.py", "--quick", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def results(*samples: tuple[str, str, float, float]) -> Results:
    """Return the results of some samples."""
    made = Results()
    made.samples = [Sample(*sample) for sample in samples]
    return made


@pytest.mark.slow
def test_quick_run_measures_every_case(tmp_path: Path) -> None:
    """A run writes the median and the unit of each row that a library can do."""
    file, page = tmp_path / "medians.json", tmp_path / "page.md"
    libraries = f"{OURS},{BY_HAND}"
    done = benchmark(
        "--libraries", libraries, "--json", str(file), "--markdown", str(page)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    medians = json.loads(file.read_text())
    rows = {row.name: row.unit for case in CASES for row in case.rows}
    assert set(medians) == {*rows, FEATURE_ROW.name}
    for row, unit in rows.items():
        assert medians[row][OURS]["unit"] == unit
        assert isinstance(medians[row][OURS]["median"], float)
    starved = {row for row in rows if row.startswith("flood")}
    assert {row for row in rows if BY_HAND in medians[row]} >= set(rows) - starved
    assert set(medians[FEATURE_ROW.name]) >= set(FEATURES) - {"OpenTelemetry metrics"}
    assert f"| tell, us | {medians['tell'][OURS]['median']:.2f} |" in page.read_text()


def test_one_case_of_one_library(tmp_path: Path) -> None:
    """`--only` and `--libraries` select; goals are then not measured."""
    file = tmp_path / "medians.json"
    done = benchmark(
        "--only", "ring", "--libraries", BY_HAND, "--json", str(file), "--check"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row: set(found) for row, found in json.loads(file.read_text()).items()} == {
        "ring hop": {BY_HAND}
    }
    assert "not measured" in done.stdout


def test_a_library_that_does_not_run_is_named() -> None:
    """A library that cannot be measured is listed with the reason."""
    done = benchmark(
        "--only", "tell", "--libraries", "casty", "--python", "casty=/nowhere/python"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    reason = "casty (every case): /nowhere/python does not run: No such file"
    assert reason in done.stdout


@pytest.mark.slow
def test_another_checkout_is_measured_beside_this_one(tmp_path: Path) -> None:
    """`--before` runs the other checkout's code, in its own column."""
    for folder in ("benchmarks", "ccw_actors"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    peer = tmp_path / "benchmarks/peers/ours.py"
    peer.write_text(f"{peer.read_text()}\nPEER = None\n")
    file = tmp_path / "medians.json"
    options = ("--only", "tell", "--libraries", OURS, "--json", str(file))
    done = benchmark(*options, "--before", str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(json.loads(file.read_text())["tell"]) == {OURS, BEFORE}
    done = benchmark(*options, "--before", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(json.loads(file.read_text())["tell"]) == {OURS}
    assert f"{BEFORE} (tell): TypeError: 'NoneType' object is not callable" in (
        done.stdout
    )


def test_a_checkout_that_is_none_is_refused(tmp_path: Path) -> None:
    """A folder without this package is a usage error."""
    done = benchmark("--only", "tell", "--before", str(tmp_path))
    assert done.returncode == 2
    assert "has no folder ccw_actors" in " ".join(done.stderr.replace("│", "").split())


@pytest.mark.parametrize(
    "options", [("--only", "tea"), ("--libraries", "tea"), ("--python", "tea")]
)
def test_unknown_names_are_refused(options: tuple[str, str]) -> None:
    """An unknown case, library or interpreter is a usage error."""
    done = benchmark(*options)
    assert done.returncode == 2
    assert "tea" in done.stderr


def test_times_are_scaled_to_the_usual_speed() -> None:
    """Times measured while the machine was slow are scaled down."""
    made = results(
        ("tell", OURS, 1.0, 2.0),
        ("tell", OURS, 2.0, 4.0),
        ("spawn", OURS, 100.0, 1.0),
        ("idle actor", OURS, 500.0, 2.0),
    )
    cells = made.cells()
    assert made.calibration == 2.0
    assert cells["tell"][OURS].median == 1.0
    assert cells["spawn"][OURS].median == 50.0
    assert cells["idle actor"][OURS].median == 500.0


def test_the_spread_leaves_the_outermost_values_out() -> None:
    """With five values or more, the highest and the lowest do not count."""
    values = (1.0, 9.0, 10.0, 11.0, 99.0)
    made = results(*(("tell", OURS, value, 1.0) for value in values))
    cell = made.cells()["tell"][OURS]
    assert (cell.median, cell.spread, cell.samples) == (10.0, 0.2, 5)


def test_goals_compare_with_their_limits() -> None:
    """A goal is met, missed, or not measured."""
    made = results(
        ("tell", OURS, 1.0, 1.0),
        ("tell", BY_HAND, 1.2, 1.0),
        ("tell", "pykka", 5.0, 1.0),
        ("ask", OURS, 10.0, 1.0),
        ("actor-to-actor ask", OURS, 4.0, 1.0),
        ("actor-to-actor ask", BY_HAND, 8.0, 1.0),
        ("idle actor", OURS, 651.0, 1.0),
    )
    met = {one.goal.text: one.met for one in check(made.cells())}
    assert met["tell: faster than asyncio.Queue"] is False
    assert met["tell: faster than Pykka"] is True
    assert met["tell: faster than xoscar"] is None
    assert met["actor-to-actor ask: time relative to a hand-written Future"] is True
    assert met["idle actor without state: resident"] is False


def test_a_costly_feature_is_named() -> None:
    """The page names features that slow a tell by more than 10 %, and the factor."""
    made = results(
        (FEATURE_ROW.name, "nothing more", 1.0, 1.0),
        (FEATURE_ROW.name, "a watcher", 1.1, 1.0),
        (FEATURE_ROW.name, "an observer", 1.5, 1.0),
    )
    page = to_markdown(report(made, check(made.cells()), {}, "here"))
    assert "More than 10 % slower than the default: an observer 1.50x." in page


def test_better_means_less_time_and_more_actors() -> None:
    """The number in brackets is above 1 if ours is better, for every unit."""
    made = results(
        ("tell", OURS, 1.0, 1.0),
        ("tell", BY_HAND, 2.0, 1.0),
        ("spawn", OURS, 300.0, 1.0),
        ("spawn", BY_HAND, 100.0, 1.0),
    )
    notes = {OURS: "", BY_HAND: ""}
    page = to_markdown(report(made, check(made.cells()), notes, "here"))
    assert "| tell, us | 1.00 | 2.00 (2.00x) |" in page
    assert "| spawn, actors/s | 300 | 100 (3.00x) |" in page


def test_every_library_has_its_own_name() -> None:
    """Names are the keys of the medians; ours is among them."""
    names = [library.name for library in LIBRARIES]
    assert len(set(names)) == len(names)
    assert OURS in names
