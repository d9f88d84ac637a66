"""Which actor a thread runs at the moment, and on which message."""

import threading
from typing import Any, Protocol

from ccw_actors.runtime._values.envelope import Envelope, Letter, wrapped

__all__ = ["Running", "RunningHere", "Work"]


class Work(Protocol):
    """Whether a thread has anything to do, for which a virtual clock has to wait."""

    def rest(self) -> None:
        """Note that it begins to wait for an answer."""

    def go_on(self) -> None:
        """Note that it has its answer; called before it learns of that."""


class Running:
    """What one thread is doing: the actor's address ("" for none) and the message.

    `resting_address` is the address while no message is handled: an actor's in its own
    thread. `work` is what an actor's own thread has to do. `turn` is the async handler
    that is being driven now. `own` is True on the System's own thread.
    """

    __slots__ = (
        "address",
        "letter",
        "own",
        "resting_address",
        "turn",
        "work",
    )

    def __init__(
        self, address: str = "", letter: Letter | None = None, *, own: bool = False
    ) -> None:
        self.address = self.resting_address = address
        self.letter = letter
        self.own = own
        self.turn: Any = None
        self.work: Work | None = None

    def leave(self) -> None:
        """Run no message any more."""
        self.address = self.resting_address
        self.letter = None

    @property
    def envelope(self) -> Envelope | None:
        """The envelope of the message being handled."""
        return None if self.letter is None else wrapped(self.letter)


class RunningHere(threading.local):
    """`running` is what the calling thread does in one System that is not its own.

    The constructor runs once more in every thread that looks.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.running = Running()
