"""Snapshots: a System between two messages, as values to compare and restore."""

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
"""The entries of `Cell.extras` that never change while the actor exists."""

_EMPTY: Final = ((), (), ())


class CellSnapshot(NamedTuple):
    """One actor between two messages: its cell and all its data.

    `state` is the result of `Actor.snapshot`. If it is None, `restore` does not touch
    the state. `mailbox`, `signals` and `stash` have the oldest first. `context` is a
    copy of the actor's context, which does not change.
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
        """Return the current data of one actor."""
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
        """The number of the actor among those at its path, counted from 1."""
        return split(self.address)[1]

    def restore(self) -> None:
        """Restore the actor, except for a suspended handler.

        The handler's coroutine may hold the state, so the state object stays.
        """
        self.restore_cell()
        if self.suspended is None:
            self.cell.actor.restore(self.state)

    def restore_cell(self) -> None:
        """Do the same, but do not touch the actor's state."""
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
        """Restore the rarely used fields; fast for actors without any."""
        extras, is_bare = self.cell.extras, self[-len(_BARE) :] == _BARE
        if is_bare and (extras is None or _FIXED.issuperset(extras)):
            return
        kept = {name: one for name, one in (extras or {}).items() if name in _FIXED}
        if not is_bare:
            kept |= self._extras()
        self.cell.extras = kept or None

    def _extras(self) -> dict[str, object]:
        """Return the rarely used fields, as in a cell."""
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
        """Return the values that decide the future of this actor."""
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
"""The end of a snapshot of an actor without rarely used fields."""


def _lane(envelopes: tuple[Envelope, ...]) -> tuple[object, ...]:
    """Return the values that distinguish envelopes, without their times."""
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

        Snapshots with equal keys have equal futures, except for the numbers of timers
        not set yet. The key omits data about the past: the order in which actors were
        spawned, stamps, failures.
        """
        actors = sorted((one.key() for one in self.cells), key=lambda key: str(key[0]))
        timers = sorted(
            (key, timer.due, timer.payload, timer.kind, timer.waiting)
            for key, timer in self.timers
        )
        asked = tuple(sorted(self.ask_counts))
        return (tuple(actors), tuple(timers), asked, self.now, self.past)
