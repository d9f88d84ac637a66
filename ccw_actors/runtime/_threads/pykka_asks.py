"""Asks to Pykka actors: futures that call back; and which Pykka actor asks."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import pykka

__all__ = ["Notifying", "calling_pykka_actor"]


class _Future(pykka.ThreadingFuture[Any]):
    """Calls back on the thread that sets it."""

    callback: Callable[[Any, BaseException | None], None] | None = None

    def set(self, value: Any | None = None) -> None:
        super().set(value)
        if self.callback is not None:
            self.callback(value, None)

    def set_exception(self, exc_info: Any = None) -> None:
        super().set_exception(exc_info)
        if self.callback is not None:
            self.callback(None, self.error())

    def error(self) -> BaseException:
        """Return the exception, which must be set, so this does not block."""
        try:
            self.get(timeout=0)
        except BaseException as error:  # noqa: BLE001 - that is what was set
            return error
        raise AssertionError("no exception was set")


class Notifying:
    """Passes for the actor's class to `pykka.ActorRef.ask`; it makes the future."""

    def __init__(self, callback: Callable[[Any, BaseException | None], None]) -> None:
        self._callback = callback
        self.__name__ = "Pykka actor"  # Pykka shows it for a dead actor.

    def _create_future(self) -> _Future:
        future = _Future()
        future.callback = self._callback
        return future


def calling_pykka_actor() -> str:
    """Return the URN of the Pykka actor on whose thread this runs; "" for none.

    Pykka does not say which actor a thread runs, but its loop is on the thread's stack.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if frame.f_code.co_name == _LOOP:
            actor = frame.f_locals.get("self")
            if isinstance(actor, pykka.Actor):
                return actor.actor_urn
        frame = frame.f_back
    return ""


_LOOP: Final = "_actor_loop"
