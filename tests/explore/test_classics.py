"""Two classics of model checking, with published numbers of states."""

from ccw_actors.explore import explore
from examples.explore.published.paxos import registers
from examples.explore.published.two_phase import commits


def test_two_phase_commit() -> None:
    """Stateright has 288 states for 3 resource managers and 8,832 for 5."""
    counts = [explore(commits(count)).states for count in (3, 5)]
    assert counts == [288, 8_832]


def test_two_phase_commit_holds() -> None:
    """All decide the same; both decisions are possible."""
    result = explore(commits(4))
    assert result.verdict == "verified"
    assert result.violation == ""


def test_hasty_two_phase_commit_is_refuted() -> None:
    """A manager can still give up if nobody waits for it; seven steps show it."""
    result = explore(commits(3, hasty=True))
    assert result.verdict == "refuted"
    assert result.violation == "all decide the same"
    assert len(result.counterexample) == 7


def test_paxos() -> None:
    """Stateright has 16,668 states for 2 clients and 3 servers, 265 for 1 client."""
    results = [
        explore(registers(clients=clients), delivery="unordered", noops="kept")
        for clients in (1, 2)
    ]
    assert [result.states for result in results] == [265, 16_668]
    assert [result.verdict for result in results] == ["verified", "verified"]


def test_hasty_paxos_is_refuted() -> None:
    """Reads disagree if a leader ignores accepted values."""
    result = explore(registers(hasty=True), delivery="unordered", noops="kept")
    assert result.verdict == "refuted"
    assert result.violation == "linearizable"
    assert str(result.counterexample[0]) == "c3 > s0: Put(request=3, value='A')"
