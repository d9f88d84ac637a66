"""References to actors: what one actor may know of another."""

from collections.abc import Coroutine
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from msgspec import Struct

from ccw_actors.runtime.cell import NOBODY, QUEUED, Envelope
from ccw_actors.transport import Message, Request

if TYPE_CHECKING:
    from ccw_actors.runtime.mail import Mail

__all__ = ["ActorRef", "ReplyTo"]

P_contra = TypeVar("P_contra", bound=Message, contravariant=True)
R = TypeVar("R")


class ActorRef(Generic[P_contra]):
    """Where to send messages of the types `P_contra` to one actor.

    A reference is a path in a System. It may travel inside messages (as that path)
    and is equal to every other reference to the same path.
    """

    __slots__ = ("_cell", "_mail", "path")

    def __init__(self, mail: "Mail", path: str, cell: Any = NOBODY) -> None:
        self._mail = mail
        self._cell = cell
        self.path = path

    def tell(self, message: P_contra) -> None:
        """Encode the message and put it into the actor's mailbox.

        Never waits. Messages of one sender arrive in the order sent. A message to an
        actor that does not exist or has stopped becomes a dead letter; a sender that
        handles `Failure` is told of that, as of one that was refused or made its
        handler raise. Raises `TypeError` for a value that cannot be encoded,
        `MailboxFullError` as the recipient's `Mailbox` says, and from another thread
        `ActorStoppedError` when the event loop is closed.
        """
        # What `Mail.tell` does, for the case on which time is spent: this thread is
        # the System's own, nobody observes, and the mailbox is there and not full.
        mail = self._mail
        cell = self._cell
        mailbox = cell.mailbox
        if mailbox is None or get_ident() != mail.quick_thread:
            self._cell = mail.tell(self.path, message)
            return
        payload = mail.encode(message)
        if len(mailbox) >= cell.bound:
            mail.deliver(self.path, Envelope(payload, mail.home.path, 0, None))
            return
        sender = mail.home.path
        mailbox.append(Envelope(payload, sender, 0, None) if sender else payload)
        if not cell.status:
            cell.status = QUEUED
            cell.ready(cell)

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
        raised, `MessageError` when it refused the message, `MailboxFullError` when
        there was no room for it, `ActorStoppedError` when there is no such actor (any
        more), `DispatcherError` when `block` does not fit the place of the call.
        """
        if block:
            return self._mail.asking.ask_blocking(self.path, message, timeout)
        return self._mail.asking.ask(self.path, message, timeout)

    @overload
    def offer(self, message: P_contra) -> Coroutine[Any, Any, None]: ...

    @overload
    def offer(self, message: P_contra, *, block: Literal[True]) -> None: ...

    def offer(
        self, message: P_contra, *, block: bool = False
    ) -> Coroutine[Any, Any, None] | None:
        """Tell the message as soon as there is room for it.

        Waits only for a mailbox whose policy is "wait", on an event loop; with
        `block=True` another thread waits. Elsewhere it is `tell`, and raises like it.
        """
        if block:
            self._mail.asking.offer_blocking(self.path, message)
            return None
        return self._mail.asking.offer(self.path, message)

    def stop(self, *, drain: bool = True) -> None:
        """Stop the actor after the messages that are in its mailbox now.

        Without `drain` it stops after the message that it is handling now; an async
        handler that waits is cancelled, and the rest become dead letters. Its children
        are stopped first, in the same way.
        """
        self._mail.stop(self.path, drain=drain)

    async def stopped(self, *, timeout: float | None = None) -> None:
        """Wait until no actor is at this path; it need not have been one.

        Raises `AskTimeoutError` after `timeout` seconds (None takes the System's
        default, `math.inf` waits without end).
        """
        await self._mail.shutdown.wait_for(self.path, timeout)

    @property
    def is_alive(self) -> bool:
        """Whether the actor exists and has not stopped."""
        return self.path in self._mail.cells

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActorRef) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"<ActorRef {self.path}>"


class ReplyTo(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Whom a request that is answered later is to be answered to.

    Plain data: it may be kept in an actor's state. `ask` is 0 for a request that was
    told by an actor; the answer is then an ordinary message to that actor.
    """

    ref: ActorRef[Any] | None
    ask: int = 0
