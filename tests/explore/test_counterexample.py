"""Counterexamples as files, which are regression tests."""

from pathlib import Path

import pytest

from ccw_actors.explore import (
    Counterexample,
    CounterexampleError,
    World,
    assert_fixed,
    explore,
    failure,
)
from examples.explore.bank import transfers


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return the file of a counterexample."""
    path = tmp_path / "kept" / "bank.counterexample.json"
    result = explore(transfers(buggy=True))
    Counterexample.of("bank", result).save(path)
    return path


def test_file_is_read_as_it_was_written(kept: Path) -> None:
    """The file has all that replay needs, as JSON that can be read and compared."""
    result = explore(transfers(buggy=True))
    read = Counterexample.load(kept)
    assert read == Counterexample.of("bank", result)
    assert read.steps == result.names
    lines = kept.read_text().splitlines()
    assert '  "violation": "account/one: never overdrawn",' in lines


def test_regression(kept: Path) -> None:
    """It passes once the fault is fixed, and shows the steps while it is not."""
    with pytest.raises(AssertionError, match=r"never overdrawn\n +1 \(outside\) >"):
        assert_fixed(kept, transfers(buggy=True))
    assert_fixed(kept, transfers(balance=20, buggy=True))
    assert_fixed(kept, transfers())


def test_messages_may_change(kept: Path) -> None:
    """Steps are named by sender and recipient; the contents may change."""
    with pytest.raises(AssertionError, match="amount=7"):
        assert_fixed(kept, transfers(balance=10, amount=7, buggy=True))


def test_nothing_to_keep() -> None:
    """A verified scenario has no counterexample."""
    with pytest.raises(CounterexampleError, match="bank is verified: it has no"):
        Counterexample.of("bank", explore(transfers()))


def test_what_never_happens_has_no_way(tmp_path: Path) -> None:
    """A vacuous scenario has no steps to save: a test of them could not fail."""

    def scenario(world: World) -> None:
        transfers()(world)
        world.sometimes("rich", lambda _: False)

    result = explore(scenario)
    assert (result.verdict, result.violation) == ("vacuous", "never: rich")
    with pytest.raises(CounterexampleError, match="bank is vacuous: it has no"):
        Counterexample.of("bank", result)
    assert "never: rich" in failure(scenario, {}, "bank", lambda: tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_scenario_that_begins_with_a_fault(tmp_path: Path) -> None:
    """A counterexample may have no steps: the initial state is at fault."""

    def scenario(world: World) -> None:
        transfers()(world)
        world.system_invariant("something went wrong", lambda _: False)

    result = explore(scenario)
    assert (result.verdict, result.names) == ("refuted", ())
    Counterexample.of("bank", result).save(tmp_path / "kept")
    with pytest.raises(AssertionError, match="something went wrong"):
        assert_fixed(tmp_path / "kept", scenario)
    assert_fixed(tmp_path / "kept", transfers())


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"format_version": 1', '"format_version": 2', "format_version"),
        ('"steps": [', '"stages": [', "unknown field"),
        ('"channel"', '"pigeon"', "delivery"),
        ("{", "", "not JSON"),
    ],
)
def test_files_that_are_damaged(kept: Path, old: str, new: str, why: str) -> None:
    """The error names the file, and what is wrong with it."""
    kept.write_text(kept.read_text().replace(old, new, 1))
    with pytest.raises(CounterexampleError, match=why) as info:
        Counterexample.load(kept)
    assert str(kept) in str(info.value)
