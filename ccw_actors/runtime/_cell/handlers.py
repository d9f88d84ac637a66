"""The tables of an actor class: its handlers by message type and behaviour."""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import (
    Any,
    NamedTuple,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
    get_type_hints,
    overload,
)

from ccw_actors.runtime._values.answers import answer_type, types_in
from ccw_actors.transport import Message, Request, refusal, tag_of

__all__ = [
    "ActorSpec",
    "Handlers",
    "receive",
    "spec_of",
    "specify",
    "why_refused",
]

Handlers: TypeAlias = dict[type[Message], Callable[[Any, Any], Any]]
"""The method that handles each message type."""

Method = TypeVar("Method", bound=Callable[..., Any])
A = TypeVar("A")
M = TypeVar("M")
R = TypeVar("R")

_MARK = "__receives__"
_FALLBACK = "on_receive"
_SPEC = "__actor_spec__"
_ANYTHING = (Any, object, Message)
"""Return annotations of a handler that name no answer."""


class ActorSpec(NamedTuple):
    """The handlers of an actor class.

    `always` are the handlers in every behaviour. `behaviours` has all handlers of each
    named behaviour, and `tables` only its own handlers ("" for `always`). `accepts` is
    the union of the message types.
    """

    always: Handlers
    behaviours: dict[str, Handlers]
    tables: dict[str, Handlers]
    accepts: Any

    def all(self) -> tuple[Handlers, ...]:
        """Return the handlers of each behaviour, beginning with the first one."""
        return (self.always, *self.behaviours.values())


def spec_of(actor: object) -> ActorSpec:
    """Return the handlers of an actor or of an actor class."""
    return cast("ActorSpec", getattr(actor, _SPEC))


class _Answering(Protocol[R]):
    """Marks the handler of one request type, which answers with an `R`, or later."""

    def __call__(
        self, handler: Callable[[A, M], R | Coroutine[Any, Any, R | None] | None]
    ) -> Callable[[A, M], R | Coroutine[Any, Any, R | None] | None]: ...


@overload
def receive(handler: type[Request[R]], *, state: str = "") -> _Answering[R]: ...


@overload
def receive(handler: Method) -> Method: ...


@overload
def receive(*, state: str) -> Callable[[Method], Method]: ...


def receive(handler: Any = None, *, state: str = "") -> Any:
    """Mark a method as the handler of the message types that its parameter names.

    A handler runs to completion before the next message. An `async def` one may wait in
    the middle; until it ends, its actor handles no other message. If it returns a
    message, that is the answer to the sender. If it returns None for a request, it must
    have read `reply_to` or stashed the message.

    With `state` it handles them only in the behaviour of that name, where it takes
    precedence over a handler without a state; see `Actor.become`. A method named
    `on_receive` is a handler even without this mark.

    `@receive(Read)` says which request it handles: then type checkers check its answer
    against `Read`. Otherwise defining the class checks its annotations. Raises
    `TypeError` for a class that is not a request.
    """
    request = handler if isinstance(handler, type) else None
    if request is not None and not issubclass(request, Request):
        raise TypeError(
            f"receive({request.__name__}): expected a Request; for other messages"
            " annotate the parameter of the handler"
        )

    def mark(method: Any) -> Any:
        setattr(method, _MARK, (state, request))
        return method

    return mark if handler is None or request is not None else mark(handler)


def why_refused(actor: object, payload: bytes, error: Exception) -> str:
    """Return the message's type, a colon, and why an actor refuses the message.

    The actor has no handler for the type, or the fields do not fit the type.
    """
    kinds = {_tag(kind): kind for table in spec_of(actor).all() for kind in table}
    tag = tag_of(payload)
    if not tag or tag in kinds:
        return str(refusal(payload, error))
    what = _handled_instead(list(kinds.values()), tag)
    return f"{tag}: {type(actor).__name__} has no handler for it, {what}"


def _handled_instead(kinds: list[type[Message]], tag: str) -> str:
    """Return which types the actor handles instead of one with that tag."""
    for kind in kinds:
        if tag in map(_tag, _derived(kind)):
            return f"only for {kind.__name__}, from which it is derived"
    if not kinds:
        return "nor for anything else"
    return f"only for {', '.join(kind.__name__ for kind in kinds)}"


def _tag(kind: type[Message]) -> str:
    return str(kind.__struct_config__.tag)


def _derived(kind: type[Message]) -> Iterator[type[Message]]:
    for one in kind.__subclasses__():
        yield one
        yield from _derived(one)


def specify(cls: type, base: type) -> None:
    """Find the handlers of an actor class, and set its spec.

    Inherited handlers are included. A method that overrides a handler takes its place,
    marked or not. The table of a behaviour also contains the handlers of every
    behaviour that it does not replace.

    Raises `TypeError` for a handler whose parameter is not annotated with a message
    type, whose return type does not fit its request, or that has the name of a method
    of `base`; for two handlers of one type, for two types of the same name, and if
    `class X(Actor[A | B])` promises to take a message without a handler.
    """
    tables = _inherited(cls)
    for state, message_type, method in _own_handlers(cls, base):
        tables.setdefault(state, {})[message_type] = method
    every = dict.fromkeys(kind for table in tables.values() for kind in table)
    _check_names(cls, every)
    _check_declared(cls, every)
    always = tables[""]
    merged = {state: always | own for state, own in tables.items() if state}
    setattr(cls, _SPEC, ActorSpec(always, merged, tables, _union(every)))


