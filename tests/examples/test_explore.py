"""The small scenarios: their verdicts, and how much there is to explore in them."""

import subprocess
import sys

import pytest

from ccw_actors.explore import Engine, Network, explain, explore, replay
from ccw_actors.scenarios import (
    REFUTED,
    SCENARIOS,
    bank_transfer,
    lost_reply,
    ping_pong,
)

SMALL = ("ping-pong", "bank-transfer", "bank-transfer-buggy")
STATES: dict[tuple[str, Network], int] = {
    ("ping-pong", "channel"): 7,
    ("bank-transfer", "channel"): 36,
    ("two-phase-commit", "channel"): 6_032,
    ("two-phase-commit", "mailbox"): 8_759,
    ("paxos", "channel"): 33_328,
    ("paxos", "mailbox"): 2_418,
    ("lost-reply", "channel"): 248,
    ("lost-reply", "mailbox"): 442,
}


@pytest.mark.parametrize(("name", "delivery"), STATES)
def test_verified(name: str, delivery: Network) -> None:
    """So many states there are, and all of them are right."""
    result = explore(SCENARIOS[name], delivery=delivery)
    assert (result.verdict, result.states) == ("verified", STATES[name, delivery])


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
@pytest.mark.parametrize("name", sorted(REFUTED))
def test_refuted(name: str, delivery: Network) -> None:
    """What is wrong on purpose is found, and can be explained and taken again."""
    scenario = SCENARIOS[name]
    result = explore(scenario, delivery=delivery)
    assert result.verdict == "refuted"
    explanation = explain(scenario, result)
    assert explanation.violation == result.violation
    names = [step.name for step in explanation.steps]
    assert replay(scenario, names, delivery=delivery).violation == result.violation


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
@pytest.mark.parametrize("engine", ["states", "brute force", "auto"])
@pytest.mark.parametrize("name", SMALL)
def test_engines_agree(name: str, engine: Engine, delivery: Network) -> None:
    """Each small scenario has its verdict with every engine, under both deliveries."""
    result = explore(SCENARIOS[name], engine=engine, delivery=delivery)
    assert result.verdict == ("refuted" if name in REFUTED else "verified")


def test_lost_reply_by_orders() -> None:
    """Orders agrees, and needs few orders: what several actors show is left out."""
    right = explore(lost_reply(1), engine="orders")
    wrong = explore(lost_reply(careless=True), engine="orders")
    assert right.verdict == "verified"
    assert wrong.violation == "nobody waits for ever"


def test_ping_pong_has_one_order() -> None:
    """Nothing can be exchanged where one ball goes to and fro."""
    result = explore(ping_pong(8))
    assert (result.states, result.steps, result.schedules) == (9, 8, 1)


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
def test_bank_transfer_by_orders(delivery: Network) -> None:
    """Orders, which looks at single actors, comes to the same verdicts."""
    right = explore(bank_transfer(3), engine="orders", delivery=delivery)
    assert (right.verdict, right.blocked) == ("verified", 0)
    wrong = explore(bank_transfer(buggy=True), engine="orders", delivery=delivery)
    assert wrong.violation == "account/one: never overdrawn"


def test_bank_transfer_counts() -> None:
    """Brute force confirms the number of classes that Orders has."""
    counts = [
        explore(bank_transfer(), engine=engine).classes
        for engine in ("orders", "brute force")
    ]
    assert counts == [2, 2]


def test_shortest_way_to_overdraw() -> None:
    """Both tellers look before either acts; no way is shorter than these steps."""
    result = explore(bank_transfer(buggy=True))
    assert result.violation == "account/one: never overdrawn"
    steps = [str(step).partition("(amount")[0] for step in result.counterexample]
    assert len(steps) == 8
    assert [step.partition(": ")[2] for step in steps].count("AskBalance()") == 2
    assert steps[-1].endswith("account/one: Withdraw")


def test_sometimes_keeps_a_scenario_honest() -> None:
    """Where nobody has enough, nothing is wrong but that nothing is tested."""
    result = explore(bank_transfer(balance=5))
    assert result.verdict == "vacuous"
    assert result.violation == "never: money arrives"


def test_scenarios_are_made_when_asked_for() -> None:
    """To import them explores no specification, which would take every command long."""
    program = """if True:
        from ccw_actors.explore.refinement import Reference
        made, make = [], Reference.__init__
        def note(*arguments, **more):
            made.append(arguments)
            make(*arguments, **more)
        Reference.__init__ = note
        from ccw_actors.scenarios import SCENARIOS
        assert not made
        for name in SCENARIOS:
            SCENARIOS[name]
        assert made
    """
    subprocess.run([sys.executable, "-c", program], check=True)
