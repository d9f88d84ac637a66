"""The steps and states of one order, as far as others are told from it."""

from typing import Final, NamedTuple, TypeAlias

from ccw_actors.explore._global_state import Offer, State

__all__ = ["PUT_BACK", "Event", "Frame", "Process", "Senders"]

PUT_BACK: Final = -2
"""Less the number of a step, it stands for that step as one that put a message back."""

Process: TypeAlias = tuple[int, int]
Senders: TypeAlias = dict[Process, tuple[int, ...]]


class Event(NamedTuple):
    """A step as far as others depend on it; a `far` one depends on all.

    `put_by` is the number of the step that put its message back into the queue, before
    all that waited there and all that came later; -1 if none did.
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
    """One state of the order being taken: what is to be tried there, and what was.

    `senders` has for each queue the numbers of the steps that sent what is in it, -1
    if that need not be known, and PUT_BACK minus the number if it was put back.
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
        """Have the step of a process be tried, unless it was or is to be already."""
        if process not in self.tried:
            self.tried.add(process)
            self.todo.append(process)

    def add_all(self) -> None:
        """Have everything be tried that may happen here."""
        for process in self.offers:
            self.add(process)
