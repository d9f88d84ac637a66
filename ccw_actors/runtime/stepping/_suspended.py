"""Waiting handlers as data, and how to restore them.

Python cannot copy a coroutine. Its state follows from how its handler began and from
the results of its waits, so running the handler again with these restores it. Its
messages during that run were sent before, and are dropped.
"""

import inspect
import math
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime._cell.cell import IDLE, Cell
from ccw_actors.runtime._cell.handlers import spec_of
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._cell.ports import Suspended as Turn
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.timer import EXPIRY, Timer
from ccw_actors.runtime.stepping._begun import (
    Begun,
    End,
    Suspended,
    differs,
    end_of,
    what_for,
)
from ccw_actors.runtime.stepping._incarnations import Incarnations

__all__ = ["Handling", "may_wait"]

_PLACES = 1 << 32


class _Numbers:
    """The numbers of an actor's asks, from its own range."""

    def __init__(self, address: str, place: int, asked: dict[str, int]) -> None:
        self._address = address
        self._base = place * _PLACES
        self._asked = asked

    def __iter__(self) -> "_Numbers":
        return self

    def __next__(self) -> int:
        count = self._asked[self._address] = self._asked.get(self._address, 0) + 1
        return self._base + count


class Handling:
    """Runs handlers step by step, and turns waiting ones into data.

    `asked` counts the asks of each actor, by address. The number of an ask follows from
    it, so that the same steps give the same numbers.
    """

    def __init__(self, kernel: Kernel, incarnations: Incarnations) -> None:
        self._kernel = kernel
        self._incarnations = incarnations
        self._numbers: dict[str, _Numbers] = {}
        self._begun: dict[str, Begun] = {}
        self.asked: dict[str, int] = {}

    def run(self, cell: Cell, envelope: Envelope) -> None:
        """Make an actor handle the first envelope in its mailbox."""
        kind: Any = type(cell.actor)
        if may_wait(kind):
            self._begun[cell.path] = Begun(
                envelope,
                cell.actor.snapshot(),
                cell.behaviour,
                cell.spawned,
                self._kernel.timers.counts.get(cell.path, 0),
                self.asked.get(cell.address, 0),
                cell.context.copy(),
            )
        self._incarnations.note()
        try:
            self._run(cell)
        finally:
            self._note_found(cell)
        self._tidy(cell)

    def resume(self, cell: Cell, turn: Turn) -> None:
        """Continue a suspended handler."""
        begun = self._begun.get(cell.path)
        if begun is not None and turn.envelope is not None:
            end = end_of(turn)
            self._begun[cell.path] = begun._replace(ends=(*begun.ends, end))
        self._forget_expiry(cell.path)
        self._incarnations.note()
        try:
            self._with_numbers(cell, turn)
        finally:
            self._note_found(cell)
        self._tidy(cell)

    def _note_found(self, cell: Cell) -> None:
        """Note which actors a handler has found at paths since its last wait."""
        found, begun = self._incarnations.noted(), self._begun.get(cell.path)
        if begun is not None:
            self._begun[cell.path] = begun._replace(found=(*begun.found, found))

    def expire(self, cell: Cell) -> None:
        """End the ask that an actor waits for: its deadline has passed."""
        turn = cell.turn
        if turn is not None and isinstance(turn.waits_for, Pending):
            pending = turn.waits_for
            self._kernel.asks.expire(pending, pending.deadline - pending.since)

    def take_down(self, cell: Cell) -> Suspended | None:
        """Return the suspended handler of an actor, None without one.

        Raises `DispatcherError` for one that cannot be restored: an async hook.
        """
        turn = cell.turn
        if turn is None:
            return None
        begun = self._begun.get(cell.path)
        if begun is None or turn.envelope is None:
            raise DispatcherError(
                f"{cell.path} is suspended in a hook or in a coroutine that no async"
                f" handler has made, which waits for {turn.describe()}: no snapshot"
                " can be taken"
            )
        end = end_of(turn) if turn.is_ready else None
        waits_for = what_for(turn)
        return Suspended(begun, end, waits_for, turn.cancels, turn.cancel_next)

    def abandon(self, cells: Iterable[Cell]) -> None:
        """Drop all waiting handlers, without notifying any code."""
        for cell in cells:
            turn, cell.turn = cell.turn, None
            if turn is not None:
                # Its exception belongs to an abandoned state.
                with suppress(Exception):
                    self._kernel.contexts.within(cell, turn.close)
        self._kernel.graph.waits.clear()
        self._begun.clear()

    def begin_again(self, all_of: Iterable[tuple[Cell, Suspended, object]]) -> None:
        """Suspend actors again in those handlers, in those states.

        The caller must then restore the rest of the System: their messages are lost,
        and no other actor exists. Raises `DispatcherError` for a handler that does not
        repeat its result.
        """
        self._kernel.dead_letters.is_quiet = True  # already logged the first time
        try:
            self._begin_again(all_of)
        finally:
            self._kernel.dead_letters.is_quiet = False

    def _begin_again(self, all_of: Iterable[tuple[Cell, Suspended, object]]) -> None:
        asks, registry = self._kernel.asks, self._kernel.registry
        waits = self._kernel.graph.waits
        waiting: dict[str, Pending] = {}
        for cell, suspended, state in all_of:
            registry.replace_all([cell])
            waits.clear()
            turn = self._again(cell, suspended)
            if cell.actor.snapshot() != state:
                raise differs(cell, suspended.begun)
            if not turn.is_ready and isinstance(turn.waits_for, Pending):
                waiting[cell.address] = turn.waits_for
        waits.update(waiting)
        asks.pending.update((one.number, one) for one in waiting.values())

    def _again(self, cell: Cell, suspended: Suspended) -> Turn:
        begun = suspended.begun
        self._put_before(cell, begun)
        try:
            self._run_up_to(cell, begun)
        finally:
            self._incarnations.noted()
        turn = self._turn(cell, begun)
        turn.cancels, turn.cancel_next = suspended.cancels, suspended.cancel_next
        if suspended.goes_on is not None:
            self._go_on_with(cell, begun, suspended.goes_on)
        else:
            turn.is_ready, turn.error = False, None
        self._begun[cell.path] = begun
        return turn

    def _put_before(self, cell: Cell, begun: Begun) -> None:
        """Restore an actor to its state before a handler began."""
        cell.behave(cell.actor, begun.behaviour)
        cell.actor.restore(begun.state)
        cell.spawned, self.asked[cell.address] = begun.spawned, begun.asked
        self._kernel.timers.counts[cell.path] = begun.timers
        cell.life, cell.children, cell.stash = State.RUNNING, None, None
        cell.owed = None
        cell.context = begun.context.copy()
        cell.signals, cell.mailbox = None, deque((begun.envelope,))
        cell.status = IDLE

    def _run_up_to(self, cell: Cell, begun: Begun) -> None:
        """Run a handler again, through all the waits that have ended."""
        first, *others = begun.found
        self._incarnations.replay(first)
        self._run(cell)
        for end, found in zip(begun.ends, others, strict=True):
            self._go_on_with(cell, begun, end)
            assert cell.turn is not None, "the caller has checked it"
            self._incarnations.replay(found)
            self._with_numbers(cell, cell.turn)

    def _go_on_with(self, cell: Cell, begun: Begun, end: End) -> None:
        """End the wait of a suspended handler with that result."""
        turn = self._turn(cell, begun)
        waits_for = turn.waits_for
        turn.is_ready, turn.value, turn.error = True, end.value, end.error
        if isinstance(waits_for, Pending):
            self._kernel.asks.forget(waits_for.number)
        if end.answer is not None:
            if not isinstance(waits_for, Pending):
                raise differs(cell, begun)
            turn.reply = end.answer

    def _turn(self, cell: Cell, begun: Begun) -> Turn:
        if cell.turn is None:
            raise differs(cell, begun)
        return cell.turn

    def _run(self, cell: Cell) -> None:
        try:
            self._with_numbers(cell, None)
        finally:
            self._kernel.running.leave()

    def _with_numbers(self, cell: Cell, turn: Turn | None) -> None:
        """Run an actor, or resume its handler, with its own range of ask numbers."""
        asks, invoker = self._kernel.asks, self._kernel.invoker
        outer, asks.numbers = asks.numbers, self._numbers_of(cell.address)
        try:
            if turn is None:
                cell.context.run(invoker.run, cell, 1)
            else:
                invoker.resume(cell, turn)
        finally:
            asks.numbers = outer
        waits_for = cell.turn.waits_for if cell.turn is not None else None
        if isinstance(waits_for, Pending):
            self._set_expiry(cell.path, waits_for)

    def _numbers_of(self, address: str) -> _Numbers:
        numbers = self._numbers.get(address)
        if numbers is None:
            place = len(self._numbers) + 1
            numbers = self._numbers[address] = _Numbers(address, place, self.asked)
        return numbers

    def _set_expiry(self, path: str, pending: Pending) -> None:
        """Set a timer for the deadline of an ask, unless it is the System's default."""
        patience = pending.deadline - pending.since
        if patience not in (math.inf, self._kernel.ask_timeout):
            timers = self._kernel.timers
            due = self._kernel.dispatcher.now() + patience
            timers.arm(timers.next_key(path), Timer(due, b"", None, EXPIRY))

    def _forget_expiry(self, path: str) -> None:
        timers = self._kernel.timers
        for key, timer in list(timers.armed.items()):
            if key[0] == path and timer.kind == EXPIRY:
                timers.take(key)

    def _tidy(self, cell: Cell) -> None:
        if cell.turn is None:
            self._begun.pop(cell.path, None)


@cache
def may_wait(kind: Any) -> bool:
    """Whether an actor class has an async handler."""
    return any(
        inspect.iscoroutinefunction(handler)
        for table in spec_of(kind).all()
        for handler in table.values()
    )
