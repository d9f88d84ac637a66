"""Global states: flat tuples of small numbers, each of which stands for one value.

A state is `(world, monitor, item, item, ...)`. `world` stands for which actors exist,
`monitor` for the value of the scenario's monitor. From FIRST on every slot is the place
of one actor or of one queue of messages, and holds the number of an item: the actor, or
the content of the queue; 0 is no actor, or an empty queue. Trailing zeros are left out,
so that equal Systems are equal tuples.

A queue is a mailbox, or the part of it that one sender fills, or it is outside: then it
holds injected messages until they arrive. On an unordered network all messages to an
actor are outside until they are handled.
"""

from typing import NamedTuple, TypeAlias

from ccw_actors.runtime import CellSnapshot
from ccw_actors.runtime.stepping import Timer

__all__ = ["FIRST", "Local", "Offer", "Queue", "State", "trimmed"]

State: TypeAlias = tuple[int, ...]

FIRST = 2


class Offer(NamedTuple):
    """One possible step, given the item in one slot.

    The message of number `envelope` is taken out of the queue in `slot`, which then
    holds the item `rest`; or the `timer` of the actor in `slot` fires, which is `due`
    (seconds from now). With `crash` the actor fails on it, and if `envelope` is 0,
    between two messages. With `arrives` the message does not reach the actor, but its
    mailbox. `process` names the sequence that the step belongs to: of one process, at
    most one step is offered at a time.
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
    """One actor, without the messages that wait for it.

    `blank` is the actor without its state, which usually need not be restored while
    another actor takes a step. `numbered` and `asked` count the timers and asks it has
    had. `busy` actors do not simply take the next message. `shape` is `blank`, the same
    object for all actors that differ only in their state, for an actor that can take a
    step alone; None for any other.
    """

    cell: CellSnapshot
    blank: CellSnapshot
    timers: tuple[tuple[int, Timer], ...] = ()
    numbered: int = 0
    asked: int = 0
    busy: bool = False
    shape: CellSnapshot | None = None


class Queue(NamedTuple):
    """The numbers of waiting messages, the oldest first; sorted if unordered."""

    slot: int
    envelopes: tuple[int, ...]


def trimmed(values: list[int]) -> State:
    """Return a state without the empty slots at its end."""
    while not values[-1] and len(values) > FIRST:
        values.pop()
    return tuple(values)
