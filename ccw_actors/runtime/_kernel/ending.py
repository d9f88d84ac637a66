"""The end of an actor: what is cleared away, and who is told."""

from collections.abc import Callable

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.lifecycle import Event
from ccw_actors.runtime._kernel.back_pressure import BackPressure
from ccw_actors.runtime._kernel.contexts import Contexts
from ccw_actors.runtime._kernel.dead_letters import DeadLetters
from ccw_actors.runtime._kernel.death_watch import DeathWatch
from ccw_actors.runtime._kernel.observers import Observers
from ccw_actors.runtime._kernel.pending_asks import PendingAsks
from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._kernel.timers import Timers
from ccw_actors.runtime._values.envelope import CHILD_ENDED, Envelope, wrapped
from ccw_actors.transport import tag_of

__all__ = ["Ending"]


class Ending:
    """Takes actors out of one System; on its own thread.

    `ended` is called with the address of each, and `raised` with what a suspended
    handler raises when it is closed. Where an actor that has ended
    `may_return`, from a snapshot, what it was stays.
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
        self._observers = observers
        self._contexts = contexts
        self._may_return = may_return
        self.ended: Callable[[str], None] = _ignore
        self.raised: Callable[[Cell, str, BaseException], None] = _ignore_error

    def end(self, cell: Cell, reason: str) -> None:
        """Take an actor out of the System.

        Its mailbox and stash become dead letters, asks that it has not answered fail,
        and whoever watches it is told. Children that are left end with it.
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
        """Have nobody wait for an answer of the actor, nor it for any."""
        self._asks.abandon(cell.address)  # Of a thread that is abandoned.
        waiting = sorted(self._pressure.asks(cell.address))
        for ask in (*cell.asks_in_hand(), *sorted(cell.owed or ()), *waiting):
            self._asks.stopped(ask, reason)

    def _lose_messages(self, cell: Cell, reason: str) -> None:
        """Make dead letters of what is in the mailbox and in the stash."""
        cell.put_back()
        while cell.mailbox:
            try:
                envelope = wrapped(cell.mailbox.popleft())
            except IndexError:
                break  # The actor's thread was faster.
            self._dead_letters.add(cell.address, envelope, reason)

    def _tell(self, cell: Cell, reason: str) -> None:
        """Tell everybody who has to know that an actor has ended."""
        self._death_watch.ended(cell, reason)
        parent = cell.parent
        if parent is not None and parent.children:
            parent.signal(Envelope(b"", cell.path, 0, None, CHILD_ENDED))
        self._observers.stopped(cell.path, reason)
        self.tell_started(cell)

    def close_turn(self, cell: Cell) -> None:
        """Abandon the handler that is suspended, if there is one."""
        turn, cell.turn = cell.turn, None
        if turn is None:
            return
        try:
            self._contexts.within(cell, turn.close)
        except BaseException as error:  # noqa: BLE001 - the rest has to be cleared away
            what = "a hook" if turn.envelope is None else tag_of(turn.envelope.payload)
            self.raised(cell, what, error)

    def tell_started(self, cell: Cell) -> None:
        """Have those go on who wait for the actor's start."""
        waiting, cell.on_started = cell.on_started, None
        for told in waiting or ():
            told()


def _ignore(_address: str) -> None:
    """Nobody listens."""


def _ignore_error(_cell: Cell, _what: str, _error: BaseException) -> None:
    """Nobody listens."""


def _nothing() -> None:
    """Nobody waits for them."""
