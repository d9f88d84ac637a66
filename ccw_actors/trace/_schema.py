"""The fields of message types, as type records."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from ccw_actors.trace._records import FieldRecord, TypeRecord

__all__ = ["Schema"]

_SEQUENCES = (list, tuple, set, frozenset)
_UNIONS = (Union, UnionType)


class Schema:
    """Numbers types in the order in which they occur, and describes each once."""

    def __init__(self) -> None:
        self._numbers: dict[type[msgspec.Struct], int] = {}

    def describe(self, struct: type[msgspec.Struct]) -> tuple[int, list[TypeRecord]]:
        """Return a type's number, and the records of all new types that it brings.

        Types in the fields of a type come before it, unless they contain it.
        """
        number = self._numbers.get(struct)
        if number is not None:
            return number, []
        number = self._numbers[struct] = len(self._numbers) + 1
        new: list[TypeRecord] = []
        fields = tuple(
            self._field(field.name, field.type, new)
            for field in msgspec.structs.fields(struct)
        )
        tag = struct.__struct_config__.tag
        name = struct.__name__ if tag is None else str(tag)
        new.append(TypeRecord(number, name, tag is not None, fields))
        return number, new

    def _field(self, name: str, hint: Any, new: list[TypeRecord]) -> FieldRecord:
        structs, many = _structs_in(hint)
        numbers: list[int] = []
        for struct in structs:
            number, found = self.describe(struct)
            numbers.append(number)
            new.extend(found)
        return FieldRecord(name, tuple(numbers), many)


def _structs_in(hint: Any) -> tuple[list[type[msgspec.Struct]], bool]:
    """Return the structs encoded as arrays that a value may be or contain."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _structs_in(arguments[0])
    if origin in _UNIONS:
        return _structs_in_union(arguments)
    if origin in _SEQUENCES:
        structs, many = _structs_in(arguments[0])
        same = len(set(arguments) - {...}) == 1
        return (structs, True) if same and not many else ([], False)
    return ([hint], False) if _is_array(hint) else ([], False)


def _structs_in_union(
    members: tuple[Any, ...],
) -> tuple[list[type[msgspec.Struct]], bool]:
    """Return the structs of all members, if all are sequences or none is."""
    found = [_structs_in(one) for one in members]
    structs = [struct for some, _ in found for struct in some]
    shapes = {many for some, many in found if some}
    return (structs, shapes.pop()) if len(shapes) == 1 else ([], False)


def _is_array(hint: Any) -> bool:
    """Whether a type is a struct encoded as an array."""
    if not isinstance(hint, type) or not issubclass(hint, msgspec.Struct):
        return False
    return hint.__struct_config__.array_like
