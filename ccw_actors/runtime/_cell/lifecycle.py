"""The life of an actor, as a table of states."""

from enum import IntEnum
from typing import Final

__all__ = ["LIFECYCLE", "Event", "State", "next_state"]


class State(IntEnum):
    """Where an actor is in its life; it handles messages in RUNNING only."""

    RUNNING = 0
    RESTARTING = 1
    STOPPING = 2
    ENDED = 3
    STARTING = 4


class Event(IntEnum):
    """What moves an actor on in its life."""

    STARTED = 0  # `on_start` (or `on_restart`) is over
    RESTART = 1  # it has failed, and its supervision has it begin again
    BEGIN = 2  # nothing is left of its last life, and the pause is over
    STOP = 3  # it was stopped, or has failed for good
    END = 4  # nothing is left to wait for


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
"""What comes next. A pair that is not in it does not happen."""


def next_state(state: State, event: Event) -> State:
    """Return what comes next. Raises `AssertionError` for what does not happen."""
    after = LIFECYCLE.get((state, event))
    assert after is not None, f"an actor that is {state.name} has no {event.name}"
    return after
