"""What an `asyncio.Task` shows, of a coroutine that something else drives.

A mixin, as asyncio looks for methods of the task itself. They do what those of
Task do; what its private attributes mean is in the comments of CPython's
`asyncio/tasks.py`.
"""

import asyncio
import contextvars
import sys
import traceback
from collections.abc import Callable, Coroutine, Generator
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeAlias

__all__ = ["DoneCallback", "TaskInterface"]

DoneCallback: TypeAlias = tuple[Callable[[Any], object], contextvars.Context]
"""What is called with the task when it is over, and in which context."""


class TaskInterface:
    """Shows a coroutine as a task, once it is over with `value` and `error`.

    `abandoned` says that nobody drives it any more: then it counts as cancelled.
    """

    if not TYPE_CHECKING:  # The fields are those of whoever mixes this in.
        __slots__ = ()

    coroutine: Any
    loop: asyncio.AbstractEventLoop | None
    context: contextvars.Context | None
    value: Any
    error: BaseException | None
    abandoned: bool
    callbacks: list[DoneCallback] | None
    _asyncio_future_blocking: bool

    # -- how it ended -------------------------------------------------------------

    def done(self) -> bool:
        """Whether the handler is over: it has returned, raised, or was abandoned."""
        coroutine: Any = self.coroutine
        over: bool = coroutine.cr_frame is None
        return over or (self.abandoned and not coroutine.cr_running)

    def cancelled(self) -> bool:
        """Whether the handler is over, and what it raised is `CancelledError`."""
        return self.done() and isinstance(self.error, asyncio.CancelledError)

    def result(self) -> Any:
        """Return what the handler returned, or raise what it raised.

        `CancelledError` for one that was abandoned. Raises `InvalidStateError` while it
        is under way.
        """
        error = self._outcome("Result is not set.")
        if error is not None:
            raise error
        return self.value

    def exception(self) -> BaseException | None:
        """Return what the handler raised, None if it returned.

        Raises `CancelledError` if it was cancelled or abandoned, `InvalidStateError`
        while it is under way.
        """
        error = self._outcome("Exception is not set.")
        if isinstance(error, asyncio.CancelledError):
            raise error
        return error

    def set_result(self, result: object, /) -> NoReturn:
        """Raise `RuntimeError`: what the handler returns is the result."""
        del result
        raise RuntimeError("Task does not support set_result operation")

    def set_exception(self, exception: object, /) -> NoReturn:
        """Raise `RuntimeError`: what the handler raises is the exception."""
        del exception
        raise RuntimeError("Task does not support set_exception operation")

    # -- who is told --------------------------------------------------------------

    def add_done_callback(
        self,
        fn: Callable[[Any], object],
        /,
        *,
        context: contextvars.Context | None = None,
    ) -> None:
        """Call `fn` soon, with the task, when the handler is over.

        In `context`, or a copy of the caller's.
        """
        if context is None:
            context = contextvars.copy_context()
        if self.callbacks is None:
            self.callbacks = []
        self.callbacks.append((fn, context))
        if self.done():
            self._call_back()

    def remove_done_callback(self, fn: Callable[[Any], object], /) -> int:
        """Call `fn` no more; return how many times it would have been called."""
        callbacks = self.callbacks or []
        kept = [one for one in callbacks if one[0] != fn]
        self.callbacks = kept or None
        return len(callbacks) - len(kept)

    def __await__(self) -> Generator[Any, Any, Any]:
        if not self.done():
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    # -- what it is ---------------------------------------------------------------

    def get_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the event loop."""
        return self.loop

    def get_coro(self) -> Coroutine[Any, Any, Any]:
        """Return the coroutine of the handler."""
        coroutine: Coroutine[Any, Any, Any] = self.coroutine
        return coroutine

    def get_context(self) -> contextvars.Context:
        """Return the context of the handler.

        If it has none of its own, a copy of the caller's: the same in the handler.
        """
        return contextvars.copy_context() if self.context is None else self.context

    def get_stack(self, *, limit: int | None = None) -> list[FrameType]:
        """Return the frame where the handler waits, or else those where it has raised.

        The oldest frame first. While it runs, the frames of those who run it are there,
        too: then the newest `limit` frames. Of an error the oldest.
        """
        most = None if limit is None else max(0, limit)
        frame: FrameType | None = self.coroutine.cr_frame
        if frame is not None:
            return [one for one, _ in islice(traceback.walk_stack(frame), most)][::-1]
        if self.error is None or self.cancelled():
            return []
        walked = traceback.walk_tb(self.error.__traceback__)
        return [one for one, _ in islice(walked, most)]

    def print_stack(
        self, *, limit: int | None = None, file: TextIO | None = None
    ) -> None:
        """Print what `get_stack` returns, and what was raised; to stderr if no file."""
        file = sys.stderr if file is None else file
        frames = self.get_stack(limit=limit)
        error = self.error if self.done() and not self.cancelled() else None
        if not frames:
            print(f"No stack for {self!r}", file=file)
        else:
            what = "Stack" if error is None else "Traceback"
            print(f"{what} for {self!r} (most recent call last):", file=file)
        lines = ((frame, frame.f_lineno) for frame in frames)
        traceback.print_list(traceback.StackSummary.extract(lines), file=file)
        if error is not None:
            print(*traceback.format_exception_only(error), sep="", end="", file=file)

    @property
    def _loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop: anyio asks for it so where no task runs the loop."""
        return self.loop

    # -- inside -------------------------------------------------------------------

    def _outcome(self, not_yet: str) -> BaseException | None:
        if not self.done():
            raise asyncio.InvalidStateError(not_yet)
        return self.error

    def _note_end(self, value: Any, error: BaseException | None) -> None:
        self.value, self.error = value, error
        if self.callbacks is not None:
            self._call_back()

    def _call_back(self) -> None:
        callbacks, self.callbacks = self.callbacks, None
        loop = self.loop
        if loop is None or loop.is_closed():
            return
        for callback, context in callbacks or ():
            loop.call_soon(callback, self, context=context)
