"""Prints for `ccw-actors verdicts` the table, and what goes wrong in a cell."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import typer
from rich.table import Table
from rich.text import Text

from ccw_actors.cli._interleaving_view import interleaving
from ccw_actors.cli._printing import as_text, new_console, say
from ccw_actors.verdicts import (
    EMULATORS,
    VERDICT_SCENARIOS,
    CellName,
    EmulatorName,
    ExploredCell,
    VerdictCell,
    cell_text,
    command,
    design_row,
    invariants_legend,
    lines_of,
    others,
    sequence_diagram,
    share,
    signs_legend,
)

__all__ = ["show", "show_diagrams"]

_STYLES = {
    "verified": "green",
    "refuted": "red",
    "incomplete": "yellow",
    "vacuous": "yellow",
}
_SHOWN_WHOLE = 4
_WIDTH_LEAST, _GAP = 5, 2
_Row: TypeAlias = tuple[str, EmulatorName | None]
_HINT = "Add --design, --emulator and --scenario to see what goes wrong in a cell."


def show(found: Sequence[ExploredCell], files: Sequence[Path | None]) -> None:
    """Print the table; for four cells or fewer, also each cell in full.

    `files` has the file of each cell's counterexample, None if there is no file.
    """
    cells = [one.cell for one in found]
    _show_table(cells)
    if len(cells) > _SHOWN_WHOLE:
        _show_legend(cells)
        typer.echo(f"\n{_HINT}")
        return
    for one, path in zip(found, files, strict=True):
        _show_whole(one, path)


def _show_legend(cells: Sequence[VerdictCell]) -> None:
    """Print what the signs mean, and the invariants that are broken."""
    console = new_console()
    for legend in filter(None, (signs_legend(cells), invariants_legend(cells))):
        console.print()
        for sign, text in legend.items():
            console.print(as_text(f"{sign:5} {text}"), soft_wrap=True)


def _show_table(cells: Sequence[VerdictCell]) -> None:
    """Print the cells that have an emulator, then those that have none."""
    under = [cell for cell in cells if cell.emulator]
    written = [cell for cell in cells if not cell.emulator]
    console = new_console()
    for number, part in enumerate(filter(None, (under, written))):
        if number:
            console.print()
        _show_grid(part)
    table = Table(box=None, pad_edge=False, show_header=False)
    for emulator, row in EMULATORS.items():
        if any(cell.emulator == emulator for cell in cells):
            table.add_row(f"under {emulator}", row.title)
    for one in _scenarios_of(cells):
        table.add_row(one, VERDICT_SCENARIOS[one].title)
    console.print()
    console.print(table)


def _scenarios_of(cells: Sequence[VerdictCell]) -> list[str]:
    tried = {cell.scenario for cell in cells}
    return [one for one in VERDICT_SCENARIOS if one in tried]


def _show_grid(cells: Sequence[VerdictCell]) -> None:
    """Print a table, in as many parts as the width of the terminal needs."""
    console = new_console()
    known = {CellName.of(cell): cell for cell in cells}
    rows: list[_Row] = [*dict.fromkeys((cell.design, cell.emulator) for cell in cells)]
    head = _head_width(rows)
    for number, part in enumerate(_parts(_scenarios_of(cells), console.width - head)):
        if number:
            console.print()
        table = _plain_table([*_heads(rows), *part])
        for design, emulator in rows:
            found = [known.get(CellName(design, emulator, one)) for one in part]
            if any(found):
                first = [design, design_row(design).title, *filter(None, [emulator])]
                table.add_row(*first, *map(_styled, found))
        console.print(table)


def _heads(rows: Iterable[_Row]) -> list[str]:
    """Return the titles of the columns that name a row."""
    return [
        "design",
        "what it is",
        *["emulator"] * any(emulator for _, emulator in rows),
    ]


def _head_width(rows: Sequence[_Row]) -> int:
    """Return the width of the columns that name a row."""
    widths = [max(len(design) for design, _ in rows)]
    widths.append(max(len(design_row(design).title) for design, _ in rows))
    widths += map(len, _heads(rows)[2:])
    return sum(width + _GAP for width in widths)


def _plain_table(columns: Iterable[str]) -> Table:
    """Return a table without lines, whose cells are never folded."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _parts(columns: Sequence[str], width: int) -> Iterator[list[str]]:
    """Yield the columns in parts that fit into a width, at least one in each."""
    part: list[str] = []
    left = width
    for column in columns:
        needed = max(len(column), _WIDTH_LEAST) + _GAP
        if part and left < needed:
            yield part
            part, left = [], width
        part.append(column)
        left -= needed
    if part:
        yield part


def _styled(cell: VerdictCell | None) -> Text:
    style = "" if cell is None else _STYLES[cell.verdict]
    return as_text(cell_text(cell), style=style)


def _show_whole(explored: ExploredCell, path: Path | None) -> None:
    """Print what is wrong with a cell, and the commands that show it again."""
    cell = explored.cell
    console = new_console()
    console.print()
    scenario = VERDICT_SCENARIOS[cell.scenario]
    console.print(as_text(_title(cell)))
    summary = scenario.summary[:1].upper() + scenario.summary[1:]
    console.print(as_text(f"{cell.scenario}: {scenario.title}. {summary}."))
    _show_verdict(cell)
    if explored.counterexample is not None:
        lines = lines_of(cell, explored.counterexample)
        console.print("A shortest way:")
        console.print(interleaving(lines, console.width))
    console.print(as_text(f"explore: {command(cell)}"), soft_wrap=True)
    if path is not None:
        # Cells share counterexamples, so the file may name another one.
        again = f"{path} --scenario {CellName.of(cell).scenario_name()}"
        console.print(as_text(f"replay:  ccw-actors replay {again}"), soft_wrap=True)


def _show_verdict(cell: VerdictCell) -> None:
    """Print the verdict on a cell, and the reason."""
    console = new_console()
    states = f" ({cell.states:,} states)" if cell.verdict == "verified" else ""
    console.print(as_text(f"{cell.verdict}{states}", style=_STYLES[cell.verdict]))
    if cell.why:
        console.print(
            as_text(f"{cell.why} [{share(cell)}]" if share(cell) else cell.why)
        )
    if cell.also:
        console.print(
            as_text(f"also broken, outside the scenario's own invariants: {cell.also}")
        )
        console.print(as_text(f"shown by: {others(cell)}"), soft_wrap=True)


def _title(cell: VerdictCell) -> str:
    """Return the design and the emulator of a cell."""
    title = f"{cell.design} ({design_row(cell.design).title})"
    if cell.emulator is None:
        return title
    return f"{title} under {cell.emulator} ({EMULATORS[cell.emulator].title})"


def show_diagrams(explored: Sequence[ExploredCell]) -> None:
    """Print the counterexamples as Mermaid sequence diagrams."""
    for one in explored:
        cell = one.cell
        if one.counterexample is None:
            say(f"%% {CellName.of(cell)}: {cell.verdict}")
        else:
            lines = lines_of(cell, one.counterexample)
            say(f"%% {CellName.of(cell)}")
            typer.echo(sequence_diagram(lines, cell.why))
