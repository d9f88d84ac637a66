"""`ccw-actors explore NAME --dot FILE`: what it writes, and what it refuses."""

from pathlib import Path

import pytest

from ccw_actors.explore import state_graph
from ccw_actors.show import dot_of
from examples.explore.first import two_clients
from tests.cli.in_process import ccw_actors

SCENARIO = Path(__file__).parents[2] / "examples" / "explore" / "first.py"
NAME = f"{SCENARIO}:two_clients"


def test_writes_the_graph(tmp_path: Path) -> None:
    """It says how large the graph is; the file is what `dot_of` returns."""
    file = tmp_path / "graph.dot"
    done = ccw_actors("explore", NAME, "--dot", file)
    said = "30 states, 1 of them wrong; 44 steps"
    assert (done.status, done.out, done.err) == (0, f"{file}: {said}\n", "")
    assert file.read_text() == dot_of(state_graph(two_clients), NAME)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["seed"], "more than 500 states"),
        (["seed", "halt"], "expected the name of one scenario, got 2"),
        ([], "expected the name of one scenario, got 0"),
        ([NAME, "--capacity", "1"], "--dot does not take --capacity"),
        ([NAME, "--json"], "--dot does not take --json"),
        ([NAME, "--browse"], "--browse does not take --dot"),
        (["none"], "none"),
    ],
)
def test_refused(tmp_path: Path, words: list[str], wrong: str) -> None:
    """Nothing is written, and one line says why."""
    file = tmp_path / "graph.dot"
    done = ccw_actors("explore", *words, "--dot", file)
    assert done.status == 2
    assert wrong in done.line
    assert not file.exists()


def test_never_replaces_the_scenario(tmp_path: Path) -> None:
    """The file of the scenario stays as it is; a place without a folder is said."""
    own = tmp_path / "own.py"
    own.write_text(SCENARIO.read_text())
    done = ccw_actors("explore", f"{own}:two_clients", "--dot", own)
    assert done.status == 2
    assert "expected another file than" in done.line
    assert own.read_text() == SCENARIO.read_text()
    done = ccw_actors("explore", NAME, "--dot", tmp_path / "none" / "graph.dot")
    assert done.status == 2
    assert "No such file or directory" in done.line


def test_a_scenario_that_fails(tmp_path: Path) -> None:
    """Its own error is said, with its line."""
    own = tmp_path / "own.py"
    own.write_text("def fails(world):\n    return 1 / 0\n")
    done = ccw_actors("explore", f"{own}:fails", "--dot", tmp_path / "graph.dot")
    assert done.status == 2
    assert "division by zero (own.py, line 2)" in done.line
