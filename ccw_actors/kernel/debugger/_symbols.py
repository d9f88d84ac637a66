"""Addresses of a program's functions, calls and lines, from its vmlinux."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from elftools.common.exceptions import DWARFError, ELFError
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE

from ccw_actors._suggestions import did_you_mean
from ccw_actors.errors import SymbolsError, UnknownSymbolError
from ccw_actors.kernel.debugger._image import Function, Image
from ccw_actors.kernel.debugger._instructions import (
    CALL_LENGTH,
    Branch,
    Move,
    branches,
    moves,
)
from ccw_actors.kernel.debugger._lines import Lines
from ccw_actors.kernel.debugger._structures import Member, Structures
from ccw_actors.kernel.debugger._units import Units

__all__ = ["Symbols"]

_CLONES = (".isra", ".constprop")
"""Copies of a whole function with other parameters; `.part` and `.cold` are pieces."""


class Symbols:
    """Symbols and debug information of an ELF file, such as a vmlinux.

    `slide` is added to every address of the file: `kernel_slide` finds a kernel's.
    A `SymbolsError` says what a file lacks, an `UnknownSymbolError` what it does not
    name. Only what questions concern is read from the debug information.
    """

    def __init__(self, path: Path, slide: int = 0) -> None:
        self.slide = slide
        self._path = path
        self._image = Image(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._image.close()

    def address(self, function: str) -> int:
        """Return a function's entry, or where a label in assembly is.

        A breakpoint works there, whether the kernel traces functions or not: QEMU
        compares addresses and does not change the program.
        """
        found = self._image.by_name.get(function) or self._copies(function)
        if not found and function in self._image.labels:
            return self._image.labels[function] + self.slide
        if not found:
            raise self._unknown(function)
        if len(found) > 1:
            places = ", ".join(self.where(one.address + self.slide) for one in found)
            raise SymbolsError(f"{function} is more than one function: {places}")
        return found[0].address + self.slide

    def variable(self, name: str) -> int:
        """Return the address of a variable of the whole program, or of a file."""
        found = self._image.variables.get(name, [])
        if not found:
            near = did_you_mean(name, self._image.variables)
            text = f"{self._path} has no variable {name!r}{near and f': {near}'}"
            raise UnknownSymbolError(name, text)
        if len(found) > 1:
            raise SymbolsError(f"{len(found)} variables have the name {name}")
        return found[0] + self.slide

    def inlined(self, function: str) -> list[int]:
        """Return where the compiler begins a function's body inside other functions.

        These are the entries that the compiler gives; where it has mixed the body with
        code around it, some of the body may come before.
        """
        entries = sorted(one + self.slide for one in self._bodies(function))
        if not entries and not self._image.clones(function):
            raise self._unknown(function)
        return entries

    def inlined_in(self, function: str, callee: str) -> list[int]:
        """Return where the body of `callee` begins that is inlined in a function."""
        found: set[int | None] = set()
        for part in self._image.clones(function):
            unit = self._units.at(part.address)
            for die in self._inlined(callee, unit):
                entry = self._units.entry(die)
                if entry is not None and self._image.function_at(entry) == part:
                    found.add(entry + self.slide)
        if not found:
            raise SymbolsError(f"{function} has no {callee} inlined")
        return sorted(one for one in found if one is not None)

    def entries(self, function: str) -> list[int]:
        """Return where a function's body begins: its entry, and where it is inlined."""
        if self._image.by_name.get(function):
            return sorted({self.address(function), *self.inlined(function)})
        clones = [one.address + self.slide for one in self._copies(function)]
        return sorted({*clones, *self.inlined(function)})

    def calls(self, function: str, callee: str) -> list[int]:
        """Return the addresses of the instructions in a function that call another.

        The function's code includes what is inlined into it and, if it is inlined
        itself, its bodies elsewhere. A jump to the callee at the end counts.
        """
        found = [call.address + self.slide for call in self._calls(function, callee)]
        if not found:
            raise SymbolsError(
                f"{function} has no call of {callee}; it calls "
                f"{', '.join(self._callees(function)) or 'nothing directly'}"
            )
        return found

    def after_calls(self, function: str, callee: str) -> list[int]:
        """Return the addresses where a function goes on after calls of another.

        A call that is a jump at the function's end has none.
        """
        found = self._calls(function, callee)
        if not found:
            self.calls(function, callee)
        return [
            call.address + CALL_LENGTH + self.slide
            for call in found
            if not call.is_jump
        ]

    def moves(self, function: str) -> list[Move]:
        """Return the instructions in a function that move storage to storage: MVC."""
        found = {
            one.address + self.slide: Move(one.address + self.slide, one.length)
            for begin, end in self._code(function)
            for one in moves(self._image.text(begin, end - begin), begin)
        }
        return [found[address] for address in sorted(found)]

    def line(self, file: str, number: int) -> list[int]:
        """Return where code of a line begins; `file` may be the end of a path."""
        found = self._lines.addresses(file, number)
        if not found:
            known = "no code" if self._units.of_file(file) else "no such source file"
            raise UnknownSymbolError(
                f"{file}:{number}", f"{self._path} has {known} for {file}:{number}"
            )
        return [one + self.slide for one in found]

    def where(self, address: int) -> str:
        """Return "cp_free+0x12 at drivers/s390/cio/vfio_ccw_cp.c:812".

        What is not known is left out; the address itself if nothing is known.
        """
        function = self._image.function_at(address - self.slide)
        if function is None:
            return f"{address:#x}"
        offset = address - self.slide - function.address
        name = f"{function.name}+{offset:#x}" if offset else function.name
        known = self._image.has_debug_information
        place = self._lines.place(address - self.slide) if known else ""
        return f"{name} at {place}" if place else name

    def size(self, structure: str) -> int:
        """Return the size of a structure or union, in bytes."""
        return self._structures.size(structure)

    def offset(self, structure: str, member: str) -> int:
        """Return a member's offset in bytes; `member` may be a path: "cp.orb"."""
        return self.member(structure, member).offset

    def member(self, structure: str, member: str) -> Member:
        """Return a member's place and size; `member` may be a path: "cp.orb"."""
        return self._structures.member(structure, member)

    def constant(self, name: str) -> int:
        """Return the value of a constant of an enumeration."""
        return self._structures.constant(name)

    @cached_property
    def _units(self) -> Units:
        try:
            return Units(self._image.debug_information(), self._image.order)
        except (DWARFError, ELFError) as error:
            raise SymbolsError(
                f"{self._path}: bad debug information: {error}"
            ) from error

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self._units)

    @cached_property
    def _structures(self) -> Structures:
        return Structures(self._units)

    def _copies(self, function: str) -> list[Function]:
        return [
            one
            for suffix in _CLONES
            for one in self._image.clones(f"{function}{suffix}")
        ]

    def _inlined(self, function: str, unit: CompileUnit | None = None) -> list[DIE]:
        """Return the inlined bodies of a function, in all units or in one."""

        def is_meant(die: DIE) -> bool:
            return unit is None or die.cu.cu_offset == unit.cu_offset

        named = self._units.named(function, "DW_TAG_subprogram", is_meant=is_meant)
        return [die for abstract in named for die in self._units.inlined(abstract)]

    def _bodies(self, function: str) -> set[int]:
        """Return where inlined bodies of a function begin, by the file's addresses."""
        found = {self._units.entry(die) for die in self._inlined(function)}
        return {one for one in found if one is not None}

    def _calls(self, function: str, callee: str) -> list[Branch]:
        targets = {one.address for one in self._image.clones(callee)}
        if not targets:
            raise self._unknown(callee)
        return [one for one in self._branches(function) if one.target in targets]

    def _callees(self, function: str) -> list[str]:
        names = {
            self._image.function_at(one.target) for one in self._branches(function)
        }
        return sorted({one.name for one in names if one and one.name != function})

    def _branches(self, function: str) -> list[Branch]:
        if not self._image.is_s390:
            raise SymbolsError(f"{self._path} is not for s390x: its calls are unknown")
        found: dict[int, Branch] = {}
        for begin, end in self._code(function):
            for branch in branches(self._image.text(begin, end - begin), begin):
                found[branch.address] = branch
        return [found[address] for address in sorted(found)]

    def _code(self, function: str) -> list[tuple[int, int]]:
        parts = _ranges(self._image.clones(function))
        if self._image.has_debug_information:
            for die in self._inlined(function):
                parts += self._units.ranges(die)
        if not parts:
            raise self._unknown(function)
        return parts

    def _unknown(self, function: str) -> UnknownSymbolError:
        if self._image.has_debug_information and self._bodies(function):
            text = f"{function} is only inlined: ask for entries() or inlined()"
        else:
            near = did_you_mean(function, self._image.by_name)
            text = f"{self._path} has no function {function!r}"
            text += f": {near}" if near else ""
        return UnknownSymbolError(function, text)


def _ranges(functions: Iterable[Function]) -> list[tuple[int, int]]:
    return [(one.address, one.address + one.size) for one in functions]
