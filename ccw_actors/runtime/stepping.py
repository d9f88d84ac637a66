"""The stepping dispatcher: the caller picks, message by message, what is handled."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime.alarms import Alarm
from ccw_actors.runtime.cell import Cell, Envelope
from ccw_actors.runtime.dispatch import ONE_THREAD
from ccw_actors.runtime.timers import Timer, TimerKey

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["Choice", "Delivery", "Snapshot", "SteppingDispatcher"]

Delivery = Literal["mailbox", "channel"]


class Choice(NamedTuple):
    """One thing that may happen next.

    `recipient` handles the oldest message from `sender` ("" is the outside); or, when
    `timer` is nonzero, the timer of that key fires and its message is handled.
    """

    recipient: str
    sender: str
    timer: int = 0


class _CellSnapshot(NamedTuple):
    cell: Cell
    state: object
    mailbox: tuple[Envelope, ...]


class Snapshot(NamedTuple):
    """A whole System between two messages, as immutable values."""

    cells: tuple[_CellSnapshot, ...]
    timers: tuple[tuple[TimerKey, Timer], ...]
    timer_counts: tuple[tuple[str, int], ...]
    failures: int
    now: float

    def key(self) -> tuple[object, ...]:
        """Return what decides the future: states, mailboxes, timers, time; hashable.

        Snapshots with equal keys have equal futures, but for the numbers of timers
        not set yet. Left out is what only tells of the past: the order in which
        actors were spawned, stamps, failures.
        """
        actors = sorted(
            (
                (
                    one.cell.path,
                    one.state,
                    tuple((e.payload, e.sender, e.ask) for e in one.mailbox),
                )
                for one in self.cells
            ),
            key=lambda actor: actor[0],
        )
        timers = sorted((key, timer.due, timer.payload) for key, timer in self.timers)
        return (tuple(actors), tuple(timers), self.now)


class SteppingDispatcher:
    """Handles one message for each call of `step`, without an event loop.

    Under `delivery="mailbox"` an actor handles its messages in the order sent. Under
    `"channel"` only the order from each single sender is kept, which permits every
    order that a set of independent connections would.

    Time stands still but for timers: one fires when the caller picks it, whenever
    that is, and time goes on to its due time if that is later. Asks never expire.
    """

    has_threads = False

    def __init__(self, delivery: Delivery = "mailbox") -> None:
        self.delivery = delivery
        self._now = 0.0

    def attach(self, mail: "Mail") -> None:
        """Serve the mailboxes of a System."""
        self._mail = mail

    def ready(self, cell: Cell) -> None:
        """Note nothing: `enabled` looks at every mailbox."""
        cell.scheduled = False

    def now(self) -> float:
        """Return the latest due time of a timer that has fired, 0 before."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        """Drop the callback: timers are picked by the caller, and asks never expire."""
        del when
        return Alarm(callback)

    def enabled(self) -> list[Choice]:
        """Return all that may happen next; empty when the System is at rest."""
        choices: list[Choice] = []
        for cell in self._mail.cells.values():
            if not cell.mailbox:
                continue
            if self.delivery == "mailbox":
                choices.append(Choice(cell.path, cell.mailbox[0].sender))
            else:
                senders = dict.fromkeys(e.sender for e in cell.mailbox)
                choices.extend(Choice(cell.path, sender) for sender in senders)
        choices.extend(Choice(path, path, key) for path, key in self._mail.timers.armed)
        return choices

    def peek(self, choice: Choice) -> bytes:
        """Return the encoded message that the choice would handle, b"" for a stop.

        Raises `DispatcherError` for a choice that is not enabled.
        """
        return self._envelope(choice).payload

    def step(self, choice: Choice | None = None) -> Choice | None:
        """Handle one message: that of `choice`, or of the first choice enabled.

        Returns what was chosen, None when the System is at rest. Raises the
        `ActorFailedError` of a handler that raised, and `DispatcherError` for a choice
        that is not enabled.
        """
        if choice is None:
            choice = next(iter(self.enabled()), None)
            if choice is None:
                return None
        envelope = self._envelope(choice)
        cell = self._mail.cells[choice.recipient]
        failures = len(self._mail.failures)
        if choice.timer:
            self._fire(choice)
        else:
            cell.mailbox.remove(envelope)
        self._mail.handle(cell, envelope)
        if len(self._mail.failures) > failures:
            raise self._mail.failures[failures]
        return choice

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

    def check_awake(self) -> None:
        """Raise `DispatcherError`: other threads would take the order away."""
        raise DispatcherError(ONE_THREAD)

    def wake(self, callback: Callable[[], None]) -> None:
        """Raise `DispatcherError`: other threads would take the order away."""
        del callback
        raise DispatcherError(ONE_THREAD)

    def snapshot(self) -> Snapshot:
        """Return the whole System as it is between two messages."""
        mail = self._mail
        cells = tuple(
            _CellSnapshot(cell, cell.actor.snapshot(), tuple(cell.mailbox))
            for cell in mail.cells.values()
        )
        return Snapshot(
            cells,
            tuple(mail.timers.armed.items()),
            tuple(mail.timers.counts.items()),
            len(mail.failures),
            self._now,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Put the whole System back to what it was at that snapshot.

        Actors that have stopped or failed since are there again; those spawned since
        are gone, without `on_stop`.
        """
        mail = self._mail
        mail.cells.clear()
        for cell, state, mailbox in snapshot.cells:
            cell.actor.restore(state)
            cell.mailbox.clear()
            cell.mailbox.extend(mailbox)
            mail.cells[cell.path] = cell
        mail.timers.armed = dict(snapshot.timers)
        mail.timers.counts = dict(snapshot.timer_counts)
        del mail.failures[snapshot.failures :]
        self._now = snapshot.now

    def _fire(self, choice: Choice) -> None:
        timer = self._mail.timers.take((choice.recipient, choice.timer))
        if timer is not None:
            self._now = max(self._now, timer.due)

    def _envelope(self, choice: Choice) -> Envelope:
        path, sender, number = choice
        if number:
            timer = self._mail.timers.armed.get((path, number))
            if timer is not None:
                return Envelope(timer.payload, path, 0, timer.stamp)
        else:
            cell = self._mail.cells.get(path)
            for envelope in cell.mailbox if cell is not None else ():
                if envelope.sender == sender:
                    return envelope
                if self.delivery == "mailbox":
                    break
        names = ", ".join(str(tuple(one)) for one in self.enabled()) or "nothing"
        raise DispatcherError(f"{tuple(choice)} is not enabled; enabled: {names}")
