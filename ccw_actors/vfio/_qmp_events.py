"""QmpEvents: a QEMU's events, kept until they are read."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Self, TypeAlias, cast

from ccw_actors.errors import QmpConnectionError, QmpTimeoutError

__all__ = ["EVENTS_MAX", "QmpEvent", "QmpEvents"]

EVENTS_MAX: Final = 1024
"""The most events kept for a listener; beyond that the oldest are lost."""

QmpEvent: TypeAlias = Mapping[str, Any]
"""An event as QEMU sends it, with keys `event` (its name), `data` and `timestamp`."""


class QmpEvents:
    """Events since `Qmp.events` was entered; an asynchronous iterator.

    The iterator ends when QEMU has gone and all events have been read. `lost` counts
    the events that were dropped unread: see `EVENTS_MAX`.
    """

    def __init__(
        self, names: frozenset[str], device: str | None, gone: asyncio.Future[str]
    ) -> None:
        self.lost = 0
        self._names = names
        self._device = device
        self._gone = gone
        self._events: deque[QmpEvent] = deque()
        self._come = asyncio.Event()

    def take(self, event: QmpEvent) -> None:
        """Keep an event if it has one of the names, and the device."""
        if self._names and event.get("event") not in self._names:
            return
        if self._device is not None and _device_of(event) != self._device:
            return
        if len(self._events) == EVENTS_MAX:
            self._events.popleft()
            self.lost += 1
        self._events.append(event)
        self._come.set()

    async def next(
        self, *, timeout: float | None = None, what: str = "no such event has come"
    ) -> QmpEvent:
        """Return the oldest event that has not been read.

        Raises:
            QmpTimeoutError: No event has come in `timeout` seconds; its text starts
                with `what`.
            QmpConnectionError: QEMU has gone, and no event is left.
        """
        if not self._events:
            await self._wait(timeout)
        if self._events:
            return self._oldest()
        if self._gone.done():
            raise QmpConnectionError(f"{what}: {self._gone.result()}")
        assert timeout is not None, "without a timeout, the wait ends with an event"
        raise QmpTimeoutError(what, timeout)

    def _oldest(self) -> QmpEvent:
        event = self._events.popleft()
        if not self._events:
            self._come.clear()
        return event

    async def _wait(self, timeout: float | None) -> None:
        coming = asyncio.create_task(self._come.wait())
        first: set[asyncio.Future[Any]] = {coming, self._gone}
        try:
            await asyncio.wait(
                first, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            coming.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> QmpEvent:
        try:
            return await self.next()
        except QmpConnectionError:
            raise StopAsyncIteration from None


def _device_of(event: QmpEvent) -> object:
    """Return the id of an event's device, or None."""
    data = event.get("data")
    if not isinstance(data, dict):
        return None
    return cast("dict[str, Any]", data).get("device")
