"""Structures and constants of a program, from its debug information."""

from collections.abc import Iterator

from elftools.dwarf.die import DIE
from msgspec import Struct

from ccw_actors._suggestions import did_you_mean
from ccw_actors.errors import SymbolsError, UnknownSymbolError
from ccw_actors.kernel.debugger._units import Units, attribute, text_of

__all__ = ["Member", "Structures"]

_KINDS = ("DW_TAG_structure_type", "DW_TAG_union_type")
_NAMES = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type")
_INSIDE = {"DW_TAG_member", "DW_TAG_enumeration_type", *_KINDS}
"""What a structure of a C program has inside."""

_BYTE = 8


class Member(Struct, frozen=True):
    """A member's place in its structure.

    `offset` and `size` are in bytes. A bit field has `bits` bits from bit `bit` of the
    byte at `offset`, counted from the left on s390x; `size` is that of its type.
    """

    offset: int
    size: int
    bit: int = 0
    bits: int = 0


class Structures:
    """Finds structures by name, in the first unit that defines them."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._found: dict[str, DIE] = {}

    def size(self, name: str) -> int:
        """Return the size of a structure or union, in bytes."""
        return attribute(self._structure(name), "DW_AT_byte_size") or 0

    def member(self, name: str, path: str) -> Member:
        """Return where a member is: "orb" or, in a member structure, "cp.orb"."""
        at = self._structure(name)
        offset = 0
        found: DIE | None = None
        for word in path.split("."):
            if found is not None:
                at = _bare_type(found)
            members = dict(_members(at))
            if word not in members:
                near = did_you_mean(word, members)
                text = f"struct {name} has no member {path!r}: {near or 'none is near'}"
                raise UnknownSymbolError(path, text)
            found, inner = members[word]
            offset += inner
        assert found is not None
        return _member(found, offset)

    def constant(self, name: str) -> int:
        """Return the value of a constant of an enumeration."""
        for die in self._units.named(name, "DW_TAG_enumerator"):
            return attribute(die, "DW_AT_const_value") or 0
        raise UnknownSymbolError(name, f"no enumeration has a constant {name!r}")

    def _structure(self, name: str) -> DIE:
        if name not in self._found:
            found = self._units.named(name, *_KINDS, is_meant=_is_definition)
            die = next(found, None)
            if die is None:
                raise UnknownSymbolError(name, f"no unit defines a struct {name!r}")
            self._found[name] = die
        return self._found[name]


def _is_definition(die: DIE) -> bool:
    """Tell whether an entry is a definition, and no declaration or other bytes."""
    tags = {child.tag for child in die.iter_children()}
    return "DW_AT_byte_size" in die.attributes and tags <= _INSIDE


def _members(die: DIE) -> Iterator[tuple[str, tuple[DIE, int]]]:
    """Return members with their offsets, also those of members without a name."""
    for child in die.iter_children():
        if child.tag != "DW_TAG_member":
            continue
        offset = attribute(child, "DW_AT_data_member_location") or 0
        name = text_of(child)
        if name:
            yield name, (child, offset)
            continue
        for inner, (found, place) in _members(_bare_type(child)):
            yield inner, (found, offset + place)


def _member(die: DIE, offset: int) -> Member:
    bits = attribute(die, "DW_AT_bit_size") or 0
    place = attribute(die, "DW_AT_data_bit_offset")
    if place is None:  # DWARF 4 counts from the left in a field of the type's size
        place = attribute(die, "DW_AT_bit_offset") or 0
        if bits and die.cu.dwarfinfo.config.little_endian:
            place = _size(die) * _BYTE - place - bits
    return Member(offset + place // _BYTE, _size(die), place % _BYTE, bits)


def _size(die: DIE) -> int:
    """Return the size of a member's type, in bytes."""
    kind = _bare_type(die)
    if kind.tag != "DW_TAG_array_type":
        return attribute(kind, "DW_AT_byte_size") or 0
    count = 1
    for child in kind.iter_children():
        last = attribute(child, "DW_AT_upper_bound")
        count *= 0 if last is None else last + 1
    return count * _size(kind)


def _bare_type(die: DIE) -> DIE:
    """Return the type of an entry, behind typedefs and qualifiers."""
    while True:
        if "DW_AT_type" not in die.attributes:
            raise SymbolsError(f"{text_of(die) or die.tag} has no type")
        die = die.get_DIE_from_attribute("DW_AT_type")
        if die.tag not in _NAMES:
            return die
