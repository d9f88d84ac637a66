"""Runs handlers on the real System, which it sets up for one step at a time."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from ccw_actors.errors import ActorFailedError, DispatcherError
from ccw_actors.explore._compact import Compact
from ccw_actors.explore._dead_letters import MARK, DeadLetters
from ccw_actors.explore._effects import Effect, Outcome, Place, queue_of, timers_of
from ccw_actors.explore._errors import (
    ClockError,
    EventLoopError,
    ExploreError,
    HiddenStateError,
)
from ccw_actors.explore._global_state import Local
from ccw_actors.explore._known_actors import KnownActors
from ccw_actors.explore._quick_steps import LOG, QuickSteps
from ccw_actors.explore._world import World
from ccw_actors.runtime import Actor, CellSnapshot, Choice, Snapshot
from ccw_actors.runtime.stepping import (
    RESTART,
    SIGNAL,
    Envelope,
)
from ccw_actors.transport import tag_of

__all__ = ["StepRunner"]

_NO_LOOP: Final = "no running event loop"
"""The text of asyncio's error if no loop runs (`asyncio.get_running_loop`)."""


class StepRunner:
    """Runs one step of one scenario's System, from a state put together for it.

    The time is 0 before every step, and timers are due relative to that: an actor knows
    nothing of time but the delays of its timers. `cells` has the cells of actors that
    were seen at each path, `lost` the dead letters.
    """

    def __init__(self, world: World, compact: Compact) -> None:
        self._world = world
        self._compact = compact
        self._dispatcher = world.dispatcher
        self._known = KnownActors(world.system)
        self.cells = self._known.at
        self.check_hidden = self._known.check_hidden
        self.lost = DeadLetters(world, self.cells)
        self._quick = QuickSteps(world, compact, self._known, self.lost)

    def first(self) -> Snapshot:
        """Return the System as the scenario has left it."""
        snapshot = self._dispatcher.snapshot()
        return snapshot._replace(
            cells=tuple(map(self._known.first_like, snapshot.cells))
        )

    # -- one actor ----------------------------------------------------------------

    def near(self, world: int, place: Place) -> Effect:
        """Let one actor take a step; the others are there, but without messages.

        `world` is the number of the set of actors that are there.
        """
        local, timer = place.local, place.timer
        message = self._compact.envelopes[place.envelope]
        if local.shape is not None and not timer and message.kind < SIGNAL:
            effect = self._quick.effect(world, place, local.shape, message)
            if effect is not None:
                return effect
        return self._put_together(place)

    def _put_together(self, place: Place) -> Effect:
        """Take a step in a System that is put together for it."""
        local, timer = place.local, place.timer
        message = self._compact.envelopes[place.envelope]
        # The others have no messages here: those they have afterwards were sent.
        mailbox = (MARK,) if timer else (message, MARK)
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
        """Take a step once more. Raises `HiddenStateError` if its effect differs.

        An actor whose state has come about in two ways begins with the other one, the
        `variant`. This time the System is put together for the step.
        """
        again = self._put_together(place._replace(local=variant or place.local))
        same = again[:4] == known[:4] and str(again.failure) == str(known.failure)
        if not same:
            tag = tag_of(self._compact.envelopes[place.envelope].payload)
            path = place.local.cell.cell.path
            raise HiddenStateError(path, tag, is_variant=variant is not None)

    def _effect(self, path: str, before: Snapshot, outcome: Outcome) -> Effect:
        """Return the effect of a step, if it has changed only its actor."""
        compact, after = self._compact, outcome.after
        far = Effect(0, is_far=True, failure=outcome.failure)
        if outcome.failure is not None or len(after.cells) != len(before.cells):
            return far
        item = 0
        sends: list[tuple[int, int]] = []
        puts_back: list[tuple[int, int]] = []
        for was, one in zip(before.cells, after.cells, strict=True):
            if not _is_there_still(was, one):
                return far
            owner = compact.actor_slot(one.cell.path)
            mailbox = one.mailbox
            if one.cell.path == path:
                at = mailbox.index(MARK)
                puts_back = compact.sent(owner, one.address, mailbox[:at])[::-1]
                mailbox = mailbox[at + 1 :]
                timers, count = timers_of(path, after, before)
                asked = dict(after.ask_counts).get(one.address, 0)
                item = compact.local(one, timers, count, asked)
            sends += compact.sent(owner, one.address, mailbox)
        in_order = tuple(sorted(sends, key=queue_of))
        return Effect(item, in_order, tuple(puts_back), lost=outcome.lost)

    # -- the whole System -----------------------------------------------------------

    def choices(self, local: Local) -> list[tuple[Choice, Envelope]]:
        """Return the steps of one actor other than taking a message, with envelopes."""
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
        """Let an actor crash between two messages, without reporting that failure.

        If its only possible step is then to restart, it does, unless it has an
        `on_failure`: the crash has no other effect, as it takes no message away. This
        leaves out no fault, and there is less to explore.
        """
        (actor,) = (one.actor for one in before.cells if one.cell.path == path)
        is_silent = type(actor).on_failure is Actor.on_failure

        def step() -> None:
            with suppress(ActorFailedError):
                self._dispatcher.crash(path)
            if is_silent:
                self._restart_if_next(path)

        self._restore(before)
        return self._all_known(self._outcome(step))

    def _restart_if_next(self, path: str) -> None:
        """Let an actor restart, if it has no other step."""
        dispatcher = self._dispatcher
        next_ = [one for one in dispatcher.enabled() if one.recipient == path]
        is_one = len(next_) == 1 and not next_[0].timer
        if is_one and dispatcher.peek(next_[0]).kind == RESTART:
            dispatcher.step(next_[0])

    def arrive(self, before: Snapshot, address: str, envelope: Envelope) -> Outcome:
        """Put a message from outside into a mailbox, as far as its bound allows."""
        self._restore(before)
        return self._all_known(
            self._outcome(lambda: self._dispatcher.deliver(address, envelope))
        )

    def _all_known(self, outcome: Outcome) -> Outcome:
        cells = tuple(map(self._known.first_like, outcome.after.cells))
        return outcome._replace(after=outcome.after._replace(cells=cells))

    def _restore(self, snapshot: Snapshot) -> None:
        """Put the System together."""
        self._quick.leave()
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
            # The message is gone: put it back, so that the error can name it.
            self._restore(before)
            tag = tag_of(dispatcher.peek(choice).payload)
            raise ClockError(choice.recipient, tag)
        return outcome

    def _outcome(self, step: Callable[[], object]) -> Outcome:
        self.lost.clear()
        failure = None
        LOG.disabled = True
        try:
            step()
        except ActorFailedError as error:
            failure = error
        finally:
            LOG.disabled = False
        if failure is not None and _wants_loop(failure):
            raise EventLoopError(failure.actor, failure.message) from failure
        try:
            return Outcome(self._dispatcher.snapshot(), failure, self.lost.noted())
        except DispatcherError as error:
            raise ExploreError(str(error)) from error


def _is_there_still(was: CellSnapshot, one: CellSnapshot) -> bool:
    """Whether an actor is as alive as before, and none of its handlers waits."""
    is_same = one.cell is was.cell and one.life == was.life
    return is_same and one.signals == was.signals and one.suspended is None


def _wants_loop(failure: ActorFailedError) -> bool:
    """Whether a handler has failed because no event loop runs."""
    cause = failure.__cause__
    no_loop = isinstance(cause, RuntimeError) and str(cause) == _NO_LOOP
    return no_loop or isinstance(cause, DispatcherError)


def _bystander(other: Local) -> CellSnapshot:
    actor: Actor[Any] = other.cell.actor
    default = type(actor).restore is Actor.restore
    return other.blank if default else other.cell
