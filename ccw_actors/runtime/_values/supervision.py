"""What is to be done with an actor that has failed."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

__all__ = ["Decision", "Escalate", "Restart", "Stop", "Supervision", "decide"]


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
    """

    limit: int = 5
    within: float = 60.0
    delay: float = 0.0
    delay_max: float = 30.0
    then: Stop | Escalate = Stop()

    def pause(self, restarts: int) -> float:
        """Return how many seconds to rest before restart number `restarts` (from 1)."""
        return min(self.delay * 2.0 ** (restarts - 1), self.delay_max)


Decision: TypeAlias = Stop | Restart | Escalate
Supervision: TypeAlias = Decision | Callable[[BaseException], Decision]
"""A decision, or a function that takes it on seeing the error."""


def decide(
    supervision: Supervision, error: BaseException, now: float, past: tuple[float, ...]
) -> tuple[Decision, tuple[float, ...]]:
    """Return the decision, and the times of restarts that count, this one included.

    `past` are the times (seconds) of earlier restarts.
    """
    decision = supervision(error) if callable(supervision) else supervision
    if not isinstance(decision, Restart):
        return decision, past
    counted = (*(time for time in past if time > now - decision.within), now)
    if len(counted) > decision.limit:
        return decision.then, past
    return decision, counted
