"""Every private name of asyncio that the runtime uses, and whether it exists.

| name | use | documented in |
|---|---|---|
| `_enter_task`, `_leave_task` | a turn is asyncio's current task | asyncio, Extending |
| `_asyncio_future_blocking` | what a coroutine awaits | `asyncio.isfuture` |
| `_must_cancel` | a Task that is cancelled as it returns | nowhere |

They exist from CPython 3.11 to 3.14. Since 3.14 the current task belongs to the thread,
so code can enter a task only where its loop runs: `as_current` checks that. The graph
of awaiting tasks, new in 3.14, knows only futures and tasks of asyncio and ignores all
others, so the runtime reports nothing to it.

`enter` is None if one of them is missing. Then only a real Task can be asyncio's
current task, and that one runs the handler: `TaskDriver`.
"""

import asyncio
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

__all__ = [
    "EAGER_TASKS",
    "as_current",
    "awaited",
    "enter",
    "found",
    "leave",
    "must_cancel",
]

EAGER_TASKS: Final = sys.version_info >= (3, 12)
"""Whether a new task may start inside the code that creates it."""

Switch: TypeAlias = Callable[[Any, Any], object]
"""Makes a task the current one of a loop, or no longer the current one."""


def found(tasks: Any, future: type) -> tuple[Switch, Switch] | None:
    """Return the functions that enter and leave a task, None if a name is missing.

    `tasks` is asyncio's module of that name, `future` its class of futures.
    """
    enters = getattr(tasks, "_enter_task", None)
    leaves = getattr(tasks, "_leave_task", None)
    if not callable(enters) or not callable(leaves):
        return None
    if not hasattr(future, "_asyncio_future_blocking"):
        return None
    return enters, leaves


_found: Final = found(asyncio.tasks, asyncio.Future)
enter: Switch | None = _found[0] if _found is not None else None
leave: Switch = _found[1] if _found is not None else lambda _loop, _task: None


@contextmanager
def as_current(loop: asyncio.AbstractEventLoop | None, task: Any) -> Generator[None]:
    """Make a task asyncio's current one, in place of the one that is running.

    Has no effect if the loop does not run in this thread.
    """
    if loop is None or enter is None or not _runs(loop):
        yield
        return
    outer = asyncio.current_task(loop)
    if outer is not None:
        leave(loop, outer)
    enter(loop, task)
    try:
        yield
    finally:
        leave(loop, task)
        if outer is not None:
            enter(loop, outer)


def awaited(
    yielded: Any, loop: asyncio.AbstractEventLoop, task: Any
) -> "asyncio.Future[Any] | RuntimeError":
    """Return the future that a coroutine has yielded in order to wait for it.

    If it is not valid, return the error that an `asyncio.Task` would raise in the
    coroutine.
    """
    blocking = getattr(yielded, "_asyncio_future_blocking", None)
    if blocking is None:
        return RuntimeError(f"{task!r} cannot await {yielded!r}")
    try:
        attached = yielded.get_loop()
    except AttributeError:
        attached = yielded._loop  # noqa: SLF001 - as in asyncio
    if attached is not loop:
        return RuntimeError(f"{task!r} got {yielded!r} attached to a different loop")
    if not blocking:
        return RuntimeError(
            f"yield was used instead of yield from in {task!r} with {yielded!r}"
        )
    if yielded is task:
        return RuntimeError(f"a task cannot await itself: {task!r}")
    yielded._asyncio_future_blocking = False  # noqa: SLF001 - as a Task does
    future: asyncio.Future[Any] = yielded
    return future


def must_cancel(task: "asyncio.Task[Any]") -> bool:
    """Whether a task will be cancelled when it continues; False if unknown."""
    return bool(getattr(task, "_must_cancel", False))


def _runs(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
