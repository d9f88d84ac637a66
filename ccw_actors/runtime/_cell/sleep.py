"""The wait of an async handler for a time of the System's clock."""

from collections.abc import Generator
from typing import Any, Protocol

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.parking import Parking

__all__ = ["Sleep"]


class _Timers(Protocol):
    """The part of a System that a sleep needs."""

    def set_sleep(self, cell: Cell, delay: float) -> int: ...

    def cancel_timer(self, cell: Cell, number: int) -> None: ...


class Sleep(Parking):
    """Ends `delay` seconds after a handler of an actor awaits it."""

    __slots__ = ("_cell", "_delay", "_key", "_system")

    def __init__(self, system: _Timers, cell: Cell, delay: float) -> None:
        self._system = system
        self._cell = cell
        self._delay = delay
        self._key = 0

    def __await__(self) -> Generator[Parking, Any, Any]:
        """Set the timer, which resumes the handler of its actor."""
        self._key = self._system.set_sleep(self._cell, self._delay)
        try:
            return (yield self)
        except Exception:
            # Another task awaits it, but the timer would wake the handler.
            self.leave()
            raise

    def leave(self) -> None:
        """Cancel the timer."""
        self._system.cancel_timer(self._cell, self._key)

    def describe(self) -> str:
        """Return the delay, in seconds."""
        return f"{self._delay:g} s"
