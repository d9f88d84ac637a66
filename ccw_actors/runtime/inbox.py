"""Calls from other threads, made on the System's own thread in the order given."""

from collections import deque
from collections.abc import Callable

from ccw_actors.errors import ActorStoppedError
from ccw_actors.runtime.dispatch import Dispatcher
from ccw_actors.runtime.place import Here

__all__ = ["Inbox"]


class Inbox:
    """Wakes the System's own thread once for a batch of calls from the others.

    That is ten times cheaper than once for each of them.
    """

    def __init__(self, dispatcher: Dispatcher, here: Here) -> None:
        self._dispatcher = dispatcher
        self._here = here
        self._calls: deque[Callable[[], object]] = deque()
        self._woken = False

    def call(self, call: Callable[[], object]) -> None:
        """Make the call at once on the System's own thread, soon from another.

        Raises `ActorStoppedError` if the event loop of the System is closed, and
        `DispatcherError` on another thread where there is no event loop.
        """
        if self._here.place.home:
            call()
            return
        self._dispatcher.check_awake()
        self._calls.append(call)
        if not self._woken:
            self._woken = True
            try:
                self._dispatcher.wake(self.drain)
            except ActorStoppedError:
                self._woken = False
                raise

    def note(self, call: Callable[[], object]) -> None:
        """Make the call if there still is anybody to make it."""
        try:
            self.call(call)
        except ActorStoppedError:
            return

    def drain(self) -> None:
        """Make the calls that are waiting; on the System's own thread."""
        self._woken = False
        while self._calls:
            self._calls.popleft()()
