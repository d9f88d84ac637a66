"""A System of actors: who exists, what is sent to whom, and what becomes of it."""

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pykka

from ccw_actors.errors import (
    ActorFailedError,
    CcwActorsError,
    DispatcherError,
    StashError,
)
from ccw_actors.runtime.actor import Actor
from ccw_actors.runtime.bridge import ThreadCell
from ccw_actors.runtime.cell import (
    NOBODY,
    TICK,
    UNBOUNDED,
    UNWATCH,
    WATCH,
    Cell,
    Envelope,
)
from ccw_actors.runtime.dispatch import Dispatcher, LoopDispatcher
from ccw_actors.runtime.dump import Dump, Statistics, dump, statistics
from ccw_actors.runtime.mail import Mail
from ccw_actors.runtime.mailbox import Mailbox
from ccw_actors.runtime.notices import Terminated
from ccw_actors.runtime.observer import Observer
from ccw_actors.runtime.pykka_actor import PykkaCell, stand_in
from ccw_actors.runtime.ref import ActorRef, ReplyTo
from ccw_actors.runtime.supervision import Escalate, Stop, Supervision
from ccw_actors.runtime.timers import SLEEP, Timer
from ccw_actors.transport import Codec, Message

if TYPE_CHECKING:
    from ccw_actors.runtime.actor import Q

__all__ = ["System"]

T = TypeVar("T")


