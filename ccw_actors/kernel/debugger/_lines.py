"""Lines of source files and addresses of code, from DWARF's line programs."""

from bisect import bisect_right

from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.lineprogram import LineProgram
from msgspec import Struct

from ccw_actors.kernel.debugger._units import Units, text_of

__all__ = ["Lines", "Row"]

_ROOT_FILE = "init/main.c"
"""A file of each kernel, whose place tells where the source tree was."""


class Row(Struct, frozen=True):
    """An address where a line's code begins; `is_statement` if a debugger stops there.

    `line` is 0 for code that belongs to no line, and at the end of a sequence.
    """

    address: int
    file: str
    line: int
    is_statement: bool


class Lines:
    """Line tables of compile units, each decoded when it is first asked for."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._tables: dict[int, list[Row]] = {}
        self._root: str | None = None

    def addresses(self, file: str, number: int) -> list[int]:
        """Return where code of a line of a source file begins, each place once."""
        found: set[int] = set()
        for unit in self._units.of_file(file):
            before: Row | None = None
            for row in self._table(unit):
                is_line = row.line == number and _is_file(row.file, file)
                continues = before is not None and before.line == number
                if is_line and row.is_statement and not continues:
                    found.add(row.address)
                before = row
        return sorted(found)

    def place(self, address: int) -> str:
        """Return "drivers/s390/cio/vfio_ccw_cp.c:812", "" if no line is known."""
        unit = self._units.at(address)
        if unit is None:
            return ""
        rows = self._table(unit)
        index = bisect_right(rows, address, key=lambda row: row.address) - 1
        if index < 0 or not rows[index].line:
            return ""
        return f"{self._relative(rows[index].file)}:{rows[index].line}"

    def _table(self, unit: CompileUnit) -> list[Row]:
        if unit.cu_offset not in self._tables:
            program = self._units.information.line_program_for_CU(unit)
            rows = [] if program is None else _rows(program, _folder(unit))
            self._tables[unit.cu_offset] = rows
        return self._tables[unit.cu_offset]

    def _relative(self, file: str) -> str:
        """Return a file's path in the source tree."""
        if self._root is None:
            units = self._units.of_file(_ROOT_FILE)
            top = units[0].get_top_DIE() if units else None
            name = "" if top is None else _joined(_folder(units[0]), text_of(top))
            self._root = name.removesuffix(_ROOT_FILE)
        return file.removeprefix(self._root)


def _rows(program: LineProgram, folder: str) -> list[Row]:
    names = _file_names(program, folder)
    rows: list[Row] = []
    for entry in program.get_entries():
        state = entry.state
        if state is not None:
            line = 0 if state.end_sequence else state.line
            rows.append(
                Row(state.address, names[state.file], line, bool(state.is_stmt))
            )
    # A sequence's end has the address of the next one's beginning.
    rows.sort(key=lambda row: (row.address, row.line != 0))
    return rows


def _file_names(program: LineProgram, folder: str) -> list[str]:
    """Return file names by their number, which counts from 0 since DWARF 5."""
    folders: list[str] = [_text(one) for one in program["include_directory"]]
    files: list[tuple[str, int]] = [
        (_text(one["name"]), int(one["dir_index"])) for one in program["file_entry"]
    ]
    if program["version"] < 5:
        folders.insert(0, folder)
        files.insert(0, ("", 0))
    return [_joined(folder, _joined(folders[at], name)) for name, at in files]


def _folder(unit: CompileUnit) -> str:
    return text_of(unit.get_top_DIE(), "DW_AT_comp_dir")


def _joined(folder: str, name: str) -> str:
    return name if name.startswith("/") else f"{folder}/{name.removeprefix('./')}"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _is_file(whole: str, end: str) -> bool:
    return whole == end or whole.endswith(f"/{end}")
