"""A System between two messages, as values that can be compared and put back."""

from collections import deque
from contextvars import Context
from typing import Any, Final, NamedTuple, cast

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime._cell.cell import IDLE, Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._values.envelope import Envelope, wrapped
from ccw_actors.runtime._values.reference import QUEUED
from ccw_actors.runtime._values.timer import Timer, TimerKey
from ccw_actors.runtime.actor import Actor
from ccw_actors.runtime.stepping.suspended import Suspended

__all__ = ["CellSnapshot", "Snapshot"]

_FIXED: Final = ("parent", "make", "origin")
"""What stands in `Cell.extras` and is the same as long as the actor is there."""


class CellSnapshot(NamedTuple):
    """One actor between two messages: where it lives, and all that it is.

    `state` is what `Actor.snapshot` returns; None leaves the state alone when this is
    restored. `mailbox`, `signals` and `stash` have the oldest first. `context` is what
    the actor runs in, in a copy, so that it stays as it is.
    """

    cell: Cell
    actor: Actor[Any]
    state: object
    behaviour: str
    mailbox: tuple[Envelope, ...]
    signals: tuple[Envelope, ...]
    stash: tuple[Envelope, ...]
    life: State
    failure: ActorFailedError | None
    may_begin: bool
    has_stopped: bool
    restarts: tuple[float, ...]
    children: tuple[Cell, ...]
    watchers: tuple[str, ...]
    spawned: int
    suspended: Suspended | None
    incarnation: int = 1
    context: Context | None = None

    @classmethod
    def of(cls, cell: Cell, suspended: Suspended | None) -> "CellSnapshot":
        """Return what one actor is now."""
        return cls(
            cell,
            cast("Actor[Any]", cell.actor),
            cell.actor.snapshot(),
            cell.behaviour,
            tuple(map(wrapped, cell.mailbox or ())),
            tuple(cell.signals or ()),
            tuple(cell.stash or ()),
            cell.life,
            cell.failure,
            cell.may_begin,
            cell.has_stopped,
            cell.restarts,
            tuple((cell.children or {}).values()),
            tuple(cell.watchers or ()),
            cell.spawned,
            suspended,
            cell.incarnation,
            cell.context,
        )

    def restore(self) -> None:
        """Make the actor what it was, all but a handler that is suspended.

        Whose coroutine may have hold of the state, so that stays.
        """
        self.restore_cell()
        if self.suspended is None:
            self.cell.actor.restore(self.state)

    def restore_cell(self) -> None:
        """Do the same, but leave the actor's state as it is."""
        cell = self.cell
        cell.set_incarnation(self.incarnation)
        if self.context is not None and self.suspended is None:
            cell.context = self.context
        cell.behave(self.actor, self.behaviour)
        if self.suspended is None:
            cell.turn = None
        cell.mailbox = deque(self.mailbox) if self.mailbox else None
        cell.signals = deque(self.signals) if self.signals else None
        cell.exempt_in = sum(1 for envelope in self.mailbox if envelope.kind)
        cell.exempt_out = 0
        cell.life = self.life
        self._restore_extras()
        if cell.turn is None and not self.signals and self.life is State.RUNNING:
            cell.status = IDLE
        else:
            cell.settle()
            cell.status &= ~QUEUED

    def _restore_extras(self) -> None:
        """Set what most actors do not have; what never changes stays."""
        cell = self.cell
        extras = cell.extras
        if extras is not None:
            cell.extras = {name: extras[name] for name in _FIXED if name in extras}
        cell.stash = deque(self.stash) if self.stash else None
        cell.failure = self.failure
        cell.may_begin = self.may_begin
        cell.has_stopped = self.has_stopped
        cell.restarts = self.restarts
        cell.children = {child.path: child for child in self.children} or None
        cell.watchers = dict.fromkeys(self.watchers) or None
        cell.spawned = self.spawned

    def key(self) -> tuple[object, ...]:
        """Return what decides the future of this actor."""
        lanes = tuple(
            tuple((e.payload, e.sender, e.ask, e.kind) for e in lane)
            for lane in (self.mailbox, self.signals, self.stash)
        )
        life = (self.life, self.failure is not None, self.may_begin, self.has_stopped)
        return (
            self.cell.path,
            self.incarnation,
            self.state,
            self.behaviour,
            lanes,
            life,
            self.restarts,
            self.spawned,
            tuple(sorted(child.path for child in self.children)),
            tuple(sorted(self.watchers)),
            self.suspended.key() if self.suspended is not None else None,
        )


class Snapshot(NamedTuple):
    """A whole System between two messages, as immutable values."""

    cells: tuple[CellSnapshot, ...]
    timers: tuple[tuple[TimerKey, Timer], ...]
    timer_counts: tuple[tuple[str, int], ...]
    ask_counts: tuple[tuple[str, int], ...]
    failures: tuple[ActorFailedError, ...]
    failed: int
    now: float

    def key(self) -> tuple[object, ...]:
        """Return what decides the future: states, mailboxes, timers, time; hashable.

        Snapshots with equal keys have equal futures, but for the numbers of timers
        not set yet. Left out is what only tells of the past: the order in which
        actors were spawned, stamps, failures.
        """
        actors = sorted((one.key() for one in self.cells), key=lambda key: str(key[0]))
        timers = sorted(
            (key, timer.due, timer.payload, timer.kind, timer.waiting)
            for key, timer in self.timers
        )
        return (tuple(actors), tuple(timers), tuple(sorted(self.ask_counts)), self.now)
