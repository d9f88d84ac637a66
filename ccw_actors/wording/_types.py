"""Describes each type once: how its fields are written, in hex and in words.

The descriptions come from the types themselves. `channel` names the bits of its words
(`Flag`, `NAMES`), and field names mean the same in every message: `fctl` is the
function control wherever it stands.
"""

import errno
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from msgspec.inspect import IntType

from ccw_actors.channel import (
    Actl,
    Cc,
    Ccw,
    Command,
    Crw,
    Cstat,
    Dstat,
    Fctl,
    InterruptionCode,
    Irb,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
)
from ccw_actors.channel.fields import Flag
from ccw_actors.wording._texts import Bit, FieldText, TypeText

__all__ = ["describe"]

_STRUCTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    one.__name__: one
    for one in (Ccw, Crw, InterruptionCode, Irb, Orb, Pmcw, Schib, Scsw)
}

_NAMES: Final[Mapping[str, Mapping[int, str]]] = {
    "fctl": Fctl.NAMES,
    "actl": Actl.NAMES,
    "stctl": Stctl.NAMES,
    "dstat": Dstat.NAMES,
    "cstat": Cstat.NAMES,
    "CommandEnd.status": Dstat.NAMES,
    "CommandEnd.check": Cstat.NAMES,
    "HostState.kept": Fctl.NAMES,
}
"""The names of the bits of a field, or of the field of one type."""

_PARTS: Final[Mapping[str, tuple[Bit, ...]]] = {
    "Orb.flags": (Bit(0xF000, "key", counted=True),),
    "Scsw.flags": (
        Bit(0xF000, "key", counted=True),
        Bit(0x0300, "deferred condition code", counted=True),
    ),
    "Pmcw.flags": (
        Bit(0x3800, "ISC", counted=True),
        Bit(0x0060, "LM", counted=True),
        Bit(0x0018, "MM", counted=True),
    ),
    "Pmcw.chars": (Bit(0x00E0_0000, "ST", counted=True),),
    "InterruptionCode.identification": (Bit(0x3800_0000, "ISC", counted=True),),
}
"""Numbers within a word, each with its mask and its name."""

_DIGITS: Final[Mapping[str, int]] = {
    "address": 8,
    "cpa": 8,
    "last_cpa": 8,
    "low": 8,
    "mask": 2,
    "fctl": 2,
    "actl": 2,
    "stctl": 2,
    "code": 2,
    "status": 2,
    "check": 2,
    "lpm": 2,
    "devno": 4,
    "intparm": 8,
    "schid": 8,
}
"""The hexadecimal digits of fields whose types do not say how wide they are."""

_COMMANDS: Final = {
    str(code): name.lower().replace("_", " ")
    for name, code in vars(Command).items()
    if isinstance(code, int)
}
_ERRNOS: Final = {str(number): name for number, name in errno.errorcode.items()}
_CODES: Final = {
    str(code): name.lower().replace("_", " ")
    for name, code in vars(Cc).items()
    if isinstance(code, int)
}
_TESTED: Final = {"0": "status was pending", "1": "no status pending"}

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Ccw.code": _COMMANDS,
    "DeviceCommand.code": _COMMANDS,
    "Execution.code": _COMMANDS,
    "errno": _ERRNOS,
    "ret_code": _ERRNOS,
    "cc": _CODES,
    "Tested.cc": _CODES | _TESTED,
}
_SENSE: Final = frozenset(("sense", "Irb.ecw"))
_SENSE_BITS: Final = (
    Bit(0x80, "command reject"),
    Bit(0x40, "intervention required"),
    Bit(0x20, "bus-out check"),
    Bit(0x10, "equipment check"),
    Bit(0x08, "data check"),
    Bit(0x04, "overrun"),
)
"""The bits of sense byte 0 that mean the same for every device."""


def describe(name: str, fields: Sequence[str]) -> TypeText:
    """Return how a value of the type with that name and those fields is written."""
    struct = _STRUCTS.get(name)
    widths = _widths(struct) if struct is not None else {}
    return TypeText(
        name, tuple(_field(name, one, widths.get(one, 0)) for one in fields)
    )


def _field(owner: str, name: str, width: int) -> FieldText:
    """Describe one field; `width` is the number of digits that its type says."""
    own = f"{owner}.{name}"
    names = _NAMES.get(own) or _NAMES.get(name) or {}
    is_sense = own in _SENSE or name in _SENSE
    bits = (
        *(_SENSE_BITS if is_sense else ()),
        *_PARTS.get(own, ()),
        *(() if names else _flags(owner, name)),
        *(Bit(mask, text) for mask, text in names.items()),
    )
    digits = width or _DIGITS.get(name, 0)
    words = _WORDS.get(own) or _WORDS.get(name) or {}
    return FieldText(
        name,
        digits=digits or 2 * bool(bits),
        bits=bits,
        words=dict(words),
        is_sense=is_sense,
    )


def _flags(owner: str, field: str) -> tuple[Bit, ...]:
    """Return the flags that a type of `channel` declares in one of its fields."""
    struct = _STRUCTS.get(owner)
    if struct is None:
        return ()
    flags = (one for one in vars(struct).values() if isinstance(one, Flag))
    return tuple(Bit(one.mask, one.meaning) for one in flags if one.field == field)


@cache
def _widths(struct: type[msgspec.Struct]) -> dict[str, int]:
    """Return the hexadecimal digits of the fields whose types have a greatest value."""
    info: Any = msgspec.inspect.type_info(struct)
    return {
        field.name: len(f"{field.type.le:x}")
        for field in info.fields
        if isinstance(field.type, IntType) and field.type.le is not None
    }
