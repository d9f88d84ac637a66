"""Writes values as JSON, and numbers the types that they need.

| value | JSON |
|---|---|
| None, bool, str, float, an int of at most 53 bits | itself |
| a larger int | `{"i": "18446744073709551615"}` |
| bytes | `{"x": "00ff", "n": 2}`: hexadecimal digits, and how many bytes there are |
| a value with fields | `[3, ...]`: the number of its type, and its fields in order |
| a sequence, a set | `{"l": [...], "n": 2}` |
| a mapping | `{"d": [[key, value], ...], "n": 1}` |

Long bytes and long sequences are cut short; `n` then says how long they were.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from itertools import islice
from math import isfinite
from typing import Any, Final, cast

import msgspec

from ccw_actors.channel import Ccw, Orb
from ccw_actors.channel.ccw import CCW_LENGTH, is_tic
from ccw_actors.runtime import ActorRef
from ccw_actors.trace import Named
from ccw_actors.wording._texts import TypeText
from ccw_actors.wording._types import describe

__all__ = ["PROGRAM", "Values", "named"]

_BYTES_MAX: Final = 512
_ITEMS_MAX: Final = 256
_DEPTH_MAX: Final = 40
_SAFE: Final = 1 << 53
_CCWS_MAX: Final = 256
PROGRAM: Final = "channel program"
"""The name of the field that a message with an ORB and its program gets."""

_encode = msgspec.json.Encoder().encode


class Values:
    """Writes values as JSON; `types` describes the types that have occurred."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, tuple[str, ...]], int] = {}
        self._types: list[TypeText] = []

    @property
    def types(self) -> tuple[TypeText, ...]:
        """The types that have occurred, by number."""
        return tuple(self._types)

    def write(self, value: object) -> bytes:
        """Return a value as a line of JSON; what has fields is a `Named`."""
        return _encode(self._plain(value, 0))

    def _plain(self, value: object, depth: int) -> object:
        if depth > _DEPTH_MAX:
            return "..."
        if isinstance(value, Named):
            return self._named(value, depth)
        if isinstance(value, Enum):
            return self._plain(value.value, depth)
        if isinstance(value, bytes | bytearray):
            return {"x": bytes(value[:_BYTES_MAX]).hex(), "n": len(value)}
        if isinstance(value, Mapping | Sequence | AbstractSet) and not isinstance(
            value, str
        ):
            return self._several(cast("Collection[object]", value), depth)
        return _scalar(value)

    def _several(self, values: Collection[object], depth: int) -> object:
        count = len(values)
        if isinstance(values, Mapping):
            pairs = islice(cast("Mapping[object, object]", values).items(), _ITEMS_MAX)
            shown = [[self._plain(one, depth + 1) for one in pair] for pair in pairs]
            return {"d": shown, "n": count}
        items = islice(values, _ITEMS_MAX)
        return {"l": [self._plain(one, depth + 1) for one in items], "n": count}

    def _named(self, value: Named, depth: int) -> object:
        fields = [*value.fields]
        program = _program(fields)
        if program:
            fields.append((PROGRAM, program))
        key = (value.type, tuple(name for name, _ in fields))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._types)
            self._types.append(describe(*key))
        return [number, *(self._plain(one, depth + 1) for _, one in fields)]


def named(value: object, depth: int = 0) -> object:
    """Return a value of a live System with every struct in it as a `Named`."""
    if depth > _DEPTH_MAX:
        return "..."
    if isinstance(value, ActorRef):
        return value.path
    if isinstance(value, bytes | bytearray | Enum | str):
        return value
    if isinstance(value, Mapping | Sequence | AbstractSet):
        return _several(cast("Collection[object]", value), depth)
    names = _fields_of(value)
    if names is None:
        return value
    fields = [(name, named(getattr(value, name), depth + 1)) for name in names]
    return Named(type(value).__name__, fields)


def _several(values: Collection[object], depth: int) -> object:
    if isinstance(values, Mapping):
        pairs = cast("Mapping[object, object]", values).items()
        return {_key(key): named(one, depth + 1) for key, one in pairs}
    # The order of a set differs from one run to the next.
    in_order = sorted(values, key=repr) if isinstance(values, AbstractSet) else values
    return [named(one, depth + 1) for one in in_order]


def _fields_of(value: object) -> Sequence[str] | None:
    """Return the names of a value's fields, None if it has none."""
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [one.name for one in dataclasses.fields(value)]
    return None


def _scalar(value: object) -> object:
    """Return a value that JSON has, or else its text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return value if isfinite(value) else repr(value)
    if isinstance(value, int):
        return value if -_SAFE < value < _SAFE else {"i": str(value)}
    # Half of a surrogate pair is no text that JSON can hold.
    return str(value).encode("utf-8", "replace").decode()


def _key(key: object) -> object:
    """Return a key of a mapping as a value that can be a key again."""
    return key if isinstance(key, str | int | bytes) else repr(key)


def _program(fields: Sequence[tuple[str, object]]) -> list[object]:
    """Return the CCWs of a message that has an ORB and the bytes of its program.

    Each is a pair of its address and a `Ccw`, in the order in which the channel would
    fetch them.
    """
    found = dict(fields)
    orb, pieces = found.get("orb"), found.get("program")
    if not isinstance(orb, Named) or not isinstance(pieces, list) or not pieces:
        return []
    storage: list[tuple[int, bytes]] = []
    for piece in cast("list[object]", pieces):
        values = dict(piece.fields) if isinstance(piece, Named) else {}
        address, data = values.get("address"), values.get("data")
        if isinstance(address, int) and isinstance(data, bytes):
            storage.append((address, data))
    try:
        return _chain(Orb(**cast("dict[str, Any]", dict(orb.fields))), storage)
    except TypeError:
        return []  # another version's ORB


def _chain(orb: Orb, storage: Sequence[tuple[int, bytes]]) -> list[object]:
    found: list[object] = []
    address = orb.cpa
    while len(found) < _CCWS_MAX:
        raw = _bytes_at(storage, address)
        if len(raw) < CCW_LENGTH:
            break
        ccw = Ccw.from_bytes(raw, orb.fmt)
        found.append([f"{address:#010x}", named(ccw)])
        address += CCW_LENGTH
        if is_tic(ccw.code, orb.fmt):
            address = ccw.address
        elif not (ccw.chain_command or ccw.chain_data):
            break
    return found


def _bytes_at(storage: Sequence[tuple[int, bytes]], address: int) -> bytes:
    """Return the 8 bytes at an address, fewer if they are not there."""
    for begin, data in storage:
        if begin <= address < begin + len(data):
            return data[address - begin : address - begin + CCW_LENGTH]
    return b""
