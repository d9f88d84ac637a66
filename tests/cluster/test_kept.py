"""Results that are kept in a folder are not computed again."""

from concurrent.futures import Executor
from pathlib import Path

import pytest

from ccw_actors.cluster import KeptExecutor
from ccw_actors.cluster import _kept as kept_results
from ccw_actors.explore import InlineExecutor, executor_of, stop_now
from tests.cluster.calls import double, fail


def test_second_run_takes_the_results_of_the_first(tmp_path: Path) -> None:
    """Only what is not there is called, also by a new executor."""
    first = KeptExecutor(InlineExecutor(), tmp_path)
    assert [first.submit(double, one).result().number for one in (1, 2)] == [2, 4]
    second = KeptExecutor(InlineExecutor(), tmp_path)
    found = [second.submit(double, one).result() for one in (1, 2, 3)]
    assert ([one.number for one in found], second.found) == ([2, 4, 6], 2)
    assert isinstance(found[0], type(found[2]))


def test_results_of_other_processes_are_kept(tmp_path: Path) -> None:
    """The folder is the same whichever process makes the calls."""
    inner: Executor = executor_of(2)
    kept = KeptExecutor(inner, tmp_path)
    assert kept.submit(double, 5).result().number == 10
    stop_now(kept)
    stop_now(inner)
    again = KeptExecutor(InlineExecutor(), tmp_path)
    assert (again.submit(double, 5).result().number, again.found) == (10, 1)


def test_damaged_file_is_written_again(tmp_path: Path) -> None:
    """Bytes that are no result of this function count as none."""
    KeptExecutor(InlineExecutor(), tmp_path).submit(double, 7)
    (file,) = tmp_path.iterdir()
    for damaged in (b"", b"\xc1", b"\x93\x01\x02\x03", file.read_bytes()[:-1]):
        file.write_bytes(damaged)
        again = KeptExecutor(InlineExecutor(), tmp_path)
        assert (again.submit(double, 7).result().number, again.found) == (14, 0)


def test_errors_and_unwanted_results_are_not_kept(tmp_path: Path) -> None:
    """A call that failed is made again."""
    kept = KeptExecutor(InlineExecutor(), tmp_path, lambda one: one.number > 2)
    with pytest.raises(ValueError, match="1 is wrong"):
        kept.submit(fail, 1).result()
    kept.submit(double, 1)
    assert not list(tmp_path.iterdir())
    kept.submit(double, 2)
    assert len(list(tmp_path.iterdir())) == 1


def test_other_version_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result depends on the code that has computed it."""
    KeptExecutor(InlineExecutor(), tmp_path).submit(double, 7)
    monkeypatch.setattr(kept_results, "package_name", lambda: "9.9")
    again = KeptExecutor(InlineExecutor(), tmp_path)
    assert (again.submit(double, 7).result().number, again.found) == (14, 0)
