"""The wait of a thread outside the event loop for the answer to an ask."""

import queue
from collections.abc import Callable
from typing import Generic, TypeVar

from ccw_actors.runtime._cell.running import Work
from ccw_actors.runtime._kernel.ports import Dispatcher

__all__ = ["BlockedThread"]

R = TypeVar("R")

_GRACE = 1.0
_GLANCE = 0.25


class BlockedThread(Generic[R]):
    """The outcome of one ask; one thread waits for it and another sets it."""

    def __init__(self, work: Work | None = None) -> None:
        """Create it unset; `work` is that of the waiting thread, if an actor's."""
        self._work = work
        self._outcome: queue.SimpleQueue[tuple[R, Exception | None]]
        self._outcome = queue.SimpleQueue()

    def begin(self) -> None:
        """Note, on the System's thread, that the other thread now waits."""
        if self._work is not None:
            self._work.rest()

    def settle(self, answer: R, error: Exception | None) -> None:
        """Set the answer, or the error if it is not None. Called once."""
        if self._work is not None:
            self._work.go_on()
        self._outcome.put((answer, error))

    def is_settled(self) -> bool:
        """Whether `outcome` can return or raise."""
        return not self._outcome.empty()

    def outcome(self, timeout: float | None = None) -> R:
        """Return the answer, or raise the error. Raises `queue.Empty` at a timeout."""
        answer, error = self._outcome.get(timeout=timeout)
        if error is not None:
            raise error
        return answer

    def wait(
        self,
        dispatcher: Dispatcher,
        timeout: float,
        late: Callable[[float], Exception],
    ) -> R:
        """Block until the outcome, which the event loop sets by the deadline.

        If the loop is closed, or has not run a second after the deadline, this raises
        `ActorStoppedError`, or the error that `late(seconds waited)` returns.
        """
        began = dispatcher.now()
        try:
            while True:
                left = began + timeout + _GRACE - dispatcher.now()
                try:
                    return self.outcome(timeout=min(max(left, 0.0), _GLANCE))
                except queue.Empty:
                    dispatcher.check_awake()
                    if left <= 0:
                        raise late(dispatcher.now() - began) from None
        finally:
            if self._work is not None:
                self._work.go_on()  # if it is not set
