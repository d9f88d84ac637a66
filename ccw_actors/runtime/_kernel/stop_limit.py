"""The time limit of `on_stop` and of the end of an actor's tasks."""

from collections.abc import Callable

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._kernel.failures import Failures
from ccw_actors.runtime._kernel.ports import Dispatcher

__all__ = ["StopLimit"]


class StopLimit:
    """Limits how long the actors of one System take to end."""

    def __init__(self, dispatcher: Dispatcher, failures: Failures) -> None:
        self._dispatcher = dispatcher
        self._failures = failures

    def begin(self, cell: Cell, seconds: float, late: Callable[[], None]) -> None:
        """Call `late` if this end of a life is not complete in time."""
        due = self._dispatcher.now() + seconds
        turn = cell.turn

        def ring() -> None:
            if cell.turn is turn and cell.life in (State.STOPPING, State.RESTARTING):
                late()

        alarm = self._dispatcher.call_at(due, ring)
        self.drop(cell)
        cell.stop_alarm = alarm

    def drop(self, cell: Cell) -> None:
        """Remove the limit."""
        if cell.stop_alarm is not None:
            cell.stop_alarm.cancel()
        cell.stop_alarm = None

    def note_late(self, cell: Cell, what: str, seconds: float) -> None:
        """Note a missed limit as a failure of the actor."""
        error = TimeoutError(f"{what} not ended in {seconds:g} s")
        self._failures.add(cell.path, "on_stop", error)
