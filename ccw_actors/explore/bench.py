"""Runs handlers on the real System, which it sets up for one step at a time."""

import logging
from typing import Any, Final, NamedTuple

from ccw_actors.errors import ActorFailedError, DispatcherError
from ccw_actors.explore.compact import Compact, Local
from ccw_actors.explore.errors import ClockError, ExploreError, HiddenStateError
from ccw_actors.explore.hidden import Attributes
from ccw_actors.explore.world import World
from ccw_actors.runtime import Actor, CellSnapshot, Choice, Snapshot
from ccw_actors.runtime.cell import UNBOUNDED, Cell, Envelope
from ccw_actors.runtime.timers import Timer
from ccw_actors.transport import tag_of

__all__ = ["Bench", "Effect", "Outcome"]

_MARK: Final = Envelope(b"", "\0", 0, None, UNBOUNDED)
"""Stands in a mailbox between what was put back and what was sent."""


class Outcome(NamedTuple):
    """The System after a step, and the failure of a handler if it has raised."""

    after: Snapshot
    failure: ActorFailedError | None


class Effect(NamedTuple):
    """What a step does if it does nothing but change one actor and send messages.

    `local` is the actor afterwards, `sends` are queues and messages in order, and
    `puts_back` those that come before all that waits, from the last to the first.
    `is_far` is True for any other step, of which `failure` alone may be known.
    """

    local: int
    sends: tuple[tuple[int, int], ...] = ()
    puts_back: tuple[tuple[int, int], ...] = ()
    is_far: bool = False
    failure: ActorFailedError | None = None


