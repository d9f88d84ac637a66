"""A waiting handler as values: how it began, and the results of its waits."""

from contextvars import Context
from typing import Any, NamedTuple

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.ports import Suspended as Turn
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Begun", "End", "Suspended", "differs", "end_of", "what_for"]


class End(NamedTuple):
    """The result of a wait: an answer, or else a value or an error."""

    answer: Envelope | None
    value: Any
    error: BaseException | None

    def key(self) -> tuple[object, ...]:
        """Return what tells it from others; hashable."""
        answer = self.answer
        what = None if answer is None else (answer.payload, answer.sender)
        return (what, repr(self.value), repr(self.error))


class Begun(NamedTuple):
    """How a handler began, and the results of its waits so far.

    `timers` and `asked` are how many timers and asks the actor had used before, and
    `context` is a copy of its context at that time. `found` has, for each part of the
    handler between two waits, the incarnations of the actors that it looked up by path.
    """

    envelope: Envelope
    state: object
    behaviour: str
    spawned: int
    timers: int
    asked: int
    context: Context
    ends: tuple[End, ...] = ()
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
    """A waiting handler, as immutable values.

    `goes_on` is what it will continue with when it is next picked, None while it has to
    wait. `waits_for` says for what. `cancels` and `cancel_next` are those of its turn.
    """

    begun: Begun
    goes_on: End | None
    waits_for: str
    cancels: int
    cancel_next: bool

    def key(self) -> tuple[object, ...]:
        """Return the values that decide its future; hashable."""
        return (
            self.begun.key(),
            self.goes_on.key() if self.goes_on is not None else None,
            self.cancels,
            self.cancel_next,
        )


def what_for(turn: Turn) -> str:
    """Return what a turn waits for, as text."""
    asked = turn.waits_for
    if isinstance(asked, Pending):
        return asked.summary()
    return turn.describe()


def end_of(turn: Turn) -> End:
    """Return what a ready turn continues with."""
    if turn.reply is not None:
        return End(turn.reply, None, None)
    return End(None, turn.value, turn.error)


def differs(cell: Cell, begun: Begun) -> DispatcherError:
    """Return the error for a handler that does not repeat its result."""
    return DispatcherError(
        f"{cell.path}: its handler does something else when it runs again, so it is"
        f" not a function of state and messages: {begun.envelope.payload!r}"
    )
