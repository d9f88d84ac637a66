"""States compared by value: what equal ones have in common, however they came about.

Two dicts are equal whatever the order in which their keys were put in, and so are two
sets. What an actor remembers is kept as bytes, in which that order shows. So of a state
with a dict or a set somewhere in it, another text is made for comparing, in which keys
and members are sorted.
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
"""What has no order, or may lead to it."""


class Canonical:
    """Finds what tells a state from others; each only once."""

    def __init__(self) -> None:
        self._unordered: dict[type, bool] = {}
        self._known: dict[tuple[type, object], object] = {}

    def of(self, actor: Actor[Any], snapshot: object) -> object:
        """Return what is equal for equal states of such actors; hashable.

        `snapshot` is what the actor's own `snapshot` has returned; that of a class that
        overrides the default is what tells already. The actor's state may become what
        the snapshot says.
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
    """Return texts of what an actor remembers, in which nothing depends on order."""
    actor.restore(snapshot)
    parts = (getattr(actor, "state", None), actor.persistent)
    return tuple(map(text_of, parts))


def _may_be_unordered(actor: Actor[Any]) -> bool:
    """Whether a dict or a set may stand in what an actor remembers."""
    if type(actor).snapshot is not Actor.snapshot:
        return False
    parts: list[Any] = [getattr(actor, "state", None), actor.persistent]
    kinds: list[Any] = [type(part) for part in parts if part is not None]
    try:
        return any(_reaches(inspect.type_info(one), set()) for one in kinds)
    except NameError:
        return True  # Annotated with what is known inside of a function only.


def _reaches(info: object, seen: set[object]) -> bool:
    """Whether a type leads to a dict, a set, or to what may be anything."""
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
    """Return the names of what a record is made of, None for anything else."""
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [one.name for one in dataclasses.fields(value)]
    return None
