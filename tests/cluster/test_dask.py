"""Calls on a Dask cluster: results, deaths of workers, and what cannot be used."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.cluster import CallLostError, ClusterError, ClusterExecutor
from ccw_actors.cluster import _dask as dask
from ccw_actors.explore import stop_now
from tests.cluster.calls import die, die_once, double, fail, note_after


@pytest.fixture
def executor(cluster: Any) -> Iterator[ClusterExecutor]:
    """Return an executor on the cluster."""
    made = ClusterExecutor(cluster.scheduler_address)
    yield made
    stop_now(made)


def test_calls_are_made_by_workers(executor: ClusterExecutor) -> None:
    """Each call has its result, and the workers are other processes."""
    calls = {executor.submit(double, number): number for number in range(20)}
    found = {calls[one]: one.result() for one in as_completed(calls)}
    assert [found[number].number for number in range(20)] == list(range(0, 40, 2))
    assert os.getpid() not in {one.process for one in found.values()}
    assert executor.slots == 2


def test_error_of_a_call_is_its_own(executor: ClusterExecutor) -> None:
    """An exception reaches the caller, as with any executor."""
    with pytest.raises(ValueError, match="3 is wrong"):
        executor.submit(fail, 3).result()


def test_call_of_a_dead_worker_is_made_by_another(
    executor: ClusterExecutor, tmp_path: Path
) -> None:
    """A worker that dies loses nothing."""
    call = executor.submit(partial(die_once, str(tmp_path / "died")), 21)
    assert call.result(timeout=60).number == 42


def test_call_that_kills_workers_is_given_up(executor: ClusterExecutor) -> None:
    """A call is not tried again and again."""
    with pytest.raises(CallLostError, match="one after the other"):
        executor.submit(die).result(timeout=60)
    assert executor.submit(double, 1).result(timeout=60).number == 2


def test_cancelled_call_is_taken_back(
    executor: ClusterExecutor, tmp_path: Path
) -> None:
    """No worker makes a call that was cancelled while all were busy."""
    done, never = tmp_path / "done", tmp_path / "never"
    busy = [executor.submit(note_after, 1.0, str(done)) for _ in range(2)]
    waiting = [executor.submit(note_after, 0.0, str(never)) for _ in range(20)]
    assert all(one.cancel() for one in waiting)
    for one in busy:
        one.result(timeout=60)
    assert executor.submit(double, 2).result(timeout=60).number == 4
    assert (done.exists(), never.exists()) == (True, False)


def test_no_scheduler() -> None:
    """An address where nobody listens, and a text that is none, give one line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        for address in (free, "nowhere"):
            with pytest.raises(ClusterError, match=f"{address}: no scheduler answers"):
                ClusterExecutor(address)


def test_worker_with_another_version(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names a worker and both versions."""
    monkeypatch.setattr(dask, "package_name", lambda: "9.9 (ours)")
    with pytest.raises(ClusterError, match=r"worker tcp://\S+ has .*expected 9\.9"):
        ClusterExecutor(cluster.scheduler_address)


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(dask, "find_spec", nothing)
    with pytest.raises(ClusterError, match=r"pip install 'ccw-actors\[cluster\]'"):
        ClusterExecutor("tcp://127.0.0.1:1")
