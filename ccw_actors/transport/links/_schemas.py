"""Fingerprints of message types, which the ends of a link compare."""

import zlib
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from msgspec import inspect

from ccw_actors.transport._codec import Message
from ccw_actors.transport._fields import described, each, parts

__all__ = ["Schemas", "differing", "known_schemas"]

Schema: TypeAlias = tuple[int, ...]
"""The fields of one message type in order: a number of 32 bits for name and type."""

Schemas: TypeAlias = dict[str, list[Schema]]
"""The message types of a process by name; two modules may have one of the same name."""

_DEPTH_MAX: Final = 8


def known_schemas() -> Schemas:
    """Return the schemas of all message types that this process has defined."""
    found: dict[str, set[Schema]] = {}
    for kind in _below(Message):
        try:
            schema = _schema(kind)
        except (TypeError, NameError):  # a type that cannot travel
            continue
        found.setdefault(kind.__name__, set()).add(schema)
    return {name: sorted(schemas) for name, schemas in sorted(found.items())}


def differing(
    ours: Mapping[str, Iterable[Schema]],
    theirs: Mapping[str, Iterable[Schema]],
    *,
    accepts_unknown: bool,
) -> list[str]:
    """Return the names of the types that the other end would send and we not read.

    A type is readable if both ends have the same fields. If this one `accepts_unknown`
    fields, the other end may have more at the end. Types that only one end has do not
    matter: nobody there accepts them.
    """
    return [
        name
        for name, schemas in theirs.items()
        if name in ours
        and not _is_readable(ours[name], schemas, accepts_unknown=accepts_unknown)
    ]


def _is_readable(
    ours: Iterable[Schema], theirs: Iterable[Schema], *, accepts_unknown: bool
) -> bool:
    if accepts_unknown:
        return any(
            tuple(other[: len(own)]) == tuple(own) for own in ours for other in theirs
        )
    return not {tuple(own) for own in ours}.isdisjoint(map(tuple, theirs))


def _below(kind: type[Message]) -> Iterable[type[Message]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _schema(kind: type[Message]) -> Schema:
    info = described(kind)
    assert isinstance(info, inspect.StructType)
    return tuple(_number(f"{one.name}:{_text(one.type, 0)}") for one in info.fields)


def _number(text: str) -> int:
    return zlib.crc32(text.encode())


def _text(kind: inspect.Type, depth: int) -> str:
    """Return a text that is the same for types that look the same on the wire."""
    return "|".join(sorted(_one(member, depth) for member in each(kind)))


def _one(kind: inspect.Type, depth: int) -> str:
    if depth > _DEPTH_MAX:  # a type that contains itself
        return "..."
    match kind:
        case inspect.StructType() | inspect.NamedTupleType():
            fields = ",".join(_text(one.type, depth + 1) for one in kind.fields)
            tag = kind.tag if isinstance(kind, inspect.StructType) else ""
            text = f"{tag or ''}({fields})"
        case inspect.DataclassType() | inspect.TypedDictType():
            named = (
                f"{one.encode_name}:{_text(one.type, depth + 1)}" for one in kind.fields
            )
            text = f"{{{','.join(named)}}}"
        case inspect.EnumType():
            text = f"enum[{','.join(sorted(str(one.value) for one in kind.cls))}]"
        case inspect.LiteralType():
            text = f"literal[{','.join(sorted(map(str, kind.values)))}]"
        case inspect.CustomType():
            text = getattr(kind.cls, "__origin__", kind.cls).__name__
        case _:
            inner = ",".join(_text(part, depth + 1) for part in parts(kind))
            text = f"{type(kind).__name__}({inner})"
    return text
