"""Whether a thread has anything to do, for which a virtual clock has to wait."""

import threading

from ccw_actors.runtime._kernel.ports import Dispatcher

__all__ = ["Work"]


class Work:
    """Whether a thread has anything to do, for which a virtual clock has to wait.

    It has while it was woken for more than it has done, unless it rests in an ask.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._lock = threading.Lock()
        self._count = 0
        self._rests = False
        self._over = False

    def begin(self) -> None:
        """Note that the thread is being woken."""
        with self._lock:
            if self._over:
                return
            self._count += 1
            if self._count == 1 and not self._rests:
                self._dispatcher.hold()

    def end(self) -> None:
        """Note that it is done with one of the things that it was woken for."""
        with self._lock:
            if not self._count:
                return
            self._count -= 1
            if not self._count and not self._rests:
                self._dispatcher.release()

    def rest(self) -> None:
        """Note that it begins to wait for an answer."""
        with self._lock:
            self._rests = True
            if self._count:
                self._dispatcher.release()

    def go_on(self) -> None:
        """Note that it has its answer; called before it learns of that."""
        with self._lock:
            if self._rests:
                self._rests = False
                if self._count:
                    self._dispatcher.hold()

    def end_all(self) -> None:
        """Note that it will do nothing any more."""
        self.go_on()
        with self._lock:
            self._over = True
            if self._count:
                self._count = 0
                self._dispatcher.release()
