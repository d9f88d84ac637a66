"""How an async handler waits for a time of the System's clock."""

from collections.abc import Generator
from typing import Any, Protocol

from ccw_actors.runtime._cell.parking import Parking

__all__ = ["Sleep"]


class _Timers(Protocol):
    """What a sleep needs of a System."""

    def set_sleep(self, path: str, delay: float) -> int: ...

    def cancel_timer(self, path: str, number: int) -> None: ...


class Sleep(Parking):
    """Ends `delay` seconds after it is awaited in a handler of the actor at `path`."""

    __slots__ = ("_delay", "_key", "_path", "_system")

    def __init__(self, system: _Timers, path: str, delay: float) -> None:
        self._system = system
        self._path = path
        self._delay = delay
        self._key = 0

    def __await__(self) -> Generator[Parking, Any, Any]:
        """Set the timer, which finds the handler of the actor at the path."""
        self._key = self._system.set_sleep(self._path, self._delay)
        try:
            return (yield self)
        except Exception:
            # In a task that is not the handler's: the timer would wake the handler.
            self.leave()
            raise

    def leave(self) -> None:
        """Cancel the timer."""
        self._system.cancel_timer(self._path, self._key)

    def describe(self) -> str:
        """Say how long."""
        return f"{self._delay:g} s"
