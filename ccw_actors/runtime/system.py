"""A System of actors: who exists, what is sent to whom, and what becomes of it."""

import asyncio
import contextvars
import inspect
import itertools
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import msgspec
import pykka

from ccw_actors.errors import (
    ActorFailedError,
    CcwActorsError,
    DispatcherError,
    StashError,
)
from ccw_actors.escalation import ALWAYS
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.handlers import spec_of
from ccw_actors.runtime._drive.loop import LoopDispatcher
from ccw_actors.runtime._drive.owned_tasks import TaskSet
from ccw_actors.runtime._drive.turn import Turn
from ccw_actors.runtime._dump import dump, statistics
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._kernel.ports import Dispatcher, Finished
from ccw_actors.runtime._provider import KernelProvider, UnknownProvider
from ccw_actors.runtime._shutdown import Shutdown
from ccw_actors.runtime._threads.pykka_cell import PykkaCell
from ccw_actors.runtime._threads.thread_cell import ThreadCell
from ccw_actors.runtime._values.address import address_of, path_of
from ccw_actors.runtime._values.dump import Dump, Statistics
from ccw_actors.runtime._values.envelope import (
    TICK,
    UNBOUNDED,
    UNWATCH,
    WATCH,
    Envelope,
)
from ccw_actors.runtime._values.mailbox import Mailbox
from ccw_actors.runtime._values.notices import Terminated
from ccw_actors.runtime._values.observer import Observer
from ccw_actors.runtime._values.reference import (
    NOBODY,
    ActorRef,
    Provider,
    ReplyTo,
)
from ccw_actors.runtime._values.supervision import Escalate, Stop, Supervision
from ccw_actors.runtime._values.timer import SLEEP, Timer
from ccw_actors.runtime._values.trace_context import Propagator
from ccw_actors.runtime.actor import Actor
from ccw_actors.transport import Codec, Message

if TYPE_CHECKING:
    from ccw_actors.runtime.actor import Q

__all__ = ["System"]

T = TypeVar("T")

_NUMBERS = itertools.count(1)


