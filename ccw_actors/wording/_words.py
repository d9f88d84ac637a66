"""Puts values into words, on one line or field by field.

| value | text |
|---|---|
| a number whose bits or values have names | `0x0c (channel end, device end)` |
| another number | as its type says: in hex or decimal |
| bytes | `e4200007 00003000`; long ones are cut, with their length |
| a value with fields | `Scsw(fctl=0x04 (start), ...)` |
| the CCWs of a program | `0x00002000 Ccw(...)`, in the order of fetching |
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeGuard, cast

import msgspec

from ccw_actors.wording._texts import FieldText, TypeText
from ccw_actors.wording._values import PROGRAM

__all__ = ["brief_of", "fields_of", "line_of"]

_PLAIN: Final = FieldText("")
_BYTES_SHOWN: Final = 32
_ZEROS_MIN: Final = 8
_BRIEF_MAX: Final = 2
_LARGE: Final = frozenset(("irb", "schib"))
_WORDS: Final = re.compile(r".{8}(?=.)")

_Types = Sequence[TypeText]


def line_of(body: bytes, types: _Types) -> str:
    """Return a value on one line, "" for no value.

    `body` is from `Values.write`, and `types` describes the types in it.
    """
    return _text(msgspec.json.decode(body), _PLAIN, types) if body else ""


def fields_of(body: bytes, types: _Types) -> dict[str, str]:
    """Return the text of each field of a value; of a value without fields, nothing."""
    value = _named(body)
    if value is None:
        return {}
    return {field.name: _text(one, field, types) for field, one in _parts(value, types)}


def brief_of(body: bytes, types: _Types) -> str:
    """Return the few words about a message that fit beside its type."""
    value = _named(body)
    if value is None:
        return ""
    found: list[str] = []
    for field, one in _parts(value, types):
        found += _brief(field, one, types)
        if len(found) == _BRIEF_MAX:
            break
    return ", ".join(found)


def _named(body: bytes) -> list[Any] | None:
    """Return a value with fields: its type and they. None for any other value."""
    value: Any = msgspec.json.decode(body) if body else None
    return value if _is_list(value) else None


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _brief(field: FieldText, value: Any, types: _Types) -> Iterator[str]:
    """Yield the words about one field, if it says much in few of them."""
    match value:
        case str():
            if value:
                yield value
        case int() if not isinstance(value, bool):
            if value or field.name == "cc":
                yield f"{field.name} {_digits(value, field)}"
        case [int(), _, *_] if field.name not in _LARGE:
            yield _type_name(cast("list[Any]", value), types)
        case _:
            pass


def _type_name(value: list[Any], types: _Types) -> str:
    return types[int(value[0])].name


def _parts(value: list[Any], types: _Types) -> Iterator[tuple[FieldText, Any]]:
    """Yield the fields of a value, each with its description."""
    number: int = value[0]
    return zip(types[number].fields, value[1:], strict=True)


def _text(value: Any, field: FieldText, types: _Types) -> str:
    if _is_list(value):
        parts = (
            f"{one.name}={_text(inner, one, types)}"
            for one, inner in _parts(value, types)
        )
        return f"{_type_name(value, types)}({', '.join(parts)})"
    match value:
        case dict():
            return _object(cast("dict[str, Any]", value), field, types)
        case _:
            return _scalar(value, field)


def _scalar(value: Any, field: FieldText) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int():
            return _number(value, field)
        case str():
            return repr(value)
        case _:
            return str(value)


def _object(value: dict[str, Any], field: FieldText, types: _Types) -> str:
    """Return what is no value of JSON: a large number, bytes, or several values."""
    match value:
        case {"x": digits, "n": count}:
            return _bytes(digits, count, field)
        case {"l": items, "n": count}:
            return _list(items, count, field, types)
        case {"d": pairs, "n": count}:
            texts = [
                f"{_text(key, _PLAIN, types)}: {_text(one, _PLAIN, types)}"
                for key, one in pairs
            ]
            return f"{{{_joined(texts, count)}}}"
        case _:
            return str(value["i"])


def _list(items: list[Any], count: int, field: FieldText, types: _Types) -> str:
    texts = [_item(one, field, types) for one in items]
    return f"[{_joined(texts, count)}]"


def _item(value: Any, field: FieldText, types: _Types) -> str:
    """Return the text of a part of a sequence; a CCW has its address before it."""
    match value:
        case {"l": [str(address), [int(), *_]]} if field.name == PROGRAM:
            return f"{address} {_text(value['l'][1], _PLAIN, types)}"
        case _:
            return _text(value, field, types)


def _joined(texts: list[str], count: int) -> str:
    """Join the texts of a sequence; say how long it is if some are missing."""
    more = [f"... ({count:,} in all)"] if count > len(texts) else []
    return ", ".join([*texts, *more])


def _number(value: int, field: FieldText) -> str:
    words = [*_bits(value, field), *filter(None, [field.words.get(str(value), "")])]
    text = _digits(value, field)
    return f"{text} ({', '.join(words)})" if words else text


def _digits(value: int, field: FieldText) -> str:
    if not field.digits or value < 0:
        return str(value)
    return f"0x{value:0{field.digits}x}"


def _bits(value: int, field: FieldText) -> Iterator[str]:
    """Yield the names of the bits that are one, and the numbers within a word."""
    for bit in field.bits:
        inner = value & bit.mask
        if inner and bit.counted:
            yield f"{bit.name} {inner // (bit.mask & -bit.mask)}"
        elif inner:
            yield bit.name


def _bytes(digits: str, count: int, field: FieldText) -> str:
    if not count:
        return "no bytes"
    words: list[str] = []
    if field.is_sense and len(digits) > 1:
        words = [*_bits(int(digits[:2], 16), field)]
    if count > _ZEROS_MIN and not digits.strip("0"):
        text = f"{count} bytes of zeros"
    else:
        text = _WORDS.sub(r"\g<0> ", digits[: 2 * _BYTES_SHOWN])
        if count > _BYTES_SHOWN:
            text += f"... ({count} bytes)"
    return f"{text} ({', '.join(words)})" if words else text
