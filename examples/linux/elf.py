"""Finds the shared libraries that an s390x program needs: ELF's DT_NEEDED.

The structures are those of the ELF-64 object file format, big-endian.
"""

import struct

__all__ = ["needed"]

_HEADER = struct.Struct(">4sBB10xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct(">IIQQQQQQ")
_ENTRY = struct.Struct(">qQ")
_ELF, _ELF64, _BIG_ENDIAN = b"\x7fELF", 2, 2
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
_NEEDED, _STRINGS = 1, 5


def needed(program: bytes) -> list[str]:
    """Return the names of the libraries and the loader.

    The list is empty if the program is not a big-endian ELF-64 file.
    """
    if len(program) < _HEADER.size:
        return []
    header = _HEADER.unpack_from(program)
    if header[:3] != (_ELF, _ELF64, _BIG_ENDIAN):
        return []
    offset, size, count = header[7], header[11], header[12]
    segments = [
        _SEGMENT.unpack_from(program, offset + number * size) for number in range(count)
    ]
    names: list[str] = []
    for kind, _, start, _, _, length, _, _ in segments:
        if kind == _INTERPRETER:
            names.append(_text(program, start).rpartition("/")[2])
        elif kind == _DYNAMIC:
            entries = list(_ENTRY.iter_unpack(program[start : start + length]))
            (table,) = (value for tag, value in entries if tag == _STRINGS)
            strings = _offset_of(segments, table)
            names += [
                _text(program, strings + value)
                for tag, value in entries
                if tag == _NEEDED
            ]
    return names


def _offset_of(segments: list[tuple[int, ...]], address: int) -> int:
    """Return the offset in the file of the byte that is loaded at an address."""
    for kind, _, start, virtual, _, length, _, _ in segments:
        if kind == _LOAD and virtual <= address < virtual + length:
            return start + address - virtual
    raise ValueError(f"{address:#x} is in no segment")


def _text(program: bytes, offset: int) -> str:
    return program[offset : program.index(b"\0", offset)].decode()
