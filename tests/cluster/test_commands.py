"""`explore` and `verdicts` with --split, --cluster and --resume."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ccw_actors.cli import app

BANK_BUGGY = "examples/explore/bank.py:transfer_buggy"
COMMIT = "examples/explore/two_phase_commit.py:commit"
MAIL = ("--design", "2026", "--scenario", "mail")


def run(*args: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, args)


def found(*args: str) -> dict[str, Any]:
    """Explore, and return the results by name, without their times."""
    scenarios: dict[str, Any] = json.loads(run("explore", *args, "--json").stdout)
    for one in scenarios["scenarios"].values():
        del one["seconds"]
    return dict(scenarios["scenarios"])


def test_shares() -> None:
    """The states of a scenario are explored in two processes, with the same result."""
    one = found(COMMIT, "--fingerprints")[COMMIT]
    two = found(COMMIT, "--split", "2")[COMMIT]
    assert two.pop("scope").startswith(one.pop("scope"))
    assert two == one


@pytest.mark.parametrize("engine", ["orders", "random", "pos"])
def test_pieces(engine: str) -> None:
    """The result does not depend on the number of pieces and jobs."""
    options = (BANK_BUGGY, "--engine", engine, "--split")
    one = found(*options, "1")[BANK_BUGGY]
    other = found(*options, "5", "--jobs", "2")[BANK_BUGGY]
    assert one["verdict"] == "refuted"
    assert other["counterexample"] == one["counterexample"]


def test_cluster(cluster: Any) -> None:
    """Scenarios and cells that workers explore have the results of this process."""
    address = ("--cluster", cluster.scheduler_address)
    names = ("bare-busy", BANK_BUGGY)
    assert found(*names, *address) == found(*names)
    assert found(COMMIT, "--split", "2", *address)[COMMIT]["states"] == 6_032
    cells = run("verdicts", *MAIL, "--again", "--json", *address)
    assert json.loads(cells.stdout) == json.loads(
        run("verdicts", *MAIL, "--json").stdout
    )


def test_resumed(tmp_path: Path) -> None:
    """A second run takes what the first has kept, and so do pieces."""
    keeps = ("--resume", str(tmp_path))
    first = found("bare-busy", BANK_BUGGY, *keeps)
    files = {one: one.stat().st_mtime_ns for one in tmp_path.iterdir()}
    assert len(files) == 2
    assert found("bare-busy", BANK_BUGGY, *keeps) == first
    assert {one: one.stat().st_mtime_ns for one in tmp_path.iterdir()} == files
    found(BANK_BUGGY, "--engine", "pos", "--split", "3", *keeps)
    assert len(list(tmp_path.iterdir())) == 5


def test_changed_file_is_explored_again(tmp_path: Path) -> None:
    """A result is that of the content that the file had."""
    file = tmp_path / "one.py"
    text = Path("examples/explore/bank.py").read_text()
    file.write_text(text)
    keeps = ("--resume", str(tmp_path / "kept"))
    assert run("explore", f"{file}:transfer", *keeps).exit_code == 0
    file.write_text(text + "\ntransfer = transfer_buggy\n")
    assert run("explore", f"{file}:transfer", *keeps).exit_code == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--engine", "brute-force", "--split", "2"), "--split takes states, orders"),
        (("--split", "2", "--resume", "x"), "--resume keeps whole pieces"),
        (("--split", "2", "--jobs", "2"), "leave out --jobs"),
        (("--split", "2", "--certificates", "."), "--certificates are for shares"),
        (("--certificates", "."), "--certificates are for --split"),
        (("--split", "0"), "expected a whole number of at least 1"),
        (("--cluster", "tcp://127.0.0.1:1", "--jobs", "2"), "exclude each other"),
    ],
)
def test_options_that_do_not_fit(args: tuple[str, ...], said: str) -> None:
    """One line says what is wrong."""
    done = run("explore", COMMIT, *args)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
