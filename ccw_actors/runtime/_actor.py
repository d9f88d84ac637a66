"""The base class of actors: declared state, handlers of messages, and life cycle."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, cast

import msgspec

from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.handlers import ActorSpec, spec_of, specify
from ccw_actors.runtime._cell.host import Host
from ccw_actors.runtime._cell.lifecycle import State
from ccw_actors.runtime._cell.names import (
    check_class,
    guard_methods,
    own,
)
from ccw_actors.runtime._cell.sleep import Sleep
from ccw_actors.runtime._values.mailbox import Mailbox
from ccw_actors.runtime._values.reference import ActorRef, ReplyTo
from ccw_actors.runtime._values.supervision import Supervision
from ccw_actors.transport import Message

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    P_contra = TypeVar("P_contra", bound=Message, contravariant=True, default=Any)
    Q = TypeVar("Q", bound=Message, default=Any)
    R = TypeVar("R", bound=Message)
else:
    from typing import TypeVar

    P_contra = TypeVar("P_contra", bound=Message, contravariant=True)
    Q = TypeVar("Q", bound=Message)
    R = TypeVar("R", bound=Message)

__all__ = ["Actor"]


class Actor(Generic[P_contra]):
    """Base of every actor. Subclasses mark their handlers with `receive`.

    `class Counter(Actor[Add | Read])` says which messages others may send it. Type
    checkers hold its references to that. A bare `Actor` takes any message.

    Keep all data that outlives a message in `state`, a msgspec Struct that the System
    can encode, compare and restore. Its type stays the same. Everything else in the
    instance is configuration: set in `__init__`, never changed. A handler is a
    deterministic function of state and message; time comes from `now`. An actor may
    keep other data, but then it cannot be explored, and only a factory can restart it.

    A restart sets `state` back to its first value. Put data that must survive a restart
    in `persistent`, a second Struct next to `state`, as if it were on a disk: a write
    to it takes effect at once, even if the handler fails later.
    """

    __slots__ = ("__dict__", "_cell", "_system")

    __actor_spec__ = ActorSpec({}, {}, {"": {}}, Message)
    state: Any
    persistent: Any = None
    _cell: Cell
    _system: Host

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the handlers, inherited ones included.

        Raises `TypeError` if the handlers break the rules of `receive` or do not match
        the class's declaration, and for a value that hides a name of `Actor`.
        """
        super().__init_subclass__(**kwargs)
        check_class(cls, Actor)
        specify(cls, Actor)

    # -- hooks ------------------------------------------------------------------

    def on_start(self) -> Coroutine[Any, Any, None] | None:
        """Run once, before the first message, and by default after each restart.

        It may be `async def`: then `spawn` does not wait for it, but the first message
        does.
        """

    def on_restart(self) -> Coroutine[Any, Any, None] | None:
        """Run instead of `on_start` after each restart; by default it calls that."""
        return self.on_start()

    def on_stop(self) -> Coroutine[Any, Any, None] | None:
        """Run when a life of the actor ends: at its stop, and after a failure.

        After a failure `failed_with` is the exception, and a restart waits until
        `on_stop` has ended. It does not run if `on_start` has raised. Messages that the
        actor sends itself here are lost. It may be `async def` and may take the
        `stop_timeout` of the System.
        """

    def on_failure(self, error: BaseException) -> None:
        """Run when a handler has raised, or `on_start` outside `spawn`.

        Then `on_stop` runs, and the actor ends or restarts, as its supervision says.
        """

    # -- identity -----------------------------------------------------------------

    @own
    def system(self) -> Host:
        """The System in which this actor lives."""
        try:
            return self._system
        except AttributeError:
            raise _not_spawned(self) from None

    @own
    def path(self) -> str:
        """The path of this actor."""
        return self._own_cell.path

    @own
    def ref(self) -> ActorRef[Any]:
        """The reference to this actor; it may tell itself any message."""
        return self.system.ref_of(self._cell)

    @own
    def failed_with(self) -> BaseException | None:
        """The exception that the actor failed with, for `on_stop`; None without one."""
        return self._own_cell.cause

    @own
    def sender(self) -> ActorRef[Any] | None:
        """The sender of the current message; None if it came from outside."""
        return self.system.services.sender

    @own
    def children(self) -> tuple[ActorRef[Any], ...]:
        """The actors that this one has spawned and that have not ended."""
        children = (self._own_cell.children or {}).values()
        return tuple(map(self.system.ref_of, children))

    # -- answering ----------------------------------------------------------------

    @own
    def reply_to(self) -> ReplyTo[Any]:
        """The address for a later answer to the current message.

        `to: ReplyTo[Data] = self.reply_to` makes type checkers check `reply`.
        """
        return self.system.services.reply_to(self._cell)

    def reply(self, to: ReplyTo[R], message: R) -> None:
        """Answer the request of an earlier message."""
        self.system.services.reply(to, message)

    # -- time ---------------------------------------------------------------------

    def now(self) -> float:
        """The seconds of the System's clock since the System was created."""
        return self.system.now()

    def after(self, delay: float, message: Message) -> int:
        """Send the message to this actor in `delay` seconds.

        Returns a key for `cancel`. Raises `TypeError` if the actor has no handler for
        it.
        """
        self._check_handled(message)
        return self.system.services.set_timer(self._cell, delay, message)

    def every(self, interval: float, message: Message) -> int:
        """Send the message to this actor every `interval` seconds.

        While one of them waits in the mailbox, the timer sends no other. Returns a key
        for `cancel`. Raises `ValueError` for an interval that is not above 0, and
        `TypeError` as `after` does.
        """
        self._check_handled(message)
        if not interval > 0:
            raise ValueError(f"{self.path}: an interval is above 0 s, not {interval}")
        services = self.system.services
        return services.set_timer(self._cell, interval, message, interval)

    def cancel(self, key: int) -> None:
        """Cancel a timer.

        Has no effect if it has already fired, even if its message still waits in the
        mailbox.
        """
        self.system.services.cancel_timer(self._cell, key)

    def sleep(self, delay: float) -> Sleep:
        """Return an awaitable that ends in `delay` seconds, for an async handler.

        It uses the System's clock: unlike `asyncio.sleep` it works under every
        dispatcher.
        """
        return Sleep(self.system.services, self._cell, delay)

    def start_task(
        self, coroutine: Coroutine[Any, Any, Message | None], *, name: str = ""
    ) -> "asyncio.Task[Any]":
        """Start a task on the event loop that ends with this life of the actor.

        The actor receives its return value as a message, unless it is None. An
        exception in it is a failure of the actor. It runs alongside the actor's
        handlers, so it must not touch the actor's state. At the end of the actor's
        life, after `on_stop`, the System cancels it and waits for it.

        Raises `DispatcherError` if no event loop runs this actor.
        """
        what = name or getattr(coroutine, "__qualname__", "a task")
        task: asyncio.Task[Any] = self.system.services.start_task(
            self._cell, coroutine, what
        )
        return task

    # -- other actors -------------------------------------------------------------

    def spawn(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        name: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> ActorRef[Q]:
        """Start an actor as a child of this one, below its path.

        The child stops before this actor ends or restarts. See `System.spawn`.
        """
        return self.system.spawn_child(
            self._cell, actor, name, supervision=supervision, mailbox=mailbox
        )

    def watch(self, ref: ActorRef[Any]) -> None:
        """Send this actor `Terminated` when that one ends, or now if it does not exist.

        Raises `TypeError` if this actor has no handler for it.
        """
        self.system.services.watch(self._cell, ref, watches=True)

    def unwatch(self, ref: ActorRef[Any]) -> None:
        """End the watch; a notice may already be on its way."""
        self.system.services.watch(self._cell, ref, watches=False)

    def stop(self) -> None:
        """Stop after the current message, without handling those that wait."""
        self.ref.stop(drain=False)

    # -- behaviour and stash --------------------------------------------------------

    @own
    def behaviour(self) -> str:
        """The name of the current behaviour, "" for the first one."""
        return self._own_cell.behaviour

    def become(self, behaviour: str) -> None:
        """Handle the next messages with the handlers of that `state`, "" for the first.

        The actor refuses messages without a handler there, like those of an unknown
        type. Raises `ValueError` for a behaviour that no handler names.
        """
        behaviours = spec_of(self).behaviours
        if behaviour and behaviour not in behaviours:
            known = ", ".join(map(repr, behaviours)) or "none"
            name = type(self).__name__
            raise ValueError(f"{name} has no behaviour {behaviour!r}; it has {known}")
        self._own_cell.behave(self, behaviour)

    def stash(self) -> None:
        """Put the current message aside until `unstash`.

        A stashed ask stays unanswered. Raises `StashError` if the actor handles no
        message, or if the stash holds as many as the mailbox may.
        """
        self.system.services.stash(self._cell)

    def unstash(self) -> None:
        """Put all stashed messages back, before those that wait in the mailbox."""
        self._own_cell.put_back()

    # -- state --------------------------------------------------------------------

    def snapshot(self) -> object:
        """Return the state as an immutable, comparable, hashable value.

        The default encodes `state`, and `persistent` if there is one. Values in a field
        of type Any may come back changed. Dicts keep their order. Sets have no order
        that a handler may rely on. For a large state override this and `restore` with
        something cheaper, such as a tuple of immutable pages.
        """
        encode = self.system.codec.encode_as_is
        state = getattr(self, "state", None)
        volatile = None if state is None else encode(state)
        kept: msgspec.Struct | None = self.persistent
        return volatile if kept is None else (volatile, encode(kept), type(kept))

    def restore(self, snapshot: object) -> None:
        """Set the state to an earlier result of `snapshot`."""
        decoder = self.system.state_decoder
        if isinstance(snapshot, tuple):
            snapshot, kept, kind = cast("tuple[bytes | None, bytes, Any]", snapshot)
            self.persistent = decoder(kind)(kept)
        elif self.persistent is not None:
            self.persistent = None
        if snapshot is not None:
            state: msgspec.Struct = self.state
            self.state = decoder(type(state))(snapshot)

    def bind(self, system: Host, cell: Cell) -> None:
        """Give the actor its System and its cell; called before `on_start`.

        Raises `CcwActorsError` if the actor has already been spawned elsewhere.
        """
        try:
            before: Cell = self._cell
        except AttributeError:
            pass
        else:
            # A path has one cell at a time, but a snapshot may have another.
            elsewhere = before.path != cell.path
            if elsewhere and before.life is not State.ENDED:
                raise CcwActorsError(
                    f"this {type(self).__name__} lives at {before.path!r} already:"
                    " spawn another one, or a function that makes one"
                )
        self._system = system
        self._cell = cell

    def first_again(self) -> Callable[[], "Actor[P_contra]"]:
        """Return a function that gives the actor its current state again."""
        return partial(_restored, self, self.snapshot())

    # A `__getattr__` would make every lookup of an attribute in a handler slow.
    @property
    def _own_cell(self) -> Cell:
        try:
            return self._cell
        except AttributeError:
            raise _not_spawned(self) from None

    def _check_handled(self, message: Message) -> None:
        kind = type(message)
        if not any(kind in table for table in spec_of(self).all()):
            raise TypeError(
                f"{type(self).__name__} has no handler for {kind.__name__},"
                " the message of its timer"
            )


guard_methods(Actor)


def _not_spawned(actor: object) -> AttributeError:
    return AttributeError(
        f"{type(actor).__name__} has not been spawned: its path, System, timers and"
        " children are available from on_start on"
    )


def _restored(actor: Actor[P_contra], snapshot: object) -> Actor[P_contra]:
    actor.restore(snapshot)
    return actor
