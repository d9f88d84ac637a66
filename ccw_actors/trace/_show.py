"""Events of a trace as readable lines, and as plain values for JSON."""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from ccw_actors.errors import StreamError
from ccw_actors.trace._records import (
    DeadLetterRecord,
    EventRecord,
    FailureRecord,
    FieldRecord,
    HandledRecord,
    TypeRecord,
)

__all__ = ["OUTSIDE", "Named", "as_json", "as_line", "message_of", "type_name"]

OUTSIDE = "outside"
"""The name of the sender, or recipient, that is no actor."""

_BYTES_SHOWN = 16
_TYPES_MAX = 64
"""The maximum of possible types of a field; with more its value is shown as it is."""

_Types = Mapping[int, TypeRecord]


class Named(NamedTuple):
    """A value with fields: its type's name, and each field's name and value."""

    type: str
    fields: list[tuple[str, object]]


def as_line(event: EventRecord, types: _Types) -> str:
    """Return one line: time, number, cause, sender, recipient, type, fields by name.

    Bytes are shown as hexadecimal digits, long ones truncated and with their length.
    `types` are those of the `TraceReader`. Raises `StreamError` for a message that is
    nested too deeply.
    """
    if isinstance(event, FailureRecord):
        what = f"{event.actor} failed on {event.message}: {event.reason}"
        return f"{event.failed_at:12.6f} #{event.number:<6} {what}"
    at, end = _end(event)
    cause = f"#{event.cause}" if event.cause else "-"
    way = f"{event.sender or OUTSIDE} -> {event.recipient or OUTSIDE}"
    try:
        what = _text(message_of(event, types))
    except RecursionError as error:
        raise _too_deep(event) from error
    return f"{at:12.6f} #{event.number:<6} {cause:<7} {way}  {what}{end}"


def as_json(event: EventRecord, types: _Types) -> dict[str, object]:
    """Return the event as a JSON object; bytes are strings of hexadecimal digits.

    `event` is the kind of record. A struct, like the message itself, is an object with
    the type's name as "type" and the fields by name as "fields". Raises `StreamError`
    for a message that is nested too deeply.
    """
    found: dict[str, object] = {
        "event": type(event).__struct_config__.tag,
        **{name: getattr(event, name) for name in event.__struct_fields__},
    }
    if not isinstance(event, FailureRecord):
        del found["message_type"]
        try:
            found["message"] = _plain(message_of(event, types))
        except RecursionError as error:
            raise _too_deep(event) from error
    return found


def type_name(event: EventRecord, types: _Types) -> str:
    """Return the name of the event's message type."""
    if isinstance(event, FailureRecord):
        return event.message
    return types[event.message_type].name


def _too_deep(event: Any) -> StreamError:
    return StreamError(f"message {event.number}: it is nested too deeply to be shown")


def _end(event: Any) -> tuple[float, str]:
    if isinstance(event, DeadLetterRecord):
        return event.lost_at, f"  dead letter: {event.reason}"
    return event.handled_at, ""


def message_of(event: HandledRecord | DeadLetterRecord, types: _Types) -> object:
    """Return the event's message as plain values; what has fields is a `Named`.

    Raises `RecursionError` for a message that is nested too deeply.
    """
    field = FieldRecord("message", (event.message_type,))
    return _named(event.message, field, types)


def _named(value: object, field: FieldRecord, types: _Types) -> object:
    """Name the fields of a value, if its types are known."""
    if not 0 < len(field.types) <= _TYPES_MAX or not isinstance(value, list):
        return value
    values = cast("list[object]", value)
    if field.many:
        one = FieldRecord(field.name, field.types)
        return [_named(item, one, types) for item in values]
    known = [types[number] for number in field.types if number in types]
    return _record(values, known, types)


def _record(values: list[object], known: list[TypeRecord], types: _Types) -> object:
    """Name the fields of a value, if it has one of these types."""
    for record in known:
        if not record.tagged and len(known) == 1:
            return Named(record.name, _fields(values, record, types))
        if record.tagged and values[:1] == [record.name]:
            return Named(record.name, _fields(values[1:], record, types))
    return values


def _fields(
    values: list[object], record: TypeRecord, types: _Types
) -> list[tuple[str, object]]:
    surplus = len(values) - len(record.fields)
    unknown = (FieldRecord(f"[{i}]") for i in range(surplus))
    return [
        (field.name, _named(value, field, types))
        for field, value in zip(
            itertools.chain(record.fields, unknown), values, strict=False
        )
    ]


def _text(value: object) -> str:
    match value:
        case Named(name, fields):
            inner = ", ".join(f"{key}={_text(item)}" for key, item in fields)
            return f"{name}({inner})"
        case bytes():
            return _hex(value)
        case list():
            items = cast("list[object]", value)
            return f"[{', '.join(map(_text, items))}]"
        case dict():
            pairs = cast("dict[object, object]", value).items()
            inner = ", ".join(f"{_text(key)}: {_text(item)}" for key, item in pairs)
            return f"{{{inner}}}"
        case _:
            return repr(value)


def _hex(value: bytes) -> str:
    if len(value) <= _BYTES_SHOWN:
        return f"x'{value.hex()}'"
    return f"x'{value[:_BYTES_SHOWN].hex()}...' ({len(value)} bytes)"


def _plain(value: object) -> object:
    match value:
        case Named(name, fields):
            return {"type": name, "fields": {key: _plain(item) for key, item in fields}}
        case bytes():
            return value.hex()
        case list():
            return [_plain(item) for item in cast("list[object]", value)]
        case dict():
            pairs = cast("dict[object, object]", value).items()
            return {str(_plain(key)): _plain(item) for key, item in pairs}
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
