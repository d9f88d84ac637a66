"""An actor that records its messages, for a test to check and to answer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime import (
    ActorRef,
    Mailbox,
    Message,
    Request,
    System,
    Terminated,
)
from ccw_actors.testkit._expectation import ExpectationError, Expected, Received, Wanted
from ccw_actors.testkit._recording import Recording, message_types, recording

__all__ = ["Probe"]

M = TypeVar("M", bound=Message)

_TIMEOUT = 3.0


class Probe:
    """An actor of the test: it takes messages of the given types, and `Terminated`.

    `Probe(system, Note, Notes | Failure)` is spawned in the System, at `path` or a path
    with a counter. Its actor sends what it tells and replies, at its next turn, so
    these messages come from `ref`.

    The methods that take messages check each message once, the oldest first, and leave
    those behind the last one they need. They come in two forms. On an event loop await
    them: they wait up to `timeout` seconds of the System's clock. Those named `..._now`
    do not wait. Use them after running a virtual clock or a stepping dispatcher. Expect
    a message type, or a message: then the one that comes must equal it. All raise
    `ExpectationError`, and the awaited ones `DispatcherError` if no event loop runs the
    System.
    """

    def __init__(self, system: System, *accepts: Any, path: str | None = None) -> None:
        kinds = message_types(accepts)
        self._accepts = tuple(kinds)
        self._system = system
        self._actor: Recording = recording(kinds)
        self._watched: set[str] = set()
        # The test may bound other mailboxes, but not the probe's.
        self.ref: ActorRef[Any] = system.spawn(self._actor, path, mailbox=Mailbox())

    # -- received messages ------------------------------------------------------

    @property
    def received(self) -> tuple[Message, ...]:
        """All messages so far, whether checked or not."""
        return tuple(one.message for one in self._actor.received)

    @property
    def queued(self) -> tuple[Message, ...]:
        """The messages that have not been checked."""
        return tuple(one.message for one in self._queued())

    @property
    def sender(self) -> ActorRef[Any] | None:
        """The sender of the last checked message; None for the outside."""
        taken = self._taken()
        return taken[-1].sender if taken else None

    # -- what the probe does ----------------------------------------------------

    def tell(self, to: ActorRef[M], message: M) -> None:
        """Send a message as the probe: its answers come here."""
        self._actor.do(lambda: to.tell(message))

    def reply(self, message: Message) -> None:
        """Answer the last checked request."""
        taken = self._taken()
        asked = [one.reply_to for one in taken if isinstance(one.message, Request)]
        if not asked:
            raise self._error("a request, to answer it", taken)
        self._actor.do(lambda: self._actor.reply(asked[-1], message))

    def watch(self, ref: ActorRef[Any]) -> None:
        """Receive `Terminated` when that actor ends, or at once if it does not exist.

        The watch begins at once, before messages that the test sends later.
        """
        if ref.path not in self._watched:
            self._watched.add(ref.path)
            self._actor.watch(ref)

    # -- what the test expects --------------------------------------------------

    async def expect(
        self,
        what: type[M] | M,
        *,
        where: Callable[[M], bool] | None = None,
        timeout: float = _TIMEOUT,
    ) -> M:
        """Return the next message, which must be the expected one."""
        message: M
        (message,) = await self._wait(Wanted([Expected(what, where)]), timeout)
        return message

    def expect_now(
        self, what: type[M] | M, *, where: Callable[[M], bool] | None = None
    ) -> M:
        """Return the next message, which must be the expected one."""
        message: M
        (message,) = self._look(Wanted([Expected(what, where)]))
        return message

    async def fish(
        self,
        what: type[M] | M,
        *,
        where: Callable[[M], bool] | None = None,
        timeout: float = _TIMEOUT,
    ) -> M:
        """Return the next such message; skip those before it."""
        wanted = Wanted([Expected(what, where)], skips=True)
        message: M
        (message,) = await self._wait(wanted, timeout)
        return message

    def fish_now(
        self, what: type[M] | M, *, where: Callable[[M], bool] | None = None
    ) -> M:
        """Return the next such message; skip those before it."""
        message: M
        (message,) = self._look(Wanted([Expected(what, where)], skips=True))
        return message

    async def expect_all(
        self, *what: type[M] | M, in_order: bool = False, timeout: float = _TIMEOUT
    ) -> tuple[M, ...]:
        """Return the next messages, which must be the expected ones, as listed.

        They may come in any order, unless `in_order`. `timeout` is for all together.
        """
        return await self._wait(_all(what, in_order=in_order), timeout)

    def expect_all_now(
        self, *what: type[M] | M, in_order: bool = False
    ) -> tuple[M, ...]:
        """Return the next messages, which must be the expected ones, as listed."""
        return self._look(_all(what, in_order=in_order))

    async def expect_nothing(self, *, within: float = 0.1) -> None:
        """Wait `within` seconds; no unchecked message may exist or come."""
        self._check_loop()
        try:
            async with asyncio.timeout(within):
                while not self._queued():
                    await self._actor.arrival()
        except TimeoutError:
            pass
        self._expect_none(f"nothing within {within:g} s")

    def expect_nothing_now(self) -> None:
        """Check that every message has been checked."""
        self._expect_none("nothing")

    async def expect_terminated(
        self, ref: ActorRef[Any], *, timeout: float = _TIMEOUT
    ) -> Terminated:
        """Return the next message, which must be the `Terminated` of this actor.

        Starts to watch the actor if the probe does not watch it yet.
        """
        self.watch(ref)
        notice = await self.expect(Terminated, where=_is_end_of(ref), timeout=timeout)
        self._watched.discard(ref.path)
        return notice

    # -- inside -----------------------------------------------------------------

    def _queued(self) -> Sequence[Received]:
        return self._actor.received[self._actor.taken :]

    def _taken(self) -> Sequence[Received]:
        return self._actor.received[: self._actor.taken]

    async def _wait(self, wanted: Wanted, timeout: float) -> tuple[Any, ...]:
        self._check_loop()
        try:
            async with asyncio.timeout(timeout):
                while not self._tick_off(wanted):
                    await self._actor.arrival()
        except TimeoutError:
            if not self._tick_off(wanted):
                expected = f"{wanted} within {timeout:g} s"
                raise self._error(expected, wanted.came) from None
        return wanted.found()

    def _look(self, wanted: Wanted) -> tuple[Any, ...]:
        if not self._tick_off(wanted):
            raise self._error(f"{wanted} now", wanted.came)
        return wanted.found()

    def _tick_off(self, wanted: Wanted) -> bool:
        """Offer the queued messages to a list; return whether it is complete."""
        self._check_alive(str(wanted), wanted.came)
        while not wanted.is_complete and (queued := self._queued()):
            self._actor.taken += 1
            if not wanted.offer(queued[0]):
                raise self._error(str(wanted), wanted.came)
        return wanted.is_complete

    def _expect_none(self, expected: str) -> None:
        self._check_alive(expected, ())
        if self._queued():
            raise self._error(expected, ())

    def _check_alive(self, expected: str, came: Sequence[Received]) -> None:
        if self._actor.error is not None:
            failed = self._error(f"{expected}, and has failed", came)
            raise failed from self._actor.error

    def _check_loop(self) -> None:
        if self._system.dispatcher.loop is None:
            raise DispatcherError(
                f"no event loop runs the System of {self.ref.path}: run its dispatcher"
                " and use the method named ..._now"
            )

    def _error(self, expected: str, came: Sequence[Received]) -> ExpectationError:
        path, accepts = self.ref.path, self._accepts
        return ExpectationError(path, expected, came, self._queued(), accepts)


def _all(what: Sequence[Any], *, in_order: bool) -> Wanted:
    return Wanted([Expected(one, None) for one in what], in_order=in_order)


def _is_end_of(ref: ActorRef[Any]) -> Callable[[Terminated], bool]:
    def is_end(notice: Terminated) -> bool:
        return notice.ref == ref

    is_end.__name__ = f"ref is {ref.path}"
    return is_end
