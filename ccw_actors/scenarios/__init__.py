"""Things worth exploring, by name."""

from ccw_actors.explore import Scenario
from ccw_actors.scenarios.bank import bank_transfer
from ccw_actors.scenarios.ping_pong import ping_pong

__all__ = ["SCENARIOS", "bank_transfer", "ping_pong"]

SCENARIOS: dict[str, Scenario] = {
    "ping-pong": ping_pong(),
    "bank-transfer": bank_transfer(),
    "bank-transfer-buggy": bank_transfer(buggy=True),
}
"""The scenarios that come with the package, each of the smallest size that shows it."""
