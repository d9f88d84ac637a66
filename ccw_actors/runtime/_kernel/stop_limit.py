"""How long the end of a life may take: `on_stop`, and the tasks of an actor."""

from collections.abc import Callable

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._kernel.failures import Failures
from ccw_actors.runtime._kernel.ports import Dispatcher

__all__ = ["StopLimit"]


class StopLimit:
    """Sees to it that the lives of the actors of one System end in time."""

    def __init__(self, dispatcher: Dispatcher, failures: Failures) -> None:
        self._dispatcher = dispatcher
        self._failures = failures

    def begin(self, cell: Cell, seconds: float, late: Callable[[], None]) -> None:
        """Call if the present end of a life is not over in time."""
        due = self._dispatcher.now() + seconds
        turn = cell.turn

        def ring() -> None:
            if cell.turn is turn and cell.life in (State.STOPPING, State.RESTARTING):
                late()

        alarm = self._dispatcher.call_at(due, ring)
        self.drop(cell)
        cell.stop_alarm = alarm

    def drop(self, cell: Cell) -> None:
        """Limit the end of a life no more."""
        if cell.stop_alarm is not None:
            cell.stop_alarm.cancel()
        cell.stop_alarm = None

    def note_late(self, cell: Cell, what: str, seconds: float) -> None:
        """Note that something is not over in time, as a failure of the actor."""
        error = TimeoutError(f"{what} not ended in {seconds:g} s")
        self._failures.add(cell.path, "on_stop", error)
