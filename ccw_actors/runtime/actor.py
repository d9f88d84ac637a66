"""What an actor is: declared state, and one handler for each message type."""

import inspect
from collections.abc import Callable
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from ccw_actors.runtime.ref import ActorRef, ReplyTo
from ccw_actors.transport import Message

if TYPE_CHECKING:
    from ccw_actors.runtime.system import System

__all__ = ["Actor", "receive"]

Handler = TypeVar("Handler", bound=Callable[..., Message | None])

_MARK = "__receives__"


def receive(handler: Handler) -> Handler:
    """Mark a method as the handler of the message type that its parameter names.

    A handler runs to completion before the next message. A message that it returns is
    the answer to the sender; None answers nothing (yet).
    """
    setattr(handler, _MARK, True)
    return handler


class Actor:
    """Base of every actor. Subclasses mark their handlers with `receive`.

    All that an actor remembers between messages is in `state`, a msgspec Struct that
    the System can encode, compare and restore; its type stays the same. Everything
    else in the instance is configuration: set in `__init__`, never changed. A handler
    is a deterministic function of state and message; time comes from `now`.
    """

    __slots__ = ("__dict__", "_path", "_system")

    handlers: ClassVar[dict[type[Message], Callable[[Any, Any], Message | None]]] = {}
    accepts: ClassVar[Any] = Message
    state: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the handlers, inherited ones included.

        A method that overrides a handler takes its place, marked or not. Raises
        `TypeError` for a handler whose parameter is not annotated with a message
        type, for two handlers of one type, and for two types of the same name.
        """
        super().__init_subclass__(**kwargs)
        own = _own_handlers(cls)
        inherited = {
            message_type: vars(cls).get(handler.__name__, handler)
            for base in reversed(cls.__bases__)
            for message_type, handler in getattr(base, "handlers", {}).items()
        }
        cls.handlers = inherited | own
        if cls.handlers:
            names = [message_type.__name__ for message_type in cls.handlers]
            if twice := {name for name in names if names.count(name) > 1}:
                raise TypeError(
                    f"{cls.__name__} accepts two message types named {twice}"
                )
            cls.accepts = Union[tuple(cls.handlers)]  # noqa: UP007 - built at run time

    def on_start(self) -> None:
        """Run once, before the first message."""

    def on_stop(self) -> None:
        """Run once, after the last message of an actor that did not fail.

        The actor is no longer there for others: what it sends itself is lost.
        """

    def on_failure(self, error: BaseException) -> None:
        """Run once, when a handler (or `on_start`, in a thread) has raised.

        The actor then stops, without `on_stop`.
        """

    @property
    def ref(self) -> ActorRef[Any]:
        """The reference to this actor."""
        return self._system.ref(self._path)

    @property
    def sender(self) -> ActorRef[Any] | None:
        """Who sent the message being handled; None when it came from outside."""
        return self._system.sender

    @property
    def reply_to(self) -> ReplyTo:
        """Whom to answer if the message being handled is answered later."""
        return self._system.reply_to

    def reply(self, to: ReplyTo, message: Message) -> None:
        """Answer a request that an earlier message made."""
        self._system.reply(to, message)

    def now(self) -> float:
        """Seconds of the System's clock since the System was made."""
        return self._system.now()

    def after(self, delay: float, message: Message) -> int:
        """Have the message sent to this actor in `delay` seconds.

        Returns a key for `cancel`.
        """
        return self._system.set_timer(self._path, delay, message)

    def cancel(self, key: int) -> None:
        """Cancel a timer.

        Without effect when it has fired already, even if its message still waits in
        the mailbox.
        """
        self._system.cancel_timer(self._path, key)

    def snapshot(self) -> object:
        """Return the state as an immutable, comparable, hashable value.

        The default encodes `state`: what its type's annotations do not describe (a
        field of type Any) does not come back as it was, dicts keep their order, and
        sets have none that a handler may rely on. An actor with large state overrides
        this and `restore` with something cheaper, such as a tuple of immutable pages.
        """
        state = getattr(self, "state", None)
        return None if state is None else self._system.codec.encode_as_is(state)

    def restore(self, snapshot: object) -> None:
        """Set the state to what `snapshot` returned before."""
        if snapshot is not None:
            state: msgspec.Struct = self.state
            self.state = self._system.state_decoder(type(state))(snapshot)

    def bind(self, system: "System", path: str) -> None:
        """Tell the actor where it lives; called by the System before `on_start`."""
        self._system = system
        self._path = path


def _own_handlers(cls: type[Actor]) -> dict[type[Message], Callable[..., Any]]:
    found: dict[type[Message], Callable[..., Any]] = {}
    for name, method in vars(cls).items():
        if not getattr(method, _MARK, False):
            continue
        for message_type in _parameter_types(f"{cls.__name__}.{name}", method):
            if message_type in found:
                raise TypeError(
                    f"{cls.__name__}.{name}: {found[message_type].__name__} handles"
                    f" {message_type.__name__} already"
                )
            found[message_type] = method
    return found


def _parameter_types(name: str, method: Callable[..., Any]) -> list[type[Message]]:
    parameters = list(inspect.signature(method).parameters)
    hint = get_type_hints(method).get(parameters[1]) if parameters[1:] else None
    types = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    found: list[type[Message]] = []
    for message_type in types:
        if not (isinstance(message_type, type) and issubclass(message_type, Message)):
            raise TypeError(
                f"{name}: expected a parameter annotated with a message type,"
                f" got {message_type!r}"
            )
        found.append(message_type)
    return found
