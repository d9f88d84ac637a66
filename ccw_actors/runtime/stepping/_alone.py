"""Runs one actor at a time, beside others that stand still and get nothing.

A step that does nothing but change one actor and send messages needs no snapshot of the
whole System: what was sent is in the mailboxes that were empty before. Anything more
than that is not told apart here, but found out.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

from ccw_actors.runtime._cell.cell import CLOSED, IDLE, Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._values.envelope import Envelope, wrapped
from ccw_actors.runtime.stepping._incarnations import Incarnations, Past
from ccw_actors.runtime.stepping._snapshot import CellSnapshot
from ccw_actors.runtime.stepping._suspended import may_wait

__all__ = ["Alone", "is_plain"]


def is_plain(one: CellSnapshot) -> bool:
    """Whether an actor is at rest but for its messages, has no children and no stash.

    Only such a one can be run alone. Its timers are not looked at.
    """
    busy = one.suspended is not None or one.life is not State.RUNNING
    more = one.signals or one.stash or one.children or one.failure is not None
    kind: Any = type(one.actor)
    return not busy and not more and not may_wait(kind)


class Alone:
    """Runs the actors of one System, each alone.

    `touched` are the actors whose mailboxes have got something, the first one first.
    """

    def __init__(self, kernel: Kernel, incarnations: Incarnations) -> None:
        self._kernel = kernel
        self._incarnations = incarnations
        self._cells = 0
        self.touched: dict[Cell, None] = {}

    def stand(self, cells: Iterable[CellSnapshot], past: Past) -> None:
        """Put these actors where they are, and nobody else; their states stay."""
        self._incarnations.past = past
        kernel = self._kernel
        there = list(cells)
        for one in there:
            one.restore_cell()
            one.cell.status = IDLE  # So that it is noted, too, who would not handle it.
        kernel.registry.replace_all([one.cell for one in there])
        kernel.timers.restore({}, {})
        kernel.graph.waits.clear()
        kernel.asks.pending.clear()
        self._cells = len(there)

    def run(
        self, cell: Cell, envelope: Envelope
    ) -> list[tuple[Cell, tuple[Envelope, ...]]] | None:
        """Have an actor handle one message; return who got what, and keep none of it.

        None if more has happened than that it has changed itself and sent messages:
        then the System is not as it was.
        """
        kernel, touched = self._kernel, self.touched
        touched.clear()
        failed, family = kernel.failures.count, _family(cell)
        cell.mailbox = deque((envelope,))
        cell.exempt_in = 1 if envelope.kind else 0
        cell.context = cell.context.copy()  # That of a snapshot stays as it is.
        try:
            cell.context.run(kernel.invoker.run, cell, 1)
        finally:
            kernel.running.leave()
        if (
            kernel.failures.count != failed
            or len(kernel.cells) != self._cells
            or kernel.timers.armed
            or kernel.timers.counts
            or kernel.asks.pending
            or not _is_quiet(cell)
            or _family(cell) != family
            or (cell.extras is not None and cell.stash)
        ):
            return None
        sent: list[tuple[Cell, tuple[Envelope, ...]]] = []
        for one in touched:
            if not _is_quiet(one):
                return None
            if one.mailbox:
                sent.append((one, tuple(map(wrapped, one.mailbox))))
            one.mailbox = None
            one.exempt_in = one.exempt_out = 0
            one.status = IDLE
        cell.mailbox = None
        cell.exempt_in = cell.exempt_out = 0
        cell.status = IDLE
        return sent


def _family(cell: Cell) -> tuple[int, int]:
    """Return how many children an actor has had and has."""
    if cell.extras is None:
        return 0, 0
    return cell.spawned, len(cell.children or ())


def _is_quiet(cell: Cell) -> bool:
    """Whether an actor has nothing to do but handle messages."""
    running = cell.life is State.RUNNING and cell.turn is None
    return running and not cell.signals and cell.status < CLOSED
