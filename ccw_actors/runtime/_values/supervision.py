"""What is to be done with an actor that has failed."""

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
    """The actor ends: its mailbox becomes dead letters, who watches it is told."""


class Escalate(msgspec.Struct, frozen=True):
    """The actor ends, and its parent fails of the same error.

    An actor without a parent takes the whole System with it: every actor is stopped
    and `async with System()` raises the error at its end.
    """


class Restart(msgspec.Struct, frozen=True):
    """The actor begins again, with its first state; its mailbox is kept.

    At most `limit` times in any `within` seconds; then comes `then`. Before the nth
    restart in that time it rests `delay` * 2 ** (n - 1) seconds, `delay_max` at most.

    Raises `ValueError` for a negative number, and for no time.
    """

    limit: int = 5
    within: float = 60.0
    delay: float = 0.0
    delay_max: float = 30.0
    then: Stop | Escalate = Stop()

    def __post_init__(self) -> None:
        """Check the numbers."""
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
        """Return how many seconds to rest before restart number `restarts` (from 1)."""
        # Beyond any time that there is, the power would be no number.
        return min(self.delay * 2.0 ** min(restarts - 1, 1000), self.delay_max)


Decision: TypeAlias = Stop | Restart | Escalate
Supervision: TypeAlias = Decision | Callable[[BaseException], Decision]
"""A decision, or a function that takes it on seeing the error."""


def check_supervision(supervision: object) -> None:
    """Raise `TypeError` for what is neither a decision nor a function that takes one.

    One of the three classes themselves is no such function.
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
    """Return the decision, and the times of restarts that count, this one included.

    `past` are the times (seconds) of earlier restarts. Raises what a function raises
    that is to decide, and `TypeError` if that returns no decision.
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
