"""Things worth exploring, by name."""

from typing import Any

from ccw_actors.explore import Scenario, TransitionSystem
from ccw_actors.scenarios.bank import bank_transfer
from ccw_actors.scenarios.lost_reply import lost_reply
from ccw_actors.scenarios.pass_through import MAKERS
from ccw_actors.scenarios.paxos import paxos
from ccw_actors.scenarios.ping_pong import ping_pong
from ccw_actors.scenarios.two_phase import two_phase
from ccw_actors.scenarios.two_phase_commit import two_phase_commit

__all__ = [
    "REFUTED",
    "SCENARIOS",
    "bank_transfer",
    "lost_reply",
    "paxos",
    "ping_pong",
    "two_phase",
    "two_phase_commit",
]

SCENARIOS: dict[str, Scenario | TransitionSystem[Any, Any]] = {
    "ping-pong": ping_pong(),
    "bank-transfer": bank_transfer(),
    "bank-transfer-buggy": bank_transfer(buggy=True),
    "two-phase-commit": two_phase_commit(),
    "two-phase-commit-hasty": two_phase_commit(hasty=True),
    "two-phase-plain-3": two_phase(3),
    "two-phase-plain-5": two_phase(5),
    "paxos": paxos(),
    "lost-reply": lost_reply(),
    "lost-reply-careless": lost_reply(careless=True),
    **{name: maker(None) for name, maker in MAKERS.items()},
}
"""The scenarios that come with the package, each of the smallest size that shows it."""

REFUTED = frozenset(
    {"bank-transfer-buggy", "two-phase-commit-hasty", "lost-reply-careless"}
)
"""Those that are wrong on purpose."""
