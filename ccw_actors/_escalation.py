"""Which errors no actor keeps to itself, and who raises them besides a System.

Apart from the runtime, so that a test runner's plugin can say so without importing it.
"""

from collections.abc import Callable
from typing import Final

__all__ = ["ALWAYS", "TAKERS", "escalate_always"]

ALWAYS: Final[list[type[BaseException]]] = [KeyboardInterrupt, SystemExit]
"""What a System escalates unless it is told otherwise."""

TAKERS: Final[list[Callable[[BaseException], bool]]] = []
"""Who may raise what a System has no task for; the last one is asked."""


def escalate_always(
    *kinds: type[BaseException], taker: Callable[[BaseException], bool] | None = None
) -> Callable[[], None]:
    """Add to what every System made from now on escalates unless it says otherwise.

    It is for those who run programs of others, as a test runner does: what ends a test
    is to end it from within an actor, too. `taker` is called with an escalated error
    when a System on an event loop has no task inside of `async with` that it could
    cancel; it returns True if it sees to it that the error is raised. A taker replaces
    the one before: whoever runs programs inside of such a program has them to himself.

    Returns a function that takes all of it back.
    """
    added = [kind for kind in kinds if kind not in ALWAYS]
    ALWAYS.extend(added)
    takers = [] if taker is None else [taker]
    TAKERS.extend(takers)

    def undo() -> None:
        for kind in added:
            ALWAYS.remove(kind)
        added.clear()
        while takers:
            TAKERS.remove(takers.pop())

    return undo
