"""The end of an actor: clears its data and notifies others."""

from collections.abc import Callable

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import Event
from ccw_actors.runtime._kernel.back_pressure import BackPressure
from ccw_actors.runtime._kernel.contexts import Contexts
from ccw_actors.runtime._kernel.dead_letters import DeadLetters
from ccw_actors.runtime._kernel.death_watch import DeathWatch
from ccw_actors.runtime._kernel.missing_children import MissingChildren
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.pending_asks import PendingAsks
from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._kernel.timers import Timers
from ccw_actors.runtime._values.envelope import CHILD_ENDED, Envelope, wrapped
from ccw_actors.transport import tag_of

__all__ = ["Ending"]


class Ending:
    """Removes actors from one System; on its own thread.

    `ended` is called with the address of each, and `raised` with the exception of a
    suspended handler that is closed. If an ended actor `may_return`, from a snapshot,
    its cell keeps its data.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        asks: PendingAsks,
        timers: Timers,
        pressure: BackPressure,
        dead_letters: DeadLetters,
        death_watch: DeathWatch,
        missing: MissingChildren,
        observers: Observers,
        contexts: Contexts,
        may_return: bool,
    ) -> None:
        self._registry = registry
        self._asks = asks
        self._timers = timers
        self._pressure = pressure
        self._dead_letters = dead_letters
        self._death_watch = death_watch
        self._missing = missing
        self._observers = observers
        self._contexts = contexts
        self._may_return = may_return
        self.ended: Callable[[str], None] = _ignore
        self.raised: Callable[[Cell, str, BaseException], None] = _ignore_error

    def end(self, cell: Cell, reason: str) -> None:
        """Remove an actor from the System.

        Its mailbox and stash become dead letters, asks that it has not answered fail,
        and its watchers receive `Terminated`. Remaining children end with it.
        """
        if not self._registry.has(cell):
            return
        for child in list((cell.children or {}).values()):
            self.end(child, reason)
        cell.go_through(Event.END)
        cell.close()
        self._registry.remove(cell)
        if cell.stop_alarm is not None:
            cell.stop_alarm.cancel()
        self._timers.forget(cell.path)
        self._end_asks(cell, reason)
        self.close_turn(cell)
        if cell.tasks is not None:
            cell.tasks.cancel_all(_nothing)
        cell.finish()
        self._lose_messages(cell, reason)
        self._pressure.ended(cell.address)
        self._tell(cell, reason)
        if not self._may_return:
            cell.forget()
        else:
            cell.mailbox = None
        self.ended(cell.address)

    def _end_asks(self, cell: Cell, reason: str) -> None:
        """End the asks to the actor and its own asks."""
        self._asks.abandon(cell.address)  # of an abandoned thread
        waiting = sorted(self._pressure.asks(cell.address))
        for ask in (*cell.asks_in_hand(), *sorted(cell.owed or ()), *waiting):
            self._asks.stopped(ask, reason)

    def _lose_messages(self, cell: Cell, reason: str) -> None:
        """Turn messages in mailbox and stash, and for children, into dead letters."""
        cell.put_back()
        while cell.mailbox:
            try:
                envelope = wrapped(cell.mailbox.popleft())
            except IndexError:
                break  # The actor's thread took it first.
            self._dead_letters.add(cell.address, envelope, reason)
        self._missing.ended(cell, reason)

    def _tell(self, cell: Cell, reason: str) -> None:
        """Notify observers, watchers and other waiting code that an actor has ended."""
        self._death_watch.ended(cell, reason)
        parent = cell.parent
        if parent is not None and parent.children:
            parent.signal(Envelope(b"", cell.path, 0, None, CHILD_ENDED))
        self._observers.stopped(cell.path, reason)
        self.tell_started(cell)

    def close_turn(self, cell: Cell) -> None:
        """Abandon the suspended handler, if there is one."""
        turn, cell.turn = cell.turn, None
        if turn is None:
            return
        try:
            self._contexts.within(cell, turn.close)
        except BaseException as error:  # noqa: BLE001 - the rest has to be cleared away
            what = "a hook" if turn.envelope is None else tag_of(turn.envelope.payload)
            self.raised(cell, what, error)

    def tell_started(self, cell: Cell) -> None:
        """Resume code that waits for the actor's start."""
        waiting, cell.on_started = cell.on_started, None
        for told in waiting or ():
            told()


def _ignore(_address: str) -> None:
    """Do nothing."""


def _ignore_error(_cell: Cell, _what: str, _error: BaseException) -> None:
    """Do nothing."""


def _nothing() -> None:
    """Do nothing: no code waits for the tasks."""
