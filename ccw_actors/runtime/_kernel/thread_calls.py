"""Calls from other threads, which the System's own thread makes in order."""

from collections import deque
from collections.abc import Callable
from threading import get_ident

from ccw_actors.errors import ActorStoppedError
from ccw_actors.runtime._kernel.ports import Dispatcher

__all__ = ["ThreadCalls"]


class ThreadCalls:
    """Wakes the System's own thread once for a batch of calls from other threads.

    That is ten times cheaper than waking it for each call. One turn of the loop makes
    at most `dispatcher.budget` calls, so a flood from a thread delays other actors no
    more than a flood from an actor.
    """

    def __init__(self, dispatcher: Dispatcher, own_thread: int) -> None:
        self._dispatcher = dispatcher
        self._own_thread = own_thread
        self._calls: deque[Callable[[], object]] = deque()
        self._woken = False

    def call(self, call: Callable[[], object]) -> None:
        """Make the call at once on the System's own thread, soon on another.

        Raises `ActorStoppedError` if the event loop of the System is closed, and
        `DispatcherError` on another thread without an event loop.
        """
        if get_ident() == self._own_thread:
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
        """Make the call, or drop it if the System can no longer make it."""
        try:
            self.call(call)
        except ActorStoppedError:
            return

    def drain(self) -> None:
        """Make the waiting calls; on the System's own thread."""
        self._woken = False
        budget = self._dispatcher.budget
        try:
            while self._calls and budget > 0:
                budget -= 1
                self._calls.popleft()()
        finally:
            if self._calls and not self._woken:
                self._woken = True
                self._dispatcher.wake(self.drain)

    def drain_all(self) -> None:
        """Make every waiting call, however many, when the System ends."""
        while self._calls:
            self._calls.popleft()()
