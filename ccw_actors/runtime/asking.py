"""Asking and offering, in each of the places where somebody may wait."""

import asyncio
import math
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, TypeVar

from ccw_actors.errors import DispatcherError, MailboxFullError
from ccw_actors.runtime._asyncio_internals import EAGER_TASKS
from ccw_actors.runtime.cell import Envelope
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
        place = mail.home if get_ident() == mail.home_thread else mail.place()
        wait = self.ask_timeout if timeout is None else timeout
        turn = place.turn
        if turn is not None and (not EAGER_TASKS or turn.is_current()):
            asker = place.path
            pending = mail.asks.begin(path, asker, type(request), wait, turn)
            number = pending.number
            try:
                if mail.observers.present:
                    envelope = mail.envelope(place, request, number)
                else:
                    envelope = Envelope(mail.encode(request), asker, number, None)
                mail.put_ask(pending, envelope)
            except BaseException:
                mail.asks.forget(number)
                raise
            answer: R = await pending
            return answer
        if mail.dispatcher.loop is None:
            raise DispatcherError("no event loop runs this System: ask with block=True")
        if not place.home:
            raise DispatcherError(
                "another thread's event loop runs this System: ask with block=True"
            )
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        settle = partial(_settle, future)
        asked = mail.asks.question(path, "", type(request), wait, settle)
        try:
            mail.ask(asked, mail.envelope(mail.home, request, asked.number))
            return await future
        except BaseException:
            mail.asks.forget(asked.number)
            raise

    def ask_blocking(
        self, path: str, request: Request[R], timeout: float | None = None
    ) -> R:
        """Send a request and block until its answer; see `ActorRef.ask`."""
        mail = self._mail
        place = mail.place()
        if place.home:
            self._check_may_run(path)
        waiting: Waiting[R] = Waiting(place.work)
        wait = self.ask_timeout if timeout is None else timeout
        pending = mail.asks.question(
            path, place.path, type(request), wait, waiting.settle
        )
        envelope = mail.envelope(place, request, pending.number)
        if not place.home:
            block = bool(place.path)

            def ask() -> None:
                waiting.begin()
                mail.ask_late(pending, envelope, block=block)

            mail.inbox.call(ask)
            return waiting.wait(
                mail.dispatcher, wait, lambda age: mail.asks.timeout_error(pending, age)
            )
        mail.ask(pending, envelope)
        try:
            if not self._mail.dispatcher.run_until(waiting.is_settled):
                mail.asks.stopped(pending.number, "nothing is left that could answer")
        finally:
            mail.asks.forget(pending.number)
        return waiting.outcome()

    async def offer(self, path: str, message: Message) -> None:
        """Tell a message when there is room for it; see `ActorRef.offer`."""
        mail = self._mail
        if not mail.room.lacks(path):
            mail.tell(path, message)
            return
        envelope = mail.envelope(mail.home, message)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def enter() -> bool:
            if future.done():
                return False
            future.set_result(None)
            mail.deliver(path, envelope)
            return True

        mail.room.queue(path, enter)
        await future

    def offer_blocking(self, path: str, message: Message) -> None:
        """Do the same from another thread; see `ActorRef.offer`."""
        mail = self._mail
        place = mail.place()
        if place.home:
            raise DispatcherError(f"the System's own thread cannot block for {path}")
        envelope = mail.envelope(place, message)
        waiting: Waiting[None] = Waiting(place.work)

        def enter() -> bool:
            try:
                mail.deliver(path, envelope)
            except MailboxFullError as error:
                waiting.settle(None, error)
                return False
            waiting.settle(None, None)
            return True

        def offer() -> None:
            waiting.begin()
            if mail.room.lacks(path):
                mail.room.queue(path, enter)
            else:
                enter()

        mail.inbox.call(offer)
        waiting.wait(mail.dispatcher, math.inf, lambda _age: AssertionError("endless"))

    # -- inside -----------------------------------------------------------------

    def _check_may_run(self, path: str) -> None:
        if self._mail.dispatcher.loop is not None:
            raise DispatcherError("the event loop runs this System: await the ask")
        if asker := self._mail.home.path:
            raise DispatcherError(
                f"{asker} asks {path} and would block inside a handler: make it async"
                " and await the ask, or tell the request and handle the answer"
            )


def _settle(future: asyncio.Future[R], answer: R, error: Exception | None) -> None:
    """Give a task its answer, if it still waits."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)
