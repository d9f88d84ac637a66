"""Scenarios of the examples: their verdicts, and the size of their exploration."""

import pytest

from ccw_actors.explore import Engine, Network, Scenario, explain, explore, replay
from examples.explore import bank, lost_reply, two_phase_commit
from examples.explore.published import paxos, ping_pong

SCENARIOS: dict[str, Scenario] = {
    "ping-pong": ping_pong.games(6),
    "bank transfer": bank.transfer,
    "buggy bank transfer": bank.transfer_buggy,
    "two-phase commit": two_phase_commit.commit,
    "hasty two-phase commit": two_phase_commit.commit_hasty,
    "Paxos": paxos.paxos,
    "lost reply": lost_reply.careful,
    "careless lost reply": lost_reply.careless,
}
REFUTED = ("buggy bank transfer", "careless lost reply", "hasty two-phase commit")
SMALL = ("ping-pong", "bank transfer", "buggy bank transfer")
STATES: dict[tuple[str, Network], int] = {
    ("ping-pong", "channel"): 7,
    ("bank transfer", "channel"): 36,
    ("two-phase commit", "channel"): 6_032,
    ("two-phase commit", "mailbox"): 8_759,
    ("Paxos", "channel"): 33_328,
    ("Paxos", "mailbox"): 2_418,
    ("lost reply", "channel"): 248,
    ("lost reply", "mailbox"): 442,
}


@pytest.mark.parametrize(("name", "delivery"), STATES)
def test_verified(name: str, delivery: Network) -> None:
    """The scenario has this number of states, and all of them are correct."""
    result = explore(SCENARIOS[name], delivery=delivery)
    assert (result.verdict, result.states) == ("verified", STATES[name, delivery])


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
@pytest.mark.parametrize("name", REFUTED)
def test_refuted(name: str, delivery: Network) -> None:
    """A deliberate fault is found, explained and replayed."""
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
    """`orders` agrees, and needs few schedules."""
    right = explore(lost_reply.asks(askers=1), engine="orders")
    wrong = explore(lost_reply.careless, engine="orders")
    assert right.verdict == "verified"
    assert wrong.violation == "nobody waits for ever"


def test_ping_pong_has_one_order() -> None:
    """One ball that goes to and fro allows only one schedule."""
    result = explore(ping_pong.games(8))
    assert (result.states, result.steps, result.schedules) == (9, 8, 1)


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
def test_bank_transfer_by_orders(delivery: Network) -> None:
    """`orders`, with invariants of single actors, has the same verdicts."""
    right = explore(bank.transfers(tellers=3), engine="orders", delivery=delivery)
    assert (right.verdict, right.blocked) == ("verified", 0)
    wrong = explore(bank.transfer_buggy, engine="orders", delivery=delivery)
    assert wrong.violation == "account/one: never overdrawn"


def test_bank_transfer_counts() -> None:
    """Brute force confirms the number of classes of `orders`."""
    counts = [
        explore(bank.transfer, engine=engine).classes
        for engine in ("orders", "brute force")
    ]
    assert counts == [2, 2]


def test_shortest_way_to_overdraw() -> None:
    """Both tellers check the balance before either acts; no schedule is shorter."""
    result = explore(bank.transfer_buggy)
    assert result.violation == "account/one: never overdrawn"
    steps = [str(step).partition("(amount")[0] for step in result.counterexample]
    assert len(steps) == 8
    assert [step.partition(": ")[2] for step in steps].count("AskBalance()") == 2
    assert steps[-1].endswith("account/one: Withdraw")


def test_sometimes_keeps_a_scenario_honest() -> None:
    """Without enough money no invariant fails, but the verdict is `vacuous`."""
    result = explore(bank.transfers(balance=5))
    assert result.verdict == "vacuous"
    assert result.violation == "never: money arrives"
