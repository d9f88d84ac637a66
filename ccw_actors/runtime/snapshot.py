"""A System between two messages, as values that can be compared and put back."""

from collections import deque
from typing import Any, NamedTuple

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime.actor import Actor
from ccw_actors.runtime.cell import IDLE, Cell, Envelope, Phase, wrapped
from ccw_actors.runtime.suspended import Suspended
from ccw_actors.runtime.timers import Timer, TimerKey

__all__ = ["CellSnapshot", "Snapshot"]


class CellSnapshot(NamedTuple):
    """One actor between two messages: where it lives, and all that it is.

    `state` is what `Actor.snapshot` returns; None leaves the state alone when this is
    restored. `mailbox`, `signals` and `stash` have the oldest first.
    """

    cell: Cell
    actor: Actor[Any]
    state: object
    behaviour: str
    mailbox: tuple[Envelope, ...]
    signals: tuple[Envelope, ...]
    stash: tuple[Envelope, ...]
    phase: Phase
    failed: ActorFailedError | None
    may_restart: bool
    restarts: tuple[float, ...]
    children: tuple[Cell, ...]
    watchers: tuple[str, ...]
    spawned: int
    suspended: Suspended | None

    @classmethod
    def of(cls, cell: Cell, suspended: Suspended | None) -> "CellSnapshot":
        """Return what one actor is now."""
        return cls(
            cell,
            cell.actor,
            cell.actor.snapshot(),
            cell.behaviour,
            tuple(map(wrapped, cell.mailbox or ())),
            tuple(cell.signals or ()),
            tuple(cell.stash or ()),
            cell.phase,
            cell.failed,
            cell.may_restart,
            cell.restarts,
            tuple((cell.children or {}).values()),
            tuple(cell.watchers or ()),
            cell.spawned,
            suspended,
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
        cell.behave(self.actor, self.behaviour)
        if self.suspended is None:
            cell.turn = None
        cell.mailbox = deque(self.mailbox) if self.mailbox else None
        cell.signals = deque(self.signals) if self.signals else None
        cell.stash = deque(self.stash) if self.stash else None
        cell.exempt_in = sum(1 for envelope in self.mailbox if envelope.kind)
        cell.exempt_out = 0
        cell.phase = self.phase
        cell.failed = self.failed
        cell.may_restart = self.may_restart
        cell.restarts = self.restarts
        cell.children = {child.path: child for child in self.children}
        cell.watchers = dict.fromkeys(self.watchers)
        cell.spawned = self.spawned
        cell.settle()
        cell.status = IDLE

    def key(self) -> tuple[object, ...]:
        """Return what decides the future of this actor."""
        lanes = tuple(
            tuple((e.payload, e.sender, e.ask, e.kind) for e in lane)
            for lane in (self.mailbox, self.signals, self.stash)
        )
        life = (self.phase, self.failed is not None, self.may_restart)
        return (
            self.cell.path,
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
