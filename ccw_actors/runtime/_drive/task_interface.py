"""The interface of an `asyncio.Task` for a coroutine that no Task runs.

It is a mixin, because asyncio needs methods of the task itself. They do the same as
those of Task. The comments in CPython's `asyncio/tasks.py` explain its private
attributes.
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
"""A callback that gets the task when it has ended, and its context."""


class TaskInterface:
    """Presents a coroutine as a task; `value` and `error` are its result once it ended.

    `abandoned` says that nothing runs it any longer: then it counts as cancelled.
    """

    if not TYPE_CHECKING:  # The class that uses the mixin has the fields.
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
        """Whether the handler has ended: it returned, raised, or was abandoned."""
        coroutine: Any = self.coroutine
        over: bool = coroutine.cr_frame is None
        return over or (self.abandoned and not coroutine.cr_running)

    def cancelled(self) -> bool:
        """Whether the handler has ended by raising `CancelledError`."""
        return self.done() and isinstance(self.error, asyncio.CancelledError)

    def result(self) -> Any:
        """Return the handler's return value, or raise its exception.

        Raises `CancelledError` if the handler was abandoned, and `InvalidStateError`
        while it is in progress.
        """
        error = self._outcome("Result is not set.")
        if error is not None:
            raise error
        return self.value

    def exception(self) -> BaseException | None:
        """Return the handler's exception, None if it returned.

        Raises `CancelledError` if it was cancelled or abandoned, `InvalidStateError`
        while it is in progress.
        """
        error = self._outcome("Exception is not set.")
        if isinstance(error, asyncio.CancelledError):
            raise error
        return error

    def set_result(self, result: object, /) -> NoReturn:
        """Raise `RuntimeError`: the handler's return value is the result."""
        del result
        raise RuntimeError("Task does not support set_result operation")

    def set_exception(self, exception: object, /) -> NoReturn:
        """Raise `RuntimeError`: the handler raises the exception itself."""
        del exception
        raise RuntimeError("Task does not support set_exception operation")

    # -- callbacks ----------------------------------------------------------------

    def add_done_callback(
        self,
        fn: Callable[[Any], object],
        /,
        *,
        context: contextvars.Context | None = None,
    ) -> None:
        """Call `fn` with the task, soon after the handler has ended.

        The call runs in `context`, or else in a copy of the caller's.
        """
        if context is None:
            context = contextvars.copy_context()
        if self.callbacks is None:
            self.callbacks = []
        self.callbacks.append((fn, context))
        if self.done():
            self._call_back()

    def remove_done_callback(self, fn: Callable[[Any], object], /) -> int:
        """Remove all callbacks `fn`; return how many there were."""
        callbacks = self.callbacks or []
        kept = [one for one in callbacks if one[0] != fn]
        self.callbacks = kept or None
        return len(callbacks) - len(kept)

    def __await__(self) -> Generator[Any, Any, Any]:
        if not self.done():
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    # -- properties ---------------------------------------------------------------

    def get_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the event loop."""
        return self.loop

    def get_coro(self) -> Coroutine[Any, Any, Any]:
        """Return the coroutine of the handler."""
        coroutine: Coroutine[Any, Any, Any] = self.coroutine
        return coroutine

    def get_context(self) -> contextvars.Context:
        """Return the context of the handler.

        If it has no own context, return a copy of the caller's, which is the same in
        the handler.
        """
        return contextvars.copy_context() if self.context is None else self.context

    def get_stack(self, *, limit: int | None = None) -> list[FrameType]:
        """Return the frame where the handler waits, or the frames of its exception.

        The oldest frame comes first. While the handler runs, the list includes the
        frames of its callers, and `limit` keeps the newest. Of an exception it keeps
        the oldest.
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
        """Print `get_stack` and the exception, to stderr without a file."""
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
        """The event loop: anyio reads it here when no task is running."""
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
