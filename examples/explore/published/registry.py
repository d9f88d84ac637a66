"""What a published model is: an algorithm with others' counts, or a bug with its cure.

`algorithms.py` and `bugs.py` have them. A count is that of its source, never ours.
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
    """A number of states that somebody else has published, and of what it is one.

    `of` says which size; `source` is who has published it, and `address` where.
    `generated` are the states that TLC says it has generated: the first ones, and one
    for each step. It is None where that is not published, or is not a number of steps:
    TLC takes a step twice that two conditions allow, and counts states it leaves out.
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
    is what is wrong with it.
    """

    name: str
    module: ModuleType
    counts: tuple[Count, ...]
    broken: Explored
    lacks: str
    violation: str
    how: How | None = None


class Bug(NamedTuple):
    """A bug of a library, its cure, and the steps that its thread tells of.

    `order` are those steps, as the explorer names them, in the order of the thread, of
    which the order of each actor counts; there may be others between them.
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
