"""What to send instead of a value that cannot travel."""

import collections
import enum
import fractions
import ipaddress
import re
import types
from collections import abc
from datetime import tzinfo
from pathlib import PurePath
from typing import Final, cast

import msgspec

__all__ = ["advice"]

_TEXT: Final = "its text, from str()"
_ADDRESSES: Final = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)
_ADVICE: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (msgspec.UnsetType, "None, or a struct with array_like=False to leave it out of"),
    (enum.Enum, "an enum whose values are all str, or all int"),
    ((PurePath, *_ADDRESSES, BaseException), _TEXT),
    (re.Pattern, "its text, the attribute `pattern`"),
    (complex, "a tuple of two floats"),
    (fractions.Fraction, "a tuple of two ints"),
    (tzinfo, "its offset, a timedelta, or its name"),
    ((type, types.FunctionType, types.BuiltinFunctionType), "a name for it"),
    (collections.deque, "a list or a tuple"),
    (str, "a plain str"),
    (int, "a plain int"),
    (float, "a plain float"),
    (bytes, "plain bytes"),
    (abc.Mapping, "a dict"),
    (abc.Set, "a set or a frozenset"),
    (abc.Iterable, "a list or a tuple"),
    (cast("type", abc.Callable), "a name for it"),
)


def advice(kind: type) -> str:
    """Return what to send instead of a value of that type, for an error text."""
    if kind is object:
        return "Any"
    found = (text for kinds, text in _ADVICE if issubclass(kind, kinds))
    return next(found, "a msgspec.Struct or a dataclass")
