"""What an actor is: declared state, handlers of messages, and a life."""

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

    `class Counter(Actor[Add | Read])` says which messages others may send it, which
    type checkers then hold its references to; a bare `Actor` takes any.

    All that an actor remembers between messages is in `state`, a msgspec Struct that
    the System can encode, compare and restore; its type stays the same. Everything
    else in the instance is configuration: set in `__init__`, never changed. A handler
    is a deterministic function of state and message; time comes from `now`. An actor
    that keeps other things is allowed; it cannot be explored, and can be restarted
    only by a factory.

    A restart sets `state` back to what it was at first. What is to survive one stands
    in `persistent`, a second Struct beside `state`, as if it were on a disk: a write
    to it is there at once, also if the handler that made it fails afterwards.
    """

    __slots__ = ("__dict__", "_cell", "_system")

    __actor_spec__ = ActorSpec({}, {}, {"": {}}, Message)
    state: Any
    persistent: Any = None
    _cell: Cell
    _system: Host

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the handlers, inherited ones included.

        Raises `TypeError` as `receive` and the class's own declaration demand, and for
        a value that stands in place of what `Actor` has by the same name.
        """
        super().__init_subclass__(**kwargs)
        check_class(cls, Actor)
        specify(cls, Actor)

    # -- hooks ------------------------------------------------------------------

    def on_start(self) -> Coroutine[Any, Any, None] | None:
        """Run once, before the first message; and see `on_restart`.

        It may be `async def`; then `spawn` does not wait for it, the first message
        does.
        """

    def on_restart(self) -> Coroutine[Any, Any, None] | None:
        """Run instead of `on_start` at each restart; unless overridden it runs that."""
        return self.on_start()

    def on_stop(self) -> Coroutine[Any, Any, None] | None:
        """Run when a life of the actor ends: at its stop, and when it has failed.

        After a failure `failed_with` says what it was, and a restart comes only then.
        An actor whose `on_start` has raised has nothing to release: for that it does
        not run. What the actor sends itself is lost. It may be `async def`; it has the
        `stop_timeout` of the System.
        """

    def on_failure(self, error: BaseException) -> None:
        """Run when a handler (or `on_start`, but in `spawn`) has raised.

        Then comes `on_stop`, and the actor ends or is restarted, as its supervision
        says.
        """

    # -- who ----------------------------------------------------------------------

    @own
    def system(self) -> Host:
        """The System in which this actor lives."""
        try:
            return self._system
        except AttributeError:
            raise _not_spawned(self) from None

    @own
    def path(self) -> str:
        """Where this actor lives."""
        return self._own_cell.path

    @own
    def ref(self) -> ActorRef[Any]:
        """The reference to this actor, which may tell itself what no one else may."""
        return self.system.ref_of(self._cell)

    @own
    def failed_with(self) -> BaseException | None:
        """What the actor has failed with; for `on_stop`, None before."""
        return self._own_cell.cause

    @own
    def sender(self) -> ActorRef[Any] | None:
        """Who sent the message being handled; None when it came from outside."""
        return self.system.services.sender

    @own
    def children(self) -> tuple[ActorRef[Any], ...]:
        """The actors that this one has spawned and that have not ended."""
        children = (self._own_cell.children or {}).values()
        return tuple(map(self.system.ref_of, children))

    # -- answering ----------------------------------------------------------------

    @own
    def reply_to(self) -> ReplyTo[Any]:
        """Whom to answer if the message being handled is answered later.

        `to: ReplyTo[Data] = self.reply_to` has type checkers hold `reply` to it.
        """
        return self.system.services.reply_to(self._cell)

    def reply(self, to: ReplyTo[R], message: R) -> None:
        """Answer a request that an earlier message made."""
        self.system.services.reply(to, message)

    # -- time ---------------------------------------------------------------------

    def now(self) -> float:
        """Seconds of the System's clock since the System was made."""
        return self.system.now()

    def after(self, delay: float, message: Message) -> int:
        """Have the message sent to this actor in `delay` seconds.

        Returns a key for `cancel`. Raises `TypeError` if the actor has no handler for
        it.
        """
        self._check_handled(message)
        return self.system.services.set_timer(self._cell, delay, message)

    def every(self, interval: float, message: Message) -> int:
        """Have the message sent to this actor every `interval` seconds.

        While one of them waits in the mailbox, the next ones are left out. Returns a
        key for `cancel`. Raises `ValueError` for an interval that is not above 0, and
        `TypeError` as `after` does.
        """
        self._check_handled(message)
        if not interval > 0:
            raise ValueError(f"{self.path}: an interval is above 0 s, not {interval}")
        services = self.system.services
        return services.set_timer(self._cell, interval, message, interval)

    def cancel(self, key: int) -> None:
        """Cancel a timer.

        Without effect when it has fired already, even if its message still waits in
        the mailbox.
        """
        self.system.services.cancel_timer(self._cell, key)

    def sleep(self, delay: float) -> Sleep:
        """Await it in an async handler: it ends in `delay` seconds.

        Of the System's clock: unlike `asyncio.sleep` it works in every world.
        """
        return Sleep(self.system.services, self._cell, delay)

    def start_task(
        self, coroutine: Coroutine[Any, Any, Message | None], *, name: str = ""
    ) -> "asyncio.Task[Any]":
        """Start a task on the event loop that ends with this life of the actor.

        What it returns is sent to this actor as a message, unless it is None; what it
        raises is a failure of the actor. It runs beside the actor's handlers, so it
        must not touch the actor's state. At the end of the actor's life, after
        `on_stop`, it is cancelled and waited for.

        Raises `DispatcherError` where no event loop runs this actor.
        """
        what = name or getattr(coroutine, "__qualname__", "a task")
        task: asyncio.Task[Any] = self.system.services.start_task(
            self._cell, coroutine, what
        )
        return task

    # -- others -------------------------------------------------------------------

    def spawn(
        self,
        actor: "Actor[Q] | Callable[[], Actor[Q]]",
        name: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> ActorRef[Q]:
        """Start an actor as a child of this one, below its path.

        It is stopped before this one ends, or restarts. See `System.spawn`.
        """
        return self.system.spawn_child(
            self._cell, actor, name, supervision=supervision, mailbox=mailbox
        )

    def watch(self, ref: ActorRef[Any]) -> None:
        """Have `Terminated` sent to this actor when that one ends, or is not there.

        Raises `TypeError` if this actor has no handler for it.
        """
        self.system.services.watch(self._cell, ref, watches=True)

    def unwatch(self, ref: ActorRef[Any]) -> None:
        """Watch that actor no more; a notice may be under way already."""
        self.system.services.watch(self._cell, ref, watches=False)

    def stop(self) -> None:
        """Stop after this message, without handling those that wait."""
        self.ref.stop(drain=False)

    # -- what is handled, and when --------------------------------------------------

    @own
    def behaviour(self) -> str:
        """The name of the present behaviour; "" for the one it starts with."""
        return self._own_cell.behaviour

    def become(self, behaviour: str) -> None:
        """Handle the next messages by the handlers of that `state`; "" for the first.

        What has no handler there is refused, like a message of an unknown type. Raises
        `ValueError` for a behaviour that no handler names.
        """
        behaviours = spec_of(self).behaviours
        if behaviour and behaviour not in behaviours:
            known = ", ".join(map(repr, behaviours)) or "none"
            name = type(self).__name__
            raise ValueError(f"{name} has no behaviour {behaviour!r}; it has {known}")
        self._own_cell.behave(self, behaviour)

    def stash(self) -> None:
        """Put the message being handled aside, until `unstash`.

        An ask stays unanswered meanwhile. Raises `StashError` if no message is being
        handled, or as many as the mailbox may hold are put aside.
        """
        self.system.services.stash(self._cell)

    def unstash(self) -> None:
        """Put all that was put aside back, before what waits in the mailbox."""
        self._own_cell.put_back()

    # -- state --------------------------------------------------------------------

    def snapshot(self) -> object:
        """Return the state as an immutable, comparable, hashable value.

        The default encodes `state`, and `persistent` if there is one: what the
        annotations of their types do not describe (a field of type Any) does not come
        back as it was, dicts keep their order, and sets have none that a handler may
        rely on. An actor with large state overrides this and `restore` with something
        cheaper, such as a tuple of immutable pages.
        """
        encode = self.system.codec.encode_as_is
        state = getattr(self, "state", None)
        volatile = None if state is None else encode(state)
        kept: msgspec.Struct | None = self.persistent
        return volatile if kept is None else (volatile, encode(kept), type(kept))

    def restore(self, snapshot: object) -> None:
        """Set the state to what `snapshot` returned before."""
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
        """Tell the actor where it lives; called by the System before `on_start`.

        Raises `CcwActorsError` if it lives somewhere else.
        """
        try:
            before: Cell = self._cell
        except AttributeError:
            pass
        else:
            # At one path there is one place at a time; a snapshot may have another.
            elsewhere = before.path != cell.path
            if elsewhere and before.life is not State.ENDED:
                raise CcwActorsError(
                    f"this {type(self).__name__} lives at {before.path!r}: spawn"
                    " another one, or a function that makes one"
                )
        self._system = system
        self._cell = cell

    def first_again(self) -> Callable[[], "Actor[P_contra]"]:
        """Return a function that gives the actor its present state back."""
        return partial(_restored, self, self.snapshot())

    # No `__getattr__` says this: then the interpreter would not look attributes up the
    # quick way, in any handler.
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
                " which its timer would bring"
            )


guard_methods(Actor)


def _not_spawned(actor: object) -> AttributeError:
    return AttributeError(
        f"{type(actor).__name__} has not been spawned: it has a path, a System, timers"
        " and children from on_start on"
    )


def _restored(actor: Actor[P_contra], snapshot: object) -> Actor[P_contra]:
    actor.restore(snapshot)
    return actor
