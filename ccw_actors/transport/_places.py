"""Explains errors in a message with the names of its fields.

msgspec counts the places of an array: `$[1]` is the first field, after the type's name.
"""

import re
from typing import Final, TypeAlias

from msgspec import inspect

from ccw_actors.transport._fields import described, each, parts

__all__ = ["explained"]

_Record: TypeAlias = inspect.StructType | inspect.NamedTupleType
_Kinds: TypeAlias = list[inspect.Type]

_AT: Final = " - at `"
_STEP: Final = re.compile(r"\[(\d+)\]|\[\.\.\.\]|\.([^.\[]+)")
_LENGTH: Final = re.compile(
    r"Expected `array` of (?:at (?:least|most) )?length (\d+), got (\d+)"
)
_NO_MEMBER: Final = "Invalid enum value "
_SHOWN_MAX: Final = 5


def explained(accepted: object, tag: str, text: str) -> str:
    """Return msgspec's error text for a message, with names for its positions.

    `accepted` is the expected type or types, `tag` the type name at the start of the
    message, "" without one.
    """
    kinds = list(each(described(accepted)))
    tags = _tags(kinds)
    if tag and tags and tag not in tags:
        return f"Invalid value {tag!r}{_expected(tags)}"
    kinds = [kind for kind in kinds if tag in _tags([kind])] or kinds
    # The quoted value comes first and may be anything. Only the last part is the place.
    what, at, where = text.rpartition(_AT)
    if not at:
        return text + _missing_or_unknown(kinds, text)
    key, _, steps = where.removesuffix("`").rpartition("$")
    place, kinds, is_tag = _walk(kinds, steps)
    more = _expected(_tags(kinds)) if is_tag else _more(kinds, what)
    return what + (f"{_AT}{key}{place}`" if place else "") + more


def _more(kinds: _Kinds, what: str) -> str:
    """Return the expectation for a value that does not fit one of these types."""
    if what.startswith(_NO_MEMBER):
        return _expected(_members(kinds))
    return _missing_or_unknown(kinds, what)


def _walk(kinds: _Kinds, steps: str) -> tuple[str, _Kinds, bool]:
    """Return a place by name, the types possible there, and whether it is a tag.

    From a place on where several types with fields are possible, the steps keep
    msgspec's names.
    """
    place = ""
    for number, name in _STEP.findall(steps):
        if name:
            place += f".{name}"
            kinds = _named(kinds, name)
        elif not number:
            place += "[...]"
            kinds = _elements(kinds, -1)
        else:
            index = int(number)
            records = _records(kinds)
            if index < sum(map(_tag_size, records[:1])):
                return place.removeprefix("."), kinds, True
            field = _field(records, index)
            place += f".{field.name}" if field else f"[{index}]"
            kinds = list(each(field.type)) if field else _elements(kinds, index)
    return place.removeprefix("."), kinds, False


def _missing_or_unknown(kinds: _Kinds, text: str) -> str:
    """Return the missing field of an array, or the one after which it is too long."""
    found = _LENGTH.match(text)
    records = _records(kinds)
    if not found or len(records) != 1:
        return ""
    (record,) = records
    if int(found[2]) > int(found[1]):
        last = f"after `{record.fields[-1].name}`" if record.fields else "at all"
        return f"; `{record.cls.__name__}` has no field {last}"
    field = _field(records, int(found[2]))
    return f"; `{field.name}` is missing" if field else ""


def _records(kinds: _Kinds) -> list[_Record]:
    """Return the types that are arrays of fields."""
    return [
        kind
        for kind in kinds
        if isinstance(kind, inspect.NamedTupleType)
        or (isinstance(kind, inspect.StructType) and kind.array_like)
    ]


def _tag_size(record: _Record) -> int:
    return int(isinstance(record, inspect.StructType) and record.tag is not None)


def _field(records: list[_Record], index: int) -> inspect.Field | None:
    """Return the field at a place of an array, if only one is possible."""
    if len(records) != 1:
        return None
    (record,) = records
    index -= _tag_size(record)
    return record.fields[index] if 0 <= index < len(record.fields) else None


def _named(kinds: _Kinds, name: str) -> _Kinds:
    """Return the types of the field of that name in a map."""
    return [
        member
        for kind in kinds
        if isinstance(
            kind, (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)
        )
        for field in kind.fields
        if field.encode_name == name
        for member in each(field.type)
    ]


def _elements(kinds: _Kinds, index: int) -> _Kinds:
    """Return the types of an element of an array, or of the values (-1) of a map."""
    found = [
        part
        for kind in kinds
        if (inside := parts(kind)) and isinstance(kind, inspect.DictType) == (index < 0)
        for part in ([inside[index]] if index < len(inside) else inside[-1:])
    ]
    return [member for part in found for member in each(part)]


def _tags(kinds: _Kinds) -> list[str]:
    tags = (kind.tag for kind in kinds if isinstance(kind, inspect.StructType))
    return [tag for tag in tags if isinstance(tag, str)]


def _members(kinds: _Kinds) -> list[str]:
    """Return the values of enums and literals, as they are written."""
    return [
        repr(value)
        for kind in kinds
        for value in (
            kind.values
            if isinstance(kind, inspect.LiteralType)
            else [member.value for member in kind.cls]
            if isinstance(kind, inspect.EnumType)
            else ()
        )
    ]


def _expected(names: list[str]) -> str:
    if not names:
        return ""
    *others, last = [f"`{name}`" for name in names]
    if len(others) >= _SHOWN_MAX:
        others, last = others[: _SHOWN_MAX - 1], f"{len(names) - _SHOWN_MAX + 1} more"
    return f"; expected {', '.join(others)}{' or ' if others else ''}{last}"
