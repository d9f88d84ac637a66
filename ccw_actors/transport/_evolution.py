"""Drops unknown fields from an encoded message."""

from collections.abc import Callable
from functools import cached_property
from types import UnionType
from typing import TypeAlias, TypeVar, cast

import msgspec
from msgspec import inspect

from ccw_actors.transport._fields import RECORDS, described, each, parts

__all__ = ["accepting"]

T = TypeVar("T")

_Array: TypeAlias = list[object]
_Map: TypeAlias = dict[object, object]


def accepting(
    decode: Callable[[bytes], T],
    accepted: type[T] | UnionType,
    errors: tuple[type[Exception], ...],
) -> Callable[[bytes], T]:
    """Return a function that decodes like `decode`, and accepts unknown fields.

    `accepted` are the types that `decode` decodes, `errors` the exceptions it raises.
    Only refused messages are checked a second time, so that others take no longer.
    """
    types = _Types(accepted)

    def decode_known(payload: bytes) -> T:
        try:
            return decode(payload)
        except errors:
            try:
                known = _only_known(types, payload)
            except errors:
                known = None
            if known is None:
                raise
        return decode(known)

    return decode_known


def _only_known(types: "_Types", payload: bytes) -> bytes | None:
    """Return the message without unknown fields, None if it has none.

    Raises like msgspec for bytes that are not msgpack.
    """
    pruning = _Pruning(types)
    known = pruning.prune(types.root, msgspec.msgpack.decode(payload))
    return msgspec.msgpack.encode(known) if pruning.dropped else None


class _Types:
    """The types of a message and of the values in it, read when they are needed."""

    def __init__(self, accepted: object) -> None:
        self._accepted = accepted
        # By identity: the descriptions cannot be keys, and live as long as the first.
        self._members: dict[int, tuple[inspect.Type, ...]] = {}

    @cached_property
    def root(self) -> inspect.Type:
        """The description by msgspec of the accepted types."""
        return described(self._accepted)

    def members(self, kind: inspect.Type) -> tuple[inspect.Type, ...]:
        """Return those types of a union, or the only type, that have fields."""
        found = self._members.get(id(kind))
        if found is None:
            found = tuple(one for one in each(kind) if _has_fields(one))
            self._members[id(kind)] = found
        return found


def _has_fields(kind: inspect.Type) -> bool:
    return isinstance(kind, RECORDS) or any(
        _has_fields(member) for part in parts(kind) for member in each(part)
    )


def _is(tag: object, items: _Array) -> bool:
    """Whether an array may be a struct of that tag, or has none."""
    return tag is None or items[:1] == [tag]


def _places(record: inspect.StructType | inspect.NamedTupleType) -> list[inspect.Type]:
    """Return the types at the places of an array of fields, a tag first."""
    kinds = [one.type for one in record.fields]
    if isinstance(record, inspect.StructType) and record.tag is not None:
        return [inspect.AnyType(), *kinds]
    return kinds


class _Pruning:
    """Goes through a message and its types, and counts the dropped fields.

    The message is as msgspec decodes it without a type. This leaves values that do not
    fit their type, and fields of type Any, to the decoder.
    """

    def __init__(self, types: _Types) -> None:
        self._members = types.members
        self.dropped = 0

    def prune(self, kind: inspect.Type, value: object) -> object:
        """Return a value without unknown fields; may change the value."""
        if isinstance(value, dict):
            return self._map(kind, cast("_Map", value))
        if isinstance(value, list):
            return self._array(kind, cast("_Array", value))
        if isinstance(value, tuple):  # the key of a dict
            return tuple(self._array(kind, list(cast("_Array", value))))
        return value

    def _array(self, kind: inspect.Type, items: _Array) -> _Array:
        for member in self._members(kind):
            match member:
                case inspect.StructType(array_like=True, tag=tag) if _is(tag, items):
                    return self._fields(_places(member), items)
                case inspect.NamedTupleType():
                    return self._fields(_places(member), items)
                case inspect.TupleType(item_types=kinds):
                    return list(map(self.prune, kinds, items)) + items[len(kinds) :]
                case (
                    inspect.ListType(item_type=one)
                    | inspect.SetType(item_type=one)
                    | inspect.FrozenSetType(item_type=one)
                    | inspect.VarTupleType(item_type=one)
                ):
                    return [self.prune(one, item) for item in items]
                case _:
                    pass
        return items

    def _fields(self, kinds: list[inspect.Type], items: _Array) -> _Array:
        self.dropped += max(0, len(items) - len(kinds))
        return list(map(self.prune, kinds, items))

    def _map(self, kind: inspect.Type, pairs: _Map) -> _Map:
        for member in self._members(kind):
            match member:
                case inspect.StructType(array_like=False):
                    tag = member.tag
                    tagged: _Map = {} if tag is None else {member.tag_field: tag}
                    if tagged.items() <= pairs.items():
                        return self._named(member.fields, pairs, tagged)
                case (
                    inspect.DataclassType(fields=fields)
                    | inspect.TypedDictType(fields=fields)
                ):
                    return self._named(fields, pairs, {})
                case inspect.DictType(key_type=keys, value_type=values):
                    return {
                        self.prune(keys, key): self.prune(values, item)
                        for key, item in pairs.items()
                    }
                case _:
                    pass
        return pairs

    def _named(
        self, fields: tuple[inspect.Field, ...], pairs: _Map, tagged: _Map
    ) -> _Map:
        kinds = {cast("object", one.encode_name): one.type for one in fields}
        known = {
            key: self.prune(kinds[key], item)
            for key, item in pairs.items()
            if key in kinds
        }
        self.dropped += len(pairs) - len(known) - len(tagged)
        return tagged | known
