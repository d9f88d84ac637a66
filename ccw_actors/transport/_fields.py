"""The types of a message's fields: their descriptions, and which cannot travel."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from ccw_actors.transport._advice import advice

__all__ = ["RECORDS", "check_fields", "described", "each", "named", "parts"]

RECORDS: Final = (
    inspect.StructType,
    inspect.NamedTupleType,
    inspect.DataclassType,
    inspect.TypedDictType,
)
"""The types with fields."""


def each(kind: inspect.Type) -> Iterator[inspect.Type]:
    """Yield the types of a union, or the type itself."""
    if isinstance(kind, inspect.Metadata):
        yield from each(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for member in kind.types:
            yield from each(member)
    else:
        yield kind


def parts(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the types of the elements of a container."""
    match kind:
        case inspect.DictType(key_type=keys, value_type=values):
            return keys, values
        case inspect.TupleType(item_types=kinds):
            return kinds
        case (
            inspect.ListType(item_type=one)
            | inspect.SetType(item_type=one)
            | inspect.FrozenSetType(item_type=one)
            | inspect.VarTupleType(item_type=one)
        ):
            return (one,)
        case _:
            return ()


def described(accepted: object) -> inspect.Type:
    """Return msgspec's description of a type, or of a union of types."""
    try:
        return _described(accepted)
    except TypeError:  # it may not be hashable
        return inspect.type_info(accepted)


@lru_cache(maxsize=1024)
def _described(accepted: object) -> inspect.Type:
    return inspect.type_info(accepted)


def check_fields(accepted: object, custom: tuple[type, ...] | None) -> None:
    """Check that a message has no field of a type that cannot travel.

    `custom` are the types that a codec converts for msgspec, None if it may convert
    any. Raises `TypeError`, whose text names the message, the field, the type, and what
    to use instead.
    """
    kind = described(accepted)
    if custom is not None:
        seen: set[int] = set()
        for member in each(kind):
            _check(member, "", custom, seen)


def _check(
    kind: inspect.Type, place: str, custom: tuple[type, ...], seen: set[int]
) -> None:
    if isinstance(kind, inspect.CustomType):
        _check_custom(kind.cls, place, custom)
    elif isinstance(kind, RECORDS):
        if id(kind) not in seen:
            seen.add(id(kind))
            for field in kind.fields:
                inner = f"{kind.cls.__name__}.{field.name}"
                for member in each(field.type):
                    _check(member, inner, custom, seen)
    else:
        for part in parts(kind):
            for member in each(part):
                _check(member, place, custom, seen)


def _check_custom(cls: type, place: str, custom: tuple[type, ...]) -> None:
    if not issubclass(cls, custom):
        where = f"{place}: " if place else ""
        raise TypeError(
            f"{where}{cls.__name__} cannot travel in a message; expected {advice(cls)}"
        )


def named(accepted: object, error: Exception) -> Exception:
    """Return the error for a type that msgspec refuses, with its place."""
    for message in get_args(accepted) or (accepted,):
        place = _place_of_refused(message, set())
        if place:
            return type(error)(f"{place}: {error}")
    return error


def _place_of_refused(record: Any, seen: set[Any]) -> str:
    """Return the class and the field that msgspec refuses."""
    record = get_origin(record) or record
    if not isinstance(record, type) or record in seen:
        return ""
    seen.add(record)
    try:
        hints = get_type_hints(record, include_extras=True)
    except NameError as error:
        return _place_of_undefined(record, error.name or "")
    for name, hint in hints.items():
        try:
            msgspec.msgpack.Decoder(hint)
        except (TypeError, NameError):
            inner = (_place_of_refused(one, seen) for one in _classes(hint))
            return next(filter(None, inner), f"{record.__name__}.{name}")
    return ""


def _place_of_undefined(record: type, undefined: str) -> str:
    """Return the class and the field whose annotation uses an undefined name."""
    word = re.compile(rf"\b{re.escape(undefined)}\b")
    for one in record.__mro__:
        for name, text in vars(one).get("__annotations__", {}).items():
            if isinstance(text, str) and word.search(text):
                return f"{record.__name__}.{name}"
    return record.__name__


def _classes(hint: Any) -> Iterator[Any]:
    yield hint
    for argument in get_args(hint):
        yield from _classes(argument)
