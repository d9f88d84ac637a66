"""Fair turns on the event loop for the parties that share it.

| ready actors | what runs |
|---|---|
| of one party | as with `LoopDispatcher` |
| of several parties | one message of each party, in turn |
"""

from collections import deque
from collections.abc import Callable
from time import thread_time
from typing import Final

from ccw_actors.runtime._cell.cell import CLOSED, IDLE, Cell
from ccw_actors.runtime._drive.loop import LoopDispatcher
from ccw_actors.runtime._kernel.kernel import Kernel

__all__ = ["FairDispatcher"]

_TURN: Final = 25e-6
_PATHS_MIN: Final = 1024


class _Party:
    """The ready actors of one party, and the time that it may still use.

    It `waits` while it is among the parties that take turns.
    """

    __slots__ = ("credit", "queue", "waits")

    def __init__(self) -> None:
        self.queue: deque[Cell] = deque()
        self.credit = 0.0
        self.waits = False


class FairDispatcher(LoopDispatcher):
    """A `LoopDispatcher` for actors of several parties, which take turns.

    `party_of` returns the party of an actor for its path. A turn is one message, and
    stands for 25 microseconds of CPU time: a message that takes longer uses up turns
    that follow. So each party that floods the loop takes at most as much time as a
    party with little work, and less if its messages are short. With one flooding party,
    the work of another takes at most twice as long, with two at most three times.
    `batch` and `budget` are those of `LoopDispatcher`.
    """

    def __init__(
        self, party_of: Callable[[str], str], *, batch: int = 8, budget: int = 64
    ) -> None:
        super().__init__(batch=batch, budget=budget)
        self._party_of = party_of
        self._parties: dict[str, _Party] = {}
        self._by_path: dict[str, _Party] = {}
        self._by_path_max = _PATHS_MIN
        self._turns: deque[_Party] = deque()

    def attach(self, system: Kernel) -> None:
        """Run one System."""
        super().attach(system)
        self._at = system.registry.at

    def _schedule(self, cell: Cell) -> None:
        """Queue a cell with its party, and a callback, because none is queued."""
        self._put(cell)
        self._loop.call_soon(self._drain, context=self._context)
        self.enqueue = self._put

    def _put(self, cell: Cell) -> None:
        party = self._by_path.get(cell.path)
        if party is None:
            party = self._find(cell.path)
        if not party.waits:
            party.waits = True
            self._turns.append(party)
        party.queue.append(cell)

    def _find(self, path: str) -> _Party:
        """Return the party of an actor; now and then forget actors that have ended."""
        if len(self._by_path) >= self._by_path_max:
            there = {one: p for one, p in self._by_path.items() if self._at(one)}
            known = {*there.values(), *self._turns}
            self._parties = {n: p for n, p in self._parties.items() if p in known}
            self._by_path = there
            self._by_path_max = max(_PATHS_MIN, 2 * len(there))
        party = self._parties.setdefault(self._party_of(path), _Party())
        self._by_path[path] = party
        return party

    def _drain(self) -> None:
        turns, budget = self._turns, self.budget
        try:
            while turns and budget > 0:
                party = turns[0]
                try:
                    if len(turns) == 1:
                        budget -= self._step(party, min(self._batch, budget))
                    else:
                        party.credit = min(party.credit + _TURN, _TURN)
                        if party.credit > 0:
                            began = thread_time()
                            budget -= self._step(party, 1)
                            party.credit -= thread_time() - began
                finally:
                    if party.queue:
                        turns.rotate(-1)
                    else:
                        turns.popleft()
                        party.waits = False
        finally:
            self._running.leave()
            if turns:
                self._loop.call_soon(self._drain, context=self._context)
            else:
                self.enqueue = self._schedule

    def _step(self, party: _Party, limit: int) -> int:
        """Let the party's next actor handle up to `limit` messages; return how many."""
        queue = party.queue
        cell = queue.popleft()
        handled = 1
        try:
            handled = cell.context.run(self._run, cell, limit) or 1
        finally:
            again = False
            if cell.status & CLOSED:
                again = cell.settle()
            elif cell.mailbox:
                again = True
            else:
                cell.status = IDLE
            if again:
                self._put(cell)
            if self._offers:
                self._freed(cell)
        return handled
