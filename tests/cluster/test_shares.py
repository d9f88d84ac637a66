"""Shares in processes of their own: same counts, and what happens when one dies."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from ccw_actors.cli._scenario_names import find_scenario
from ccw_actors.cluster import (
    ClusterError,
    ClusterExecutor,
    ShareLostError,
    explore_in_shares,
    share_executor,
)
from ccw_actors.explore import (
    ExploreError,
    Limits,
    Progress,
    Result,
    explore,
    stop_now,
)
from ccw_actors.explore.shares import Setting
from tests.cluster.calls import broken, dies_in, hasty, two_phase


def shared(
    scenario: Callable[[], Any], shares: int, limits: Limits | None = None
) -> Result:
    """Explore a scenario in processes of this host."""
    executor = share_executor(shares)
    try:
        return explore_in_shares(Setting(scenario), executor, shares, limits=limits)
    finally:
        stop_now(executor)


@pytest.mark.parametrize(("shares", "managers", "states"), [(2, 5, 8_832), (3, 3, 288)])
def test_counts_are_the_published_ones(shares: int, managers: int, states: int) -> None:
    """Stateright has these counts for two-phase commit."""
    one = explore(two_phase(managers), fingerprints=True)
    found = shared(partial(two_phase, managers), shares)
    assert (found.verdict, found.states) == ("verified", states)
    assert (found.steps, found.scope) == (one.steps, one.scope)


def test_actors_are_the_same_in_every_process() -> None:
    """The seed of the project: actors, a monitor, properties of several actors."""
    one = explore(find_scenario("seed"), fingerprints=True)
    found = shared(partial(find_scenario, "seed"), 2)
    assert (found.verdict, found.states, found.steps) == (
        one.verdict,
        one.states,
        one.steps,
    )
    assert (found.coverage, found.dead_letters) == (one.coverage, one.dead_letters)
    assert found.scope.endswith("wait forever in a run that goes round.")


def test_shortest_counterexample() -> None:
    """A fault has a shortest way, which leads from share to share."""
    one = explore(hasty(4))
    found = shared(partial(hasty, 4), 2)
    assert (found.verdict, found.violation) == ("refuted", one.violation)
    assert len(found.counterexample) == len(one.counterexample)


def test_limit() -> None:
    """A limit makes it incomplete, and the scope says which one."""
    found = shared(partial(two_phase, 6), 2, Limits(states=5_000))
    assert found.verdict == "incomplete"
    assert "5000 states" in found.scope


def test_scenario_that_fails() -> None:
    """The error of the scenario's own code reaches the caller."""
    with pytest.raises(ExploreError, match="no actions today"):
        shared(partial(broken, 1), 2)


def test_process_that_dies(tmp_path: Path) -> None:
    """Its states are lost, so the exploration ends with an error."""
    with pytest.raises(ShareLostError):
        shared(partial(dies_in, 5, str(tmp_path / "died")), 2)


def test_cluster_begins_again_without_a_dead_worker(
    cluster: Any, tmp_path: Path
) -> None:
    """The whole is explored again, and nothing is missing or counted twice."""
    executor = ClusterExecutor(cluster.scheduler_address)
    died = tmp_path / "died"
    told: list[Progress] = []
    try:
        setting = Setting(partial(dies_in, 5, str(died)))
        found = explore_in_shares(setting, executor, 2, tick=told.append)
    finally:
        stop_now(executor)
    assert died.exists()
    assert (found.verdict, found.states) == ("verified", 8_832)
    assert told[-1].found == 8_832


def test_certificates(cluster: Any, tmp_path: Path) -> None:
    """Shares prove to each other who they are, and refuse who cannot."""
    authority = trustme.CA()
    for folder, issuer in (("ours", authority), ("other", trustme.CA())):
        place = tmp_path / folder
        place.mkdir()
        issued = issuer.issue_cert("127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(str(place / "certificate.pem"))
        issued.private_key_pem.write_to_path(str(place / "key.pem"))
        authority.cert_pem.write_to_path(str(place / "authority.pem"))
    executor = ClusterExecutor(cluster.scheduler_address)
    setting = Setting(partial(two_phase, 3))
    try:
        found = explore_in_shares(setting, executor, 2, certificates=tmp_path / "ours")
        with pytest.raises(ShareLostError, match="cannot be reached"):
            explore_in_shares(setting, executor, 2, certificates=tmp_path / "other")
    finally:
        stop_now(executor)
    assert (found.verdict, found.states) == ("verified", 288)


def test_cluster_that_is_too_small(cluster: Any) -> None:
    """Shares need a worker each."""
    executor = ClusterExecutor(cluster.scheduler_address)
    try:
        with pytest.raises(ClusterError, match="expected at least 3"):
            explore_in_shares(Setting(partial(two_phase, 3)), executor, 3)
    finally:
        stop_now(executor)
