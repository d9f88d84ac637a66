"""Finds entries in DWARF by a name, without reading the whole of it.

A kernel has a thousand compile units, of which a question concerns one or two. An
entry's name is an offset in .debug_str, so that its bytes are searched in .debug_info;
what is found counts if an entry with that attribute in that place begins right before
it. Compilers put a name, or an abstract origin, before all other attributes but flags,
which have no bytes.

Formats: DWARF 5, sections 7.5 (units, entries, abbreviations) and 6.1.2 (aranges).
"""

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property

from elftools.common.exceptions import DWARFError, ELFError
from elftools.dwarf.aranges import ARanges
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.dwarf.ranges import BaseAddressEntry

__all__ = ["Units", "attribute", "text_of"]

_WITHOUT_BYTES = ("DW_FORM_flag_present", "DW_FORM_implicit_const")
_LONGEST_CODE = 3
"""Bytes of an abbreviation's number, at most: two million of them."""

_INLINE = 4
"""A string of so many bytes, with its end, is no longer than an offset to it."""

_WILD = (DWARFError, ELFError, KeyError, IndexError, ValueError, struct.error)

_TOP = 64
"""A unit's name is in so many of its first bytes."""


class Units:
    """The compile units of debug information."""

    def __init__(self, information: DWARFInfo, order: str) -> None:
        self.information = information
        self._order = order
        self._bytes = _content(information.debug_info_sec)
        self._strings = [
            _content(section)
            for section in (information.debug_str_sec, information.debug_line_str_sec)
        ]

    def named(
        self, name: str, *tags: str, is_meant: Callable[[DIE], bool] | None = None
    ) -> Iterator[DIE]:
        """Return entries with this name and one of these tags, in the file's order.

        With `is_meant` only those count of which it is true.
        """
        found = False
        for needle in self._name_needles(name):
            for die in self._with_first("DW_AT_name", needle):
                is_one = die.tag in tags and text_of(die) == name
                is_one = is_one and self._is_sound(die)
                # Only a sound entry's children can be read.
                if is_one and (not is_meant or is_meant(die)):
                    found = True
                    yield die
            if found:  # a string has one place in .debug_str
                return

    def inlined(self, abstract: DIE) -> Iterator[DIE]:
        """Return the entries where a compiler inlined an abstract function.

        Return none for an entry that is not abstract.
        """
        unit = abstract.cu
        assert isinstance(unit, CompileUnit)
        if "DW_AT_inline" not in abstract.attributes:
            return
        needle = struct.pack(f"{self._order}I", abstract.offset - unit.cu_offset)
        for die in self._with_first("DW_AT_abstract_origin", needle, unit):
            is_inlined = die.tag == "DW_TAG_inlined_subroutine"
            if is_inlined and self._is_sound(die):
                yield die

    def of_file(self, path: str) -> list[CompileUnit]:
        """Return the units of a source file, which `path` is the end of."""
        found: dict[int, CompileUnit] = {}
        for needle in self._path_needles(path):
            for place in _occurrences(self._bytes, needle, 0, len(self._bytes)):
                unit = self._unit_at(place)
                if place - unit.cu_offset < _TOP and _ends(_name_of(unit), path):
                    found[unit.cu_offset] = unit
        return list(found.values())

    def at(self, address: int) -> CompileUnit | None:
        """Return the unit whose code an address is in."""
        table = self._aranges
        offset = None if table is None else table.cu_offset_at_addr(address)
        return None if offset is None else self.information.get_CU_at(offset)

    def ranges(self, die: DIE) -> list[tuple[int, int]]:
        """Return the code of an entry, as pairs of first address and end."""
        low = attribute(die, "DW_AT_low_pc")
        if "DW_AT_ranges" in die.attributes:
            return self._range_list(die)
        if low is None or "DW_AT_high_pc" not in die.attributes:
            return []
        high = die.attributes["DW_AT_high_pc"]
        is_end = high.form.startswith("DW_FORM_addr")
        return [(low, int(high.value) if is_end else low + int(high.value))]

    def entry(self, die: DIE) -> int | None:
        """Return where an inlined body begins, None for one without code."""
        ranges = self.ranges(die)
        place = attribute(die, "DW_AT_entry_pc")
        if place is None:
            return ranges[0][0] if ranges else None
        is_address = die.attributes["DW_AT_entry_pc"].form.startswith("DW_FORM_addr")
        return place if is_address or not ranges else place + ranges[0][0]

    def _is_sound(self, die: DIE) -> bool:
        """Tell whether an entry is one, and its code is code of its unit.

        A name's bytes may follow bytes that look like an abbreviation's number.
        """
        try:
            entry = self.entry(die)
            children = list(die.iter_children())
        except _WILD:
            return False
        unit = None if entry is None else self.at(entry)
        is_of_unit = unit is not None and unit.cu_offset == die.cu.cu_offset
        return (entry is None or is_of_unit) and _ends_with(die, children)

    def _range_list(self, die: DIE) -> list[tuple[int, int]]:
        lists = self.information.range_lists()
        if lists is None:
            return []
        base = attribute(die.cu.get_top_DIE(), "DW_AT_low_pc") or 0
        offset = int(die.attributes["DW_AT_ranges"].value)
        found: list[tuple[int, int]] = []
        unit = die.cu
        assert isinstance(unit, CompileUnit)
        for entry in lists.get_range_list_at_offset(offset, cu=unit):
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
            else:
                shift = 0 if entry.is_absolute else base
                found.append((entry.begin_offset + shift, entry.end_offset + shift))
        return found

    @cached_property
    def _aranges(self) -> ARanges | None:
        return self.information.get_aranges()

    @cached_property
    def _offsets(self) -> list[int]:
        """Where each unit begins."""
        found: list[int] = []
        place = 0
        while place + 4 <= len(self._bytes):
            found.append(place)
            (length,) = struct.unpack_from(f"{self._order}I", self._bytes, place)
            place += 4 + length
        return found

    def _unit_at(self, place: int) -> CompileUnit:
        offset = self._offsets[bisect_right(self._offsets, place) - 1]
        return self.information.get_CU_at(offset)

    def _name_needles(self, name: str) -> Iterator[bytes]:
        """Return the bytes that a name may be in .debug_info, likeliest first."""
        word = name.encode() + b"\0"
        strings = self._strings[0]
        places = list(_occurrences(strings, word, 0, len(strings)))
        # The linker keeps one copy, which may be the end of a longer string.
        places.sort(key=lambda place: place > 0 and strings[place - 1] != 0)
        if len(word) <= _INLINE:
            yield word
        for place in places:
            yield struct.pack(f"{self._order}I", place)

    def _path_needles(self, path: str) -> Iterator[bytes]:
        word = path.encode() + b"\0"
        if len(word) <= _INLINE:
            yield word
        for strings in self._strings:
            for place in _occurrences(strings, word, 0, len(strings)):
                whole = strings.rfind(b"\0", 0, place) + 1
                for begin in {whole, place}:
                    if begin == place or strings[place - 1] == ord("/"):
                        yield struct.pack(f"{self._order}I", begin)

    def _with_first(
        self, name: str, needle: bytes, unit: CompileUnit | None = None
    ) -> Iterator[DIE]:
        """Return entries whose first attribute with bytes has these."""
        begin, end = 0, len(self._bytes)
        if unit is not None:
            begin = unit.cu_die_offset
            end = unit.cu_offset + unit.size
        for place in _occurrences(self._bytes, needle, begin, end):
            yield from self._entries_before(place, name, unit or self._unit_at(place))

    def _entries_before(
        self, place: int, name: str, unit: CompileUnit
    ) -> Iterator[DIE]:
        """Return what may be an entry whose attribute is at a place, likeliest first.

        The end of a long number is a number as well.
        """
        for size in range(_LONGEST_CODE, 0, -1):
            offset = place - size
            code = _number(self._bytes[offset:place])
            if offset < unit.cu_die_offset or code is None:
                continue
            if _first_attribute(unit, code) == name:
                # Bytes that only look like an entry have wild forms and offsets.
                with suppress(*_WILD):
                    yield unit.get_DIE_from_refaddr(offset)


