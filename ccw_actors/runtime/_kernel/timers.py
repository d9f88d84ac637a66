"""The timers of actors: messages that an actor sends itself later."""

from collections.abc import Callable

from ccw_actors.runtime._kernel.alarms import Alarm
from ccw_actors.runtime._values.timer import Timer, TimerKey

__all__ = ["Timers"]


class Timers:
    """All armed timers of a System.

    `armed` and `counts` (the numbers used, by path) are plain data, which a snapshot
    saves and restores.
    """

    def __init__(
        self,
        call_at: Callable[[float, Callable[[], None]], Alarm],
        fire: Callable[[TimerKey], None],
    ) -> None:
        self._call_at = call_at
        self._fire = fire
        self._alarms: dict[TimerKey, Alarm] = {}
        self._of: dict[str, set[int]] = {}
        self.armed: dict[TimerKey, Timer] = {}
        self.counts: dict[str, int] = {}

    def next_key(self, path: str) -> TimerKey:
        """Return an unused key for a timer of that actor."""
        number = self.counts.get(path, 0) + 1
        self.counts[path] = number
        return path, number

    def arm(self, key: TimerKey, timer: Timer) -> None:
        """Arm the timer, which fires when it is due."""
        path, number = key
        self.armed[key] = timer
        self._of.setdefault(path, set()).add(number)
        self._alarms[key] = self._call_at(timer.due, lambda: self._fire(key))

    def take(self, key: TimerKey) -> Timer | None:
        """Disarm a timer and return it, None if it is not armed."""
        path, number = key
        alarm = self._alarms.pop(key, None)
        if alarm is not None:
            alarm.cancel()
        own = self._of.get(path)
        if own is not None:
            own.discard(number)
            if not own:
                del self._of[path]
        return self.armed.pop(key, None)

    def again(self, key: TimerKey, timer: Timer) -> None:
        """Arm a periodic timer that has just fired for its next time."""
        due = timer.due + timer.interval
        self.arm(key, timer._replace(due=due, waiting=True))

    def handled(self, key: TimerKey) -> None:
        """Note that the actor has taken the last message of a periodic timer."""
        timer = self.armed.get(key)
        if timer is not None:
            self.armed[key] = timer._replace(waiting=False)

    def disarm(self, path: str) -> None:
        """Disarm every timer of an actor, but keep their count."""
        for number in tuple(self._of.get(path, ())):
            self.take((path, number))

    def forget(self, path: str) -> None:
        """Disarm every timer of an actor that has ended."""
        self.disarm(path)
        self.counts.pop(path, None)

    def restore(self, armed: dict[TimerKey, Timer], counts: dict[str, int]) -> None:
        """Restore the timers of a snapshot, without alarms."""
        self.armed, self.counts = armed, counts
        self._alarms.clear()
        self._of.clear()
        for path, number in armed:
            self._of.setdefault(path, set()).add(number)
