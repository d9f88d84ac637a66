"""Errors that no actor keeps to itself, and what raises them if a System cannot.

Separate from the runtime, so that a test runner's plugin can use it without importing
the runtime.
"""

from collections.abc import Callable
from typing import Final

__all__ = ["ALWAYS", "TAKERS", "escalate_always"]

ALWAYS: Final[list[type[BaseException]]] = [KeyboardInterrupt, SystemExit]
"""What a System escalates by default."""

TAKERS: Final[list[Callable[[BaseException], bool]]] = []
"""Functions that can raise what a System has no task for; the last one is called."""


def escalate_always(
    *kinds: type[BaseException], taker: Callable[[BaseException], bool] | None = None
) -> Callable[[], None]:
    """Add to what every System escalates by default, if it is made after this call.

    Use it if you run programs of others, as a test runner does: an error that ends a
    test has to end it also if an actor raises it. When a System on an event loop has no
    task inside `async with` to cancel, it calls `taker` with the escalated error.
    `taker` returns True if it raises the error elsewhere. A taker replaces the one
    before it: a program inside such a program gets the errors of what it runs alone.

    Returns a function that undoes the call.
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