class System:
    """A set of actors under one dispatcher.

    Made inside a coroutine, it runs on that event loop; with a `VirtualDispatcher` or
    a `SteppingDispatcher` it needs no loop. `ask_timeout` is in seconds; `mailbox` is
    for actors that are spawned without one of their own. The thread that made it is
    its own: only that one may spawn actors and await asks. On an event loop the other
    methods of a reference work from any thread.

    `name` is what references call this System inside messages; two Systems that know of
    each other have two names. Unless given it is made of a counter.

    `escalate` are errors that are no actor's affair, KeyboardInterrupt and SystemExit
    unless said. When one is raised in an actor, every actor is stopped, the task inside
    of `async with System()` is cancelled, and that raises the error at its end. Without
    an `async with`, `shutdown` raises it, or, where no event loop runs the System,
    whatever runs it then. Any other error, also one that is no `Exception`, is a
    failure of its actor.

    An actor's `on_stop`, and the end of its tasks, may take `stop_timeout` seconds.
    With `failures_with_payload` a `Failure` has the message itself in it.
    `unknown_fields` says whether a message with fields that its type does not have is
    refused ("refuse") or read without them ("accept").
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
            # What is explored has to be called the same each time.
            restores = self.dispatcher.restores
            name = "system" if restores else f"system-{next(_NUMBERS)}"
        self.name = name
        self.codec = Codec(_to_wire, self._from_wire, unknown_fields=unknown_fields)
        self._decoders: dict[Any, Callable[[bytes], Any]] = {}
        self._kernel = kernel = Kernel(
            self.dispatcher,
            self.codec,
            ref_of=self._ref_of_address,
            suspend=self._suspend,
            observed=self._observed,
            ask_timeout=ask_timeout,
            failures_with_payload=failures_with_payload,
        )
        self._shutdown = Shutdown(kernel)
        self._provider = KernelProvider(name, kernel, self._shutdown)
        self._known: dict[str, Provider] = {name: self._provider}
        kernel.supervisor.stop_timeout = stop_timeout
        kernel.supervisor.escalates = tuple(ALWAYS) if escalate is None else escalate

    @property
    def failures(self) -> list[ActorFailedError]:
        """One error for each time an actor has failed, the oldest first.

        The last thousand are kept, as text; `statistics` counts all.
        """
        return self._kernel.failures.kept

    @property
    def running(self) -> str:
        """The path of the actor whose message the System's own thread handles now.

        "" if it handles none. Any thread may look, so it may be another one already.
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

        `actor` may be a function that makes it, such as its class: then a restart
        makes a new one; otherwise a restart gives it its first `state` back. Without a
        path it gets one from its class and a counter. `supervision` says what becomes
        of it when it fails (`Stop()` unless said); a failure before that, in a plain
        `on_start`, is raised here, and the path is free again.

        Raises `CcwActorsError` if the path is empty or taken, if the System shuts
        down, and if a restart would have nothing to begin with; `DispatcherError` on a
        thread that is not the System's own.
        """
        cell = self._cell(actor, path, None, supervision, mailbox)
        self._start(cell)
        return self.ref_of(cell)

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
        cell = self._cell(actor, name, parent, supervision, mailbox)
        children = parent.children
        if children is None:
            parent.children = children = {}
        children[cell.path] = cell
        self._start(cell)
        return self.ref_of(cell)

    def spawn_thread(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        path: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> "ActorRef[Q]":
        """Start an actor in a Pykka thread of its own, where it may block.

        If its `on_start` raises there, the actor has failed. Raises like `spawn`, and
        `DispatcherError` where threads would take the order of messages out of the
        dispatcher's hands (under the virtual clock and the stepping dispatcher), and
        for a class with async handlers: no loop runs in the thread. Raises
        `CcwActorsError` if the machine has no room for another thread.
        """
        context = contextvars.copy_context()
        made = _made(actor, context)
        self._check_threads(type(made).__name__, path)
        tables = spec_of(made).tables.values()
        methods = [method for table in tables for method in table.values()]
        hooks = (made.on_start, made.on_restart, made.on_stop)
        for method in (*methods, *hooks):
            if inspect.iscoroutinefunction(method):
                raise DispatcherError(
                    f"{type(made).__name__}.{method.__name__} is async, and no event"
                    " loop runs in a thread: make it block, or spawn the actor here"
                )
        cell = self._cell(
            actor, path, None, supervision, mailbox, context=context, made=made
        )
        assert isinstance(cell, ThreadCell), "a thread was asked for"
        self._shutdown.add(cell)
        self._kernel.observers.spawned(cell.path)
        try:
            cell.start()
        except RuntimeError as error:
            self._kernel.supervisor.end(cell, "its thread cannot be started")
            raise CcwActorsError(
                f"{cell.path}: its thread cannot be started: {error}"
            ) from error
        return self.ref_of(cell)

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

        `accepts` is the union of the message types that it takes. Each message
        reaches it as a copy of its own; what its `on_receive` returns for a request is
        the answer, and what it raises is the failure of the ask alone. With `stop` it
        is stopped when its reference is, or at the System's shutdown. When it has
        stopped, by itself or not, asks fail and who watches it is told.

        Raises like `spawn_thread`, and `TypeError` for an answer that is no message.
        """
        self._check_threads(type(actor).__name__, path)
        self._check_may_spawn(path)
        self._kernel.registry.check_free(path)
        cell = PykkaCell(
            path,
            self._raw_decoder(accepts),
            self._kernel,
            policy=mailbox or self.mailbox,
            foreign=actor,
            incarnation=self._kernel.registry.next_incarnation(path),
            stops=stop,
        )
        self._kernel.registry.add(cell)
        self._shutdown.add(cell)
        self._provider.add_foreign(cell)
        self._kernel.observers.spawned(path)
        cell.look_after()
        return self.ref_of(cell)

    def ref(self, path: str) -> ActorRef[Any]:
        """Return a reference to the actor that is at a path now.

        If none is there, it is one to the next that will be spawned there.
        """
        cell = self._kernel.registry.at(path)
        if cell is not None:
            return self.ref_of(cell)
        incarnation = self._kernel.registry.next_incarnation(path)
        return ActorRef(self._provider, path, address_of(path, incarnation))

    def ref_of(self, cell: Cell) -> ActorRef[Any]:
        """Return the reference of an actor that is known to be there."""
        known = NOBODY if self.dispatcher.restores else cell
        return ActorRef(self._provider, cell.path, cell.address, known)

    def is_alive(self, path: str) -> bool:
        """Whether there is an actor at that path that has not stopped."""
        return self._kernel.registry.at(path) is not None

    async def shutdown(self, timeout: float = 5.0, *, drain: bool = False) -> list[str]:
        """Stop every actor, the youngest first, and join their threads.

        With `drain` each one handles what is in its mailbox first; without, messages
        still there become dead letters. Asks not answered by then fail with
        `ActorStoppedError`. Everything together takes at most `timeout` seconds; then
        what is left is abandoned, and its paths are returned (threads are daemons and
        do not hold up the process). Nothing can be spawned afterwards.
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

    # -- watching -----------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """Have every message from now on reported to the observer."""
        self._kernel.observers.add(observer)

    def unobserve(self, observer: Observer) -> None:
        """Report to the observer no more."""
        self._kernel.observers.remove(observer)

    def propagate(self, propagator: Propagator | None) -> None:
        """Have trace contexts travel with messages from now on; None ends that.

        Under the stepping dispatcher nothing travels: there a trace would be state.
        """
        if not self.dispatcher.restores:
            self._kernel.observers.propagate(propagator)

    def statistics(self) -> Statistics:
        """Return counts of what has happened so far."""
        return statistics(self._kernel)

    def dump(self) -> Dump:
        """Return every actor and who waits for what; `str` of it is a table."""
        return dump(self._kernel)

    # -- what actors use ------------------------------------------------------------

    def reply(self, to: ReplyTo[Any], message: Message) -> None:
        """Answer a request; see `Actor.reply`."""
        kernel = self._kernel
        running = kernel.running_here()
        address = to.ref.address if to.ref is not None else ""
        kernel.delivery.reply(running, address, to.ask, message)

    @property
    def sender(self) -> ActorRef[Any] | None:
        """Who sent the message being handled; None for the outside."""
        letter = self._kernel.running_here().letter
        if letter is None or type(letter) is bytes:
            return None
        sender = letter[1] if type(letter) is tuple else letter.sender  # type: ignore[union-attr]
        return self._ref_of_address(sender) if sender else None

    def reply_to(self, cell: Cell) -> ReplyTo[Any]:
        """Whom an actor is to answer the message being handled."""
        envelope = self._kernel.running_here().envelope
        ask = envelope.ask if envelope is not None else 0
        if ask:
            cell.owe(ask, self._kernel.asks.is_pending)
        return ReplyTo(self.sender, ask)

    def now(self) -> float:
        """Seconds of this System's clock since it was made."""
        return self.dispatcher.now()

    def set_timer(
        self, path: str, delay: float, message: Message, interval: float = 0.0
    ) -> int:
        """Send a message to an actor after `delay` seconds; see `Actor.after`."""
        kernel = self._kernel
        envelope = kernel.delivery.envelope(kernel.running_here(), message)
        kind, stamp = UNBOUNDED, envelope.stamp
        if interval:
            kind = TICK
            if stamp is not None:  # A trace that it was set in would never end.
                stamp = msgspec.structs.replace(stamp, traceparent="")
        due = self.dispatcher.now() + delay
        timer = Timer(due, envelope.payload, stamp, kind, interval)
        return kernel.set_timer(path, timer)

    def set_sleep(self, path: str, delay: float) -> int:
        """Wake the handler of an actor after `delay` seconds; see `Actor.sleep`."""
        due = self.dispatcher.now() + delay
        return self._kernel.set_timer(path, Timer(due, b"", None, SLEEP))

    def cancel_timer(self, path: str, number: int) -> None:
        """Disarm a timer; see `Actor.cancel`."""
        kernel = self._kernel
        kernel.calls.call(lambda: kernel.timers.take((path, number)))

    def start_task(
        self, cell: Cell, coroutine: Coroutine[Any, Any, Any], name: str
    ) -> "asyncio.Task[Any]":
        """Start a task that an actor owns; see `Actor.start_task`."""
        loop = self.dispatcher.loop
        if loop is None or not self._kernel.running_here().own:
            coroutine.close()
            raise DispatcherError(
                f"{cell.path}: a task needs the event loop that runs the System,"
                " on its own thread"
            )
        tasks = cell.tasks
        if tasks is None:
            tasks = cell.tasks = TaskSet(self._task_done)
        assert isinstance(tasks, TaskSet), "there is no other kind"
        return tasks.start(cell, loop, coroutine, name)

    def watch(self, watcher: Cell, ref: ActorRef[Any], *, watches: bool) -> None:
        """Tell an actor of another one's end; see `Actor.watch`."""
        tables = spec_of(watcher.actor).all()
        if watches and not any(Terminated in handlers for handlers in tables):
            name = type(watcher.actor).__name__
            raise TypeError(
                f"{name} watches {ref.path} and has no handler for Terminated"
            )
        kind = WATCH if watches else UNWATCH
        kernel = self._kernel
        envelope = Envelope(b"", watcher.address, 0, None, kind)
        kernel.delivery.send(kernel.running_here(), ref.address, envelope)

    def stash(self, cell: Cell) -> None:
        """Put the message that an actor handles aside; see `Actor.stash`."""
        running = self._kernel.running_here()
        envelope = running.envelope
        if envelope is None or running.address != cell.address:
            raise StashError(f"{cell.path} handles no message that it could stash")
        stash = cell.stash
        if stash and stash[-1] is envelope:
            raise StashError(f"{cell.path} has put this message aside already")
        if len(stash or ()) >= cell.bound:
            raise StashError(f"{cell.path} has stashed its bound of {cell.bound}")
        running.letter = envelope
        cell.set_aside(envelope)

    def state_decoder(self, state_type: type[T]) -> Callable[[Any], T]:
        """Return the decoder of a state type, for `Actor.restore`."""
        return self._raw_decoder(state_type)

    # -- inside -----------------------------------------------------------------

    def _cell(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        name: str | None,
        parent: Cell | None,
        supervision: Supervision | None,
        mailbox: Mailbox | None,
        *,
        context: contextvars.Context | None = None,
        made: "Actor[Q] | None" = None,
    ) -> Cell:
        """Make a cell, and register it; one with a thread for an actor that is `made`.

        An actor that is made here is made in its own `context`.
        """
        if context is None:
            context = contextvars.copy_context()
        thread = made is not None
        if made is None:
            made = _made(actor, context)
        kernel, registry = self._kernel, self._kernel.registry
        kind = type(made).__name__
        self._check_may_spawn(kind if name is None else name)
        if name is None:
            name = registry.free_name(kind, parent)
        path = name if parent is None else f"{parent.path}/{name}"
        registry.check_free(path if name else "")
        decode = self._raw_decoder(spec_of(made).accepts)
        policy = self.mailbox if mailbox is None else mailbox
        decision = Stop() if supervision is None else supervision
        incarnation = registry.next_incarnation(path)
        cell: Cell
        if thread:
            cell = ThreadCell(
                path,
                made,
                decode,
                kernel,
                policy=policy,
                supervision=decision,
                incarnation=incarnation,
                context=context,
            )
        else:
            cell = Cell(
                path,
                made,
                decode,
                ready=kernel.running.ready,
                policy=policy,
                supervision=decision,
                incarnation=incarnation,
                context=context,
            )
        if parent is not None:
            cell.parent = parent
        made.bind(self, cell)
        if not isinstance(decision, Stop | Escalate):
            cell.make = _maker(actor, made)
            cell.origin = contextvars.copy_context()
        registry.add(cell)
        return cell

    def _start(self, cell: Cell) -> None:
        if self._kernel.observers.present:
            self._kernel.observers.spawned(cell.path)
        self._kernel.supervisor.start(cell)

    def _check_may_spawn(self, path: str) -> None:
        if not self._kernel.running_here().own:
            raise DispatcherError(f"cannot spawn {path!r}: not on the System's thread")
        if self._shutdown.begun:
            raise CcwActorsError(f"cannot spawn {path!r}: the System shuts down")

    def _check_threads(self, name: str, path: str | None) -> None:
        if self.dispatcher.loop is None:
            raise DispatcherError(
                f"{path or ''}: {name} lives in a thread, which only a System on the"
                " event loop can have; use a form of it that does not block, or where"
                " orders are explored an actor in its place, whose answers are messages"
                " (docs/explore/pykka.md)"
            )

    def _raw_decoder(self, accepted: Any) -> Callable[[bytes], Any]:
        decoder = self._decoders.get(accepted)
        if decoder is None:
            decoder = self._decoders[accepted] = self.codec.raw_decoder(accepted)
        return decoder

    def _ref_of_address(self, address: str) -> ActorRef[Any]:
        return ActorRef(self._provider, path_of(address), address)

    def _from_wire(self, kind: Any, value: Any) -> Any:
        if getattr(kind, "__origin__", kind) is ActorRef:
            match value:
                case [str(system), str(path), int(incarnation)] if incarnation > 0:
                    provider = self._known.get(system)
                    if provider is None:
                        provider = UnknownProvider(system, lambda: tuple(self._known))
                    return ActorRef(provider, path, address_of(path, incarnation))
                case _:
                    pass
        raise TypeError(f"expected a field of type {kind}, got {value!r}")

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

    def _task_done(
        self, cell: Cell, name: str, value: Any, error: BaseException | None
    ) -> None:
        """Take what a task of an actor has come to: a message, or a failure."""
        kernel = self._kernel
        if error is None and not isinstance(value, Message):
            error = TypeError(f"it has returned {value!r}, expected a message or None")
        if error is not None:
            kernel.supervisor.fail(cell, f"the task {name}", error)
            return
        envelope = kernel.delivery.envelope(
            kernel.running_here(), value, kind=UNBOUNDED
        )
        own = Envelope(envelope.payload, cell.address, 0, envelope.stamp, UNBOUNDED)
        kernel.delivery.deliver(cell.address, own)


