"""The counters and the dump of a System."""

from ccw_actors.runtime._cell.cell import IDLE, Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.dump import ActorDump, AskDump, Dump, Statistics

__all__ = ["dump", "statistics"]


def statistics(kernel: Kernel) -> Statistics:
    """Return the counts of events in a System so far."""
    cells = kernel.cells.values()
    return Statistics(
        actors=len(cells),
        handled=sum(cell.handled for cell in cells),
        waiting_messages=sum(cell.waiting() for cell in cells),
        pending_asks=len(kernel.asks),
        dead_letters=kernel.lost.count,
        late_answers=kernel.asks.late,
        expired_asks=kernel.asks.expired,
        dropped=kernel.pressure.dropped,
        refused=kernel.pressure.refused,
        failures=kernel.failures.count,
        restarts=kernel.supervisor.restarted,
    )


def dump(kernel: Kernel) -> Dump:
    """Return what every actor is doing, and every pending ask."""
    return Dump(
        tuple(_actor(kernel, cell) for cell in kernel.cells.values()),
        tuple(
            AskDump(
                path_of(one.asker), path_of(one.target), one.what.__name__, one.age()
            )
            for one in kernel.asks.pending.values()
        ),
    )


def _actor(kernel: Kernel, cell: Cell) -> ActorDump:
    if cell.turn is not None:
        waits_for = cell.turn.describe()
    else:
        waits_for = kernel.graph.of(cell.address)
    return ActorDump(
        cell.path,
        type(cell.actor).__name__,
        _doing(cell, waits_for),
        cell.waiting(),
        len(cell.stash or ()),
        cell.handled,
        waits_for,
    )


def _doing(cell: Cell, waits_for: str) -> str:
    if cell.life is not State.RUNNING:
        return cell.life.name.lower()
    if waits_for:
        return "waiting"
    return "idle" if cell.status == IDLE and not cell.waiting() else "busy"
