"""Interfaces that references need: of their System, and of the actor they send to."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

from ccw_actors.runtime._values.envelope import Envelope
from ccw_actors.transport import Message, Request

__all__ = ["NOBODY", "QUEUED", "Provider", "Remote", "RunQueue", "Target"]

R = TypeVar("R")

QUEUED: Final = 1
"""The bit in the status of a mailbox that says it is in the run queue."""


class RunQueue(Protocol):
    """Queues the actors that have something to handle.

    `enqueue` takes an actor that was idle before. It may be a different function each
    time.
    """

    @property
    def enqueue(self) -> Callable[[Any], None]: ...


class Target(Protocol):
    """The part of an actor that a reference needs to put a message into its mailbox."""

    mailbox: Any
    bound: int
    status: int
    queue: RunQueue


class Remote(Protocol):
    """Takes what goes to the actors of linked Systems; on the System's own thread.

    Every method but `close` takes a remote address.
    """

    def deliver(self, address: str, envelope: Envelope) -> None:
        """Send an envelope, or lose it. Raises `MailboxFullError`.

        An envelope to the outside of a System is the answer to its ask of that number.
        """
        ...

    def target(self, address: str) -> Target:
        """Return where a reference puts further messages, or `NOBODY`."""
        ...

    def is_up(self, address: str) -> bool:
        """Whether the link is up that the address belongs to."""
        ...

    async def offer(self, address: str, envelope: Envelope, timeout: float) -> None:
        """Send an envelope, and wait until it is in the mailbox.

        Raises `OfferTimeoutError`, and `LinkLostError`.
        """
        ...

    async def started(self, address: str, timeout: float) -> None:
        """Wait until the actor has started; see `ActorRef.started`."""
        ...

    async def stopped(self, address: str, timeout: float) -> None:
        """Wait until the actor has ended; see `ActorRef.stopped`."""
        ...

    async def close(self) -> None:
        """End all links, after what has been sent so far."""
        ...


class _Sender(Protocol):
    @property
    def address(self) -> str: ...


class Provider(Protocol):
    """Serves the references to the actors of one System.

    Every method takes the address of the actor. The `ActorRef` method of the same name
    says what it does and raises. `quick_thread` is the thread that may put a message
    directly into a mailbox, 0 for none. `running` says which actor that thread runs
    now.
    """

    name: str
    quick_thread: int
    encode: Callable[[object], bytes]
    quick_encode: Callable[[object], bytes]

    @property
    def running(self) -> _Sender: ...

    def tell(self, address: str, message: Message) -> Target: ...

    def deliver(self, address: str, envelope: Envelope) -> None: ...

    def ask(
        self, address: str, request: Request[R], timeout: float | None
    ) -> Coroutine[Any, Any, R]: ...

    def ask_blocking(
        self, address: str, request: Request[R], timeout: float | None
    ) -> R: ...

    def offer(
        self, address: str, message: Message, timeout: float | None
    ) -> Coroutine[Any, Any, None]: ...

    def offer_blocking(
        self, address: str, message: Message, timeout: float | None
    ) -> None: ...

    def stop(self, address: str, *, drain: bool) -> None: ...

    async def started(
        self, address: str, known: Target, timeout: float | None
    ) -> None: ...

    async def stopped(self, address: str, timeout: float | None) -> None: ...

    def is_alive(self, address: str) -> bool: ...


class _Nobody:
    """The target of a reference that has not sent anything yet."""

    mailbox = None
    bound = 0
    status = QUEUED
    queue: Any = None


NOBODY: Final[Any] = _Nobody()
