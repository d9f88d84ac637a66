"""Runs one actor at a time, while the others stand still and receive nothing.

A step that only changes one actor and sends messages needs no snapshot of the whole
System: the sent messages are in mailboxes that were empty before. This module detects
whether a step did more, but not what.
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
    """Whether an actor is idle except for its messages, without children or stash.

    Only such an actor can run alone. This does not check its timers.
    """
    busy = one.suspended is not None or one.life is not State.RUNNING
    more = one.signals or one.stash or one.children or one.failure is not None
    kind: Any = type(one.actor)
    return not busy and not more and not may_wait(kind)


class Alone:
    """Runs the actors of one System, one at a time.

    `touched` are the actors whose mailboxes have received a message, the first one
    first.
    """

    def __init__(self, kernel: Kernel, incarnations: Incarnations) -> None:
        self._kernel = kernel
        self._incarnations = incarnations
        self._cells = 0
        self.touched: dict[Cell, None] = {}

    def stand(self, cells: Iterable[CellSnapshot], past: Past) -> None:
        """Make these the only actors; their states stay."""
        self._incarnations.past = past
        kernel = self._kernel
        there = list(cells)
        for one in there:
            one.restore_cell()
            one.cell.status = IDLE  # to note also actors that would not handle it
        kernel.registry.replace_all([one.cell for one in there])
        kernel.timers.restore({}, {})
        kernel.graph.waits.clear()
        kernel.asks.pending.clear()
        self._cells = len(there)

    def run(
        self, cell: Cell, envelope: Envelope
    ) -> list[tuple[Cell, tuple[Envelope, ...]]] | None:
        """Make an actor handle one message; return the messages sent, and keep none.

        Returns None if the actor did more than change itself and send messages: then
        the System has changed.
        """
        kernel, touched = self._kernel, self.touched
        touched.clear()
        failed, family = kernel.failures.count, _family(cell)
        cell.mailbox = deque((envelope,))
        cell.exempt_in = 1 if envelope.kind else 0
        cell.context = cell.context.copy()  # that of a snapshot must not change
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
    """Return how many children an actor has ever had and has now."""
    if cell.extras is None:
        return 0, 0
    return cell.spawned, len(cell.children or ())


def _is_quiet(cell: Cell) -> bool:
    """Whether an actor only has messages to handle."""
    running = cell.life is State.RUNNING and cell.turn is None
    return running and not cell.signals and cell.status < CLOSED
