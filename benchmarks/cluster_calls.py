"""What benchmarks/cluster.py has workers do."""

import os
import time
from typing import Any

from ccw_actors.explore import TransitionSystem, explore
from ccw_actors.scenarios import SCENARIOS
from examples.explore.published.two_phase import commits

__all__ = ["chain", "explore_scenario", "nothing", "two_phase", "wait"]


def nothing(number: int) -> int:
    """Return a number."""
    return number


def wait(seconds: float) -> int:
    """Return the number of the process, after some time."""
    time.sleep(seconds)
    return os.getpid()


def explore_scenario(name: str) -> int:
    """Return how many states a scenario has."""
    return explore(SCENARIOS[name], engine="states").states or 0


def two_phase(managers: int) -> TransitionSystem[Any, Any]:
    """Return two-phase commit with so many managers."""
    return commits(managers)


def chain(length: int) -> TransitionSystem[int, int]:
    """Return numbers that grow: a level of one state costs little but messages."""
    return TransitionSystem(
        [0],
        lambda number: [number + 1] if number < length else [],
        lambda _number, after: after,
    )
