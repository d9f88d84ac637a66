"""The waits of a suspended handler that are not asyncio futures."""

from collections.abc import Generator
from typing import Any

__all__ = ["Parking"]


class Parking:
    """An awaitable of this runtime, for async handlers.

    The code that ends the wait resumes the handler with `Suspended.wake` or
    `Suspended.answer`.
    """

    __slots__ = ()

    def leave(self) -> None:
        """End the wait: the handler was cancelled."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return what the handler waits for, to follow "waits for"."""
        raise NotImplementedError

    def __await__(self) -> Generator["Parking", Any, Any]:
        return (yield self)
