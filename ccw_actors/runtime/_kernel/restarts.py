"""Whether a failed actor restarts, and with what state."""

import logging
from collections.abc import Callable
from typing import Any

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._values.envelope import TICK, wrapped
from ccw_actors.runtime._values.supervision import Decision, Stop, decide

__all__ = ["decided", "make_again", "taken_up"]

log = logging.getLogger("ccw_actors")


def decided(
    cell: Cell,
    error: BaseException,
    now: float,
    raised: Callable[[BaseException], None],
) -> tuple[Decision, tuple[float, ...]]:
    """Return the decision of an actor's supervision, and the restarts that count.

    If it raises, `raised` is called with the exception, and the actor stops.
    """
    try:
        # It is the user's function, which may set context variables.
        context = cell.context.copy()
        return context.run(decide, cell.supervision, error, now, cell.restarts)
    except BaseException as wrong:
        log.exception("%s: its supervision raised, so it stops", cell.path)
        raised(wrong)
        return Stop(), cell.restarts


def taken_up(cell: Cell) -> list[int]:
    """Return the asks that an actor has promised to answer and that no longer wait."""
    letters = map(wrapped, cell.mailbox or ())
    waiting = {one.ask for one in letters if one.kind != TICK}
    return sorted((cell.owed or set[int]()) - waiting)


def make_again(cell: Cell) -> Any:
    """Create an actor again, and return the result of its `on_restart`."""
    assert cell.make is not None, "only an actor that can restart does"
    kept, system = cell.actor.persistent, cell.actor.system
    actor = cell.make()
    if kept is not None:
        actor.persistent = kept
    actor.bind(system, cell)
    cell.behave(actor, "")
    return actor.on_restart()