def _made(
    actor: "Actor[Q] | Callable[[], Actor[Q]]", context: contextvars.Context
) -> "Actor[Q]":
    if isinstance(actor, Actor):
        return actor  # pyright: ignore[reportUnknownVariableType]
    return context.run(actor)


def _maker(
    actor: "Actor[Q] | Callable[[], Actor[Q]]", made: "Actor[Q]"
) -> "Callable[[], Actor[Q]]":
    """Return what makes the actor again when it restarts."""
    if not isinstance(actor, Actor):
        return actor
    if made.snapshot() is None:
        raise CcwActorsError(
            f"{made.path}: a restart has nothing to begin with: spawn a function that"
            f" makes a {type(made).__name__}, or give it a state"
        )
    return made.first_again()


def _raise_again(escalated: BaseException | None, error: BaseException | None) -> None:
    """Raise an escalated error, if there is one, after what the body has raised.

    That is its context, unless it has had one, or it was the cause of the other.
    """
    if escalated is None:
        return
    context = escalated.__context__
    try:
        raise escalated
    finally:
        if context is not None or isinstance(error, asyncio.CancelledError):
            escalated.__context__ = context


def _to_wire(value: Any) -> Any:
    if isinstance(value, ActorRef):
        return value.system, value.path, value.incarnation
    raise TypeError(f"{type(value).__name__} cannot travel in a message")
