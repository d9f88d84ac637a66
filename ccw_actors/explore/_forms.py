"""Values as forms that can be compared: equal if the values are alike inside."""

from collections import deque
from collections.abc import Mapping
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Final, cast

import msgspec

from ccw_actors.runtime import Actor, ActorRef, System

__all__ = ["SIMPLE", "form_of", "slots_of"]

SIMPLE: Final = (int, float, complex, str, bytes, type(None))
"""The types of values that are their own forms."""

_DEPTH_MAX = 6
_NO_VALUE: Final = object()


def slots_of(base: type) -> tuple[str, ...]:
    """Return the names of a class's slots, outside of `__dict__`."""
    slots: str | tuple[str, ...] = getattr(base, "__slots__", ())
    if issubclass(base, msgspec.Struct):
        return base.__struct_fields__
    return (slots,) if isinstance(slots, str) else tuple(slots)


def form_of(value: object, depth: int = 0) -> object:
    """Return something comparable that shows the inside of a value."""
    address = id(value)
    if isinstance(value, SIMPLE):
        return value
    if isinstance(value, ActorRef):
        return f"ref {value.address}"
    if depth >= _DEPTH_MAX or isinstance(value, type | System):
        return f"at {address}"
    if isinstance(value, Actor):
        return f"actor {value.path}"
    called = _called(value, depth + 1)
    if called is not None:
        return called
    contained = _contained(value, depth + 1)
    return _inside(value, depth + 1) if contained is None else contained


def _called(value: object, depth: int) -> object | None:
    """Return the form of a function by its parts, None for anything else."""
    if isinstance(value, MethodType):
        return "method", form_of(value.__func__, depth), form_of(value.__self__, depth)
    if isinstance(value, partial):
        made = cast("partial[object]", value)
        return "partial", *(
            form_of(one, depth) for one in (made.func, made.args, made.keywords)
        )
    if isinstance(value, FunctionType):
        enclosed = [
            form_of(one, depth) for one in map(_enclosed, value.__closure__ or ())
        ]
        defaults = (
            form_of(value.__defaults__, depth),
            form_of(value.__kwdefaults__, depth),
        )
        return f"function {id(value.__code__)}", enclosed, defaults
    return None


def _enclosed(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return _NO_VALUE  # A name that has no value yet.


def _contained(value: object, depth: int) -> object | None:
    """Return the form of a container, None for anything else."""
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return [(form_of(key, depth), form_of(one, depth)) for key, one in pairs]
    if isinstance(value, list | tuple | deque):
        items = cast("list[object]", value)
        return [form_of(item, depth) for item in items]
    if isinstance(value, set | frozenset):
        members = cast("set[object]", value)
        return sorted(repr(form_of(member, depth)) for member in members)
    return None


def _inside(value: object, depth: int) -> object:
    """Return the form of an object by its attributes, or else its representation."""
    named: dict[str, object] = {}
    inside = getattr(value, "__dict__", None)
    if isinstance(inside, dict):
        named.update(cast("dict[str, object]", inside))
    for base in type(value).__mro__:
        for name in slots_of(base):
            if hasattr(value, name) and not name.startswith("__"):
                named[name] = getattr(value, name)
    if not named:
        return repr(value)
    forms = [(name, form_of(one, depth)) for name, one in named.items()]
    return type(value).__name__, forms