class System:
    """A set of actors under one dispatcher.

    Made inside a coroutine, it runs on that event loop; with a `VirtualDispatcher` or
    a `SteppingDispatcher` it needs no loop. `ask_timeout` is in seconds; `mailbox` is
    for actors that are spawned without one of their own. The thread that made it is
    its own: only that one may spawn actors and await asks. On an event loop the other
    methods of a reference work from any thread.
    """

    def __init__(
        self,
        dispatcher: Dispatcher | None = None,
        *,
        ask_timeout: float = 10.0,
        mailbox: Mailbox | None = None,
    ) -> None:
        self.dispatcher = LoopDispatcher() if dispatcher is None else dispatcher
        self.mailbox = Mailbox() if mailbox is None else mailbox
        self.codec = Codec(_to_wire, self._from_wire)
        self._decoders: dict[Any, Callable[[bytes], Any]] = {}
        self._spawned: dict[str, int] = {}
        self._mail = Mail(self.dispatcher, self.codec, self.ref, ask_timeout)

    @property
    def failures(self) -> list[ActorFailedError]:
        """One error for each time an actor has failed, the oldest first.

        The last thousand are kept; `statistics` counts all.
        """
        return self._mail.failures

    @property
    def running(self) -> str:
        """The path of the actor whose message the System's own thread handles now.

        "" if it handles none. Any thread may look, so it may be another one already.
        """
        return self._mail.home.path

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
        return self.ref(cell.path)

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
        if parent.children is None:
            parent.children = {}
        parent.children[cell.path] = cell
        self._start(cell)
        return self.ref(cell.path)

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
        made = _made(actor)
        self._check_threads(type(made).__name__, path)
        tables = type(made).tables.values()
        methods = [method for table in tables for method in table.values()]
        hooks = (made.on_start, made.on_restart, made.on_stop)
        for method in (*methods, *hooks):
            if inspect.iscoroutinefunction(method):
                raise DispatcherError(
                    f"{type(made).__name__}.{method.__name__} is async, and no event"
                    " loop runs in a thread: make it block, or spawn the actor here"
                )
        cell = self._cell(
            actor, path, None, supervision, mailbox, made=made, thread=True
        )
        assert isinstance(cell, ThreadCell), "a thread was asked for"
        self._mail.shutdown.add(cell)
        self._mail.observers.spawned(cell.path)
        try:
            cell.start()
        except RuntimeError as error:
            self._mail.life.end(cell, "its thread cannot be started", stopped=False)
            raise CcwActorsError(
                f"{cell.path}: its thread cannot be started: {error}"
            ) from error
        return self.ref(cell.path)

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
        self._check_path(path, path)
        decode = self._raw_decoder(accepts)
        made = stand_in()
        policy = mailbox or self.mailbox
        cell = PykkaCell(path, made, decode, self._mail, policy=policy, foreign=actor)
        cell.stops = stop
        made.bind(self, cell)
        self._mail.cells[path] = cell
        self._mail.shutdown.add(cell)
        self._mail.observers.spawned(path)
        cell.look_after()
        return self.ref(path)

    def ref(self, path: str) -> ActorRef[Any]:
        """Return a reference to a path, whether an actor is there or not (yet)."""
        return ActorRef(self._mail, path)

    def ref_of(self, cell: Cell) -> ActorRef[Any]:
        """Return the reference of an actor that is known to be there."""
        known = NOBODY if self.dispatcher.loop is None else cell
        return ActorRef(self._mail, cell.path, known)

    def is_alive(self, path: str) -> bool:
        """Whether there is an actor at that path that has not stopped."""
        return path in self._mail.cells

    async def shutdown(self, timeout: float = 5.0, *, drain: bool = False) -> list[str]:
        """Stop every actor, the youngest first, and join their threads.

        With `drain` each one handles what is in its mailbox first; without, messages
        still there become dead letters. Asks not answered by then fail with
        `ActorStoppedError`. Everything together takes at most `timeout` seconds; then
        what is left is abandoned, and its paths are returned (threads are daemons and
        do not hold up the process). Nothing can be spawned afterwards.
        """
        return await self._mail.shutdown.run(timeout, drain=drain)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.shutdown()
        escalated = self._mail.shutdown.escalated
        if escalated is not None:
            if error is None:
                raise escalated
            error.add_note(f"The System was stopped before: {escalated}")

    # -- watching -----------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """Have every message from now on reported to the observer."""
        self._mail.observers.add(observer)

    def unobserve(self, observer: Observer) -> None:
        """Report to the observer no more."""
        self._mail.observers.remove(observer)

    def statistics(self) -> Statistics:
        """Return counts of what has happened so far."""
        return statistics(self._mail)

    def dump(self) -> Dump:
        """Return every actor and who waits for what; `str` of it is a table."""
        return dump(self._mail)

    # -- what actors use ------------------------------------------------------------

    def reply(self, to: ReplyTo, message: Message) -> None:
        """Answer a request; see `Actor.reply`."""
        mail = self._mail
        path = to.ref.path if to.ref is not None else ""
        mail.reply_to(mail.place(), path, to.ask, message)

    @property
    def sender(self) -> ActorRef[Any] | None:
        """Who sent the message being handled; None for the outside."""
        envelope = self._mail.place().envelope
        if envelope is None or not envelope.sender:
            return None
        return self.ref(envelope.sender)

    @property
    def reply_to(self) -> ReplyTo:
        """Whom to answer the message being handled."""
        envelope = self._mail.place().envelope
        return ReplyTo(self.sender, envelope.ask if envelope is not None else 0)

    def now(self) -> float:
        """Seconds of this System's clock since it was made."""
        return self.dispatcher.now()

    def set_timer(
        self, path: str, delay: float, message: Message, interval: float = 0.0
    ) -> int:
        """Send a message to an actor after `delay` seconds; see `Actor.after`."""
        mail = self._mail
        envelope = mail.envelope(mail.place(), message)
        kind = TICK if interval else UNBOUNDED
        due = self.dispatcher.now() + delay
        timer = Timer(due, envelope.payload, envelope.stamp, kind, interval)
        return self._arm(path, timer)

    def set_sleep(self, path: str, delay: float) -> int:
        """Wake the handler of an actor after `delay` seconds; see `Actor.sleep`."""
        due = self.dispatcher.now() + delay
        return self._arm(path, Timer(due, b"", None, SLEEP))

    def cancel_timer(self, path: str, number: int) -> None:
        """Disarm a timer; see `Actor.cancel`."""
        self._mail.inbox.call(lambda: self._mail.timers.take((path, number)))

    def watch(self, watcher: Cell, path: str, *, watches: bool) -> None:
        """Tell an actor of another one's end; see `Actor.watch`."""
        kinds = (watcher.actor.handlers, *watcher.actor.behaviours.values())
        if watches and not any(Terminated in handlers for handlers in kinds):
            name = type(watcher.actor).__name__
            raise TypeError(f"{name} watches {path} and has no handler for Terminated")
        kind = WATCH if watches else UNWATCH
        place = self._mail.place()
        self._mail.send(place, path, Envelope(b"", watcher.path, 0, None, kind))

    def stash(self, cell: Cell) -> None:
        """Put the message that an actor handles aside; see `Actor.stash`."""
        place = self._mail.place()
        envelope = place.envelope
        if envelope is None or place.path != cell.path:
            raise StashError(f"{cell.path} handles no message that it could stash")
        if cell.stash and cell.stash[-1] is envelope:
            raise StashError(f"{cell.path} has put this message aside already")
        if len(cell.stash or ()) >= cell.bound:
            raise StashError(f"{cell.path} has stashed its bound of {cell.bound}")
        place.letter = envelope
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
        made: "Actor[Q] | None" = None,
        thread: bool = False,
    ) -> Cell:
        """Make a cell, and register it."""
        made = _made(actor) if made is None else made
        path = self._path(type(made), name, parent)
        self._check_path(path, name)
        decode = self._raw_decoder(type(made).accepts)
        policy = self.mailbox if mailbox is None else mailbox
        decision = Stop() if supervision is None else supervision
        cell: Cell
        if thread:
            cell = ThreadCell(
                path, made, decode, self._mail, policy=policy, supervision=decision
            )
        else:
            ready = self.dispatcher.ready
            cell = Cell(
                path, made, decode, ready=ready, policy=policy, supervision=decision
            )
        cell.parent = parent
        made.bind(self, cell)
        if not isinstance(decision, Stop | Escalate):
            cell.make = _maker(actor, made)
        self._mail.cells[path] = cell
        return cell

    def _start(self, cell: Cell) -> None:
        place = self._mail.home
        outer = place.path, place.letter, place.turn
        place.path, place.letter, place.turn = cell.path, None, None
        if self._mail.observers.present:
            self._mail.observers.spawned(cell.path)
        try:
            starting = cell.actor.on_start()
        except BaseException:
            self._mail.life.end(cell, "the actor failed to start", stopped=False)
            raise
        finally:
            place.path, place.letter, place.turn = outer
        if inspect.iscoroutine(starting):
            self._mail.runner.hook(cell, starting, "on_start")

    def _path(
        self, kind: type[Actor[Any]], name: str | None, parent: Cell | None
    ) -> str:
        if name is None:
            if parent is not None:
                parent.spawned += 1
                name = f"{kind.__name__.lower()}-{parent.spawned}"
            else:
                number = self._spawned.get(kind.__name__, 0) + 1
                self._spawned[kind.__name__] = number
                name = f"{kind.__name__.lower()}-{number}"
        return name if parent is None else f"{parent.path}/{name}"

    def _check_path(self, path: str, name: str | None) -> None:
        if not self._mail.place().home:
            raise DispatcherError(f"cannot spawn {path!r}: not on the System's thread")
        if self._mail.shutdown.begun:
            raise CcwActorsError(f"cannot spawn {path!r}: the System shuts down")
        if name == "" or path in self._mail.cells:
            state = "taken" if name else "empty"
            raise CcwActorsError(f"cannot spawn at {path!r}: the path is {state}")

    def _check_threads(self, name: str, path: str | None) -> None:
        if self.dispatcher.loop is None:
            raise DispatcherError(
                f"{path or ''}: {name} lives in a thread, which only a System on the"
                " event loop can have; use a form of it that does not block, or where"
                " orders are explored an actor in its place, whose answers are messages"
                " (docs/explore/pykka.md)"
            )

    def _arm(self, path: str, timer: Timer) -> int:
        mail = self._mail
        key = mail.timers.next_key(path)
        mail.inbox.call(lambda: mail.arm(key, timer))
        return key[1]

    def _raw_decoder(self, accepted: Any) -> Callable[[bytes], Any]:
        decoder = self._decoders.get(accepted)
        if decoder is None:
            decoder = self._decoders[accepted] = self.codec.raw_decoder(accepted)
        return decoder

    def _from_wire(self, kind: Any, value: Any) -> Any:
        if getattr(kind, "__origin__", kind) is ActorRef and isinstance(value, str):
            return self.ref(value)
        raise TypeError(f"expected a field of type {kind}, got {value!r}")


def _made(actor: "Actor[Q] | Callable[[], Actor[Q]]") -> "Actor[Q]":
    if callable(actor):
        return actor()
    return actor


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


def _to_wire(value: Any) -> Any:
    if isinstance(value, ActorRef):
        return value.path
    raise TypeError(f"{type(value).__name__} cannot travel in a message")
