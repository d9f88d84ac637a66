"""Handlers that wait, as data, and how they are there again.

A coroutine cannot be copied. What it is follows from how its handler began and from
all that its waits have ended with, so it is had again by running the handler once more
on these. What it sends meanwhile has been sent before, and is dropped.
"""

import inspect
import math
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from contextvars import Context
from functools import cache
from typing import Any, NamedTuple

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime._cell.cell import IDLE, Cell
from ccw_actors.runtime._cell.handlers import spec_of
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._cell.ports import Suspended as Turn
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.timer import EXPIRY, Timer
from ccw_actors.runtime.stepping._incarnations import Incarnations

__all__ = ["Handling", "Suspended", "may_wait"]

_PLACES = 1 << 32


class _End(NamedTuple):
    """What a wait has ended with: an answer, or else a value or an error."""

    answer: Envelope | None
    value: Any
    error: BaseException | None

    def key(self) -> tuple[object, ...]:
        """Return what tells it from others; hashable."""
        answer = self.answer
        what = None if answer is None else (answer.payload, answer.sender)
        return (what, repr(self.value), repr(self.error))


class _Begun(NamedTuple):
    """How a handler began, and what its waits have ended with so far.

    `timers` and `asked` are how many timers and asks the actor had had before, and
    `context` is what it ran in, as it was then. `found` has for each part of the
    handler that lies between two waits the incarnations of the actors that it has found
    at paths.
    """

    envelope: Envelope
    state: object
    behaviour: str
    spawned: int
    timers: int
    asked: int
    context: Context
    ends: tuple[_End, ...] = ()
    found: tuple[tuple[int, ...], ...] = ()

    def key(self) -> tuple[object, ...]:
        """Return what tells it from others; hashable."""
        envelope = self.envelope
        return (
            (envelope.payload, envelope.sender, envelope.ask, envelope.kind),
            self.state,
            self.behaviour,
            (self.spawned, self.timers, self.asked),
            tuple(end.key() for end in self.ends),
            self.found,
        )


class Suspended(NamedTuple):
    """A handler that waits, as immutable values.

    `goes_on` is what it will go on with as soon as it is taken up, None while it has
    to wait, and `waits_for` says for what. `cancels` and `cancel_next` are those of its
    turn.
    """

    begun: _Begun
    goes_on: _End | None
    waits_for: str
    cancels: int
    cancel_next: bool

    def key(self) -> tuple[object, ...]:
        """Return what decides its future; hashable."""
        return (
            self.begun.key(),
            self.goes_on.key() if self.goes_on is not None else None,
            self.cancels,
            self.cancel_next,
        )


