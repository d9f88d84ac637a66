"""A System of actors: it spawns them, delivers their messages and ends them."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import pykka

from ccw_actors._escalation import ALWAYS
from ccw_actors.errors import ActorFailedError, DispatcherError
from ccw_actors.runtime._actor import Actor
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._drive.loop import LoopDispatcher
from ccw_actors.runtime._drive.turn import Turn
from ccw_actors.runtime._dump import dump, statistics
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._kernel.ports import Dispatcher, Finished
from ccw_actors.runtime._provider import KernelProvider
from ccw_actors.runtime._references import References
from ccw_actors.runtime._services import ActorServices
from ccw_actors.runtime._shutdown import Shutdown
from ccw_actors.runtime._spawning import Spawner
from ccw_actors.runtime._values.address import path_of
from ccw_actors.runtime._values.dump import Dump, Statistics
from ccw_actors.runtime._values.envelope import (
    Envelope,
)
from ccw_actors.runtime._values.mailbox import Mailbox
from ccw_actors.runtime._values.observer import Observer
from ccw_actors.runtime._values.reference import (
    ActorRef,
)
from ccw_actors.runtime._values.supervision import Supervision
from ccw_actors.runtime._values.trace_context import Propagator
from ccw_actors.runtime.links import Link, LinkOptions, Links, Listener

if TYPE_CHECKING:
    from ccw_actors.runtime._actor import Q

__all__ = ["System"]

T = TypeVar("T")

_NUMBERS = itertools.count(1)


class System:
    """A set of actors under one dispatcher.

    Created inside a coroutine, it runs on that event loop. With a `VirtualDispatcher`
    or a `SteppingDispatcher` it needs no loop. `ask_timeout` is in seconds; `mailbox`
    is for actors that are spawned without their own. The thread that created the System
    is its own thread: only that one may spawn actors and await asks. On an event loop
    the other methods of a reference work from any thread.

    `name` identifies this System in the references inside messages. Systems that
    exchange messages need different names. The default comes from a counter on an event
    loop. Elsewhere it is always the same, so that a run can be repeated byte by byte.

    `escalate` are the types of errors that stop the System, by default
    KeyboardInterrupt and SystemExit. If an actor raises one, the System stops every
    actor and cancels the task inside `async with System()`, which raises the error at
    its end. Without an `async with`, `shutdown` raises it, or, if no event loop runs
    the System, the call that runs it. Any other error, also a `BaseException`, is a
    failure of its actor.

    An actor's `on_stop`, and the end of its tasks, may take `stop_timeout` seconds.
    With `failures_with_payload` a `Failure` contains the message itself.
    `unknown_fields` says whether actors refuse a message with unknown fields ("refuse")
    or drop these fields ("accept").
    """

    def __init__(
        self,
        dispatcher: Dispatcher | None = None,
        *,
        name: str | None = None,
        ask_timeout: float = 10.0,
        stop_timeout: float = 5.0,
        mailbox: Mailbox | None = None,
        escalate: tuple[type[BaseException], ...] | None = None,
        failures_with_payload: bool = False,
        unknown_fields: Literal["refuse", "accept"] = "refuse",
    ) -> None:
        self.dispatcher = LoopDispatcher() if dispatcher is None else dispatcher
        self.mailbox = Mailbox() if mailbox is None else mailbox
        if name is None:
            # A run that can be repeated needs the same name each time.
            repeats = not isinstance(self.dispatcher, LoopDispatcher)
            name = "system" if repeats else f"system-{next(_NUMBERS)}"
        self.name = name
        self._references = references = References(unknown_fields)
        self.codec = references.codec
        self._kernel = kernel = Kernel(
            self.dispatcher,
            self.codec,
            ref_of=references.of_address,
            suspend=self._suspend,
            observed=self._observed,
            ask_timeout=ask_timeout,
            failures_with_payload=failures_with_payload,
        )
        self._shutdown = Shutdown(kernel)
        self._provider = provider = KernelProvider(name, kernel, self._shutdown)
        restores = self.dispatcher.restores
        references.serve(provider, kernel.registry, restores=restores)
        self._spawner = Spawner(
            system=self,
            kernel=kernel,
            references=references,
            provider=provider,
            shutdown=self._shutdown,
            mailbox=self.mailbox,
        )
        self.services = ActorServices(kernel, references)
        self._links: Links | None = None
        kernel.supervisor.stop_timeout = stop_timeout
        kernel.supervisor.escalates = tuple(ALWAYS) if escalate is None else escalate

    @property
    def failures(self) -> list[ActorFailedError]:
        """One error for each failure of an actor, the oldest first.

        The System keeps the last thousand, as text; `statistics` counts all.
        """
        return self._kernel.failures.kept

    @property
    def running(self) -> str:
        """The path of the actor that the System's own thread runs now.

        "" for none. Any thread may read it, so the value may already be out of date.
        """
        return path_of(self._kernel.running.address)

    # -- actors -----------------------------------------------------------------

    def spawn(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        path: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> "ActorRef[Q]":
        """Start an actor at a path and return its reference.

        `actor` may also be a function that makes an actor, such as its class: then a
        restart makes a new one. Otherwise a restart gives it its first `state` back.
        Without a path it gets one from its class and a counter. `supervision` says what
        happens when it fails (by default `Stop()`). If a plain `on_start` raises,
        `spawn` raises the error, and the path is free again.

        Raises `CcwActorsError` if the path is empty or taken, if the System is shutting
        down, if the actor has already been spawned, and if a restart would have no
        state to begin with; `TypeError` for a value that is no actor or no supervision,
        and if the actor uses one of `Actor`'s own names for something else;
        `DispatcherError` on a thread that is not the System's own.
        """
        cell = self._spawner.actor(actor, path, None, supervision, mailbox)
        return self._references.of(cell)

    def spawn_thread(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        path: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> "ActorRef[Q]":
        """Start an actor in its own Pykka thread, where it may block.

        If its `on_start` raises there, the actor has failed. Raises like `spawn`, and
        `DispatcherError` under the virtual clock and the stepping dispatcher, which
        could not control the order of a thread's messages, and for a class with async
        handlers, because no loop runs in the thread. Raises `CcwActorsError` if the
        host cannot start another thread.
        """
        cell = self._spawner.thread(actor, path, supervision, mailbox)
        return self._references.of(cell)

    def bridge(
        self,
        actor: "pykka.ActorRef[Any]",
        path: str,
        accepts: Any,
        *,
        stop: bool = False,
        mailbox: Mailbox | None = None,
    ) -> ActorRef[Any]:
        """Give a running Pykka actor a reference of this System.

        `accepts` is the union of the message types that it takes. The actor gets its
        own copy of each message. The return value of its `on_receive` for a request is
        the answer. An exception in it fails only that ask. With `stop` it also stops
        when its reference is stopped, and at the System's shutdown. When it has stopped
        for any reason, asks fail and its watchers receive `Terminated`.

        Raises like `spawn_thread`, and `TypeError` for an answer that is no message.
        """
        cell = self._spawner.bridge(actor, path, accepts, stop=stop, mailbox=mailbox)
        return self._references.of(cell)

    def ref(self, path: str) -> ActorRef[Any]:
        """Return a reference to the actor that is at a path now.

        If no actor is there, the reference is to the next one at that path. Raises
        `CcwActorsError` for a path at which no actor can be spawned.
        """
        return self._references.at(path)

    def is_alive(self, path: str) -> bool:
        """Whether an actor that has not stopped is at that path."""
        return self._kernel.registry.at(path) is not None

    async def shutdown(self, timeout: float = 5.0, *, drain: bool = False) -> list[str]:
        """Stop every actor, the youngest first, and join their threads.

        With `drain` each actor first handles the messages in its mailbox. Without it
        they become dead letters. Asks not answered by then fail with
        `ActorStoppedError`. Everything together takes at most `timeout` seconds. Then
        the System abandons the remaining actors and returns their paths (threads are
        daemons and do not hold up the process). It spawns no actors afterwards.
        """
        left = await self._shutdown.run(timeout, drain=drain)
        self._kernel.raise_escalated()
        escalation = self._shutdown.escalation
        if not isinstance(escalation.error, ActorFailedError | None):
            _raise_again(escalation.take(), None)
        return left

    async def __aenter__(self) -> Self:
        self._shutdown.escalation.enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        escalation = self._shutdown.escalation
        await escalation.leave(error)
        try:
            await self._shutdown.run(5.0, drain=False)
        except asyncio.CancelledError:
            if isinstance(escalation.error, ActorFailedError | None):
                raise
        self._kernel.raise_escalated()
        escalated = escalation.take()
        if error is None or not isinstance(escalated, ActorFailedError | None):
            _raise_again(escalated, error)
        elif escalated is not None:
            error.add_note(f"The System was stopped before: {escalated}")

    # -- other Systems ------------------------------------------------------------

    async def listen(
        self, address: str, options: LinkOptions | None = None
    ) -> Listener:
        """Accept links of other Systems at an address; see `runtime.links`.

        Raises `LinkError` if it cannot, and `DispatcherError` if no event loop runs
        this System.
        """
        return await self._linked().listen(address, options or LinkOptions())

    async def connect(self, address: str, options: LinkOptions | None = None) -> Link:
        """Link this System to the one that listens at an address; see `runtime.links`.

        From then on each knows the other by its name, and references to its actors are
        like any other.

        Raises `LinkError`: nobody listens there, does not answer in time
        (`LinkTimeoutError`), or refuses the link (`LinkRefusedError`). Raises
        `DispatcherError` if no event loop runs this System.
        """
        return await self._linked().connect(address, options or LinkOptions())

    @property
    def links(self) -> tuple[Link, ...]:
        """The links that are up now, the oldest first."""
        return () if self._links is None else self._links.up

    def _linked(self) -> Links:
        """Return the links of this System, which are made with the first."""
        kernel = self._kernel
        if kernel.dispatcher.loop is None:
            raise DispatcherError("no event loop runs this System: it has no links")
        if self._links is None:
            self._links = Links(kernel, self._references, self._provider)
            kernel.remote = self._links
        return self._links

    # -- time ---------------------------------------------------------------------

    def now(self) -> float:
        """The seconds of this System's clock since it was created."""
        return self.dispatcher.now()

    # -- for actors -----------------------------------------------------------------

    def spawn_child(
        self,
        parent: Cell,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        name: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> "ActorRef[Q]":
        """Start an actor as a child of another; see `Actor.spawn`."""
        cell = self._spawner.actor(actor, name, parent, supervision, mailbox)
        return self._references.of(cell)

    def ref_of(self, cell: Cell) -> ActorRef[Any]:
        """Return the reference of an existing actor."""
        return self._references.of(cell)

    def state_decoder(self, state_type: type[T]) -> Callable[[Any], T]:
        """Return the decoder of a state type; see `Actor.restore`."""
        return self._references.decoder(state_type)

    # -- watching -----------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """Report every message from now on to the observer."""
        self._kernel.observers.add(observer)

    def unobserve(self, observer: Observer) -> None:
        """Stop reporting to the observer."""
        self._kernel.observers.remove(observer)

    def propagate(self, propagator: Propagator | None) -> None:
        """Send trace contexts along with messages from now on; None ends that.

        Has no effect under the stepping dispatcher, where a trace would be state.
        """
        if not self.dispatcher.restores:
            self._kernel.observers.propagate(propagator)

    def statistics(self) -> Statistics:
        """Return counts of messages, failures and other events so far."""
        return statistics(self._kernel)

    def handled_by_type(self) -> dict[str, int]:
        """Return how many messages actors have handled, by the name of their type.

        Answers to asks are not among them. Any thread may call it.
        """
        return self._kernel.counts.by_type()

    def dump(self) -> Dump:
        """Return every actor and what it waits for; `str` of it is a table."""
        return dump(self._kernel)

    # -- inside -----------------------------------------------------------------

    def _suspend(
        self,
        cell: Cell,
        envelope: Envelope | None,
        coroutine: Coroutine[Any, Any, Any],
        finished: Finished,
    ) -> Turn:
        loop = self.dispatcher.loop
        return Turn(cell, envelope, coroutine, loop, finished, cell.context)

    def _observed(self) -> None:
        self._provider.observed()


def _raise_again(escalated: BaseException | None, error: BaseException | None) -> None:
    """Raise an escalated error, if there is one, after an error of the body.

    The error of the body becomes its context, unless it already has one or is itself
    the cause of the other.
    """
    if escalated is None:
        return
    context = escalated.__context__
    try:
        raise escalated
    finally:
        if context is not None or isinstance(error, asyncio.CancelledError):
            escalated.__context__ = context
