"""Asking and offering, in each of the places where somebody may wait."""

import asyncio
import math
from typing import TYPE_CHECKING, Any, TypeVar

from ccw_actors.errors import AskTimeoutError, DispatcherError
from ccw_actors.runtime.asks import Pending, Settle
from ccw_actors.runtime.waiting import Waiting
from ccw_actors.transport import Message, Request

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["Asking"]

R = TypeVar("R")


class Asking:
    """Sends requests and waits for their answers; `ask_timeout` is in seconds.

    An async handler is resumed by the answer itself, a task of the event loop by a
    Future, a thread by a queue; plain code under a virtual clock or the stepping
    dispatcher runs the System until the answer is there.
    """

    def __init__(self, mail: "Mail", ask_timeout: float) -> None:
        self._mail = mail
        self.ask_timeout = ask_timeout

    async def ask(
        self, path: str, request: Request[R], timeout: float | None = None
    ) -> R:
        """Send a request and wait for its answer; see `ActorRef.ask`."""
        mail = self._mail
        place = mail.place()
        wait = self.ask_timeout if timeout is None else timeout
        cell = mail.cells.get(path)
        if (
            cell is not None
            and cell.policy.when_full == "wait"
            and mail.room.lacks(path)
        ):
            wait = await self._wait_for_room(path, wait)
        turn = place.turn
        if turn is not None:
            asks = mail.asks
            pending = asks.question(path, place.path, type(request), wait, turn=turn)
            envelope = mail.envelope(place, request, pending.number)
            asks.block(pending)
            try:
                mail.ask(pending, envelope)
            except BaseException:
                asks.blocked.pop(place.path, None)
                raise
            answer: R = await pending
            return answer
        if mail.dispatcher.loop is None:
            raise DispatcherError("no event loop runs this System: ask with block=True")
        if not place.home:
            raise DispatcherError(
                "another thread's event loop runs this System: ask with block=True"
            )
        return await self._ask_in_task(path, request, wait)

    def ask_blocking(
        self, path: str, request: Request[R], timeout: float | None = None
    ) -> R:
        """Send a request and block until its answer; see `ActorRef.ask`."""
        mail = self._mail
        place = mail.place()
        if place.home:
            self._check_may_run(path)
        waiting: Waiting[R] = Waiting()
        wait = self.ask_timeout if timeout is None else timeout
        pending = self._question(place.path, path, request, wait, waiting.settle)
        envelope = mail.envelope(place, request, pending.number)
        if not place.home:
            block = bool(place.path)
            mail.inbox.call(lambda: mail.ask_late(pending, envelope, block=block))
            if block:
                self._mail.dispatcher.release()  # It rests, while it waits.
            try:
                return waiting.wait(
                    self._mail.dispatcher,
                    wait,
                    lambda age: mail.asks.timeout_error(pending, age),
                )
            finally:
                if block:
                    self._mail.dispatcher.hold()
        mail.ask(pending, envelope)
        try:
            if not self._mail.dispatcher.run_until(waiting.is_settled):
                mail.asks.stopped(pending.number, "nothing is left that could answer")
        finally:
            mail.asks.forget(pending.number)
        return waiting.outcome()

    async def offer(self, path: str, message: Message) -> None:
        """Tell a message when there is room for it; see `ActorRef.offer`."""
        if self._mail.room.lacks(path):
            await self._mail.room.wait(path)
        self._mail.tell(path, message)

    def offer_blocking(self, path: str, message: Message) -> None:
        """Do the same from another thread; see `ActorRef.offer`."""
        if self._mail.place().home:
            raise DispatcherError(f"the System's own thread cannot block for {path}")
        loop = self._mail.dispatcher.loop
        assert loop is not None, "where there is no loop, there is no other thread"
        self._mail.dispatcher.check_awake()
        asyncio.run_coroutine_threadsafe(self.offer(path, message), loop).result()

    # -- inside -----------------------------------------------------------------

    def _check_may_run(self, path: str) -> None:
        if self._mail.dispatcher.loop is not None:
            raise DispatcherError("the event loop runs this System: await the ask")
        if asker := self._mail.home.path:
            raise DispatcherError(
                f"{asker} asks {path} and would block inside a handler: make it async"
                " and await the ask, or tell the request and handle the answer"
            )

    async def _wait_for_room(self, path: str, wait: float) -> float:
        """Wait for room in a mailbox; return what is left of `wait` seconds."""
        room, began = self._mail.room, self._mail.dispatcher.now()
        try:
            async with asyncio.timeout(None if wait == math.inf else wait):
                await room.wait(path)
        except TimeoutError as error:
            queued = self._mail.queue_length(path)
            what = "when there would be room for a request"
            raise AskTimeoutError(path, what, wait, queued) from error
        return wait - (self._mail.dispatcher.now() - began)

    async def _ask_in_task(self, path: str, request: Request[R], wait: float) -> R:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        def settle(answer: R, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(answer)

        mail = self._mail
        pending = self._question("", path, request, wait, settle)
        mail.ask(pending, mail.envelope(mail.home, request, pending.number))
        try:
            return await future
        finally:
            mail.asks.forget(pending.number)

    def _question(
        self,
        asker: str,
        path: str,
        request: Request[Any],
        wait: float,
        settle: Settle,
    ) -> Pending:
        return self._mail.asks.question(path, asker, type(request), wait, settle=settle)
