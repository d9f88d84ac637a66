"""An armed timer, as a value."""

from typing import Final, NamedTuple, TypeAlias

from ccw_actors.runtime._values.envelope import Stamp

__all__ = ["EXPIRY", "SLEEP", "Timer", "TimerKey"]

SLEEP: Final = -1
"""The kind of a timer that resumes a sleeping handler."""

EXPIRY: Final = -2
"""The kind of a timer that ends an ask; only the stepping dispatcher uses it."""

TimerKey: TypeAlias = tuple[str, int]
"""An actor's path and the number of one of its timers."""


class Timer(NamedTuple):
    """An armed timer: due at a time of the System's clock (seconds), its message.

    `kind` is the kind of envelope it makes, SLEEP or EXPIRY. A periodic one has an
    `interval` in seconds, and is `waiting` until its last message has been handled.
    While it is, the timer makes no other, so that messages do not pile up.
    """

    due: float
    payload: bytes
    stamp: Stamp | None
    kind: int
    interval: float = 0.0
    waiting: bool = False
