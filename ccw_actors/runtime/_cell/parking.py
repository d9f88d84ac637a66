"""What a suspended handler may wait for besides asyncio's futures."""

from collections.abc import Generator
from typing import Any

__all__ = ["Parking"]


class Parking:
    """Something of this runtime that an async handler awaits.

    Who ends the wait resumes the handler: `Suspended.resume` or `Suspended.answer`.
    """

    __slots__ = ()

    def leave(self) -> None:
        """Give up waiting: the handler was cancelled."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say what is waited for, after "waits for"."""
        raise NotImplementedError

    def __await__(self) -> Generator["Parking", Any, Any]:
        return (yield self)
