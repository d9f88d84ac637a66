"""The steps and states of one schedule, as far as others are derived from it."""

from typing import Final, NamedTuple, TypeAlias

from ccw_actors.explore._global_state import Offer, State

__all__ = ["PUT_BACK", "Event", "Frame", "Process", "Senders"]

PUT_BACK: Final = -2
"""Minus the number of a step: that step, as one that put a message back."""

Process: TypeAlias = tuple[int, int]
Senders: TypeAlias = dict[Process, tuple[int, ...]]


class Event(NamedTuple):
    """A step as far as others depend on it; a `far` one depends on all.

    `put_by` is the number of the step that put its message back to the front of the
    queue; -1 if none did.
    """

    process: Process
    actor: int
    touched: frozenset[int]
    far: bool
    put_by: int

    def depends_on(self, other: "Event") -> bool:
        """Whether the order of the two matters."""
        return (
            self.actor == other.actor
            or self.far
            or other.far
            or not self.touched.isdisjoint(other.touched)
        )


class Frame:
    """One state of the current schedule: the steps to try there, and those tried.

    `senders` has for each queue the numbers of the steps that sent its messages, -1
    if that need not be known, and PUT_BACK minus the number for one that was put back.
    """

    __slots__ = ("offers", "senders", "sleep", "state", "todo", "tried")

    def __init__(
        self,
        state: State,
        offers: dict[Process, Offer],
        sleep: dict[Process, Event],
        senders: Senders,
    ) -> None:
        self.state = state
        self.offers = offers
        self.sleep = sleep
        self.senders = senders
        self.todo: list[Process] = []
        self.tried: set[Process] = set()

    def add(self, process: Process) -> None:
        """Add the step of a process to those to try, unless it was added before."""
        if process not in self.tried:
            self.tried.add(process)
            self.todo.append(process)

    def add_all(self) -> None:
        """Add all possible steps to those to try."""
        for process in self.offers:
            self.add(process)
