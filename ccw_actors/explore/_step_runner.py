"""Runs handlers on the real System, which it sets up for one step at a time."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from ccw_actors.errors import ActorFailedError, DispatcherError
from ccw_actors.explore._compact import Compact
from ccw_actors.explore._errors import (
    ClockError,
    EventLoopError,
    ExploreError,
    HiddenStateError,
)
from ccw_actors.explore._global_state import Local
from ccw_actors.explore._hidden import Attributes, Cells, Variables
from ccw_actors.explore._result import DeadLetter
from ccw_actors.explore._world import World
from ccw_actors.runtime import Actor, CellSnapshot, Choice, Snapshot
from ccw_actors.runtime.stepping import (
    RESTART,
    SIGNAL,
    UNBOUNDED,
    Cell,
    Envelope,
    Past,
    Timer,
)
from ccw_actors.transport import tag_of

__all__ = ["Effect", "Outcome", "Place", "StepRunner"]

_MARK: Final = Envelope(b"", "\0", 0, None, UNBOUNDED)
"""Stands in a mailbox between what was put back and what was sent."""

_NO_LOOP: Final = "no running event loop"
"""What asyncio says of itself where none runs (`asyncio.get_running_loop`)."""

_LOG: Final = logging.getLogger("ccw_actors")
"""What a System says of failures; while orders are explored, that is the result."""

_NOBODY: Final = "there is no such actor"


class Place(NamedTuple):
    """Where a step is taken: by whom, on which message or timer, beside which others.

    `others` are asked for only where the System has to be put together, and `past` is
    what matters of those that are not there.
    """

    local: Local
    envelope: int
    timer: int
    others: Callable[[], list[Local]]
    past: Past


class Outcome(NamedTuple):
    """The System after a step, and the failure of a handler if it has raised."""

    after: Snapshot
    failure: ActorFailedError | None
    lost: tuple[DeadLetter, ...]


class Effect(NamedTuple):
    """What a step does if it does nothing but change one actor and send messages.

    `local` is the actor afterwards, `sends` are queues and messages in order, and
    `puts_back` those that come before all that waits, from the last to the first.
    `is_far` is True for any other step, of which `failure` alone may be known. `lost`
    are the messages that have become dead letters.
    """

    local: int
    sends: tuple[tuple[int, int], ...] = ()
    puts_back: tuple[tuple[int, int], ...] = ()
    is_far: bool = False
    failure: ActorFailedError | None = None
    lost: tuple[DeadLetter, ...] = ()


class StepRunner:
    """Runs one step of one scenario's System, from a state put together for it.

    Time stands at 0 before every step, and a timer is due as many seconds later as it
    was set for: what an actor knows of time is how long its own timers take. `cells`
    has the places of actors that there were at each path.
    """

    def __init__(self, world: World, compact: Compact) -> None:
        self._world = world
        self._compact = compact
        self._dispatcher = world.dispatcher
        self._alone = world.dispatcher.alone
        self._cells = Cells()
        self.cells = self._cells.at
        self._attributes = Attributes()
        self._variables = Variables()
        self._lost: list[DeadLetter] = []
        self._sources = {source for _, source, _ in world.injected} | {""}
        self._standing: dict[str, CellSnapshot] = {}
        self._stands = -1
        self.runs = 0
        world.dispatcher.on_lost(self._note_lost)

    def first(self) -> Snapshot:
        """Return the System as the scenario has left it."""
        snapshot = self._dispatcher.snapshot()
        return snapshot._replace(cells=tuple(map(self._known, snapshot.cells)))

    def lost_before(self) -> tuple[DeadLetter, ...]:
        """Return the dead letters of what the scenario itself has sent."""
        sent = self._world.lost
        return tuple(one for one in sent if not self._is_outside(one.actor))

    # -- one actor ----------------------------------------------------------------

    def near(self, world: int, place: Place) -> Effect:
        """Have one actor take a step; the others are there, but without messages.

        `world` is a number for who is there.
        """
        local, timer = place.local, place.timer
        message = self._compact.envelopes[place.envelope]
        if local.shape is not None and not timer and message.kind < SIGNAL:
            effect = self._quick(world, place, local.shape, message)
            if effect is not None:
                return effect
        return self._put_together(place)

    def _put_together(self, place: Place) -> Effect:
        """Take a step in a System that is put together for it."""
        local, timer = place.local, place.timer
        message = self._compact.envelopes[place.envelope]
        # The others have no messages here: what they have afterwards was sent.
        mailbox = (_MARK,) if timer else (message, _MARK)
        path = local.cell.cell.path
        cells = [local.cell._replace(mailbox=mailbox)]
        cells += [_bystander(other) for other in place.others()]
        timers = tuple(((path, number), one) for number, one in local.timers)
        counts = ((path, local.numbered),), ((local.cell.address, local.asked),)
        before = Snapshot(tuple(cells), timers, *counts, (), 0, 0.0, place.past)
        choice = Choice(path, path if timer else message.sender, timer)
        outcome = self._run(before, choice)
        self.check_hidden(local.cell.cell, local.cell.actor, message)
        return self._effect(path, before, outcome)

    def check_again(self, known: Effect, place: Place, variant: Local | None) -> None:
        """Take a step once more. Raises `HiddenStateError` if it does another thing.

        An actor whose state has come about in two ways begins in the other one, the
        `variant`. A step that was taken beside others that stood still is taken in a
        System put together for it.
        """
        again = self._put_together(place._replace(local=variant or place.local))
        same = again[:4] == known[:4] and str(again.failure) == str(known.failure)
        if not same:
            tag = tag_of(self._compact.envelopes[place.envelope].payload)
            path = place.local.cell.cell.path
            raise HiddenStateError(path, tag, is_variant=variant is not None)

    def check_hidden(self, cell: Cell, actor: Actor[Any], message: Envelope) -> None:
        """Raise `HiddenStateError` if an actor has changed outside of its state."""
        changed = self._attributes.changed(actor) + self._variables.changed(cell)
        if changed:
            raise HiddenStateError(cell.path, tag_of(message.payload), changed)

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
            if one.cell is not was.cell or one.life != was.life:
                return far
            if one.signals != was.signals:
                return far
            if one.suspended is not None:
                return far
            owner = compact.actor_slot(one.cell.path)
            mailbox = one.mailbox
            if one.cell.path == path:
                at = mailbox.index(_MARK)
                puts_back = self._sent(owner, one.address, mailbox[:at])[::-1]
                mailbox = mailbox[at + 1 :]
                timers, count = _timers_of(path, after, before)
                asked = dict(after.ask_counts).get(one.address, 0)
                item = compact.local(one, timers, count, asked)
            sends += self._sent(owner, one.address, mailbox)
        in_order = tuple(sorted(sends, key=_queue))
        return Effect(item, in_order, tuple(puts_back), lost=outcome.lost)

    def _sent(
        self, owner: int, address: str, envelopes: tuple[Envelope, ...]
    ) -> list[tuple[int, int]]:
        compact = self._compact
        return [
            (compact.queue_slot(owner, one.sender, address), compact.envelope(one))
            for one in envelopes
        ]

    # -- one actor, while all others stand where they are -----------------------------

    def _quick(
        self, world: int, place: Place, shape: CellSnapshot, message: Envelope
    ) -> Effect | None:
        """Take a step of an actor that changes only itself and sends messages.

        None if the step turns out to be more than that. It is then as if it had not
        been tried, once the System is put together again.
        """
        cell, actor, standing = shape.cell, shape.actor, self._standing
        local = place.local
        if self._stands != world and not self._stand(world, place):
            return None
        if standing.get(cell.path) is not shape:
            shape.restore_cell()
            standing[cell.path] = shape
        actor.restore(local.cell.state)
        system = self._world.system
        system.was_read = False
        self._lost.clear()
        self.runs += 1
        _LOG.disabled = True
        try:
            sent = self._alone.run(cell, message)
        finally:
            _LOG.disabled = False
        if sent is None or system.was_read or cell.actor is not actor:
            self._stands = -1
            return None
        self.check_hidden(cell, actor, message)
        compact, state = self._compact, actor.snapshot()
        if cell.behaviour == shape.behaviour:
            item = compact.plain(shape, state)
        else:
            standing.pop(cell.path)
            after = shape._replace(state=state, behaviour=cell.behaviour)
            item = compact.local(after, {}, 0, 0)
        sends: list[tuple[int, int]] = []
        for to, envelopes in sent:
            sends += self._sent(compact.paths[to.path], to.address, envelopes)
        # Order counts within a queue alone. Sorted, effects that are equal look equal.
        if len(sent) > 1:
            sends.sort(key=_queue)
        return Effect(item, tuple(sends), lost=tuple(self._lost))

    def _stand(self, world: int, place: Place) -> bool:
        """Have all actors of a world stand where they are; False if one cannot."""
        self._stands = -1
        present = [one.shape or one.blank for one in (place.local, *place.others())]
        if any(one.suspended is not None for one in present):
            return False
        self._alone.stand(present, place.past)
        self._standing.clear()
        self._stands = world
        return True

    # -- the whole System -----------------------------------------------------------

    def choices(self, local: Local) -> list[tuple[Choice, Envelope]]:
        """Return what one actor may do but take up a message, and on which envelope."""
        path = local.cell.cell.path
        timers = tuple(((path, number), one) for number, one in local.timers)
        cells = (local.cell._replace(mailbox=()),)
        self._restore(Snapshot(cells, timers, (), (), (), 0, 0.0))
        dispatcher = self._dispatcher
        return [(one, dispatcher.peek(one)) for one in dispatcher.enabled()]

    def far(self, before: Snapshot, choice: Choice) -> Outcome:
        """Take a step that may change anything."""
        return self._all_known(self._run(before, choice))

    def crash(self, before: Snapshot, path: str) -> Outcome:
        """Have an actor crash between two messages; that failure is not told.

        If it can do nothing then but begin again, it does, unless it has an
        `on_failure`: nobody sees the crash before that, as it takes no message away.
        So nothing is left out, and there is less to explore.
        """
        dispatcher = self._dispatcher
        (actor,) = (one.actor for one in before.cells if one.cell.path == path)
        is_silent = type(actor).on_failure is Actor.on_failure

        def step() -> None:
            with suppress(ActorFailedError):
                dispatcher.crash(path)
            next_ = [one for one in dispatcher.enabled() if one.recipient == path]
            is_one = is_silent and len(next_) == 1 and not next_[0].timer
            if is_one and dispatcher.peek(next_[0]).kind == RESTART:
                dispatcher.step(next_[0])

        self._restore(before)
        return self._all_known(self._outcome(step))

    def arrive(self, before: Snapshot, address: str, envelope: Envelope) -> Outcome:
        """Have a message from outside reach a mailbox, as far as its bound lets it."""
        self._restore(before)
        return self._all_known(
            self._outcome(lambda: self._dispatcher.deliver(address, envelope))
        )

    def _all_known(self, outcome: Outcome) -> Outcome:
        cells = tuple(self._known(one) for one in outcome.after.cells)
        return outcome._replace(after=outcome.after._replace(cells=cells))

    def _known(self, one: CellSnapshot) -> CellSnapshot:
        """Return the same with the first place and the first actor that are like these.

        An actor that is spawned twice at one path has two places, and one that begins
        again may be a new object: what was remembered of one has to be restored into
        the other.
        """
        cell = self._cells.first_like(one.cell)
        actor = self._attributes.first_like(one.actor, cell)
        self._variables.learn(cell)
        if one.cell is not cell or one.actor is not actor:
            actor.bind(self._world.system, cell)
        children = tuple(map(self._cells.first_like, one.children))
        return one._replace(cell=cell, actor=actor, children=children)

    def _restore(self, snapshot: Snapshot) -> None:
        """Put the System together."""
        self._stands = -1
        try:
            self._dispatcher.restore(snapshot)
        except DispatcherError as error:
            raise ExploreError(str(error)) from error

    def _run(self, before: Snapshot, choice: Choice) -> Outcome:
        dispatcher = self._dispatcher
        self._restore(before)
        system = self._world.system
        system.was_read = False
        outcome = self._outcome(lambda: dispatcher.step(choice))
        if system.was_read:
            # The message is gone: put it back, to say which one it was.
            self._restore(before)
            tag = tag_of(dispatcher.peek(choice).payload)
            raise ClockError(choice.recipient, tag)
        return outcome

    def _outcome(self, step: Callable[[], object]) -> Outcome:
        self.runs += 1
        self._lost.clear()
        failure = None
        _LOG.disabled = True
        try:
            step()
        except ActorFailedError as error:
            failure = error
        finally:
            _LOG.disabled = False
        if failure is not None and _wants_loop(failure):
            raise EventLoopError(failure.actor, failure.message) from failure
        try:
            return Outcome(self._dispatcher.snapshot(), failure, tuple(self._lost))
        except DispatcherError as error:
            raise ExploreError(str(error)) from error

    def nobody(self, path: str, envelope: Envelope) -> tuple[DeadLetter, ...]:
        """Return what becomes of a message from outside when no actor is there."""
        if envelope.kind >= SIGNAL:
            return ()
        return (DeadLetter(path, tag_of(envelope.payload), _NOBODY),)

    def _note_lost(self, path: str, envelope: Envelope, reason: str) -> None:
        """Note a dead letter, but for an answer to the outside, which never waits."""
        if envelope is not _MARK and not self._is_outside(path):
            self._lost.append(DeadLetter(path, tag_of(envelope.payload), reason))

    def _is_outside(self, path: str) -> bool:
        """Whether nobody but a source of what is injected was ever at a path."""
        return path in self._sources and path not in self.cells


def _wants_loop(failure: ActorFailedError) -> bool:
    """Whether a handler has failed because no event loop runs."""
    cause = failure.__cause__
    no_loop = isinstance(cause, RuntimeError) and str(cause) == _NO_LOOP
    return no_loop or isinstance(cause, DispatcherError)


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


def _queue(sent: tuple[int, int]) -> int:
    """Return where a message was sent: only there its order means something."""
    return sent[0]


def _bystander(other: Local) -> CellSnapshot:
    actor: Actor[Any] = other.cell.actor
    default = type(actor).restore is Actor.restore
    return other.blank if default else other.cell
