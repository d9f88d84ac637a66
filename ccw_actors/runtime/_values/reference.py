"""References to actors: what one actor may know of another."""

from collections.abc import Coroutine
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from msgspec import Struct

from ccw_actors.runtime._values.address import split
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.provider import NOBODY, QUEUED, Provider, Target
from ccw_actors.transport import ENCODE_ERRORS, Message, Request

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    P_contra = TypeVar("P_contra", bound=Message, contravariant=True)
    R = TypeVar("R")
    A = TypeVar("A", bound=Message, default=Any)
else:
    from typing import TypeVar

    P_contra = TypeVar("P_contra", bound=Message, contravariant=True)
    R = TypeVar("R")
    A = TypeVar("A", bound=Message)

__all__ = ["ActorRef", "ReplyTo"]


class ActorRef(Generic[P_contra]):
    """Where to send messages of the types `P_contra` to one actor.

    A reference names a System, a path in it, and which of the actors that were there
    one after another is meant: when that one has ended, the reference is dead, whoever
    is spawned at the path next. It may travel inside messages (as those three) and is
    equal to every other reference to the same actor. One that names a System which this
    one does not know raises `UnknownSystemError` when it is used.
    """

    __slots__ = ("_known", "_provider", "address", "path")

    def __init__(
        self, provider: Provider, path: str, address: str, known: Any = NOBODY
    ) -> None:
        self._provider = provider
        self._known: Target = known
        self.path = path
        self.address = address

    @property
    def system(self) -> str:
        """The name of the System in which the actor lives."""
        return self._provider.name

    @property
    def incarnation(self) -> int:
        """Which of the actors at the path it is, counted from 1."""
        return split(self.address)[1]

    def tell(self, message: P_contra) -> None:
        """Encode the message and put it into the actor's mailbox.

        Never waits. Messages of one sender arrive in the order sent. A message to an
        actor that does not exist or has stopped becomes a dead letter, and so does one
        that an actor tells to a mailbox which is full; a sender that handles `Failure`
        is told of that, as of one that was refused or made its handler raise. Raises
        `TypeError` for a value that cannot be encoded, outside of actors
        `MailboxFullError` as the recipient's `Mailbox` says, and from another thread
        `ActorStoppedError` when the event loop is closed.
        """
        # What `Provider.tell` does, for the case on which time is spent: this thread is
        # the System's own, nobody observes, and the mailbox is there and not full.
        provider = self._provider
        known = self._known
        mailbox = known.mailbox
        if mailbox is None or get_ident() != provider.quick_thread:
            self._known = provider.tell(self.address, message)
            return
        try:
            payload = provider.quick_encode(message)
        except ENCODE_ERRORS:
            payload = provider.encode(message)
        sender = provider.running.address
        if len(mailbox) >= known.bound:
            provider.deliver(self.address, Envelope(payload, sender, 0, None))
            return
        mailbox.append((payload, sender) if sender else payload)
        if not known.status:
            known.status = QUEUED
            known.queue.enqueue(known)

    @overload
    def ask(
        self, message: Request[R], *, timeout: float | None = None
    ) -> Coroutine[Any, Any, R]: ...

    @overload
    def ask(
        self,
        message: Request[R],
        *,
        timeout: float | None = None,
        block: Literal[True],
    ) -> R: ...

    def ask(
        self,
        message: Request[R],
        *,
        timeout: float | None = None,
        block: bool = False,
    ) -> Coroutine[Any, Any, R] | R:
        """Send a request and hand back its answer.

        Awaited in an async handler, whose actor takes no other message meanwhile, or
        from a task on the System's event loop; with `block=True` from any other
        thread, or from plain code under the virtual clock or the stepping dispatcher,
        which then run until the answer is there. `timeout` is in seconds of the
        System's clock; None takes the System's default, `math.inf` waits without end.

        Raises `AskTimeoutError`, `AskCycleError` when the answer would have to come
        from an actor that waits for this one, `ActorFailedError` when the handler
        raised, `MessageError` when it refused the message, did not answer it, or
        answered with something else than was asked for, `MailboxFullError` when
        there was no room for it, `ActorStoppedError` when there is no such actor (any
        more), `DispatcherError` when `block` does not fit the place of the call.
        """
        if block:
            return self._provider.ask_blocking(self.address, message, timeout)
        return self._provider.ask(self.address, message, timeout)

    @overload
    def offer(
        self, message: P_contra, *, timeout: float | None = None
    ) -> Coroutine[Any, Any, None]: ...

    @overload
    def offer(
        self,
        message: P_contra,
        *,
        timeout: float | None = None,
        block: Literal[True],
    ) -> None: ...

    def offer(
        self,
        message: P_contra,
        *,
        timeout: float | None = None,
        block: bool = False,
    ) -> Coroutine[Any, Any, None] | None:
        """Tell the message as soon as there is room for it.

        Waits only for a mailbox whose policy is "wait": awaited in an async handler, or
        from a task on the System's event loop; with `block=True` another thread waits.
        Elsewhere it is `tell`, and raises like it: so it is under the stepping
        dispatcher, where nobody waits for room. `timeout` is that of `ask`.

        Raises `OfferTimeoutError` if there was no room in time, and `OfferCycleError`
        when who has to make room waits for this actor.
        """
        if block:
            self._provider.offer_blocking(self.address, message, timeout)
            return None
        return self._provider.offer(self.address, message, timeout)

    def stop(self, *, drain: bool = True) -> None:
        """Stop the actor after the messages that are in its mailbox now.

        Without `drain` it stops after the message that it is handling now; an async
        handler that waits is cancelled, and the rest become dead letters. Its children
        are stopped first, in the same way.
        """
        self._provider.stop(self.address, drain=drain)

    async def started(self, *, timeout: float | None = None) -> None:
        """Wait until the actor is through with `on_start`, also in its own thread.

        Raises what `on_start` has raised; `ActorStoppedError` if the actor was stopped
        before, or has ended; `StartTimeoutError` after `timeout` seconds (None takes
        the System's default, `math.inf` waits without end).
        """
        await self._provider.started(self.address, self._known, timeout)

    async def stopped(self, *, timeout: float | None = None) -> None:
        """Wait until the actor has ended; it need not have been there.

        Raises `AskTimeoutError` after `timeout` seconds (None takes the System's
        default, `math.inf` waits without end).
        """
        await self._provider.stopped(self.address, timeout)

    @property
    def is_alive(self) -> bool:
        """Whether the actor exists and has not stopped."""
        return self._provider.is_alive(self.address)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ActorRef)
            and self.address == other.address
            and self.system == other.system
        )

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<ActorRef {self.address}>"

    def __copy__(self) -> "ActorRef[P_contra]":
        return self

    def __deepcopy__(self, _memo: object) -> "ActorRef[P_contra]":
        return self

    def __reduce__(self) -> str:
        raise TypeError(f"{self!r} cannot be pickled: send it in a message")


class ReplyTo(
    Struct, Generic[A], frozen=True, array_like=True, forbid_unknown_fields=True
):
    """Whom a request that is answered later is to be answered to, by an `A`.

    Plain data: it may be kept in an actor's state. `ask` is 0 for a request that was
    told by an actor; the answer is then an ordinary message to that actor. `system` is
    the name of the System where it was asked, "" for the one where it is answered.
    """

    ref: ActorRef[Any] | None
    ask: int = 0
    system: str = ""
