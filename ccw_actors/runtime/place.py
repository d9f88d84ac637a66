"""Which actor a thread runs at the moment, and on which message."""

import threading

from ccw_actors.runtime.cell import Envelope

__all__ = ["Here", "Place"]


class Place:
    """What one thread is doing: the actor's path ("" for none) and the envelope.

    `home` is True on the System's own thread.
    """

    __slots__ = ("envelope", "home", "path")

    def __init__(
        self, path: str = "", envelope: Envelope | None = None, *, home: bool = False
    ) -> None:
        self.path = path
        self.envelope = envelope
        self.home = home


class Here(threading.local):
    """`place` is that of the calling thread in one System.

    The constructor runs once more in every thread that looks.
    """

    def __init__(self, home: int) -> None:
        """Give the calling thread a place; `home` is the ident of the System's own."""
        self.place = Place(home=threading.get_ident() == home)