class Bench:
    """Runs one step of one scenario's System, from a state put together for it.

    Time stands at 0 before every step, and a timer is due as many seconds later as it
    was set for: what an actor knows of time is how long its own timers take. `cells`
    has the first one seen at each path.
    """

    def __init__(self, world: World, compact: Compact) -> None:
        self._world = world
        self._compact = compact
        self._dispatcher = world.dispatcher
        self.cells: dict[str, Cell] = {}
        self._attributes = Attributes()
        self.runs = 0

    def first(self) -> Snapshot:
        """Return the System as the scenario has left it."""
        snapshot = self._dispatcher.snapshot()
        for one in snapshot.cells:
            self._known(one)
        return snapshot

    # -- one actor ----------------------------------------------------------------

    def near(
        self, local: Local, others: list[Local], envelope: int, timer: int
    ) -> Effect:
        """Have one actor take a step; the others are there, but without messages."""
        compact = self._compact
        message = compact.envelopes[envelope]
        mailbox = (_MARK,) if timer else (message, _MARK)
        path = local.cell.cell.path
        cells = [local.cell._replace(mailbox=mailbox)]
        cells += [_bystander(other) for other in others]
        timers = tuple(((path, number), one) for number, one in local.timers)
        timer_counts, ask_counts = ((path, local.numbered),), ((path, local.asked),)
        before = Snapshot(tuple(cells), timers, timer_counts, ask_counts, (), 0, 0.0)
        choice = Choice(path, path if timer else message.sender, timer)
        outcome = self._run(before, choice)
        self._check_attributes(local.cell.actor, message)
        return self._effect(path, before, outcome)

    def check_again(
        self,
        known: Effect,
        local: Local,
        others: list[Local],
        envelope: int,
        timer: int,
    ) -> None:
        """Take a step once more. Raises `HiddenStateError` if it does another thing."""
        again = self.near(local, others, envelope, timer)
        if again[:4] != known[:4] or str(again.failure) != str(known.failure):
            tag = tag_of(self._compact.envelopes[envelope].payload)
            raise HiddenStateError(local.cell.cell.path, tag, ())

    def _check_attributes(self, actor: Actor[Any], message: Envelope) -> None:
        changed = self._attributes.changed(actor)
        if changed:
            raise HiddenStateError(actor.path, tag_of(message.payload), changed)

    def _effect(self, path: str, before: Snapshot, outcome: Outcome) -> Effect:
        """Return what a step did, if the actor is all that it has changed."""
        compact, after = self._compact, outcome.after
        far = Effect(0, is_far=True, failure=outcome.failure)
        if outcome.failure is not None or len(after.cells) != len(before.cells):
            return far
        item = 0
        sends: list[tuple[int, int]] = []
        puts_back: list[tuple[int, int]] = []
        for was, one in zip(before.cells, after.cells, strict=True):
            if one.cell is not was.cell or one.signals or one.phase != was.phase:
                return far
            if one.suspended is not None:
                return far
            owner = compact.actor_slot(one.cell.path)
            mailbox = one.mailbox
            if one.cell.path == path:
                at = mailbox.index(_MARK)
                puts_back = self._sent(owner, mailbox[:at])[::-1]
                mailbox = mailbox[at + 1 :]
                timers, count = _timers_of(path, after, before)
                asked = dict(after.ask_counts).get(path, 0) if after.ask_counts else 0
                item = compact.local(one, timers, count, asked)
            sends += self._sent(owner, mailbox)
        return Effect(item, tuple(sends), tuple(puts_back))

    def _sent(
        self, owner: int, envelopes: tuple[Envelope, ...]
    ) -> list[tuple[int, int]]:
        compact = self._compact
        return [
            (compact.queue_slot(owner, one.sender), compact.envelope(one))
            for one in envelopes
        ]

    # -- the whole System -----------------------------------------------------------

    def choices(self, snapshot: Snapshot) -> list[Choice]:
        """Return what may happen in a System that is put together whole."""
        self._restore(snapshot)
        return self._dispatcher.enabled()

    def far(self, before: Snapshot, choice: Choice) -> Outcome:
        """Take a step that may change anything."""
        outcome = self._run(before, choice)
        cells = tuple(self._known(one) for one in outcome.after.cells)
        return Outcome(outcome.after._replace(cells=cells), outcome.failure)

    def _known(self, one: CellSnapshot) -> CellSnapshot:
        """Return the same with the first cell seen at its path.

        An actor that is spawned twice at one path has two cells, and what was
        remembered of one has to be restored into the other.
        """
        for cell in (one.cell, *one.children):
            self.cells.setdefault(cell.path, cell)
        cell = self.cells[one.cell.path]
        if cell is not one.cell:
            one.actor.bind(self._world.system, cell)
        self._attributes.learn(one.actor)
        children = tuple(self.cells[child.path] for child in one.children)
        return one._replace(cell=cell, children=children)

    def _restore(self, snapshot: Snapshot) -> None:
        """Put the System together."""
        try:
            self._dispatcher.restore(snapshot)
        except DispatcherError as error:
            raise ExploreError(str(error)) from error

    def _run(self, before: Snapshot, choice: Choice) -> Outcome:
        self.runs += 1
        dispatcher = self._dispatcher
        self._restore(before)
        system = self._world.system
        system.was_read = False
        failure = None
        log = logging.getLogger("ccw_actors")
        log.addFilter(_silent)
        try:
            dispatcher.step(choice)
        except ActorFailedError as error:
            failure = error
        finally:
            log.removeFilter(_silent)
        if system.was_read:
            self._restore(before)
            tag = tag_of(dispatcher.peek(choice).payload)
            raise ClockError(choice.recipient, tag)
        try:
            return Outcome(dispatcher.snapshot(), failure)
        except DispatcherError as error:
            raise ExploreError(str(error)) from error


def timers_after(after: Snapshot, before: Snapshot) -> dict[str, dict[int, Timer]]:
    """Return the timers of all actors, each due as if time had stood at 0."""
    known = dict(before.timers)
    found: dict[str, dict[int, Timer]] = {}
    for key, timer in after.timers:
        path, number = key
        due = timer.due - (after.now if known.get(key) != timer else 0.0)
        one = timer._replace(due=due, stamp=None)
        found.setdefault(path, {})[number] = one
    return found


def _timers_of(
    path: str, after: Snapshot, before: Snapshot
) -> tuple[dict[int, Timer], int]:
    timers = timers_after(after, before).get(path, {}) if after.timers else {}
    return timers, dict(after.timer_counts).get(path, 0)


def _bystander(other: Local) -> CellSnapshot:
    actor: Actor[Any] = other.cell.actor
    default = type(actor).restore is Actor.restore
    return other.blank if default else other.cell


def _silent(_record: logging.LogRecord) -> bool:
    return False
