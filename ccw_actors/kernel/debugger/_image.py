"""An ELF file's functions and program text, without its debug information."""

import struct
from bisect import bisect_right
from functools import cached_property
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.elffile import ELFFile
from msgspec import Struct

from ccw_actors.errors import SymbolsError

__all__ = ["Function", "Image"]

_LABEL, _OBJECT, _FUNCTION = 0, 1, 2
"""STT_NOTYPE, STT_OBJECT and STT_FUNC, in the low half of a symbol's `st_info`."""

_S390 = "IBM S/390"


class Function(Struct, frozen=True):
    """A function's code, as the linker placed it."""

    name: str
    address: int
    size: int


class Image:
    """An ELF file with 64-bit addresses; `SymbolsError` says why a file is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise SymbolsError(f"{path}: {error.strerror}") from error
        try:
            self._elf = ELFFile(self._file)
        except ELFError as error:
            self._file.close()
            raise SymbolsError(f"{path} is no ELF file: give a vmlinux") from error
        self.order = "<" if self._elf.little_endian else ">"

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def is_s390(self) -> bool:
        """Whether the code is s390x."""
        return str(self._elf.get_machine_arch()) == _S390

    @property
    def has_debug_information(self) -> bool:
        """Whether the file has debug information."""
        sections = (".debug_info", ".debug_str", ".debug_abbrev")
        return all(self._elf.get_section_by_name(name) for name in sections)

    def debug_information(self) -> DWARFInfo:
        """Return it, or raise `SymbolsError` if the file has none."""
        if not self.has_debug_information:
            raise SymbolsError(
                f"{self._path} has no debug information: "
                "build the kernel with CONFIG_DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT=y"
            )
        return self._elf.get_dwarf_info(relocate_dwarf_sections=False)

    @cached_property
    def variables(self) -> dict[str, list[int]]:
        """Addresses of variables by their name; static variables may share one."""
        found: dict[str, list[int]] = {}
        for kind, name, value, _ in self._symbols:
            if kind == _OBJECT:
                found.setdefault(name, []).append(value)
        return found

    @cached_property
    def labels(self) -> dict[str, int]:
        """Addresses of labels in assembly, such as `io_int_handler`."""
        return {name: value for kind, name, value, _ in self._symbols if kind == _LABEL}

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function, by address."""
        found = [
            Function(name, value, size)
            for kind, name, value, size in self._symbols
            if kind == _FUNCTION
        ]
        return tuple(sorted(found, key=lambda one: (one.address, one.name)))

    @cached_property
    def _symbols(self) -> list[tuple[int, str, int, int]]:
        """Kind, name, address and size of symbols with an address."""
        table = self._section(".symtab")
        names = self._section(".strtab")
        if not table:
            raise SymbolsError(f"{self._path} has no symbols: it is stripped")
        found: list[tuple[int, str, int, int]] = []
        for name, info, _, index, value, size in struct.iter_unpack(
            f"{self.order}IBBHQQ", table
        ):
            if info & 15 in (_LABEL, _OBJECT, _FUNCTION) and name and index:
                end = names.index(b"\0", name)
                found.append((info & 15, names[name:end].decode(), value, size))
        return found

    @cached_property
    def by_name(self) -> dict[str, list[Function]]:
        """Functions by their name; static functions may share one."""
        found: dict[str, list[Function]] = {}
        for function in self.functions:
            found.setdefault(function.name, []).append(function)
        return found

    def function_at(self, address: int) -> Function | None:
        """Return the function whose code an address is in."""
        index = bisect_right(self._addresses, address)
        for function in self.functions[max(index - 4, 0) : index][::-1]:
            if address < function.address + max(function.size, 1):
                return function
        return None

    def clones(self, name: str) -> list[Function]:
        """Return what the compiler made of a function: itself, `.isra.0`, `.cold`."""
        names = [found for found in self.by_name if _is(found, name)]
        return [one for found in names for one in self.by_name[found]]

    def text(self, address: int, size: int) -> bytes:
        """Return the bytes that the linker placed at an address."""
        for section in self._elf.iter_sections():
            begin = int(section["sh_addr"])
            offset = address - begin
            if begin and offset >= 0 and offset + size <= int(section["sh_size"]):
                self._file.seek(int(section["sh_offset"]) + offset)
                return self._file.read(size)
        raise SymbolsError(f"{self._path} has nothing at {address:#x}")

    @cached_property
    def _addresses(self) -> list[int]:
        return [function.address for function in self.functions]

    def _section(self, name: str) -> bytes:
        section = self._elf.get_section_by_name(name)
        return b"" if section is None else bytes(section.data())


def _is(found: str, name: str) -> bool:
    """Tell whether a symbol is a function or a clone that the compiler made of it."""
    return found == name or found.startswith(f"{name}.")
