"""Counterexamples are taken again by the names of their steps."""

import pytest

from ccw_actors.explore import Network, ReplayError, Step, explore, replay
from examples.explore.bank import transfers


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
def test_counterexample_is_replayed(delivery: Network) -> None:
    """The same steps lead to the same fault."""
    scenario = transfers(buggy=True)
    result = explore(scenario, delivery=delivery)
    again = replay(scenario, result.names, delivery=delivery)
    assert again.steps == result.counterexample
    assert again.violation == result.violation


def test_names_survive_other_amounts() -> None:
    """Names leave out contents, so they fit a scenario with other numbers."""
    names = explore(transfers(buggy=True)).names
    other = transfers(balance=50, amount=40, buggy=True)
    assert replay(other, names).violation == "account/one: never overdrawn"


def test_fault_that_is_fixed() -> None:
    """If the fault is fixed, the error names the first step that is not possible."""
    names = explore(transfers(buggy=True)).names
    with pytest.raises(ReplayError, match="step 6") as caught:
        replay(transfers(), names)
    assert caught.value.name == names[5]
    assert caught.value.possible == ["account/one>account/two", "account/one>teller/2"]


def test_end() -> None:
    """Steps may lead to an end without a fault, or to a state before the end."""
    scenario = transfers(tellers=1)
    names = [
        ">teller/1",
        "teller/1>account/one",
        "account/one>teller/1",
        "account/one>account/two",
    ]
    assert replay(scenario, names)[1:] == ("", True)
    assert replay(scenario, names[:2])[1:] == ("", False)


def test_timers_have_names() -> None:
    """A timer's name is its actor and its number."""
    assert Step("clock", "clock", "Tick()", 3).name == "clock@3"
