"""How an async handler waits for a time of the System's clock."""

from collections.abc import Generator
from typing import Any, Protocol

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.parking import Parking

__all__ = ["Sleep"]


class _Timers(Protocol):
    """What a sleep needs of a System."""

    def set_sleep(self, cell: Cell, delay: float) -> int: ...

    def cancel_timer(self, cell: Cell, number: int) -> None: ...


class Sleep(Parking):
    """Ends `delay` seconds after it is awaited in a handler of an actor."""

    __slots__ = ("_cell", "_delay", "_key", "_system")

    def __init__(self, system: _Timers, cell: Cell, delay: float) -> None:
        self._system = system
        self._cell = cell
        self._delay = delay
        self._key = 0

    def __await__(self) -> Generator[Parking, Any, Any]:
        """Set the timer, which finds the handler of its actor."""
        self._key = self._system.set_sleep(self._cell, self._delay)
        try:
            return (yield self)
        except Exception:
            # In a task that is not the handler's: the timer would wake the handler.
            self.leave()
            raise

    def leave(self) -> None:
        """Cancel the timer."""
        self._system.cancel_timer(self._cell, self._key)

    def describe(self) -> str:
        """Say how long."""
        return f"{self._delay:g} s"
