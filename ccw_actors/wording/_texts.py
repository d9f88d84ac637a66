"""How the values of a type are written: its fields, their digits, bits and words."""

from msgspec import Struct

__all__ = ["Bit", "FieldText", "TypeText"]


class Bit(Struct, frozen=True, array_like=True):
    """A part of a word: its mask, and its name; `counted` adds its value."""

    mask: int
    name: str
    counted: bool = False


class FieldText(Struct, frozen=True, omit_defaults=True):
    """How the value of a field is written.

    `digits` is its number of hexadecimal digits, 0 for a decimal number. `bits` are the
    names of its bits and `words` those of its values. `is_sense` marks sense bytes: the
    first of them has the bits.
    """

    name: str
    digits: int = 0
    bits: tuple[Bit, ...] = ()
    words: dict[str, str] = {}
    is_sense: bool = False


class TypeText(Struct, frozen=True):
    """How a value of a type is written: its name, and its fields in order."""

    name: str
    fields: tuple[FieldText, ...]
