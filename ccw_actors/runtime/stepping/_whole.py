"""Takes a snapshot of the whole System, and restores it."""

from collections.abc import Iterable

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._values.envelope import TICK, Envelope
from ccw_actors.runtime.stepping._incarnations import NO_PAST, Incarnations, Past
from ccw_actors.runtime.stepping._mentions import Mentions
from ccw_actors.runtime.stepping._snapshot import CellSnapshot, Snapshot
from ccw_actors.runtime.stepping._suspended import Handling

__all__ = ["Whole"]


class Whole:
    """One System as a whole; `SteppingDispatcher` says what its snapshots contain."""

    def __init__(
        self, kernel: Kernel, incarnations: Incarnations, handling: Handling
    ) -> None:
        self._kernel = kernel
        self._incarnations = incarnations
        self._handling = handling

    def snapshot(self, now: float, outside: Iterable[Envelope]) -> Snapshot:
        """Return the whole System at that time, with the envelopes outside it.

        Raises `DispatcherError` while an async hook is suspended.
        """
        kernel, take_down = self._kernel, self._handling.take_down
        cells = tuple(
            CellSnapshot.of(cell, take_down(cell)) for cell in kernel.cells.values()
        )
        asked = self._handling.asked
        # A run that continues from here uses the same numbers as one restored to here.
        self._incarnations.past = past = self._past_of(cells, outside)
        return Snapshot(
            cells,
            tuple(kernel.timers.armed.items()),
            tuple(kernel.timers.counts.items()),
            tuple((one, count) for one, count in asked.items() if one in kernel.cells),
            tuple(kernel.failures.kept),
            kernel.failures.count,
            now,
            past,
        )

    def _past_of(
        self, cells: tuple[CellSnapshot, ...], outside: Iterable[Envelope]
    ) -> Past:
        """Return the data of the past that the System's current references need."""
        kernel, past = self._kernel, self._incarnations.past
        if past == NO_PAST:
            return past
        mentions = self.mentions(past.in_question(kernel.registry.at))
        for one in cells:
            _look_at_actor(mentions, one)
        for timer in kernel.timers.armed.values():
            mentions.value(timer.payload)
        for pending in kernel.asks.pending.values():
            mentions.value(pending)
        for envelope in outside:
            mentions.envelope(envelope)
        return past.pruned(mentions.found, kernel.registry.at)

    def mentions(self, addresses: Iterable[str]) -> Mentions:
        """Return a finder of references to actors of these addresses."""
        kernel = self._kernel
        return Mentions(map(kernel.ref_of, addresses), kernel.delivery.encode)

    def restore(self, snapshot: Snapshot) -> None:
        """Restore the whole System to that snapshot.

        Raises `DispatcherError` if a suspended handler, run again, does not reach the
        same state.
        """
        kernel, handling = self._kernel, self._handling
        handling.abandon(kernel.cells.values())
        taken = self._suspend_again(snapshot)
        self._restore_cells(snapshot)
        kernel.timers.restore(dict(snapshot.timers), dict(snapshot.timer_counts))
        handling.asked.clear()
        handling.asked.update(snapshot.ask_counts)
        kernel.failures.kept[:] = snapshot.failures
        kernel.failures.count = snapshot.failed
        if kernel.asks.pending:
            self._restore_owed(snapshot, taken)
        self._incarnations.past = snapshot.past

    def _suspend_again(self, snapshot: Snapshot) -> dict[Cell, set[int]]:
        """Run handlers up to their waits.

        Returns the asks that each of their actors has promised to answer during that.
        """
        for one in snapshot.cells:
            one.cell.actor = one.actor
            one.cell.address = one.address
        self._handling.begin_again(
            (one.cell, one.suspended, one.state)
            for one in snapshot.cells
            if one.suspended is not None
        )
        return {
            one.cell: one.cell.owed or set()
            for one in snapshot.cells
            if one.suspended is not None
        }

    def _restore_cells(self, snapshot: Snapshot) -> None:
        """Make the actors of a snapshot the only ones."""
        for one in snapshot.cells:
            one.restore()
        cells = self._kernel.cells
        self._kernel.registry.replace_all([one.cell for one in snapshot.cells])
        for one in snapshot.cells:
            for child in one.children:
                if cells.get(child.address) is not child:
                    child.life = State.ENDED  # Its parent does not know it yet.

    def _restore_owed(self, snapshot: Snapshot, taken: dict[Cell, set[int]]) -> None:
        """Note which asks their actors have promised to answer later.

        These are the asks that are in no mailbox and whose handler has ended. Those
        promised by a suspended handler are known from running it again.
        """
        asks = self._kernel.asks
        waiting = asks.on_the_way | {
            envelope.ask
            for one in snapshot.cells
            for envelope in (*one.mailbox, *one.stash)
            if envelope.kind != TICK
        }
        for number, pending in asks.pending.items():
            cell = self._kernel.cells.get(pending.target)
            if cell is None or number in waiting:
                continue
            if number not in cell.asks_in_hand() or number in taken[cell]:
                cell.owe(number, asks.is_pending)


def _look_at_actor(mentions: Mentions, one: CellSnapshot) -> None:
    """Find the references in an actor and in its suspended handler."""
    mentions.actor(one)
    turn = one.cell.turn
    if turn is not None:
        mentions.value((turn.coroutine, turn.value, turn.error, turn.reply))
