"""Whether a virtual clock has to wait for the work of a thread."""

import threading

from ccw_actors.runtime._kernel.ports import Dispatcher

__all__ = ["Work"]


class Work:
    """Whether a virtual clock has to wait for the work of a thread.

    It has to while the thread has unfinished work, unless it waits in an ask.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._lock = threading.Lock()
        self._count = 0
        self._rests = False
        self._over = False

    def begin(self) -> None:
        """Note that the thread gets one more piece of work."""
        with self._lock:
            if self._over:
                return
            self._count += 1
            if self._count == 1 and not self._rests:
                self._dispatcher.hold()

    def end(self) -> None:
        """Note that the thread has done one piece of its work."""
        with self._lock:
            if not self._count:
                return
            self._count -= 1
            if not self._count and not self._rests:
                self._dispatcher.release()

    def rest(self) -> None:
        """Note that the thread begins to wait for an answer."""
        with self._lock:
            self._rests = True
            if self._count:
                self._dispatcher.release()

    def go_on(self) -> None:
        """Note that the thread has its answer; called before the thread gets it."""
        with self._lock:
            if self._rests:
                self._rests = False
                if self._count:
                    self._dispatcher.hold()

    def end_all(self) -> None:
        """Note that the thread will do no more work."""
        self.go_on()
        with self._lock:
            self._over = True
            if self._count:
                self._count = 0
                self._dispatcher.release()
