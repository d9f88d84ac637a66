"""The stepping dispatcher: the caller picks each message."""

from collections.abc import Callable, Iterable
from typing import Any

from ccw_actors.errors import CrashedError, DispatcherError
from ccw_actors.runtime._cell.cell import IDLE, Cell
from ccw_actors.runtime._cell.handlers import Handlers, spec_of
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._drive.virtual import ONE_THREAD
from ccw_actors.runtime._kernel.alarms import Alarm
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._values.envelope import (
    STOP_NOW,
    TICK,
    Envelope,
)
from ccw_actors.runtime._values.provider import QUEUED
from ccw_actors.runtime._values.timer import EXPIRY
from ccw_actors.runtime.stepping._alone import Alone
from ccw_actors.runtime.stepping._choices import Choice, Choices, Delivery
from ccw_actors.runtime.stepping._incarnations import Incarnations
from ccw_actors.runtime.stepping._mentions import Mentions
from ccw_actors.runtime.stepping._snapshot import Snapshot
from ccw_actors.runtime.stepping._suspended import Handling
from ccw_actors.runtime.stepping._whole import Whole

__all__ = ["SteppingDispatcher"]


class SteppingDispatcher:
    """Handles one message for each call of `step`, without an event loop.

    Under `delivery="mailbox"` an actor handles its messages in the order sent. Under
    `"channel"` only messages of the same sender keep their order, which allows every
    order of a set of independent connections.

    Only timers advance the time: one fires when the caller picks it, at any point, and
    the time then advances to its due time if that is later. An ask of an async handler
    with its own `timeout` expires in the same way; others never expire. `alone` runs
    one actor while all others stand still.
    """

    def __init__(self, delivery: Delivery = "mailbox") -> None:
        self.delivery: Delivery = delivery
        self.loop: Any = None
        self.restores = True
        self.budget = 1
        self._now = 0.0
        self._outside: tuple[Envelope, ...] = ()

    def begin(self) -> None:
        """Provide the clock."""
        self.clock = self.now

    def attach(self, system: Kernel) -> None:
        """Run one System."""
        self._kernel = system
        incarnations = Incarnations(system.registry)
        self._handling = Handling(system, incarnations)
        self.alone = Alone(system, incarnations)
        self._choices = Choices(system, self.delivery)
        self._whole = Whole(system, incarnations, self._handling)

    def enqueue(self, cell: Cell) -> None:
        """Note the cell only; `enabled` checks every mailbox."""
        self.alone.touched[cell] = None
        cell.status &= ~QUEUED

    def now(self) -> float:
        """Return the latest due time of a timer that has fired, 0 before."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Drop the callback: the caller picks timers."""
        del when
        return Alarm(callback)

    def call_at_clock(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Drop the callback: the caller picks timers."""
        return self.call_at(when, callback)

    def enabled(self) -> list[Choice]:
        """Return all possible next steps; empty if the System is at rest."""
        return self._choices.enabled()

    def handlers_at(self, path: str) -> tuple[Handlers, ...]:
        """Return the handlers of the actor at a path, a table for each behaviour."""
        return spec_of(self._cell(path).actor).all()

    def deliver(self, address: str, envelope: Envelope) -> None:
        """Deliver an envelope to a mailbox, subject to its bound."""
        self._kernel.delivery.deliver_late(address, envelope)

    def on_the_way(self, envelopes: Iterable[Envelope]) -> None:
        """Set the envelopes that have been sent and are in no mailbox yet.

        A restart does not end asks among these, and references in them count as
        references.
        """
        self._outside = tuple(envelopes)
        asks = {one.ask for one in self._outside if one.kind != TICK}
        self._kernel.asks.on_the_way = asks - {0}

    def on_lost(self, told: Callable[[str, Envelope, str], object]) -> None:
        """Call `told` for each dead letter, with its path, envelope and reason."""
        self._kernel.lost.told = told

    def peek(self, choice: Choice) -> Envelope:
        """Return the envelope that the choice would handle; a stop has the payload b"".

        Raises `DispatcherError` for a choice that is not enabled.
        """
        return self._choices.envelope(choice)

    def step(self, choice: Choice | None = None) -> Choice | None:
        """Handle one message: that of `choice`, or of the first enabled choice.

        Returns the choice, None if the System is at rest. Raises the `ActorFailedError`
        of a handler that raised, or the exception itself if it escalates, and
        `DispatcherError` for a choice that is not enabled.
        """
        if choice is None:
            choice = next(iter(self.enabled()), None)
            if choice is None:
                return None
        envelope = self._choices.envelope(choice)
        cell = self._cell(choice.recipient)
        self._copy_context(cell)
        failures = self._kernel.failures
        failed = failures.count
        if choice.timer:
            envelope = self._fire(choice) or envelope
        if choice.crash:
            self._crash(cell, envelope)
        else:
            self._take_up(cell, envelope)
        self._kernel.raise_escalated()
        if failures.count > failed:
            raise failures.kept[failed - failures.count]
        return choice

    def crash(self, path: str) -> None:
        """Make an actor fail between two messages; its mailbox keeps waiting messages.

        A suspended handler ends. Raises the `ActorFailedError` of the failure, and
        `DispatcherError` if the actor does not exist, restarts or ends.
        """
        cell = self._kernel.registry.at(path)
        if cell is None or cell.life is not State.RUNNING:
            raise DispatcherError(f"{path} does not run, so it cannot crash")
        self._copy_context(cell)
        failures = self._kernel.failures
        failed = failures.count
        self._crash(cell, None)
        raise failures.kept[failed - failures.count]

    def _copy_context(self, cell: Cell) -> None:
        """Make an actor run in a copy: the context of a snapshot must not change.

        A suspended handler continues in the context in which it began.
        """
        if cell.turn is None:
            cell.context = cell.context.copy()

    def _crash(self, cell: Cell, envelope: Envelope | None) -> None:
        """Make an actor fail on one envelope, or between two."""
        if envelope is not None and cell.turn is None and cell.mailbox:
            cell.mailbox.remove(envelope)
        error = CrashedError("the actor was made to crash")
        self._kernel.invoker.crash(cell, envelope, error)
        self._settle(cell)

    def _take_up(self, cell: Cell, envelope: Envelope) -> None:
        """Make an actor handle exactly one envelope."""
        invoker, mailbox = self._kernel.invoker, cell.mailbox
        if envelope.kind >= STOP_NOW:
            if cell.signals and envelope in cell.signals:
                cell.signals.remove(envelope)
            invoker.signalled(cell, envelope)
        elif cell.turn is not None:
            self._handling.resume(cell, cell.turn)
        else:
            assert mailbox is not None, "the envelope was in the mailbox"
            mailbox.remove(envelope)
            mailbox.appendleft(envelope)
            cell.status = IDLE
            self._handling.run(cell, envelope)
        self._settle(cell)

    def _settle(self, cell: Cell) -> None:
        cell.settle()
        cell.status &= ~QUEUED  # There is no run queue.

    def run(self, steps_max: int = 100_000) -> int:
        """Step, first choice first, until nothing is enabled; return the steps taken.

        Raises `DispatcherError` after `steps_max` steps.
        """
        steps = 0
        while self.step() is not None:
            steps += 1
            if steps >= steps_max:
                msg = f"not at rest after {steps} steps"
                raise DispatcherError(msg)
        return steps

    def run_until(self, done: Callable[[], bool]) -> bool:
        """Step until `done()`; return False if the System is at rest before that."""
        while not done():
            if self.step() is None:
                return False
        return True

    def end(self) -> None:
        """Do nothing: no loop has a timer to remove."""

    def hold(self) -> None:
        """Do nothing: no other thread works for this System."""

    def release(self) -> None:
        """Do nothing."""

    def check_awake(self) -> None:
        """Raise `DispatcherError`: other threads would take the order away."""
        raise DispatcherError(ONE_THREAD)

    def wake(self, callback: Callable[[], None]) -> None:
        """Raise `DispatcherError`: other threads would take the order away."""
        del callback
        raise DispatcherError(ONE_THREAD)

    def snapshot(self) -> Snapshot:
        """Return the whole System between two messages.

        From then on, and after each `restore`, an actor spawned at a used path gets the
        smallest incarnation number to which nothing in the System, or on the way to it,
        referred.

        Raises `DispatcherError` while an async hook (`on_start`, `on_stop`) is
        suspended.
        """
        return self._whole.snapshot(self._now, self._outside)

    def mentions(self, addresses: Iterable[str]) -> Mentions:
        """Return a finder of references to actors of these addresses."""
        return self._whole.mentions(addresses)

    def restore(self, snapshot: Snapshot) -> None:
        """Restore the whole System to that snapshot.

        Actors that have stopped or failed since exist again. Those spawned since
        disappear, without `on_stop`. A suspended handler runs again up to its wait, and
        its messages are dropped; its actor's state is that of this run. Raises
        `DispatcherError` if it does not reach the same state.
        """
        self.alone.touched.clear()
        self._whole.restore(snapshot)
        self._now = snapshot.now

    def _cell(self, path: str) -> Cell:
        cell = self._kernel.registry.at(path)
        assert cell is not None, f"an actor is at {path}"
        return cell

    def _fire(self, choice: Choice) -> Envelope | None:
        """Make a timer fire; return the envelope that it puts into the mailbox."""
        kernel, key = self._kernel, (choice.recipient, choice.timer)
        timer = kernel.timers.take(key)
        assert timer is not None, "an enabled timer is armed"
        self._now = max(self._now, timer.due)
        if timer.kind == EXPIRY:
            self._handling.expire(self._cell(choice.recipient))
            return None
        envelope = kernel.timer_envelope(key, timer)
        if envelope is not None and envelope.kind < STOP_NOW:
            self._cell(choice.recipient).put(envelope)
        return envelope
