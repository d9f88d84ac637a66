"""Global states as flat tuples of small numbers, each of which stands for a value once.

A state is `(world, monitor, item, item, ...)`. `world` stands for which actors exist,
`monitor` for the value of the scenario's monitor. From FIRST on every slot is the place
of one actor or of one queue of messages, and holds the number of an item: what that
actor is, or what is in that queue; 0 is no actor, or an empty queue. Trailing zeros are
left out, so that equal Systems are equal tuples.

A queue is a mailbox, or the part of it that one sender fills; or it is outside: then it
holds what a scenario has injected, until that arrives. On an unordered network all that
is sent to an actor is outside until it is handled.
"""

from typing import NamedTuple, TypeAlias

from ccw_actors.runtime import CellSnapshot
from ccw_actors.runtime.stepping import Timer

__all__ = ["FIRST", "Local", "Offer", "Queue", "State", "trimmed"]

State: TypeAlias = tuple[int, ...]

FIRST = 2


class Offer(NamedTuple):
    """One thing that may happen, given what is in one slot.

    The message of number `envelope` is taken out of the queue in `slot`, which then
    holds the item `rest`; or the `timer` of the actor in `slot` fires, which is `due`
    (seconds from now). With `crash` the actor fails on it, and if `envelope` is 0,
    between two messages. With `arrives` the message does not reach the actor, but its
    mailbox. `process` tells apart what has an order of its own: of equal ones at most
    one is offered.
    """

    process: tuple[int, int]
    slot: int
    owner: int
    envelope: int
    rest: int = 0
    timer: int = 0
    due: float = 0.0
    crash: bool = False
    arrives: bool = False


class Local(NamedTuple):
    """All that one actor is, but for the messages that wait for it.

    `blank` is it again without its state, which for most need not be restored while
    another actor is at work. `numbered` and `asked` are how many timers and asks it has
    had. `busy` actors do not simply take the next message. `shape` is `blank`, one and
    the same for all that differ in their state alone, of an actor that can take a step
    alone; None of any other.
    """

    cell: CellSnapshot
    blank: CellSnapshot
    timers: tuple[tuple[int, Timer], ...] = ()
    numbered: int = 0
    asked: int = 0
    busy: bool = False
    shape: CellSnapshot | None = None


class Queue(NamedTuple):
    """Messages that wait, by number, the oldest first; sorted if unordered."""

    slot: int
    envelopes: tuple[int, ...]


def trimmed(values: list[int]) -> State:
    """Return a state without the empty slots at its end."""
    while not values[-1] and len(values) > FIRST:
        values.pop()
    return tuple(values)
