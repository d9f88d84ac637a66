"""The interface of a System towards its actors."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._values.dump import Dump, Statistics
from ccw_actors.runtime._values.mailbox import Mailbox
from ccw_actors.runtime._values.observer import Observer
from ccw_actors.runtime._values.reference import ActorRef, ReplyTo
from ccw_actors.runtime._values.supervision import Supervision
from ccw_actors.transport import Codec, Message

__all__ = ["Host", "Services"]


class Services(Protocol):
    """Implements the methods of `Actor`."""

    @property
    def sender(self) -> ActorRef[Any] | None: ...

    def reply(self, to: ReplyTo[Any], message: Message) -> None: ...

    def reply_to(self, cell: Cell) -> ReplyTo[Any]: ...

    def set_timer(
        self, cell: Cell, delay: float, message: Message, interval: float = 0.0
    ) -> int: ...

    def set_sleep(self, cell: Cell, delay: float) -> int: ...

    def cancel_timer(self, cell: Cell, number: int) -> None: ...

    def start_task(
        self, cell: Cell, coroutine: Coroutine[Any, Any, Any], name: str
    ) -> Any: ...

    def watch(self, watcher: Cell, ref: ActorRef[Any], *, watches: bool) -> None: ...

    def stash(self, cell: Cell) -> None: ...


class Host(Protocol):
    """A `System` as its actors see it; `System` describes each method.

    The methods that take a cell implement those of `Actor` and are only for it.
    """

    name: str
    codec: Codec
    dispatcher: Any

    @property
    def failures(self) -> list[ActorFailedError]: ...

    def spawn(
        self,
        actor: Any,
        path: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> ActorRef[Any]: ...

    def spawn_thread(
        self,
        actor: Any,
        path: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> ActorRef[Any]: ...

    def ref(self, path: str) -> ActorRef[Any]: ...

    def is_alive(self, path: str) -> bool: ...

    def now(self) -> float: ...

    def observe(self, observer: Observer) -> None: ...

    def unobserve(self, observer: Observer) -> None: ...

    def statistics(self) -> Statistics: ...

    def dump(self) -> Dump: ...

    # -- for `Actor` --------------------------------------------------------------

    @property
    def services(self) -> Services: ...

    def ref_of(self, cell: Cell) -> ActorRef[Any]: ...

    def spawn_child(
        self,
        parent: Cell,
        actor: Any,
        name: str | None = None,
        *,
        supervision: Supervision | None = None,
        mailbox: Mailbox | None = None,
    ) -> ActorRef[Any]: ...

    def state_decoder(self, state_type: type[Any]) -> Callable[[Any], Any]: ...
