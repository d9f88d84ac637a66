"""Whether an actor that has failed begins again, and with what."""

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
    """Return what an actor's supervision decides, and the restarts that count.

    If it raises, `raised` is called with that, and the actor stops.
    """
    try:
        # It is a function of the user's, which may set variables of its own.
        context = cell.context.copy()
        return context.run(decide, cell.supervision, error, now, cell.restarts)
    except BaseException as wrong:
        log.exception("%s: its supervision raised, so it stops", cell.path)
        raised(wrong)
        return Stop(), cell.restarts


def taken_up(cell: Cell) -> list[int]:
    """Return the asks that an actor has said to answer, and that wait no more."""
    letters = map(wrapped, cell.mailbox or ())
    waiting = {one.ask for one in letters if one.kind != TICK}
    return sorted((cell.owed or set[int]()) - waiting)


def make_again(cell: Cell) -> Any:
    """Make an actor again, and run `on_restart`; return what that returns."""
    assert cell.make is not None, "only an actor that can restart does"
    kept, system = cell.actor.persistent, cell.actor.system
    actor = cell.make()
    if kept is not None:
        actor.persistent = kept
    actor.bind(system, cell)
    cell.behave(actor, "")
    return actor.on_restart()
