"""The type of the answer to a request: the `R` of its `Request[R]`."""

import sys
from types import UnionType
from typing import Any, ForwardRef, Union, get_args, get_origin, get_type_hints

from ccw_actors.transport import Request

__all__ = ["answer_names", "answer_tags", "answer_type", "types_in"]


def answer_type(request: type[Any]) -> Any:
    """Return the `R` of a request type.

    Raises `TypeError` if it names none, or a type that its module does not define.
    """
    for base in request.__mro__:
        for generic in getattr(base, "__orig_bases__", ()):
            if getattr(generic, "__origin__", None) is Request:
                return _resolved(base, generic.__args__[0])
    raise TypeError(
        f"{request.__name__} does not say what answers it: derive it from Request[...]"
    )


def answer_names(request: type[Any]) -> str:
    """Return the names of the message types that answer a request, joined by bars."""
    return " | ".join(
        getattr(one, "__name__", str(one)) for one in types_in(answer_type(request))
    )


def answer_tags(request: type[Request[Any]]) -> set[str]:
    """Return the tags on the wire of the message types that answer a request."""
    configs = (
        getattr(kind, "__struct_config__", None)
        for kind in types_in(answer_type(request))
    )
    return {str(config.tag) for config in configs if config is not None}


def types_in(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _resolved(request: type, answer: Any) -> Any:
    """Return the type that a quoted name means in the module of a request type."""
    if not isinstance(answer, ForwardRef):
        return answer

    def hinted() -> None:
        """Carry the annotation."""

    hinted.__annotations__ = {"answer": answer}
    try:
        return get_type_hints(hinted, vars(sys.modules[request.__module__]))["answer"]
    except NameError as error:
        raise TypeError(f"{request.__name__} is answered by {error}") from error
