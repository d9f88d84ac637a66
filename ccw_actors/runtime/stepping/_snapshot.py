"""A System between two messages, as values that can be compared and put back."""

from collections import deque
from contextvars import Context
from typing import Any, Final, NamedTuple, cast

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime._actor import Actor
from ccw_actors.runtime._cell.cell import IDLE, Cell
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._values.address import split
from ccw_actors.runtime._values.envelope import Envelope, wrapped
from ccw_actors.runtime._values.provider import QUEUED
from ccw_actors.runtime._values.timer import Timer, TimerKey
from ccw_actors.runtime.stepping._begun import Suspended
from ccw_actors.runtime.stepping._incarnations import Past

__all__ = ["CellSnapshot", "Snapshot"]

_FIXED: Final = frozenset(("parent", "make", "origin"))
"""What stands in `Cell.extras` and is the same as long as the actor is there."""

_EMPTY: Final = ((), (), ())


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
    life: State
    address: str
    suspended: Suspended | None
    context: Context
    stash: tuple[Envelope, ...] = ()
    failure: ActorFailedError | None = None
    may_begin: bool = False
    has_stopped: bool = False
    restarts: tuple[float, ...] = ()
    children: tuple[Cell, ...] = ()
    watchers: tuple[str, ...] = ()
    spawned: int = 0

    @classmethod
    def of(cls, cell: Cell, suspended: Suspended | None) -> "CellSnapshot":
        """Return what one actor is now."""
        actor, extras = cast("Actor[Any]", cell.actor), cell.extras
        mailbox, signals = cell.mailbox, cell.signals
        bare = (
            cell,
            actor,
            actor.snapshot(),
            cell.behaviour,
            tuple(map(wrapped, mailbox)) if mailbox else (),
            tuple(signals) if signals else (),
            cell.life,
            cell.address,
            suspended,
            cell.context,
        )
        if extras is None or _FIXED.issuperset(extras):
            return cls(*bare)
        get = extras.get
        return cls(
            *bare,
            tuple(get("stash") or ()),
            get("failure"),
            get("may_begin", False),
            get("has_stopped", False),
            get("restarts", ()),
            tuple((cell.children or {}).values()),
            tuple(get("watchers") or ()),
            get("spawned", 0),
        )

    @property
    def incarnation(self) -> int:
        """Which of the actors at the path it is, counted from 1."""
        return split(self.address)[1]

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
        cell.address = self.address
        if cell.actor is not self.actor or cell.behaviour != self.behaviour:
            cell.behave(self.actor, self.behaviour)
        if self.suspended is None:
            cell.turn = None
            cell.context = self.context
        cell.mailbox, cell.exempt_in, cell.exempt_out = None, 0, 0
        if self.mailbox:
            cell.mailbox = deque(self.mailbox)
            cell.exempt_in = sum(1 for envelope in self.mailbox if envelope.kind)
        cell.signals = deque(self.signals) if self.signals else None
        cell.life = self.life
        self._restore_extras()
        if cell.turn is None and not self.signals and self.life is State.RUNNING:
            cell.status = IDLE
        else:
            cell.settle()
            cell.status &= ~QUEUED

    def _restore_extras(self) -> None:
        """Set what most actors do not have; those who have none of it are quick."""
        extras, is_bare = self.cell.extras, self[-len(_BARE) :] == _BARE
        if is_bare and (extras is None or _FIXED.issuperset(extras)):
            return
        kept = {name: one for name, one in (extras or {}).items() if name in _FIXED}
        if not is_bare:
            kept |= self._extras()
        self.cell.extras = kept or None

    def _extras(self) -> dict[str, object]:
        """Return what most actors do not have, as it stands in a cell."""
        return {
            "stash": deque(self.stash) if self.stash else None,
            "failure": self.failure,
            "may_begin": self.may_begin,
            "has_stopped": self.has_stopped,
            "restarts": self.restarts,
            "children": {one.path: one for one in self.children} or None,
            "watchers": dict.fromkeys(self.watchers) or None,
            "spawned": self.spawned,
        }

    def key(self) -> tuple[object, ...]:
        """Return what decides the future of this actor."""
        lanes = self.mailbox, self.signals, self.stash
        life = (self.life, self.failure is not None, self.may_begin, self.has_stopped)
        return (
            self.address,
            self.state,
            self.behaviour,
            lanes if lanes == _EMPTY else tuple(map(_lane, lanes)),
            life,
            self.restarts,
            self.spawned,
            tuple(sorted(child.path for child in self.children))
            if self.children
            else (),
            tuple(sorted(self.watchers)) if self.watchers else (),
            self.suspended.key() if self.suspended is not None else None,
        )


_BARE: Final = tuple(CellSnapshot._field_defaults.values())
"""What stands at the end of a snapshot of an actor that has nothing of all that."""


def _lane(envelopes: tuple[Envelope, ...]) -> tuple[object, ...]:
    """Return what tells envelopes from others, whenever they were sent."""
    return tuple((e.payload, e.sender, e.ask, e.kind) for e in envelopes)


class Snapshot(NamedTuple):
    """A whole System between two messages, as immutable values."""

    cells: tuple[CellSnapshot, ...]
    timers: tuple[tuple[TimerKey, Timer], ...]
    timer_counts: tuple[tuple[str, int], ...]
    ask_counts: tuple[tuple[str, int], ...]
    failures: tuple[ActorFailedError, ...]
    failed: int
    now: float
    past: Past = Past()

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
        asked = tuple(sorted(self.ask_counts))
        return (tuple(actors), tuple(timers), asked, self.now, self.past)
