"""Compares states by value, however they came about.

Two equal dicts may have been filled in different orders, and so may two equal sets. An
actor's state is kept as bytes, which differ then. So a state with a dict or a set
somewhere in it is compared by another text, in which keys and members are sorted.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import inspect

from ccw_actors.runtime import Actor, ActorRef

__all__ = ["Canonical", "text_of"]

_UNORDERED: Final = (
    inspect.DictType,
    inspect.SetType,
    inspect.FrozenSetType,
    inspect.AnyType,
    inspect.TypedDictType,
    inspect.DataclassType,
)
"""The types without an order, and those that may contain one."""


class Canonical:
    """Computes for each state, once, a key that is equal for equal states."""

    def __init__(self) -> None:
        self._unordered: dict[type, bool] = {}
        self._known: dict[tuple[type, object], object] = {}

    def of(self, actor: Actor[Any], snapshot: object) -> object:
        """Return a hashable key that is equal for equal states of such actors.

        `snapshot` is what the actor's `snapshot` has returned. If its class overrides
        the default, that is the key. The actor's state may change to that of the
        snapshot.
        """
        kind: Any = type(actor)
        unordered = self._unordered.get(kind)
        if unordered is None:
            unordered = self._unordered[kind] = _may_be_unordered(actor)
        if not unordered or snapshot is None:
            return snapshot
        key = kind, snapshot
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _texts(actor, snapshot)
        return found


def _texts(actor: Actor[Any], snapshot: object) -> tuple[str, ...]:
    """Return texts of an actor's state in which nothing depends on order."""
    actor.restore(snapshot)
    parts = (getattr(actor, "state", None), actor.persistent)
    return tuple(map(text_of, parts))


def _may_be_unordered(actor: Actor[Any]) -> bool:
    """Whether an actor's state may contain a dict or a set."""
    if type(actor).snapshot is not Actor.snapshot:
        return False
    parts: list[Any] = [getattr(actor, "state", None), actor.persistent]
    kinds: list[Any] = [type(part) for part in parts if part is not None]
    try:
        return any(_reaches(inspect.type_info(one), set()) for one in kinds)
    except NameError:
        return True  # Annotated with names that exist only inside a function.


def _reaches(info: object, seen: set[object]) -> bool:
    """Whether a type contains a dict, a set, or a type that may be anything."""
    if isinstance(info, _UNORDERED):
        return True
    if isinstance(info, inspect.CustomType):
        return getattr(info.cls, "__origin__", info.cls) is not ActorRef
    if isinstance(info, inspect.StructType):
        if info.cls in seen:
            return False
        seen.add(info.cls)
    return any(_reaches(part, seen) for part in _parts(info))


def _parts(info: object) -> Sequence[object]:
    """Return the types that a type is made of."""
    if isinstance(info, inspect.StructType | inspect.NamedTupleType):
        return [field.type for field in info.fields]
    if isinstance(info, inspect.TupleType):
        return info.item_types
    if isinstance(info, inspect.UnionType):
        return info.types
    if isinstance(info, inspect.VarTupleType | inspect.ListType):
        return [info.item_type]
    return ()


def text_of(part: object) -> str:
    """Return a text in which keys and members are sorted."""
    return repr(_sorted(part))


def _sorted(value: Any) -> Any:
    """Return a value in which nothing depends on the order of keys or members."""
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return "dict", sorted(
            ((_sorted(key), _sorted(one)) for key, one in items), key=repr
        )
    if isinstance(value, set | frozenset):
        return "set", sorted(map(_sorted, cast("set[object]", value)), key=repr)
    if isinstance(value, list | tuple):
        return [_sorted(one) for one in cast("list[object]", value)]
    names = _fields(value)
    if names is not None:
        return type(value).__name__, [_sorted(getattr(value, one)) for one in names]
    return f"ref {value.address}" if isinstance(value, ActorRef) else value


def _fields(value: Any) -> Sequence[str] | None:
    """Return the names of a record's fields, None for anything else."""
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [one.name for one in dataclasses.fields(value)]
    return None
