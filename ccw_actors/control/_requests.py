"""The actor behind the control socket: each request is a message to it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, Union

from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime import Actor, Failure, Message, ReplyTo, Request, receive

__all__ = ["Control", "Handler", "control_actor"]

Handler: TypeAlias = Callable[[Any], Message | Awaitable[Message]]
"""Takes a request and returns its answer, or an awaitable of it.

It is called on the System's thread. A separate task waits for an awaitable, so it may
take its time while other requests are answered. The client receives a `RequestFailed`
for an exception, and for an answer of another type than the request promises. If the
client disconnects, the task goes on, so that nothing is left half done. The end of the
System cancels it.
"""

log = logging.getLogger("ccw_actors")


class _Running(NamedTuple):
    """A request whose handler is running: its type's name, and where to answer."""

    request: str
    to: ReplyTo
    task: asyncio.Future[Message]


class HandlerEnded(Message, frozen=True):
    """The task of the request of that number has ended."""

    number: int


class Control(Actor):
    """Answers requests by their handlers; see `control_actor`."""

    def __init__(self, handlers: Mapping[type[Request[Any]], Handler]) -> None:
        self._handlers = dict(handlers)
        self._running: dict[int, _Running] = {}
        self._number = 0

    def take(self, request: Any) -> None:
        """Hand a request to its handler."""
        name, to = type(request).__name__, self.reply_to
        try:
            answer = self._handlers[type(request)](request)
        except Exception as error:  # noqa: BLE001 - the client receives it
            self._fail(to, name, error)
            return
        if isinstance(answer, Awaitable):
            self._number = number = self._number + 1
            task = asyncio.ensure_future(answer)
            self._running[number] = _Running(name, to, task)
            task.add_done_callback(lambda _: self._note_end(number))
        else:
            self._answer(to, name, answer)

    @receive
    def handler_ended(self, message: HandlerEnded) -> None:
        """Answer the request of a task that has ended."""
        name, to, task = self._running.pop(message.number)
        try:
            answer = task.result()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - as above
            self._fail(to, name, error)
        else:
            self._answer(to, name, answer)

    async def on_stop(self) -> None:
        """Cancel the tasks, and wait for their end."""
        tasks = [running.task for running in self._running.values()]
        self._running.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _note_end(self, number: int) -> None:
        if number in self._running:
            self.ref.tell(HandlerEnded(number))

    def _answer(self, to: ReplyTo, request: str, answer: Any) -> None:
        if not isinstance(answer, Message):
            what = type(answer).__name__
            wrong = TypeError(f"expected a message for an answer, got {what}")
            self._fail(to, request, wrong)
            return
        try:
            self.reply(to, answer)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self._fail(to, request, error)

    def _fail(self, to: ReplyTo, request: str, error: BaseException) -> None:
        if not isinstance(error, CcwActorsError | asyncio.CancelledError):
            log.error("%s: %r", request, error, exc_info=error)
        self.reply(to, Failure(self.path, request, f"{type(error).__name__}: {error}"))


def control_actor(handlers: Mapping[type[Request[Any]], Handler]) -> Control:
    """Return an actor that takes requests of these types.

    Raises:
        TypeError: Two types have one name.
    """

    def take(self: Control, message: Any) -> None:
        Control.take(self, message)

    take.__annotations__["message"] = Union[tuple(handlers)]  # noqa: UP007 - at run time
    made: Control = type("Control", (Control,), {"take": receive(take)})(handlers)
    return made
