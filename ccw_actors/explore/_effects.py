"""Where a step is taken, and its effect."""

from collections.abc import Callable
from typing import NamedTuple

from ccw_actors.errors import ActorFailedError
from ccw_actors.explore._global_state import Local
from ccw_actors.explore._result import DeadLetter
from ccw_actors.runtime import Snapshot
from ccw_actors.runtime.stepping import Past, Timer

__all__ = ["Effect", "Outcome", "Place", "queue_of", "timers_after", "timers_of"]


class Place(NamedTuple):
    """Where a step is taken: by which actor, on which message or timer, in which world.

    `others` is called only if the System has to be put together. `past` has the
    relevant facts about actors that are not there.
    """

    local: Local
    envelope: int
    timer: int
    others: Callable[[], list[Local]]
    past: Past


class Outcome(NamedTuple):
    """The System after a step, and the failure of a handler that has raised."""

    after: Snapshot
    failure: ActorFailedError | None
    lost: tuple[DeadLetter, ...]


class Effect(NamedTuple):
    """The effect of a step that only changes one actor and sends messages.

    `local` is the actor afterwards, `sends` are queues and messages in order, and
    `puts_back` those that go to the front of a queue, from the last to the first.
    `is_far` is True for any other step, of which only `failure` may be known. `lost`
    are the messages that have become dead letters.
    """

    local: int
    sends: tuple[tuple[int, int], ...] = ()
    puts_back: tuple[tuple[int, int], ...] = ()
    is_far: bool = False
    failure: ActorFailedError | None = None
    lost: tuple[DeadLetter, ...] = ()


def timers_after(after: Snapshot, before: Snapshot) -> dict[str, dict[int, Timer]]:
    """Return the timers of all actors, with due times as if the time had been 0."""
    known = dict(before.timers)
    found: dict[str, dict[int, Timer]] = {}
    for key, timer in after.timers:
        path, number = key
        due = timer.due - (after.now if known.get(key) != timer else 0.0)
        one = timer._replace(due=due, stamp=None)
        found.setdefault(path, {})[number] = one
    return found


def timers_of(
    path: str, after: Snapshot, before: Snapshot
) -> tuple[dict[int, Timer], int]:
    """Return the timers of one actor in the same way, and how many it has had."""
    timers = timers_after(after, before).get(path, {}) if after.timers else {}
    return timers, dict(after.timer_counts).get(path, 0)


def queue_of(sent: tuple[int, int]) -> int:
    """Return the queue of a message: only within one does order matter."""
    return sent[0]
