"""A queue of timed callbacks that forgets cancelled ones."""

import heapq
from collections.abc import Callable

__all__ = ["Alarm", "Alarms"]

_SLACK = 64


class Alarm:
    """One callback, in a queue or in none; `cancel` removes it."""

    __slots__ = ("_alarms", "callback")

    def __init__(
        self, callback: Callable[[], None], alarms: "Alarms | None" = None
    ) -> None:
        self.callback: Callable[[], None] | None = callback
        self._alarms = alarms

    def cancel(self) -> None:
        """Do not call it; has no effect if it has already been called."""
        if self.callback is not None:
            self.callback = None
            if self._alarms is not None:
                self._alarms.note_cancelled()


class Alarms:
    """Callbacks in order of their due times; those due at the same time as added.

    Cancelled ones leave the queue when they are due, or when they are more than half of
    it, so that many asks answered long before their deadlines take no memory.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._order = 0
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Queue a callback that is due at `when` seconds."""
        alarm = Alarm(callback, self)
        self._order += 1
        heapq.heappush(self._heap, (when, self._order, alarm))
        return alarm

    def next_due(self) -> float | None:
        """Return when the next callback is due; None if there is none."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heapq.heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def pop(self) -> Callable[[], None]:
        """Take out the next callback; call this only after `next_due` found one."""
        alarm = heapq.heappop(self._heap)[2]
        callback = alarm.callback
        assert callback is not None, "next_due drops cancelled callbacks"
        alarm.callback = None
        return callback

    def note_cancelled(self) -> None:
        """Count one more cancelled alarm, which calls this."""
        self._cancelled += 1
        if self._cancelled > _SLACK and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].callback]
            heapq.heapify(self._heap)
            self._cancelled = 0
