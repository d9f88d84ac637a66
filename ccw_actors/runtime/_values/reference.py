"""References to actors, and to the asker of a request."""

from collections.abc import Coroutine
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from msgspec import Struct

from ccw_actors.runtime._values.address import local_part, shown, split, system_of
from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.runtime._values.provider import NOBODY, QUEUED, Provider, Target
from ccw_actors.transport import ENCODE_ERRORS, Message, Request

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    P_contra = TypeVar("P_contra", bound=Message, contravariant=True)
    R = TypeVar("R")
    A_contra = TypeVar("A_contra", bound=Message, default=Any, contravariant=True)
else:
    from typing import TypeVar

    P_contra = TypeVar("P_contra", bound=Message, contravariant=True)
    R = TypeVar("R")
    A_contra = TypeVar("A_contra", bound=Message, contravariant=True)

__all__ = ["ActorRef", "ReplyTo"]


class ActorRef(Generic[P_contra]):
    """Where to send messages of the types `P_contra` to one actor.

    A reference names a System, a path in it, and the incarnation of the actor there.
    When that incarnation has ended, the reference is dead and does not reach the next
    actor at the path. It may travel inside messages (as these three) and is equal to
    every other reference to the same actor. Using one that names an unknown System
    raises `UnknownSystemError`. One to an actor of a linked System is dead when that
    link has ended.
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
        return system_of(self.address) or self._provider.name

    @property
    def incarnation(self) -> int:
        """The number of the actor among those at its path, counted from 1."""
        return split(self.address)[1]

    def tell(self, message: P_contra) -> None:
        """Encode the message and put it into the actor's mailbox.

        Never waits. Messages of one sender arrive in the order sent. A message to an
        actor that does not exist or has stopped becomes a dead letter, and so does one
        that an actor tells to a full mailbox. A sender that handles `Failure` receives
        one for these, for a refused message, and if the handler raises. Raises
        `TypeError` for a value that cannot be encoded, outside actors
        `MailboxFullError` as the recipient's `Mailbox` says, and from another thread
        `ActorStoppedError` if the event loop is closed.
        """
        # The same as `Provider.tell` for the frequent case: this thread is the System's
        # own, there is no observer, and the mailbox exists and is not full.
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
        """Send a request and return its answer.

        Await it in an async handler, whose actor then handles no other message, or in a
        task on the System's event loop. Use `block=True` in any other thread, or in
        plain code under the virtual clock or the stepping dispatcher, which then run
        until the answer arrives. `timeout` is in seconds of the System's clock; None
        takes the System's default, `math.inf` waits forever.

        Raises `AskTimeoutError`; `AskCycleError` if the answer would have to come from
        an actor that waits for this one; `ActorFailedError` if the handler raised;
        `MessageError` if the actor refused the message, did not answer it, or answered
        with the wrong type; `MailboxFullError` if the mailbox had no room;
        `ActorStoppedError` if the actor does not exist or has stopped;
        `DispatcherError` if `block` does not fit the place of the call.
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
        """Tell the message as soon as the mailbox has room for it.

        Waits only for a mailbox whose policy is "wait". Await it in an async handler,
        or in a task on the System's event loop; use `block=True` in another thread. For
        other mailboxes, and under the stepping dispatcher, it is the same as `tell` and
        raises like it. `timeout` is that of `ask`.

        Raises `OfferTimeoutError` if the mailbox had no room in time, and
        `OfferCycleError` if the actor that has to make room waits for this one.
        """
        if block:
            self._provider.offer_blocking(self.address, message, timeout)
            return None
        return self._provider.offer(self.address, message, timeout)

    def stop(self, *, drain: bool = True) -> None:
        """Stop the actor after the messages that are in its mailbox now.

        Without `drain` it stops after the message that it is handling now. A waiting
        async handler is cancelled, and the other messages become dead letters. Its
        children stop first, in the same way.
        """
        self._provider.stop(self.address, drain=drain)

    async def started(self, *, timeout: float | None = None) -> None:
        """Wait until `on_start` of the actor has ended, also in its own thread.

        Raises the error of `on_start`; `ActorStoppedError` if the actor was stopped
        before, or has ended; `StartTimeoutError` after `timeout` seconds (None takes
        the System's default, `math.inf` waits forever).
        """
        await self._provider.started(self.address, self._known, timeout)

    async def stopped(self, *, timeout: float | None = None) -> None:
        """Wait until the actor has ended; returns at once if it does not exist.

        Raises `AskTimeoutError` after `timeout` seconds (None takes the System's
        default, `math.inf` waits forever).
        """
        await self._provider.stopped(self.address, timeout)

    @property
    def is_alive(self) -> bool:
        """Whether the actor exists and has not stopped.

        Of an actor of a linked System it only says whether the link is up: watch the
        actor, or ask it.
        """
        return self._provider.is_alive(self.address)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ActorRef)
            and local_part(self.address) == local_part(other.address)
            and self.system == other.system
        )

    def __hash__(self) -> int:
        return hash(local_part(self.address))

    def __repr__(self) -> str:
        return f"<ActorRef {shown(self.address)}>"

    def __copy__(self) -> "ActorRef[P_contra]":
        return self

    def __deepcopy__(self, _memo: object) -> "ActorRef[P_contra]":
        return self

    def __reduce__(self) -> str:
        raise TypeError(f"{self!r} cannot be pickled: send it in a message")


class ReplyTo(
    Struct, Generic[A_contra], frozen=True, array_like=True, forbid_unknown_fields=True
):
    """The address for a later answer of type `A_contra` to a request.

    It is plain data and may be part of an actor's state. `ask` is 0 for a request that
    an actor told: the answer is then an ordinary message to that actor. `system` is the
    name of the System of the asker, "" for the one that answers.
    """

    ref: ActorRef[Any] | None
    ask: int = 0
    system: str = ""
