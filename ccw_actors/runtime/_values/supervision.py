"""Supervision: what the System does with an actor that has failed."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

__all__ = [
    "Decision",
    "Escalate",
    "Restart",
    "Stop",
    "Supervision",
    "check_supervision",
    "decide",
]


class Stop(msgspec.Struct, frozen=True):
    """The actor ends: its mailbox becomes dead letters, watchers get `Terminated`."""


class Escalate(msgspec.Struct, frozen=True):
    """The actor ends, and its parent fails with the same error.

    Without a parent the actor ends the whole System: every actor stops, and
    `async with System()` raises the error at its end.
    """


class Restart(msgspec.Struct, frozen=True):
    """The actor restarts with its first state and keeps its mailbox.

    It does so at most `limit` times in any `within` seconds. On the next failure the
    decision is `then`. Before restart number n in that time it pauses for
    `delay * 2 ** (n - 1)` seconds, at most `delay_max`.

    Raises `ValueError` for a negative number, and for `within` 0.
    """

    limit: int = 5
    within: float = 60.0
    delay: float = 0.0
    delay_max: float = 30.0
    then: Stop | Escalate = Stop()

    def __post_init__(self) -> None:
        """Check the ranges of the numbers."""
        if self.limit < 0:
            raise ValueError(f"Restart: limit is 0 or more, not {self.limit}")
        if not self.within > 0:
            raise ValueError(f"Restart: within is above 0 s, not {self.within}")
        if not (self.delay >= 0 and self.delay_max >= 0):
            raise ValueError(
                "Restart: delay and delay_max are 0 s or more,"
                f" not {self.delay} and {self.delay_max}"
            )

    def pause(self, restarts: int) -> float:
        """Return the seconds to pause before restart number `restarts` (from 1)."""
        # The power would overflow a float.
        return min(self.delay * 2.0 ** min(restarts - 1, 1000), self.delay_max)


Decision: TypeAlias = Stop | Restart | Escalate
Supervision: TypeAlias = Decision | Callable[[BaseException], Decision]
"""A decision, or a function that returns one for an error."""


def check_supervision(supervision: object) -> None:
    """Raise `TypeError` for a value that is neither a decision nor a function.

    The three classes themselves do not count as functions.
    """
    if isinstance(supervision, Stop | Restart | Escalate):
        return
    if callable(supervision) and supervision not in (Stop, Restart, Escalate):
        return
    raise TypeError(
        "supervision: expected Stop(), Restart(), Escalate(), or a function that"
        f" returns one of them, got {supervision!r}"
    )


def decide(
    supervision: Supervision, error: BaseException, now: float, past: tuple[float, ...]
) -> tuple[Decision, tuple[float, ...]]:
    """Return the decision, and the times of restarts that count, including this one.

    `past` are the times (seconds) of earlier restarts. Passes on an exception of a
    function that decides, and raises `TypeError` if it returns no decision.
    """
    decision: Any = supervision(error) if callable(supervision) else supervision
    if not isinstance(decision, Stop | Restart | Escalate):
        raise TypeError(
            f"expected Stop(), Restart() or Escalate() of {supervision!r},"
            f" got {decision!r}"
        )
    if not isinstance(decision, Restart):
        return decision, past
    counted = (*(time for time in past if time > now - decision.within), now)
    if len(counted) > decision.limit:
        return decision.then, past
    return decision, counted
