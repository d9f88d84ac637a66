"""A small ELF file for s390x, written by hand: code and symbols, nothing else."""

import struct
from collections.abc import Mapping

__all__ = ["TEXT", "small_elf"]

TEXT = 0x10000
"""The address of its code."""

_HEADER, _ENTRY, _SYMBOL = 64, 64, 24
_S390, _PROGBITS, _SYMTAB, _STRTAB = 22, 1, 2, 3


def small_elf(code: bytes, functions: Mapping[str, tuple[int, int]]) -> bytes:
    """Return a file with code at `TEXT`, and functions by name: address and size."""
    names = b"\0"
    symbols = bytes(_SYMBOL)
    for name, (address, size) in functions.items():
        symbols += struct.pack(">IBBHQQ", len(names), 0x12, 0, 1, address, size)
        names += name.encode() + b"\0"
    sections = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    headers = bytes(_ENTRY)
    contents = b""
    for name, kind, flags, address, data, link, entry in (
        (".text", _PROGBITS, 6, TEXT, code, 0, 0),
        (".symtab", _SYMTAB, 0, 0, symbols, 3, _SYMBOL),
        (".strtab", _STRTAB, 0, 0, names, 0, 0),
        (".shstrtab", _STRTAB, 0, 0, sections, 0, 0),
    ):
        at = sections.index(b"\0" + name.encode() + b"\0") + 1
        place = _HEADER + len(contents)
        fields = (at, kind, flags, address, place, len(data), link, 1, 1, entry)
        headers += struct.pack(">IIQQQQIIQQ", *fields)
        contents += data
    identity = b"\x7fELF\x02\x02\x01".ljust(16, b"\0")
    where = _HEADER + len(contents)
    header = struct.pack(">HHIQQQ", 2, _S390, 1, TEXT, 0, where)
    header += struct.pack(">IHHHHHH", 0, _HEADER, 0, 0, _ENTRY, 5, 4)
    return identity + header + contents + headers
