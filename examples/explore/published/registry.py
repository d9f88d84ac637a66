"""The types of published models: an algorithm with counts, or a bug with its fix.

`algorithms.py` and `bugs.py` have them. A count is that of its source, never our own.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

from ccw_actors.explore import Result, Scenario, TransitionSystem, explore

__all__ = ["PLAIN", "Algorithm", "Bug", "Count", "How", "explored"]

Explored = Scenario | TransitionSystem[Any, Any]
How = Mapping[str, Any]
"""Keywords for `explore`."""

PLAIN: How = {}


class Count(NamedTuple):
    """A published number of states, and the system that has them.

    `of` is the size; `source` says who has published the count, and `address` where.
    `generated` are the states that TLC has generated: the first ones, and one for each
    step. It is None if that is not published, or is not a number of steps: TLC takes a
    step twice if two conditions allow it, and counts states that it leaves out.
    """

    of: str
    states: int
    source: str
    address: str
    system: Explored
    how: How = PLAIN
    generated: int | None = None
    slow: bool = False


class Algorithm(NamedTuple):
    """A published algorithm, its counts, and a variant that lacks what it rests on.

    The variant is explored like the first of the counts, or as `how` says; `violation`
    is its fault.
    """

    name: str
    module: ModuleType
    counts: tuple[Count, ...]
    broken: Explored
    lacks: str
    violation: str
    how: How | None = None


class Bug(NamedTuple):
    """A bug of a library, its fix, and the steps that its issue describes.

    `order` are those steps, as the explorer names them, in the order of the issue. Only
    the order for each actor counts, and other steps may come between.
    """

    name: str
    library: str
    thread: str
    module: ModuleType
    uncured: Scenario
    cured: Scenario
    went_wrong: str
    cure: str
    violation: str
    order: tuple[str, ...]
    how: How = PLAIN


def explored(system: Explored, how: How) -> Result:
    """Explore something as the registry says."""
    return explore(system, **how)