def _union(kinds: Iterable[type[Message]]) -> Any:
    """Return the union of message types, `Message` if there are none."""
    found: Any = None
    for kind in kinds:
        found = kind if found is None else found | kind
    return Message if found is None else found


def _inherited(cls: type) -> dict[str, Handlers]:
    """Return the inherited table of each behaviour, that of "" first."""
    tables: dict[str, Handlers] = {"": {}}
    for parent in reversed(cls.__bases__):
        inherited: ActorSpec | None = getattr(parent, _SPEC, None)
        for state, handlers in (inherited.tables if inherited else {}).items():
            target = tables.setdefault(state, {})
            for message_type, handler in handlers.items():
                target[message_type] = vars(cls).get(handler.__name__, handler)
    return tables


def _check_names(cls: type, accepts: dict[type[Message], None]) -> None:
    """Check that the message types of a class have different names."""
    names = [_tag(kind) for kind in accepts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TypeError(
            f"{cls.__name__} accepts two message types named {', '.join(twice)}:"
            " give one of them another tag="
        )


def _check_declared(cls: type, accepts: dict[type[Message], None]) -> None:
    """Check `class X(Actor[A | B])` against the handlers of the class."""
    for base in getattr(cls, "__orig_bases__", ()):
        for argument in get_args(base):
            for promised in types_in(argument):
                if not isinstance(promised, type) or promised in (*accepts, Any):
                    continue
                raise TypeError(
                    f"{cls.__name__} promises to take {promised.__name__},"
                    " but has no handler for it"
                )


def _own_handlers(
    cls: type, base: type
) -> list[tuple[str, type[Message], Callable[[Any, Any], Any]]]:
    found: dict[tuple[str, type[Message]], Callable[..., Any]] = {}
    for name, method in vars(cls).items():
        mark = getattr(method, _MARK, ("", None) if name == _FALLBACK else None)
        if mark is None:
            continue
        state, request = mark
        where = f"{cls.__name__}.{name}"
        if name in vars(base):
            raise TypeError(
                f"{where}: a handler cannot be named {name!r}, a reserved name of"
                " Actor: choose another one"
            )
        for message_type in _handled(where, method, request):
            known = found.get((state, message_type))
            if known is not None:
                raise TypeError(
                    f"{where}: {known.__name__} handles {message_type.__name__} already"
                )
            found[state, message_type] = method
    return [(state, kind, method) for (state, kind), method in found.items()]


def _handled(
    where: str, method: Callable[..., Any], request: type[Message] | None
) -> list[type[Message]]:
    """Return the message types of a handler, one of which its mark may name."""
    types = _parameter_types(where, method)
    if request is not None and types != [request]:
        raise TypeError(
            f"{where} is marked as the handler of {request.__name__}, and its"
            f" parameter is annotated with {' | '.join(t.__name__ for t in types)}"
        )
    _check_answer(where, method, types)
    return types


def _parameter_types(name: str, method: Callable[..., Any]) -> list[type[Message]]:
    parameters = list(inspect.signature(method).parameters)
    hint = get_type_hints(method).get(parameters[1]) if parameters[1:] else None
    found: list[type[Message]] = []
    for message_type in types_in(hint):
        if not (isinstance(message_type, type) and issubclass(message_type, Message)):
            raise TypeError(
                f"{name}: expected a parameter annotated with a message type,"
                f" got {message_type!r}"
            )
        found.append(message_type)
    return found


def _check_answer(
    where: str, method: Callable[..., Any], kinds: list[type[Message]]
) -> None:
    """Check the return type of a handler against the answers of its requests."""
    expected = _answers(kinds)
    if expected is None:
        return
    given = types_in(get_type_hints(method).get("return", Any))
    allowed = (*expected, *_ANYTHING, type(None))
    wrong = [one for one in given if isinstance(one, type) and one not in allowed]
    if wrong:
        raise TypeError(
            f"{where} answers {' | '.join(one.__name__ for one in kinds)} with"
            f" {wrong[0].__name__}, expected"
            f" {' | '.join(one.__name__ for one in expected)}"
        )


def _answers(kinds: list[type[Message]]) -> list[Any] | None:
    """Return the types of the answers of requests, None if any type may answer."""
    found: list[Any] = []
    for kind in kinds:
        if not issubclass(kind, Request) or kind is Request:
            return None
        try:
            found += types_in(answer_type(cast("type[Any]", kind)))
        except TypeError:
            return None  # An answer that is not defined yet; asking raises.
    is_known = all(isinstance(one, type) and one not in _ANYTHING for one in found)
    return found if is_known else None
