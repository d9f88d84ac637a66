"""Encodes values that msgspec does not sort, and says which cannot be encoded.

msgspec sorts the keys of a dict only if all are text, and the members of a set only if
they can be compared. This module sorts them by their encoded bytes, so that every dict
and every set has one form. It is plain Python and slow: the codec uses it only for
values that msgspec has refused.
"""

import copy
import dataclasses
import datetime as dt
import enum
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import msgpack
import msgspec

from ccw_actors.transport._advice import advice

__all__ = ["ENCODE_ERRORS", "CanonicalEncoder"]

ENCODE_ERRORS: Final = (
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
    BufferError,
    msgspec.EncodeError,
)
"""The exceptions of msgspec's encoder and a codec's `to_wire`."""

_LEAVES: Final = frozenset(
    {
        *(type(None), bool, int, float, str, bytes, bytearray, memoryview),
        *(dt.datetime, dt.date, dt.time, dt.timedelta),
        *(Decimal, UUID, msgspec.Raw, msgspec.msgpack.Ext),
    }
)
_UNSUPPORTED: Final = re.compile(
    r"Encoding objects of type (?:\w+\.)*(\w+) is unsupported"
)
_TRAVEL: Final = r"\1 cannot travel in a message"
_CONTAINERS: Final = frozenset({list, tuple, dict, set, frozenset})
_SHOWN_MAX: Final = 40
_STEPS_MAX: Final = 4


class _Field(str):
    """The step of a path to a field of that name."""

    __slots__ = ()


_Step: TypeAlias = _Field | int | tuple[object, bool] | None
"""To a field, an element, a dict's key (True) or what it has (False); or to a part."""


class CanonicalEncoder:
    """Encodes messages so that equal ones have equal bytes, whatever they contain.

    `encode_leaf` encodes values without dicts and sets, as the codec does.
    """

    def __init__(
        self,
        encode_leaf: Callable[[object], bytes],
        to_wire: Callable[[Any], Any] | None,
    ) -> None:
        self._encode_leaf = encode_leaf
        self._to_wire = to_wire
        self._packer = msgpack.Packer()

    def encode(self, message: object) -> bytes:
        """Return the bytes of a message, or of any other value.

        Raises `TypeError`, `OverflowError` or `RecursionError`, whose text names the
        message's type and the field, and says what is wrong with its value.
        """
        path: list[_Step] = []
        try:
            return self._encode(message, path)
        except RecursionError as error:
            reason = "nested too deeply, or contains itself"
            raise RecursionError(f"{_place(message, path[:1])}: {reason}") from error
        except _RefusedError as error:
            kind = OverflowError if error.overflow else TypeError
            raise kind(f"{_place(message, path)}: {error}") from error.__cause__

    def _encode(self, value: object, path: list[_Step]) -> bytes:
        # One frame for each level, so that a value within msgspec's depth is rarely too
        # deep.
        encode_leaf = self._encode_leaf
        children = _children(value)
        if children is None:
            try:
                return encode_leaf(value)
            except ENCODE_ERRORS as error:
                children = ((None, self._form(value, error)),)
        encoded: list[bytes] = []
        step: _Step = None
        child: object = value
        try:
            for step, child in children:
                if type(child) in _LEAVES:
                    encoded.append(encode_leaf(child))
                else:
                    path.append(step)
                    encoded.append(self._encode(child, path))
                    path.pop()
        except RecursionError:
            raise
        except ENCODE_ERRORS as error:
            path.append(step)
            raise _refused(child, error) from error
        return self._assembled(value, encoded)

    def _form(self, value: object, error: Exception) -> object:
        """Return the form to encode for a value that turns out not to be a leaf."""
        if isinstance(error, RecursionError):
            raise error
        if isinstance(value, enum.Enum):
            return value.value
        if self._to_wire is None or type(value) in _LEAVES:
            raise _refused(value, error) from error
        try:
            return self._to_wire(value)
        except (TypeError, ValueError, OverflowError) as refusal:
            raise _refused(value, refusal) from refusal

    def _assembled(self, value: object, encoded: list[bytes]) -> bytes:
        pack = self._packer
        if isinstance(value, (list, tuple)):
            return pack.pack_array_header(len(encoded)) + b"".join(encoded)
        if isinstance(value, (set, frozenset)):
            members = sorted(encoded)
            _check_distinct(members, "a set with two members")
            return pack.pack_array_header(len(members)) + b"".join(members)
        if isinstance(value, dict):
            keys = encoded[::2]
            _check_distinct(sorted(keys), "a dict with two keys")
            pairs = sorted(zip(keys, encoded[1::2], strict=True))
            return pack.pack_map_header(len(pairs)) + b"".join(map(b"".join, pairs))
        if isinstance(value, msgspec.Struct):
            return self._encode_leaf(_with_parts(value, encoded))
        if _is_object(value):
            size = len(encoded) // 2
            return pack.pack_map_header(size) + b"".join(encoded)
        (only,) = encoded
        return only


