"""Escalated errors: those that stop the System and that it raises."""

import asyncio
import sys
from contextlib import suppress
from typing import Any, Final

from ccw_actors._escalation import TAKERS
from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime._kernel.kernel import Kernel

__all__ = ["Escalation"]

# In older versions, cancelling once more would raise at the wrong place.
_CANCELS_AGAIN: Final = sys.version_info >= (3, 13)


class Escalation:
    """Raises an escalated error in the right place, on the System's own thread.

    | the System is | an escalated error |
    |---|---|
    | inside `async with` | cancels that task, and is raised at the end |
    | shutting down | is raised at the end |
    | on an event loop otherwise | goes to a taker; else the loop or the end raises it |
    | on no event loop | is raised by the step in which it occurred |

    The loop raises KeyboardInterrupt and SystemExit at once, as it does for tasks.

    The failure of an actor without a parent (`ActorFailedError`) interrupts no task: it
    is raised at the end of `async with`. Of several errors the most serious is raised:
    KeyboardInterrupt and SystemExit, then others that escalate, then a failure.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._body: asyncio.Task[Any] | None = None
        self._cancelled: asyncio.Task[Any] | None = None
        self._is_ending = False
        self.error: BaseException | None = None

    def begin_end(self) -> None:
        """Keep errors from now on: the System is ending, and raises them at its end."""
        self._is_ending = True

    def enter(self) -> None:
        """Note the task inside `async with`."""
        if self._kernel.dispatcher.loop is None:
            return
        self._body = asyncio.current_task()
        if self.error is not None and not isinstance(self.error, ActorFailedError):
            self._cancel_body(self.error)

    async def leave(self, error: BaseException | None) -> None:
        """Take back the cancellation of the task, which raises `error`, or None."""
        self._body = None
        self.begin_end()
        body = self._cancelled
        if body is None:
            return
        if not isinstance(error, asyncio.CancelledError):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # It has not reached the body yet.
        body.uncancel()

    def take(self) -> BaseException | None:
        """Return the error to raise, only once."""
        error, self.error = self.error, None
        body, self._cancelled = self._cancelled, None
        if _CANCELS_AGAIN and body is not None and body.cancelling():
            # Other code has also cancelled the task, which the error hides. As a task
            # group does, raise that cancellation at the next await.
            body.uncancel()
            body.cancel()
        return error

    def note(self, error: BaseException) -> None:
        """Raise an error, or keep it; every actor has been told to stop."""
        kernel = self._kernel
        loop: asyncio.AbstractEventLoop | None = kernel.dispatcher.loop
        if isinstance(error, ActorFailedError) or loop is not None:
            self.error = _gravest(self.error, error)
        else:
            kernel.unraised = _gravest(kernel.unraised, error)
        if isinstance(error, ActorFailedError) or loop is None or self._is_ending:
            return
        if self._body is not None and not self._body.done():
            if self._cancelled is None:
                self._cancel_body(error)
        else:
            self._raise_elsewhere(error, loop)

    def _raise_elsewhere(
        self, error: BaseException, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Raise an error where no `async with` of the System can."""
        if TAKERS and TAKERS[-1](error):
            self.error = None
        elif isinstance(error, KeyboardInterrupt | SystemExit):
            self.error = None
            loop.call_soon(_raise, error)

    def _cancel_body(self, error: BaseException) -> None:
        assert self._body is not None, "the caller has checked it"
        self._cancelled = self._body
        self._body.cancel(f"{type(error).__name__} was raised in an actor")


def _gravest(first: BaseException | None, other: BaseException) -> BaseException:
    return first if first is not None and _rank(first) >= _rank(other) else other


def _rank(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return 2
    return 0 if isinstance(error, ActorFailedError) else 1


def _raise(error: BaseException) -> None:
    raise error