def _ends_with(die: DIE, children: list[DIE]) -> bool:
    """Tell whether an entry says that the next one begins behind its children."""
    following = _following(die)
    if following is None or not children:
        return not (die.has_children and not children)
    end = _following(children[-1])
    return end is None or following == end + 1  # a null entry ends the children


def _following(die: DIE) -> int | None:
    """Return where the entry behind an entry and its children begins, if it says so."""
    if not die.has_children:
        return die.offset + die.size
    sibling = attribute(die, "DW_AT_sibling")
    return None if sibling is None else die.cu.cu_offset + sibling


def attribute(die: DIE, name: str) -> int | None:
    """Return the value of an entry's numeric attribute, None if it has none."""
    found = die.attributes.get(name)
    return None if found is None else int(found.value)


def text_of(die: DIE, name: str = "DW_AT_name") -> str:
    """Return the text of an entry's attribute, "" if it has none."""
    found = die.attributes.get(name)
    return "" if found is None else bytes(found.value).decode()


def _name_of(unit: CompileUnit) -> str:
    return text_of(unit.get_top_DIE())


def _ends(whole: str, end: str) -> bool:
    return whole == end or whole.endswith(f"/{end}")


def _content(section: object) -> bytes:
    """Return the bytes of one of pyelftools' sections, which it keeps in memory."""
    stream = getattr(section, "stream", None)
    return b"" if stream is None else bytes(stream.getvalue())


def _occurrences(where: bytes, what: bytes, begin: int, end: int) -> Iterator[int]:
    place = where.find(what, begin, end)
    while place >= 0:
        yield place
        place = where.find(what, place + 1, end)


def _number(data: bytes) -> int | None:
    """Return the ULEB128 number that is all of these bytes, None if they are none."""
    if not data or data[-1] & 0x80 or any(not byte & 0x80 for byte in data[:-1]):
        return None
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data))


def _first_attribute(unit: CompileUnit, code: int) -> str:
    """Return the first attribute with bytes of an abbreviation, "" if there is none."""
    try:
        declaration = unit.get_abbrev_table().get_abbrev(code)
    except KeyError:
        return ""
    specs = declaration.iter_attr_specs()
    return next((name for name, form in specs if form not in _WITHOUT_BYTES), "")