class _RefusedError(Exception):
    """A value cannot be encoded; the text says which and why, but not its place."""

    def __init__(self, reason: str, *, overflow: bool = False) -> None:
        super().__init__(reason)
        self.overflow = overflow


def _refused(value: object, error: Exception) -> _RefusedError:
    if isinstance(value, int) and not _fits(value):
        bits = value.bit_length()
        return _RefusedError(
            f"an int of {bits} bits; expected one from -2**63 to 2**64 - 1",
            overflow=True,
        )
    if isinstance(error, UnicodeEncodeError):
        return _RefusedError(
            f"a str with the surrogate U+{ord(error.object[error.start]):04X} at"
            f" {error.start}; expected text that UTF-8 can encode, or bytes"
        )
    kind = type(value)
    reason = str(error)
    if kind.__name__ not in reason:
        reason = f"{kind.__name__}: {reason}"
    if kind not in _LEAVES:
        reason = f"{_UNSUPPORTED.sub(_TRAVEL, reason)}; expected {advice(kind)}"
    overflow = isinstance(error, (OverflowError, msgspec.EncodeError))
    return _RefusedError(reason, overflow=overflow)


def _children(value: object) -> Iterable[tuple[_Step, object]] | None:
    """Return the parts of a value, each with the step that leads to it.

    Returns None for a value that may be a leaf.
    """
    if isinstance(value, (list, tuple)):
        return enumerate(cast("list[object]", value))
    if isinstance(value, (set, frozenset)):
        return ((None, member) for member in cast("set[object]", value))
    if isinstance(value, dict):
        return _entries(cast("dict[object, object]", value))
    if isinstance(value, msgspec.Struct):
        return [(_Field(name), getattr(value, name)) for name in _fields(value)]
    if _is_object(value):
        return (
            (_Field(name), part)
            for name, item in _attributes(value)
            for part in (name, item)
        )
    return None


def _entries(value: dict[object, object]) -> Iterator[tuple[_Step, object]]:
    """Yield the keys and values of a dict, each with the step that leads to it."""
    for key, item in value.items():
        yield (key, True), key
        yield (key, False), item


def _fields(value: msgspec.Struct) -> list[str]:
    """Return the names of the encoded fields."""
    names = value.__struct_fields__
    if value.__struct_config__.array_like:
        return list(names)
    return [name for name in names if getattr(value, name) is not msgspec.UNSET]


def _with_parts(value: msgspec.Struct, encoded: list[bytes]) -> msgspec.Struct:
    """Return a struct that msgspec encodes like this one, with these encoded fields.

    So msgspec decides on its tag, the names of its fields and which ones to omit.
    """
    copied = copy.copy(value)
    for name, part in zip(_fields(value), encoded, strict=True):
        item = getattr(value, name)
        # msgspec recognizes a default by its identity or by its type.
        if type(item) not in _LEAVES and (type(item) not in _CONTAINERS or item):
            msgspec.structs.force_setattr(copied, name, msgspec.Raw(part))
    return copied


def _is_object(value: object) -> bool:
    kind = type(value)
    return hasattr(kind, "__dataclass_fields__") or "__attrs_attrs__" in vars(kind)


def _attributes(value: object) -> Iterable[tuple[str, object]]:
    """Yield the field names and values of a dataclass or an attrs class."""
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        names = [field.name for field in dataclasses.fields(cast("Any", value))]
    else:
        found = (one.name for one in cast("Any", kind).__attrs_attrs__)
        names = [name for name in found if not name.startswith("_")]
    for name in names:
        item = getattr(value, name, msgspec.UNSET)
        if item is not msgspec.UNSET:
            yield name, item


def _check_distinct(encoded: list[bytes], what: str) -> None:
    """Check that no two sorted keys of a dict, or members of a set, are the same."""
    for one, next_one in itertools.pairwise(encoded):
        if one == next_one:
            both = _cut(repr(msgspec.msgpack.decode(one)))
            raise _RefusedError(
                f"{what} that are both {both} in msgpack; expected them to differ there"
            )


def _place(message: object, path: list[_Step]) -> str:
    steps = [_step(step) for step in path]
    if len(steps) > 2 * _STEPS_MAX:
        steps[_STEPS_MAX:-_STEPS_MAX] = ["..."]
    return type(message).__name__ + "".join(steps)


def _step(step: _Step) -> str:
    match step:
        case _Field():
            return f".{step}"
        case int():
            return f"[{step}]"
        case (key, is_key):
            return f" key {_shown(key)}" if is_key else f"[{_shown(key)}]"
        case _:
            return ""


def _shown(key: object) -> str:
    if type(key) not in _LEAVES or (isinstance(key, int) and not _fits(key)):
        return type(key).__name__
    return _cut(repr(key))


def _fits(number: int) -> bool:
    return -(1 << 63) <= number < 1 << 64


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
