"""A handler that waits, as values: how it began, and what its waits have ended with."""

from contextvars import Context
from typing import Any, NamedTuple

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.ports import Suspended as Turn
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._values.envelope import Envelope

__all__ = ["Begun", "End", "Suspended", "differs", "end_of", "what_for"]


class End(NamedTuple):
    """What a wait has ended with: an answer, or else a value or an error."""

    answer: Envelope | None
    value: Any
    error: BaseException | None

    def key(self) -> tuple[object, ...]:
        """Return what tells it from others; hashable."""
        answer = self.answer
        what = None if answer is None else (answer.payload, answer.sender)
        return (what, repr(self.value), repr(self.error))


class Begun(NamedTuple):
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
    """A handler that waits, as immutable values.

    `goes_on` is what it will go on with as soon as it is taken up, None while it has
    to wait, and `waits_for` says for what. `cancels` and `cancel_next` are those of its
    turn.
    """

    begun: Begun
    goes_on: End | None
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


def what_for(turn: Turn) -> str:
    """Return what a turn waits for, in words."""
    asked = turn.waits_for
    if isinstance(asked, Pending):
        return asked.summary()
    return turn.describe()


def end_of(turn: Turn) -> End:
    """Return what a turn that is ready goes on with."""
    if turn.reply is not None:
        return End(turn.reply, None, None)
    return End(None, turn.value, turn.error)


def differs(cell: Cell, begun: Begun) -> DispatcherError:
    """Return the error of a handler that does not come to the same again."""
    return DispatcherError(
        f"{cell.path}: its handler does something else when it is run again, so it is"
        f" no function of state and messages: {begun.envelope.payload!r}"
    )
