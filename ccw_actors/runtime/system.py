"""A System of actors: who exists, what is sent to whom, and what becomes of it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from ccw_actors.errors import ActorFailedError, CcwActorsError, DispatcherError
from ccw_actors.runtime.actor import Actor
from ccw_actors.runtime.asks import Question, Settle
from ccw_actors.runtime.bridge import ThreadCell
from ccw_actors.runtime.cell import STOP, Cell, Envelope
from ccw_actors.runtime.dispatch import Dispatcher, LoopDispatcher
from ccw_actors.runtime.mail import Mail
from ccw_actors.runtime.observer import Observer
from ccw_actors.runtime.ref import ActorRef, ReplyTo
from ccw_actors.runtime.timers import Timer
from ccw_actors.runtime.waiting import Waiting
from ccw_actors.transport import Codec, Message, Request

__all__ = ["System"]

R = TypeVar("R")
T = TypeVar("T")

_SHUT_DOWN = "the System shut down"


class System:
    """A set of actors under one dispatcher.

    Made inside a coroutine, it runs on that event loop; with a `VirtualDispatcher` or
    a `SteppingDispatcher` it needs no loop. `ask_timeout` is in seconds. The thread
    that made it is its own: only that one may spawn actors and await asks. On an event
    loop `tell`, `stop` and `ask(..., block=True)` work from any other thread.
    """

    def __init__(
        self, dispatcher: Dispatcher | None = None, *, ask_timeout: float = 10.0
    ) -> None:
        self.dispatcher = LoopDispatcher() if dispatcher is None else dispatcher
        self.ask_timeout = ask_timeout
        self.codec = Codec(_to_wire, self._from_wire)
        self._decoders: dict[Any, Callable[[bytes], Any]] = {}
        self._threads: list[ThreadCell] = []
        self._mail = Mail(self.dispatcher, self.codec)
        self.tell: Callable[[str, Message], None] = self._mail.tell

    @property
    def failures(self) -> list[ActorFailedError]:
        """One error for each actor that has failed, the oldest first."""
        return self._mail.failures

    # -- actors -----------------------------------------------------------------

    def spawn(self, actor: Actor, path: str) -> ActorRef[Any]:
        """Start the actor at that path and return its reference.

        What its `on_start` raises is raised here, and the path is free again. Raises
        `CcwActorsError` if the path is empty or taken, and `DispatcherError` on a
        thread that is not the System's own.
        """
        self._check_path(path)
        actor.bind(self, path)
        cell = Cell(path, actor, self._raw_decoder(type(actor).accepts))
        self._mail.cells[path] = cell
        place = self._mail.here.place
        outer, place.path = place.path, path
        try:
            actor.on_start()
        except BaseException:
            self._mail.end(cell, "the actor failed to start", stopped=False)
            raise
        finally:
            place.path = outer
        return self.ref(path)

    def spawn_thread(self, actor: Actor, path: str) -> ActorRef[Any]:
        """Start the actor in a Pykka thread of its own, where it may block.

        If its `on_start` raises there, the actor has failed. Raises like `spawn`, and
        `DispatcherError` where threads would take the order of messages out of the
        dispatcher's hands: under the virtual clock and the stepping dispatcher.
        """
        if not self.dispatcher.has_threads:
            raise DispatcherError(
                f"{path}: {type(actor).__name__} lives in a thread, which only a System"
                " on the event loop can have; use a form of it that does not block"
            )
        self._check_path(path)
        actor.bind(self, path)
        decode = self._raw_decoder(type(actor).accepts)
        cell = self._mail.cells[path] = ThreadCell(path, actor, decode, self._mail)
        self._threads = [one for one in self._threads if not one.join(0)]
        self._threads.append(cell)
        return self.ref(path)

    def ref(self, path: str) -> ActorRef[Any]:
        """Return a reference to a path, whether an actor is there or not (yet)."""
        return ActorRef(self, path)

    def is_alive(self, path: str) -> bool:
        """Whether there is an actor at that path that has not stopped."""
        return path in self._mail.cells

    def stop(self, path: str) -> None:
        """Stop an actor after the messages that are in its mailbox now."""
        place = self._mail.here.place
        self._mail.send(place, path, Envelope(STOP, place.path, 0, None))

    async def shutdown(self, timeout: float = 5.0) -> list[str]:
        """Stop every actor, the youngest first, and join their threads.

        Messages still in a mailbox become dead letters and asks fail with
        `ActorStoppedError`. Returns the paths of actors whose threads had not ended
        `timeout` seconds later (they are daemons and do not hold up the process).
        """
        for cell in list(reversed(self._mail.cells.values())):
            self._mail.end(cell, _SHUT_DOWN)
        self._mail.asks.all_stopped(None, _SHUT_DOWN)
        left = await self._join_threads(timeout) if self._threads else []
        self._mail.inbox.drain()
        return left

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.shutdown()

    def observe(self, observer: Observer) -> None:
        """Have every message from now on reported to the observer."""
        self._mail.observers.add(observer)

    # -- messages ---------------------------------------------------------------

    async def ask(
        self, path: str, request: Request[R], timeout: float | None = None
    ) -> R:
        """Send a request and wait for its answer; see `ActorRef.ask`."""
        if not isinstance(self.dispatcher, LoopDispatcher):
            raise DispatcherError("no event loop runs this System: ask with block=True")
        if not self._mail.here.place.home:
            raise DispatcherError(
                "another thread's event loop runs this System: ask with block=True"
            )
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        def settle(answer: R, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(answer)

        question, envelope = self._question(path, request, timeout, settle)
        self._mail.ask(question, envelope)
        try:
            return await future
        finally:
            self._mail.asks.forget(question.number)

    def ask_blocking(
        self, path: str, request: Request[R], timeout: float | None = None
    ) -> R:
        """Send a request and block until its answer; see `ActorRef.ask`."""
        mail = self._mail
        if mail.here.place.home:
            self._check_may_run(path)
        waiting: Waiting[R] = Waiting()
        question, envelope = self._question(path, request, timeout, waiting.settle)
        if not mail.here.place.home:
            mail.inbox.call(lambda: mail.ask(question, envelope))
            return waiting.wait(
                self.dispatcher,
                question.timeout,
                lambda age: mail.asks.timeout_error(question, age),
            )
        mail.ask(question, envelope)
        try:
            if not self.dispatcher.run_until(waiting.is_settled):
                mail.asks.stopped(question.number, "nothing is left that could answer")
        finally:
            mail.asks.forget(question.number)
        return waiting.outcome()

    def reply(self, to: ReplyTo, message: Message) -> None:
        """Answer a request; see `Actor.reply`."""
        mail = self._mail
        place = mail.here.place
        envelope = mail.envelope(place, message)
        path = to.ref.path if to.ref is not None else ""
        if path and not to.ask:
            mail.send(place, path, envelope)
        else:
            mail.inbox.call(lambda: mail.answer(to.ask, path, envelope))

    @property
    def sender(self) -> ActorRef[Any] | None:
        """Who sent the message being handled; None for the outside."""
        envelope = self._mail.here.place.envelope
        if envelope is None or not envelope.sender:
            return None
        return self.ref(envelope.sender)

    @property
    def reply_to(self) -> ReplyTo:
        """Whom to answer the message being handled."""
        envelope = self._mail.here.place.envelope
        return ReplyTo(self.sender, envelope.ask if envelope is not None else 0)

    # -- time -------------------------------------------------------------------

    def now(self) -> float:
        """Seconds of this System's clock since it was made."""
        return self.dispatcher.now()

    def set_timer(self, path: str, delay: float, message: Message) -> int:
        """Send a message to an actor after `delay` seconds; see `Actor.after`."""
        mail = self._mail
        envelope = mail.envelope(mail.here.place, message)
        timer = Timer(self.now() + delay, envelope.payload, envelope.stamp)
        key = mail.timers.next_key(path)
        mail.inbox.call(lambda: mail.arm(key, timer))
        return key[1]

    def cancel_timer(self, path: str, number: int) -> None:
        """Disarm a timer; see `Actor.cancel`."""
        self._mail.inbox.call(lambda: self._mail.timers.take((path, number)))

    def state_decoder(self, state_type: type[T]) -> Callable[[Any], T]:
        """Return the decoder of a state type, for `Actor.restore`."""
        return self._raw_decoder(state_type)

    # -- inside -----------------------------------------------------------------

    async def _join_threads(self, timeout: float) -> list[str]:
        def join() -> list[str]:
            deadline = self.now() + timeout
            return [
                cell.path
                for cell in reversed(self._threads)
                if not cell.join(max(0.0, deadline - self.now()))
            ]

        # Not the loop's own executor: all its threads may be blocked in asks.
        pool = ThreadPoolExecutor(1, "shutdown")
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, join)
        finally:
            pool.shutdown(wait=False)

    def _check_path(self, path: str) -> None:
        if not self._mail.here.place.home:
            raise DispatcherError(f"cannot spawn {path!r}: not on the System's thread")
        if not path or path in self._mail.cells:
            state = "taken" if path else "empty"
            raise CcwActorsError(f"cannot spawn at {path!r}: the path is {state}")

    def _check_may_run(self, path: str) -> None:
        if isinstance(self.dispatcher, LoopDispatcher):
            raise DispatcherError("the event loop runs this System: await the ask")
        if asker := self._mail.here.place.path:
            raise DispatcherError(
                f"{asker} asks {path} and would wait inside a handler:"
                " tell the request and handle the answer as a message"
            )

    def _question(
        self, path: str, request: Request[Any], timeout: float | None, settle: Settle
    ) -> tuple[Question, Envelope]:
        wait = self.ask_timeout if timeout is None else timeout
        question = self._mail.asks.question(path, type(request), wait, settle)
        place = self._mail.here.place
        return question, self._mail.envelope(place, request, question.number)

    def _raw_decoder(self, accepted: Any) -> Callable[[bytes], Any]:
        decoder = self._decoders.get(accepted)
        if decoder is None:
            decoder = self._decoders[accepted] = self.codec.raw_decoder(accepted)
        return decoder

    def _from_wire(self, kind: Any, value: Any) -> Any:
        if getattr(kind, "__origin__", kind) is ActorRef and isinstance(value, str):
            return self.ref(value)
        raise TypeError(f"expected a field of type {kind}, got {value!r}")


def _to_wire(value: Any) -> Any:
    if isinstance(value, ActorRef):
        return value.path
    raise TypeError(f"{type(value).__name__} cannot travel in a message")