class _Numbers:
    """The numbers of an actor's asks: its own place, and how many there were."""

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
    """Runs handlers step by step, and takes down those that wait.

    `asked` has how many asks each actor has made, by address; a number of an ask
    follows from that, so that the same steps ask under the same numbers.
    """

    def __init__(self, kernel: Kernel, incarnations: Incarnations) -> None:
        self._kernel = kernel
        self._incarnations = incarnations
        self._numbers: dict[str, _Numbers] = {}
        self._begun: dict[str, _Begun] = {}
        self.asked: dict[str, int] = {}

    def run(self, cell: Cell, envelope: Envelope) -> None:
        """Have an actor handle the envelope that is first in its mailbox."""
        kind: Any = type(cell.actor)
        if may_wait(kind):
            self._begun[cell.path] = _Begun(
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
        """Have a suspended handler go on."""
        begun = self._begun.get(cell.path)
        if begun is not None and turn.envelope is not None:
            end = _end_of(turn)
            self._begun[cell.path] = begun._replace(ends=(*begun.ends, end))
        self._forget_expiry(cell.path)
        self._incarnations.note()
        try:
            self._with_numbers(cell, turn)
        finally:
            self._note_found(cell)
        self._tidy(cell)

    def _note_found(self, cell: Cell) -> None:
        """Note which actors a handler has found at paths since it went on."""
        found, begun = self._incarnations.noted(), self._begun.get(cell.path)
        if begun is not None:
            self._begun[cell.path] = begun._replace(found=(*begun.found, found))

    def expire(self, cell: Cell) -> None:
        """End the ask that an actor waits for, as its time is over."""
        turn = cell.turn
        if turn is not None and isinstance(turn.waits_for, Pending):
            pending = turn.waits_for
            self._kernel.asks.expire(pending, pending.deadline - pending.since)

    def take_down(self, cell: Cell) -> Suspended | None:
        """Return the handler that an actor is suspended in, None if it is in none.

        Raises `DispatcherError` for one that cannot be had again: an async hook.
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
        end = _end_of(turn) if turn.is_ready else None
        waits_for = _what(turn)
        return Suspended(begun, end, waits_for, turn.cancels, turn.cancel_next)

    def abandon(self, cells: Iterable[Cell]) -> None:
        """Have no handler wait any more; nobody is told."""
        for cell in cells:
            turn, cell.turn = cell.turn, None
            if turn is not None:
                # What it raises at that is of a state that is given up.
                with suppress(Exception):
                    self._kernel.contexts.within(cell, turn.close)
        self._kernel.graph.waits.clear()
        self._begun.clear()

    def begin_again(self, all_of: Iterable[tuple[Cell, Suspended, object]]) -> None:
        """Have actors be suspended again in those handlers, in those states.

        Afterwards the System is to be put together: what they send is lost, and nobody
        else is there. Raises `DispatcherError` for a handler that does not come to the
        same again.
        """
        self._kernel.dead_letters.is_quiet = True  # It has been said before.
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
                raise _differs(cell, suspended.begun)
            if not turn.is_ready and isinstance(turn.waits_for, Pending):
                waiting[cell.address] = turn.waits_for
        waits.update(waiting)
        asks.pending.update((one.number, one) for one in waiting.values())

    def _again(self, cell: Cell, suspended: Suspended) -> Turn:
        begun, kernel = suspended.begun, self._kernel
        cell.behave(cell.actor, begun.behaviour)
        cell.actor.restore(begun.state)
        cell.spawned, self.asked[cell.address] = begun.spawned, begun.asked
        kernel.timers.counts[cell.path] = begun.timers
        cell.life, cell.children, cell.stash = State.RUNNING, None, None
        cell.owed = None
        cell.context = begun.context.copy()
        cell.signals, cell.mailbox = None, deque((begun.envelope,))
        cell.status = IDLE
        first, *others = begun.found
        incarnations = self._incarnations
        incarnations.replay(first)
        try:
            self._run(cell)
            for end, found in zip(begun.ends, others, strict=True):
                self._go_on_with(cell, begun, end)
                assert cell.turn is not None, "that has been looked at"
                incarnations.replay(found)
                self._with_numbers(cell, cell.turn)
        finally:
            incarnations.noted()
        turn = self._turn(cell, begun)
        turn.cancels, turn.cancel_next = suspended.cancels, suspended.cancel_next
        if suspended.goes_on is not None:
            self._go_on_with(cell, begun, suspended.goes_on)
        else:
            turn.is_ready, turn.error = False, None
        self._begun[cell.path] = begun
        return turn

    def _go_on_with(self, cell: Cell, begun: _Begun, end: _End) -> None:
        """Have the wait of a suspended handler end like that."""
        turn = self._turn(cell, begun)
        waits_for = turn.waits_for
        turn.is_ready, turn.value, turn.error = True, end.value, end.error
        if isinstance(waits_for, Pending):
            self._kernel.asks.forget(waits_for.number)
        if end.answer is not None:
            if not isinstance(waits_for, Pending):
                raise _differs(cell, begun)
            turn.reply = end.answer

    def _turn(self, cell: Cell, begun: _Begun) -> Turn:
        if cell.turn is None:
            raise _differs(cell, begun)
        return cell.turn

    def _run(self, cell: Cell) -> None:
        try:
            self._with_numbers(cell, None)
        finally:
            self._kernel.running.leave()

    def _with_numbers(self, cell: Cell, turn: Turn | None) -> None:
        """Run an actor, or resume its handler; it asks under numbers of its own."""
        asks, invoker = self._kernel.asks, self._kernel.invoker
        address = cell.address
        numbers = self._numbers.get(address)
        if numbers is None:
            place = len(self._numbers) + 1
            numbers = self._numbers[address] = _Numbers(address, place, self.asked)
        outer, asks.numbers = asks.numbers, numbers
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

    def _set_expiry(self, path: str, pending: Pending) -> None:
        """Have an ask end at its deadline, if that is not the System's patience."""
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


def _what(turn: Turn) -> str:
    asked = turn.waits_for
    if isinstance(asked, Pending):
        return asked.summary()
    return turn.describe()


def _end_of(turn: Turn) -> _End:
    """Return what a turn that is ready goes on with."""
    if turn.reply is not None:
        return _End(turn.reply, None, None)
    return _End(None, turn.value, turn.error)


@cache
def may_wait(kind: Any) -> bool:
    """Whether a class of actors has an async handler."""
    return any(
        inspect.iscoroutinefunction(handler)
        for table in spec_of(kind).all()
        for handler in table.values()
    )


def _differs(cell: Cell, begun: _Begun) -> DispatcherError:
    return DispatcherError(
        f"{cell.path}: its handler does something else when it is run again, so it is"
        f" no function of state and messages: {begun.envelope.payload!r}"
    )
