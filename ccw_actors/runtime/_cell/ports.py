"""Interfaces that a cell needs from the modules above it."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Hosted", "OwnedTasks", "Suspended"]


class Hosted(Protocol):
    """An actor as the runtime calls it; `Actor` describes each method."""

    persistent: Any

    @property
    def system(self) -> Any: ...

    def on_start(self) -> Coroutine[Any, Any, None] | None: ...

    def on_restart(self) -> Coroutine[Any, Any, None] | None: ...

    def on_stop(self) -> Coroutine[Any, Any, None] | None: ...

    def on_failure(self, error: BaseException) -> None: ...

    def snapshot(self) -> object: ...

    def restore(self, snapshot: object) -> None: ...

    def bind(self, system: Any, cell: Any) -> None: ...


class Suspended(Protocol):
    """An async handler, or hook, in progress.

    `envelope` is that of its message, None for a hook. `is_ready` says that it can
    continue, `reply` with which answer. `waits_for` is what it waits for, or has waited
    for if it can continue. `step` notes the handler and its message in `running`.
    """

    cell: Any
    envelope: Envelope | None
    coroutine: Any
    is_ready: bool
    reply: Envelope | None
    value: Any
    error: BaseException | None
    waits_for: Any
    cancels: int
    cancel_next: bool

    def step(self, running: Any) -> None: ...

    def wake(self, value: Any = None, error: BaseException | None = None) -> None: ...

    def answer(self, envelope: Envelope) -> None: ...

    def cancel(self, msg: Any = None) -> bool: ...

    def cancelled(self) -> bool: ...

    def close(self) -> None: ...

    def describe(self) -> str: ...


class OwnedTasks(Protocol):
    """The event loop's tasks that one actor owns."""

    def __len__(self) -> int: ...

    def cancel_all(self, then: Callable[[], None]) -> None:
        """Cancel all tasks; call `then` when they have ended, if there were any."""
