"""The actor that a thread runs now, and its current message."""

import threading
from collections import defaultdict
from typing import Any, Protocol, TypeAlias

from ccw_actors.runtime._values.envelope import Envelope, Letter, wrapped

__all__ = ["Counts", "Running", "RunningHere", "Work"]

Counts: TypeAlias = defaultdict[type[Any], int]
"""How many messages of each type a thread has handled."""


class Work(Protocol):
    """Whether a virtual clock has to wait for the work of a thread."""

    def rest(self) -> None:
        """Note that the thread begins to wait for an answer."""

    def go_on(self) -> None:
        """Note that the thread has its answer; called before the thread gets it."""


class Running:
    """The actor's address ("" for none) and the message that one thread handles.

    `resting_address` is the address while it handles no message: the actor's in its own
    thread. `work` is the work of an actor's own thread. `turn` is the async handler
    that runs now. `own` is True on the System's own thread. A thread that handles
    messages counts them in `counts`.
    """

    __slots__ = (
        "address",
        "counts",
        "letter",
        "own",
        "resting_address",
        "turn",
        "work",
    )

    def __init__(
        self,
        address: str = "",
        letter: Letter | None = None,
        *,
        own: bool = False,
        counts: Counts | None = None,
    ) -> None:
        self.address = self.resting_address = address
        self.letter = letter
        self.own = own
        self.counts: Counts = defaultdict(int) if counts is None else counts
        self.turn: Any = None
        self.work: Work | None = None

    def leave(self) -> None:
        """Note that the thread no longer handles a message."""
        self.address = self.resting_address
        self.letter = None

    @property
    def envelope(self) -> Envelope | None:
        """The envelope of the current message."""
        return None if self.letter is None else wrapped(self.letter)


class RunningHere(threading.local):
    """`running` is the state of the calling thread in a System that it does not own.

    The constructor runs once in every thread that uses it.
    """

    def __init__(self) -> None:
        """Start without an actor."""
        self.running = Running()
