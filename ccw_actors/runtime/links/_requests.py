"""What this System asks another one itself, over one link: queries and offers."""

import asyncio
import math
from typing import Final

import msgspec

from ccw_actors.errors import (
    ActorStoppedError,
    AskTimeoutError,
    CcwActorsError,
    LinkLostError,
    MailboxFullError,
    OfferTimeoutError,
    StartTimeoutError,
)
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime.links._items import Offer, Query, Result
from ccw_actors.runtime.links._outgoing import Outgoing
from ccw_actors.transport import tag_of

__all__ = ["Requests"]

_ANSWER_LATE: Final = 1.0
"""Seconds that an answer may be on its way after the deadline, which is kept there."""

_ERRORS: Final[dict[str, type[CcwActorsError]]] = {
    "ActorStoppedError": ActorStoppedError,
    "MailboxFullError": MailboxFullError,
}


class Requests:
    """The queries and offers that wait for a `Result`, by number."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._waiting: dict[int, asyncio.Future[Result]] = {}
        self._last = 0

    async def find(self, path: str, timeout: float) -> str:
        """Return the address of the actor at a path there, or of the next one."""
        return (await self._query("find", path, timeout)).text

    async def started(self, address: str, timeout: float) -> None:
        """Wait until an actor there has started; see `ActorRef.started`."""
        result = await self._query("started", address, timeout)
        if result.error == StartTimeoutError.__name__:
            raise StartTimeoutError(address, timeout)
        _check(result)

    async def stopped(self, address: str, timeout: float) -> None:
        """Wait until an actor there has ended; see `ActorRef.stopped`."""
        result = await self._query("stopped", address, timeout)
        if result.error == AskTimeoutError.__name__:
            raise AskTimeoutError(address, "a stop", timeout, 0)
        _check(result)

    async def offer(self, to: str, envelope: Envelope, timeout: float) -> None:
        """Wait until a message has room in a mailbox there; see `ActorRef.offer`."""
        number, future = self._next()
        stamp = envelope.stamp
        item = Offer(
            to,
            envelope.sender,
            number,
            timeout,
            msgspec.Raw(envelope.payload),
            stamp.cause if stamp is not None else 0,
            stamp.traceparent if stamp is not None else "",
        )
        what = tag_of(envelope.payload)
        try:
            async with asyncio.timeout(_limit(timeout)):
                await self._outgoing.offer(item)
                result = await future
        except TimeoutError:
            raise OfferTimeoutError(to, what, timeout) from None
        finally:
            self._waiting.pop(number, None)
        if result.error == OfferTimeoutError.__name__:
            raise OfferTimeoutError(to, what, timeout)
        _check(result)

    async def _query(self, what: str, subject: str, timeout: float) -> Result:
        number, future = self._next()
        self._outgoing.send(Query(number, what, subject, timeout))
        try:
            async with asyncio.timeout(_limit(timeout)):
                return await future
        except TimeoutError:
            raise AskTimeoutError(subject, what, timeout, 0) from None
        finally:
            self._waiting.pop(number, None)

    def _next(self) -> tuple[int, asyncio.Future[Result]]:
        self._last += 1
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting[self._last] = future
        return self._last, future

    def result(self, item: Result) -> None:
        """Take the answer of the other System."""
        future = self._waiting.get(item.number)
        if future is not None and not future.done():
            future.set_result(item)

    def lost(self, error: LinkLostError) -> None:
        """End all of them, because the link is lost."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)


def _limit(timeout: float) -> float | None:
    """Return how long to wait for an answer; the other System keeps the deadline."""
    return None if timeout == math.inf else timeout + _ANSWER_LATE


def _check(result: Result) -> None:
    if result.error:
        raise _ERRORS.get(result.error, CcwActorsError)(result.text)
