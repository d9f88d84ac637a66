"""The queues of a state: sends into them, and how much they hold."""

from collections import Counter
from collections.abc import Iterable

from ccw_actors.explore._compact import Compact
from ccw_actors.explore._effects import Effect
from ccw_actors.explore._global_state import FIRST, State

__all__ = ["is_over", "is_too_much", "send"]


def send(
    compact: Compact,
    after: list[int],
    sends: tuple[tuple[int, int], ...],
    puts_back: tuple[tuple[int, int], ...],
) -> None:
    """Put messages into the queues of a state."""
    missing = len(compact.owners) - len(after)
    if missing:
        after.extend([0] * missing)
    for slot, envelope in puts_back:
        waiting = compact.waiting(after[slot])
        after[slot] = compact.queue(slot, (envelope, *waiting))
    for slot, envelope in sends:
        after[slot] = compact.pushed(slot, after[slot], envelope)


def is_over(compact: Compact, bounds: dict[int, int], after: list[int]) -> bool:
    """Whether a mailbox holds more than its bound."""
    for owner, bound in bounds.items():
        slots = compact.queue_slots(owner)
        waits = sum(len(compact.waiting(after[slot])) for slot in slots)
        if waits > bound:
            return True
    return False


def is_too_much(compact: Compact, after: State, effect: Effect, capacity: int) -> bool:
    """Whether a step has put more messages into a channel than it may hold."""
    slots: Iterable[int] = (slot for slot, _ in effect.sends)
    if effect.is_far:
        slots = range(FIRST, len(after))
    held: Counter[tuple[int, str]] = Counter()
    for slot in {slot for slot in slots if slot < len(after)}:
        held.update(_channels(compact, slot, after[slot]))
    return any(count > capacity for count in held.values())


def _channels(compact: Compact, slot: int, item: int) -> list[tuple[int, str]]:
    """Return for each message in a slot which channel it is in.

    Messages outside are in none, except on an unordered network: there they are in that
    of their sender.
    """
    waiting = compact.waiting(item)
    if slot not in compact.outside:
        return [(slot, "")] * len(waiting)
    if compact.delivery != "unordered":
        return []
    return [(slot, compact.envelopes[one].sender) for one in waiting]
