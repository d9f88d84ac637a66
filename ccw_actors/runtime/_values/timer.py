"""An armed timer, as a value."""

from typing import Final, NamedTuple, TypeAlias

from ccw_actors.runtime._values.envelope import Stamp

__all__ = ["EXPIRY", "SLEEP", "Timer", "TimerKey"]

SLEEP: Final = -1
"""The kind of a timer that resumes a handler which sleeps."""

EXPIRY: Final = -2
"""The kind of a timer that ends an ask; only the stepping dispatcher has those."""

TimerKey: TypeAlias = tuple[str, int]
"""An actor's path and the number of one of its timers."""


class Timer(NamedTuple):
    """An armed timer: due at a time of the System's clock (seconds), its message.

    `kind` is the kind of envelope it makes, SLEEP or EXPIRY. A periodic one has an
    `interval` in seconds, and is `waiting` while its last message has not been
    handled: then it makes no other one, so that a slow actor is not buried.
    """

    due: float
    payload: bytes
    stamp: Stamp | None
    kind: int
    interval: float = 0.0
    waiting: bool = False
