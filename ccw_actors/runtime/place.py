"""Which actor a thread runs at the moment, and on which message."""

import threading
from typing import TYPE_CHECKING

from ccw_actors.runtime.cell import Envelope, Letter, wrapped

if TYPE_CHECKING:
    from ccw_actors.runtime.bridge import Work
    from ccw_actors.runtime.turn import Turn

__all__ = ["Here", "Place"]


class Place:
    """What one thread is doing: the actor's path ("" for none) and the message.

    `home_path` is the path while no message is handled: an actor's in its own thread.
    `work` is what an actor's own thread has to do.
    `turn` is the async handler that is being driven now. `home` is True on the
    System's own thread.
    """

    __slots__ = ("home", "home_path", "letter", "path", "turn", "work")

    def __init__(
        self, path: str = "", letter: Letter | None = None, *, home: bool = False
    ) -> None:
        self.path = self.home_path = path
        self.letter = letter
        self.home = home
        self.turn: Turn | None = None
        self.work: Work | None = None

    def leave(self) -> None:
        """Be in no message any more."""
        self.path = self.home_path
        self.letter = None

    @property
    def envelope(self) -> Envelope | None:
        """The envelope of the message being handled."""
        return None if self.letter is None else wrapped(self.letter)


class Here(threading.local):
    """`place` is that of the calling thread in one System, if it is not the own one.

    The constructor runs once more in every thread that looks.
    """

    def __init__(self) -> None:
        """Give the calling thread a place."""
        self.place = Place()
