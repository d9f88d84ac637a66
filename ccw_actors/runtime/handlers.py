"""Which method of an actor class handles which message, in which behaviour."""

import inspect
from collections.abc import Callable
from types import UnionType
from typing import (
    Any,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

from ccw_actors.transport import Message

__all__ = ["Handlers", "collect", "declared", "receive"]

Handlers: TypeAlias = dict[type[Message], Callable[[Any, Any], Any]]
Method = TypeVar("Method", bound=Callable[..., Any])

_MARK = "__receives__"
_FALLBACK = "on_receive"


@overload
def receive(handler: Method) -> Method: ...


@overload
def receive(*, state: str) -> Callable[[Method], Method]: ...


def receive(handler: Any = None, *, state: str = "") -> Any:
    """Mark a method as the handler of the message types that its parameter names.

    A handler runs to completion before the next message; an `async def` one may wait
    in the middle, and no other message of its actor is handled meanwhile. A message
    that it returns is the answer to the sender; None answers nothing (yet).

    With `state` it handles them only in the behaviour of that name, and there before
    the handler that has no state; see `Actor.become`. A method named `on_receive` is
    a handler without being marked.
    """

    def mark(method: Any) -> Any:
        setattr(method, _MARK, state)
        return method

    return mark if handler is None else mark(handler)


def collect(cls: type) -> tuple[Handlers, dict[str, Handlers]]:
    """Return the handlers of a class: those of every behaviour, and by behaviour.

    Those that a method inherits are included, and a method that overrides a handler
    takes its place, marked or not. What a behaviour does not handle itself is in its
    table as well, if every behaviour handles it. Raises `TypeError` for a handler
    whose parameter is not annotated with a message type, for two handlers of one type,
    and for two types of the same name.
    """
    always: Handlers = {}
    by_state: dict[str, Handlers] = {}
    for base in reversed(cls.__bases__):
        inherited: dict[str, Handlers] = getattr(base, "tables", {})
        for state, handlers in inherited.items():
            target = always if not state else by_state.setdefault(state, {})
            for message_type, handler in handlers.items():
                target[message_type] = vars(cls).get(handler.__name__, handler)
    for state, message_type, method in _own_handlers(cls):
        (always if not state else by_state.setdefault(state, {}))[message_type] = method
    every = {kind: None for table in (always, *by_state.values()) for kind in table}
    names = [message_type.__name__ for message_type in every]
    if twice := {name for name in names if names.count(name) > 1}:
        raise TypeError(f"{cls.__name__} accepts two message types named {twice}")
    return always, by_state


def declared(cls: type, accepts: dict[type[Message], None]) -> None:
    """Check `class X(Actor[A | B])` against the handlers of the class.

    Raises `TypeError` if it promises to take a message that it has no handler for.
    """
    for base in getattr(cls, "__orig_bases__", ()):
        for argument in get_args(base):
            for promised in _types_in(argument):
                if not isinstance(promised, type) or promised in accepts:
                    continue
                raise TypeError(
                    f"{cls.__name__} promises to take {promised.__name__},"
                    " and has no handler for it"
                )


def _own_handlers(
    cls: type,
) -> list[tuple[str, type[Message], Callable[[Any, Any], Any]]]:
    found: dict[tuple[str, type[Message]], Callable[..., Any]] = {}
    for name, method in vars(cls).items():
        state = getattr(method, _MARK, "" if name == _FALLBACK else None)
        if state is None:
            continue
        for message_type in _parameter_types(f"{cls.__name__}.{name}", method):
            known = found.get((state, message_type))
            if known is not None:
                raise TypeError(
                    f"{cls.__name__}.{name}: {known.__name__} handles"
                    f" {message_type.__name__} already"
                )
            found[state, message_type] = method
    return [(state, kind, method) for (state, kind), method in found.items()]


def _parameter_types(name: str, method: Callable[..., Any]) -> list[type[Message]]:
    parameters = list(inspect.signature(method).parameters)
    hint = get_type_hints(method).get(parameters[1]) if parameters[1:] else None
    found: list[type[Message]] = []
    for message_type in _types_in(hint):
        if not (isinstance(message_type, type) and issubclass(message_type, Message)):
            raise TypeError(
                f"{name}: expected a parameter annotated with a message type,"
                f" got {message_type!r}"
            )
        found.append(message_type)
    return found


def _types_in(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
