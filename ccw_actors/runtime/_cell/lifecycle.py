"""The life cycle of an actor, as a table of states."""

from enum import IntEnum
from typing import Final

__all__ = ["LIFECYCLE", "Event", "State", "as_markdown", "next_state"]


class State(IntEnum):
    """A state in the life cycle; an actor handles messages only in RUNNING."""

    RUNNING = 0
    RESTARTING = 1
    STOPPING = 2
    ENDED = 3
    STARTING = 4


class Event(IntEnum):
    """An event that changes the state of an actor."""

    STARTED = 0
    RESTART = 1
    BEGIN = 2
    STOP = 3
    END = 4


LIFECYCLE: Final[dict[tuple[State, Event], State]] = {
    (State.STARTING, Event.STARTED): State.RUNNING,
    (State.STARTING, Event.RESTART): State.RESTARTING,
    (State.STARTING, Event.STOP): State.STOPPING,
    (State.STARTING, Event.END): State.ENDED,
    (State.RUNNING, Event.RESTART): State.RESTARTING,
    (State.RUNNING, Event.STOP): State.STOPPING,
    (State.RUNNING, Event.END): State.ENDED,
    (State.RESTARTING, Event.BEGIN): State.STARTING,
    (State.RESTARTING, Event.STOP): State.STOPPING,
    (State.RESTARTING, Event.END): State.ENDED,
    (State.STOPPING, Event.END): State.ENDED,
}
"""The next state. A pair that is not in the table cannot happen."""

_WHEN: Final = {
    Event.STARTED: "`on_start` (or `on_restart`) has ended",
    Event.RESTART: "the actor has failed, and its supervision restarts it",
    Event.BEGIN: "its last life has ended completely, and so has the pause",
    Event.STOP: "the actor is stopped, or has failed without a restart",
    Event.END: "nothing is left to wait for, or `shutdown` has abandoned the actor",
}
_IN_ORDER: Final = (
    State.STARTING,
    State.RUNNING,
    State.RESTARTING,
    State.STOPPING,
    State.ENDED,
)


def next_state(state: State, event: Event) -> State:
    """Return the next state. Raises `AssertionError` if the event cannot happen."""
    after = LIFECYCLE.get((state, event))
    assert after is not None, f"an actor that is {state.name} has no {event.name}"
    return after


def as_markdown() -> str:
    """Render the table for the docs: states by events, and when each event happens."""
    names = [event.name.lower() for event in Event]
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for state in _IN_ORDER:
        after = [LIFECYCLE.get((state, event)) for event in Event]
        cells = ["" if one is None else one.name.lower() for one in after]
        lines.append(f"| **{state.name.lower()}** | {' | '.join(cells)} |")
    lines += ["", "| event | happens when |", "|---|---|"]
    lines += [f"| {event.name.lower()} | {_WHEN[event]} |" for event in Event]
    return "\n".join(lines) + "\n"
