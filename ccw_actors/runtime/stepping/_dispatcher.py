"""The stepping dispatcher: the caller picks, message by message, what is handled."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from ccw_actors.errors import CrashedError, DispatcherError
from ccw_actors.runtime._cell.cell import IDLE, Cell
from ccw_actors.runtime._cell.handlers import Handlers, spec_of
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._drive.virtual import ONE_THREAD
from ccw_actors.runtime._kernel.alarms import Alarm
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._values.envelope import (
    RESTART,
    SIGNAL,
    STOP_NOW,
    TICK,
    Envelope,
    wrapped,
)
from ccw_actors.runtime._values.reference import QUEUED
from ccw_actors.runtime._values.timer import EXPIRY, SLEEP, Timer
from ccw_actors.runtime.stepping._alone import Alone
from ccw_actors.runtime.stepping._incarnations import NO_PAST, Incarnations, Past
from ccw_actors.runtime.stepping._mentions import Mentions
from ccw_actors.runtime.stepping._snapshot import CellSnapshot, Snapshot
from ccw_actors.runtime.stepping._suspended import Handling

__all__ = ["Choice", "Delivery", "SteppingDispatcher"]

Delivery = Literal["mailbox", "channel"]


class Choice(NamedTuple):
    """One thing that may happen next.

    `recipient` handles the oldest message from `sender` ("" is the outside); or, when
    `timer` is nonzero, the timer of that key fires and its message is handled. With
    `crash` the actor fails on that message instead (`CrashedError`), before it has done
    anything: `enabled` offers that never, it is for the caller to decide.
    """

    recipient: str
    sender: str
    timer: int = 0
    crash: bool = False


class SteppingDispatcher:
    """Handles one message for each call of `step`, without an event loop.

    Under `delivery="mailbox"` an actor handles its messages in the order sent. Under
    `"channel"` only the order from each single sender is kept, which permits every
    order that a set of independent connections would.

    Time stands still but for timers: one fires when the caller picks it, whenever
    that is, and time goes on to its due time if that is later. An ask of an async
    handler with a `timeout` of its own expires like that, too; others never do.

    `alone` runs one actor while all others stand still.
    """

    def __init__(self, delivery: Delivery = "mailbox") -> None:
        self.delivery = delivery
        self.loop: Any = None
        self.restores = True
        self.budget = 1
        self._now = 0.0
        self._outside: tuple[Envelope, ...] = ()

    def begin(self) -> None:
        """Set the clock."""
        self.clock = self.now

    def attach(self, system: Kernel) -> None:
        """Drive one System."""
        self._kernel = system
        self._incarnations = Incarnations(system.registry)
        self._handling = Handling(system, self._incarnations)
        self.alone = Alone(system, self._incarnations)

    def enqueue(self, cell: Cell) -> None:
        """Note who has got something; `enabled` looks at every mailbox."""
        self.alone.touched[cell] = None
        cell.status &= ~QUEUED

    def now(self) -> float:
        """Return the latest due time of a timer that has fired, 0 before."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Drop the callback: timers are picked by the caller."""
        del when
        return Alarm(callback)

    def call_at_clock(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Drop the callback, likewise."""
        return self.call_at(when, callback)

    def enabled(self) -> list[Choice]:
        """Return all that may happen next; empty when the System is at rest."""
        choices: list[Choice] = []
        for cell in self._kernel.cells.values():
            lane = self._lane(cell)
            if self.delivery == "mailbox":
                choices.extend(Choice(cell.path, e.sender) for e in lane[:1])
            else:
                senders = dict.fromkeys(e.sender for e in lane)
                choices.extend(Choice(cell.path, sender) for sender in senders)
        choices.extend(
            Choice(path, path, number)
            for (path, number), timer in self._kernel.timers.armed.items()
            if self._may_fire(path, timer)
        )
        return choices

    def _may_fire(self, path: str, timer: Timer) -> bool:
        """Whether a timer's message could be handled at once, as it has to be."""
        cell = self._cell(path)
        if timer.kind == EXPIRY:
            return cell.turn is not None and not cell.turn.is_ready
        if timer.kind in (SLEEP, RESTART):
            return True
        busy = cell.turn is not None or cell.life is not State.RUNNING
        return not busy and not timer.waiting

    def _lane(self, cell: Cell) -> tuple[Envelope, ...]:
        """Return what an actor may take up next, from each sender the oldest first.

        A signal comes before the messages, under channel delivery before those of its
        own sender; a suspended handler takes up nothing but what it waits for.
        """
        signals = tuple(cell.signals or ())
        turn = cell.turn
        if turn is not None:
            return (*signals, _resumption(cell)) if turn.is_ready else signals
        if cell.life is not State.RUNNING:
            return signals
        if self.delivery == "mailbox" and signals:
            return signals
        return signals + tuple(map(wrapped, cell.mailbox or ()))

    def handlers_at(self, path: str) -> tuple[Handlers, ...]:
        """Return what the actor at a path handles, a table for each behaviour."""
        return spec_of(self._cell(path).actor).all()

    def deliver(self, address: str, envelope: Envelope) -> None:
        """Have an envelope reach a mailbox, or whatever the bound of that demands."""
        self._kernel.delivery.deliver_late(address, envelope)

    def on_the_way(self, envelopes: Iterable[Envelope]) -> None:
        """Say what has been sent and is in no mailbox yet.

        A restart does not end asks that are among these, and who is referred to in them
        is referred to.
        """
        self._outside = tuple(envelopes)
        asks = {one.ask for one in self._outside if one.kind != TICK}
        self._kernel.asks.on_the_way = asks - {0}

    def on_lost(self, told: Callable[[str, Envelope, str], object]) -> None:
        """Have `told` be told of each dead letter: its path, envelope, and reason."""
        self._kernel.lost.told = told

    def peek(self, choice: Choice) -> Envelope:
        """Return what the choice would handle; a stop has the payload b"".

        Raises `DispatcherError` for a choice that is not enabled.
        """
        return self._envelope(choice)

    def step(self, choice: Choice | None = None) -> Choice | None:
        """Handle one message: that of `choice`, or of the first choice enabled.

        Returns what was chosen, None when the System is at rest. Raises the
        `ActorFailedError` of a handler that raised, or what it raised if that
        escalates, and `DispatcherError` for a choice that is not enabled.
        """
        if choice is None:
            choice = next(iter(self.enabled()), None)
            if choice is None:
                return None
        envelope = self._envelope(choice)
        cell = self._cell(choice.recipient)
        self._copy_context(cell)
        failures = self._kernel.failures
        failed = failures.count
        if choice.timer:
            fired = self._fire(choice)
            if fired is not None:
                envelope = fired
        if choice.crash:
            self._crash(cell, envelope)
        else:
            self._take_up(cell, envelope)
        self._kernel.raise_escalated()
        if failures.count > failed:
            raise failures.kept[failed - failures.count]
        return choice

    def crash(self, path: str) -> None:
        """Have an actor fail between two messages: what waits for it still waits.

        A handler that is suspended ends. Raises the `ActorFailedError` that it fails
        with, and `DispatcherError` if no actor is there, or one that starts again or
        ends.
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
        """Have an actor run in a copy: the context of a snapshot stays as it is.

        A handler that is suspended goes on in that in which it began.
        """
        if cell.turn is None:
            cell.context = cell.context.copy()

    def _crash(self, cell: Cell, envelope: Envelope | None) -> None:
        """Have an actor fail on one envelope, or between two."""
        if envelope is not None and cell.turn is None and cell.mailbox:
            cell.mailbox.remove(envelope)
        error = CrashedError("the actor was made to crash")
        self._kernel.invoker.crash(cell, envelope, error)
        self._settle(cell)

    def _take_up(self, cell: Cell, envelope: Envelope) -> None:
        """Have an actor handle one envelope, and nothing else."""
        invoker, mailbox = self._kernel.invoker, cell.mailbox
        if envelope.kind >= STOP_NOW:
            if cell.signals and envelope in cell.signals:
                cell.signals.remove(envelope)
            invoker.signalled(cell, envelope)
        elif cell.turn is not None:
            self._handling.resume(cell, cell.turn)
        else:
            assert mailbox is not None, "what is taken up was in the mailbox"
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
        """Step until `done()`; False if the System is at rest first."""
        while not done():
            if self.step() is None:
                return False
        return True

    def end(self) -> None:
        """Do nothing: nobody else calls."""

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
        """Return the whole System as it is between two messages.

        From here on, and whenever this has been restored, an actor that is spawned
        where another one has been gets the smallest number that nothing in the System,
        or on the way to it, referred to.

        Raises `DispatcherError` while an async hook (`on_start`, `on_stop`) is
        suspended.
        """
        kernel, take_down = self._kernel, self._handling.take_down
        cells = tuple(
            CellSnapshot.of(cell, take_down(cell)) for cell in kernel.cells.values()
        )
        asked = self._handling.asked
        # What goes on from here has the same numbers as what is put back to here.
        self._incarnations.past = past = self._past_of(cells)
        return Snapshot(
            cells,
            tuple(kernel.timers.armed.items()),
            tuple(kernel.timers.counts.items()),
            tuple((one, count) for one, count in asked.items() if one in kernel.cells),
            tuple(kernel.failures.kept),
            kernel.failures.count,
            self._now,
            past,
        )

    def _past_of(self, cells: tuple[CellSnapshot, ...]) -> Past:
        """Return what matters of the past, by what the System refers to now."""
        kernel, past = self._kernel, self._incarnations.past
        if past == NO_PAST:
            return past
        mentions = self.mentions(past.in_question(kernel.registry.at))
        for one in cells:
            mentions.actor(one)
            turn = one.cell.turn
            if turn is not None:
                mentions.value((turn.coroutine, turn.value, turn.error, turn.reply))
        for timer in kernel.timers.armed.values():
            mentions.value(timer.payload)
        for pending in kernel.asks.pending.values():
            mentions.value(pending)
        for envelope in self._outside:
            mentions.envelope(envelope)
        return past.pruned(mentions.found, kernel.registry.at)

    def mentions(self, addresses: Iterable[str]) -> Mentions:
        """Return what finds the references to actors of these addresses."""
        kernel = self._kernel
        return Mentions(map(kernel.ref_of, addresses), kernel.delivery.encode)

    def restore(self, snapshot: Snapshot) -> None:
        """Put the whole System back to what it was at that snapshot.

        Actors that have stopped or failed since are there again; those spawned since
        are gone, without `on_stop`. A handler that was suspended is run again up to
        there, and nobody gets what it sends; its actor's state is that of this run.
        Raises `DispatcherError` if it does not come to the same state.
        """
        kernel, handling = self._kernel, self._handling
        self.alone.touched.clear()
        handling.abandon(kernel.cells.values())
        for one in snapshot.cells:
            one.cell.actor = one.actor
            one.cell.address = one.address
        handling.begin_again(
            (one.cell, one.suspended, one.state)
            for one in snapshot.cells
            if one.suspended is not None
        )
        taken: dict[Cell, set[int]] = {}
        for one in snapshot.cells:
            if one.suspended is not None:
                taken[one.cell] = one.cell.owed or set()
        for one in snapshot.cells:
            one.restore()
        kernel.registry.replace_all([one.cell for one in snapshot.cells])
        for one in snapshot.cells:
            for child in one.children:
                if kernel.cells.get(child.address) is not child:
                    child.life = State.ENDED  # Its parent has not heard of it yet.
        kernel.timers.restore(dict(snapshot.timers), dict(snapshot.timer_counts))
        handling.asked.clear()
        handling.asked.update(snapshot.ask_counts)
        kernel.failures.kept[:] = snapshot.failures
        kernel.failures.count = snapshot.failed
        if kernel.asks.pending:
            self._restore_owed(snapshot, taken)
        self._now = snapshot.now
        self._incarnations.past = snapshot.past

    def _restore_owed(self, snapshot: Snapshot, taken: dict[Cell, set[int]]) -> None:
        """Note which asks their actors have said to answer later.

        That are those which wait neither anywhere nor for the end of a handler; what
        a handler that is suspended has taken upon itself is known, as it was run again.
        """
        asks = self._kernel.asks
        waiting = asks.on_the_way | {
            envelope.ask
            for one in snapshot.cells
            for envelope in (*one.mailbox, *one.stash)
            if envelope.kind != TICK
        }
        for number, pending in asks.pending.items():
            cell = self._kernel.cells.get(pending.target)
            if cell is None or number in waiting:
                continue
            if number not in cell.asks_in_hand() or number in taken[cell]:
                cell.owe(number, asks.is_pending)

    def _cell(self, path: str) -> Cell:
        cell = self._kernel.registry.at(path)
        assert cell is not None, f"an actor is at {path}"
        return cell

    def _fire(self, choice: Choice) -> Envelope | None:
        """Have a timer fire; return what it has put into the mailbox."""
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

    def _envelope(self, choice: Choice) -> Envelope:
        path, sender, number, crash = choice
        if number:
            timer = self._kernel.timers.armed.get((path, number))
            own = timer is None or timer.kind in (EXPIRY, SLEEP, RESTART)
            if timer and not (crash and own) and self._may_fire(path, timer):
                address = self._cell(path).address
                return Envelope(timer.payload, address, 0, timer.stamp, timer.kind)
        else:
            cell = self._kernel.registry.at(path)
            for envelope in self._lane(cell) if cell is not None else ():
                if envelope.sender == sender:
                    if crash and envelope.kind >= SIGNAL:
                        break
                    return envelope
                if self.delivery == "mailbox":
                    break
        names = ", ".join(str(one[:3]) for one in self.enabled()) or "nothing"
        what = f"a crash on {choice[:3]}" if crash else str(choice[:3])
        raise DispatcherError(f"{what} is not enabled; enabled: {names}")


def _resumption(cell: Cell) -> Envelope:
    """Return what a suspended handler goes on with: a reply, or a thing of its own."""
    turn = cell.turn
    if turn is not None and turn.reply is not None:
        return turn.reply
    return Envelope(b"", cell.address, 0, None)
