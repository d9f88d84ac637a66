"""What an async handler may await besides the futures of asyncio."""

from collections.abc import Generator
from typing import Any

__all__ = ["Parking"]


class Parking:
    """A wait that the System ends: by `Turn.wake`, or by `Turn.answer`."""

    __slots__ = ()

    def leave(self) -> None:
        """Give up waiting: the handler was cancelled."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say what is waited for, after "waits for"."""
        raise NotImplementedError

    def __await__(self) -> Generator["Parking", Any, Any]:
        return (yield self)
