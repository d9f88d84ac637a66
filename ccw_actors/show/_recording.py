"""Takes the steps of a schedule again, and records messages and states as it goes.

A counterexample names its steps. This module takes them in a System of its own, whose
dispatcher it steps, so it sees each message as its fields and the state of every actor
between two steps.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import Network, Scenario, Step, World
from ccw_actors.runtime import Message
from ccw_actors.runtime.stepping import CellSnapshot, Snapshot, path_of
from ccw_actors.show._lanes import Lanes
from ccw_actors.show._picture import (
    NOBODY,
    Change,
    Choice,
    Event,
    EventKind,
    Sent,
    StateChange,
)
from ccw_actors.show._stepper import RecordingError, Stepper
from ccw_actors.trace import Named
from ccw_actors.transport import tag_of
from ccw_actors.wording import Values, named

__all__ = ["Recorded", "Recorder", "record"]


class Recorded(NamedTuple):
    """The events of a schedule, and the states of its actors."""

    events: tuple[Event, ...]
    states: tuple[StateChange, ...]


def record(
    scenario: Scenario,
    steps: Sequence[Step],
    delivery: Network,
    lanes: Lanes,
    values: Values,
) -> Recorded:
    """Take steps in a scenario; return what they handle and change.

    Raises:
        RecordingError: A step is not possible here, or is not what it says.
    """
    world = World(delivery)
    scenario(world)
    recorder = Recorder(Stepper(world), lanes, values)
    for number, step in enumerate(steps, 1):
        try:
            recorder.take(step)
        except CcwActorsError as error:
            raise RecordingError(f"step {number} ({step}): {error}") from error
    return Recorded(tuple(recorder.events), tuple(recorder.states))


class Recorder:
    """A System that takes one step after the other, and what it has seen of it.

    `origins` has for the addresses of each recipient and sender the events that sent
    what waits, the oldest first, and `timers` the event that set each timer.
    """

    def __init__(self, stepper: Stepper, lanes: Lanes, values: Values) -> None:
        self.events: list[Event] = []
        self.states: list[StateChange] = []
        self._stepper = stepper
        self._lanes, self._values = lanes, values
        self._known: dict[str, bytes] = {}
        self._origins: dict[tuple[str, str], deque[int]] = {}
        self._timers: dict[tuple[str, int], int] = {}
        for path in stepper.paths:
            lanes.number(path)
        self._note(NOBODY, stepper.snapshot())

    def take(self, step: Step) -> None:
        """Take a step, and record it.

        Raises:
            RecordingError: It is not possible here, or is not what it says.
        """
        number = len(self.events)
        kind, message, failure = self._stepper.take(step)
        is_between = kind == "crash" and not step.message
        cause = NOBODY if kind == "arrival" or is_between else self._cause(step)
        self.events.append(self._event(step, kind, message, cause, failure))
        self._note(number, self._stepper.snapshot())

    def tried(self, step: Step) -> Choice:
        """Return what a step would do, and take it back."""
        before = self._stepper.snapshot()
        was = self._known
        with self._stepper.aside():
            kind, message, failure = self._stepper.take(step)
            after = self._stepper.snapshot()
            now = self._states_of(after)
            sent = tuple(self._sent(before, after))
        event = self._event(step, kind, message, NOBODY, failure)
        changes = tuple(
            Change(self._lanes.number(path), was.get(path, b""), now.get(path, b""))
            for path in {**was, **now}
            if was.get(path, b"") != now.get(path, b"")
        )
        return Choice(name=step.name, event=event, changes=changes, sent=sent)

    def _cause(self, step: Step) -> int:
        if step.timer:
            return self._timers.pop((path_of(step.actor), step.timer), NOBODY)
        origins = self._origins.get((step.actor, step.sender))
        return origins.popleft() if origins else NOBODY

    def _event(
        self,
        step: Step,
        kind: EventKind,
        message: Message | None,
        cause: int,
        note: str,
    ) -> Event:
        sender = path_of(step.sender)
        body = named(message)
        text = "" if isinstance(body, Named) else step.message
        return Event(
            actor=self._lanes.number(path_of(step.actor)),
            sender=self._lanes.number(sender) if sender else NOBODY,
            number=len(self.events) + 1,
            type=step.message.partition("(")[0],
            cause=cause,
            kind=kind,
            body=b"" if text else self._values.write(body),
            note=note or text,
        )

    def _sent(self, before: Snapshot, after: Snapshot) -> Iterator[Sent]:
        """Yield the messages that are in mailboxes afterwards, and were not before."""
        was = {one.cell.path: list(one.mailbox) for one in before.cells}
        for one in after.cells:
            path = one.cell.path
            old = was.get(path, [])
            for envelope in one.mailbox:
                if envelope in old:
                    old.remove(envelope)
                    continue
                message = self._stepper.message(path, envelope)
                body = self._values.write(named(message)) if message else b""
                name = type(message).__name__ if message else tag_of(envelope.payload)
                yield Sent(self._lanes.number(path), name, body)

    # -- what is there between two steps -----------------------------------------------

    def _note(self, event: int, whole: Snapshot) -> None:
        """Record what a step has changed and sent."""
        there = self._states_of(whole)
        self._note_waiting(
            event,
            Counter(
                (one.address, envelope.sender)
                for one in whole.cells
                for envelope in (*one.mailbox, *one.signals)
            ),
        )
        for path in {**self._known, **there}:
            state = there.get(path, b"")
            if state != self._known.get(path, b""):
                number = self._lanes.number(path)
                self.states.append(StateChange(event, number, state))
        self._known = there
        self._timers = {key: self._timers.get(key, event) for key, _ in whole.timers}

    def _note_waiting(self, event: int, waiting: Mapping[tuple[str, str], int]) -> None:
        """Note which event has sent each message that waits.

        `waiting` counts them by recipient and sender. The events of what waits no more
        are forgotten: it may be lost, and was then not handled.
        """
        known, self._origins = self._origins, {}
        for key, count in waiting.items():
            origins = known.get(key, deque())
            while len(origins) > count:
                origins.popleft()
            origins.extend([event] * (count - len(origins)))
            self._origins[key] = origins

    def _states_of(self, whole: Snapshot) -> dict[str, bytes]:
        return {one.cell.path: self._state(one) for one in whole.cells}

    def _state(self, one: CellSnapshot) -> bytes:
        actor: Any = one.cell.actor
        state = named(getattr(actor, "state", None))
        return b"" if state is None else self._values.write(state)
