"""The timers of actors: messages that an actor sends itself, later."""

from collections.abc import Callable
from typing import NamedTuple

from ccw_actors.runtime.alarms import Alarm
from ccw_actors.runtime.cell import Stamp

__all__ = ["EXPIRY", "SLEEP", "Timer", "TimerKey", "Timers"]

SLEEP = -1
"""The kind of a timer that resumes a handler which sleeps."""

EXPIRY = -2
"""The kind of a timer that ends an ask; only the stepping dispatcher has those."""

TimerKey = tuple[str, int]
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


class Timers:
    """Every timer armed in a System.

    `armed` and `counts` (numbers given out, by path) are plain data, which a snapshot
    keeps and puts back.
    """

    def __init__(
        self,
        call_at: Callable[[float, Callable[[], None]], Alarm],
        fire: Callable[[TimerKey], None],
    ) -> None:
        self._call_at = call_at
        self._fire = fire
        self._alarms: dict[TimerKey, Alarm] = {}
        self.armed: dict[TimerKey, Timer] = {}
        self.counts: dict[str, int] = {}

    def next_key(self, path: str) -> TimerKey:
        """Return a key that no timer of that actor has had."""
        number = self.counts.get(path, 0) + 1
        self.counts[path] = number
        return path, number

    def arm(self, key: TimerKey, timer: Timer) -> None:
        """Have the timer fire when it is due."""
        self.armed[key] = timer
        self._alarms[key] = self._call_at(timer.due, lambda: self._fire(key))

    def take(self, key: TimerKey) -> Timer | None:
        """Disarm a timer and return it; None if it is not armed."""
        alarm = self._alarms.pop(key, None)
        if alarm is not None:
            alarm.cancel()
        return self.armed.pop(key, None)

    def again(self, key: TimerKey, timer: Timer) -> None:
        """Arm a periodic timer that has just fired for its next time."""
        due = timer.due + timer.interval
        self.arm(key, timer._replace(due=due, waiting=True))

    def handled(self, key: TimerKey) -> None:
        """Note that the last message of a periodic timer has been taken up."""
        timer = self.armed.get(key)
        if timer is not None:
            self.armed[key] = timer._replace(waiting=False)

    def forget(self, path: str) -> None:
        """Disarm every timer of an actor."""
        if path in self.counts:
            for key in [key for key in self.armed if key[0] == path]:
                self.take(key)
