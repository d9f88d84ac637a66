"""`ccw-actors verdicts`: the designs of the thread, scenario by scenario."""

import os
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ccw_actors.cli._printing import as_text, new_console, paragraph, say, say_json
from ccw_actors.explore import executor_of, stop_now
from ccw_actors.verdicts import (
    DESIGN_NAMES,
    EMULATORS,
    SAVED,
    SCENARIOS,
    V4_SUBSETS,
    CellName,
    EmulatorName,
    ExploredCell,
    Line,
    VerdictCell,
    cell_hash,
    cell_text,
    cells_of,
    check,
    columns_of,
    command,
    counterexample_of,
    design_row,
    explore_cells,
    lines_of,
    load,
    merge,
    others,
    recall,
    save,
    sequence_diagram,
    share,
    work_of,
)

__all__ = ["verdicts"]

_AS_SAVED, _ANOTHER = 0, 1
_STYLES = {
    "verified": "green",
    "refuted": "red",
    "incomplete": "yellow",
    "vacuous": "yellow",
}
_SHOWN_WHOLE = 4
_COLUMN_WIDTH = 34
_LEGEND = """\
✔ verified   ✔+ its own invariants hold, another one is broken
✘ refuted, in so many steps   … a limit was reached   ○ vacuous   - no such cell
Name a design, an emulator and a scenario to see what goes wrong, and how."""


def verdicts(
    *,
    design: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this design: v5.12, 2026, ours ... May be repeated.",
            show_default=False,
        ),
    ] = None,
    emulator: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this emulator: qemu or ours. May be repeated.",
            show_default=False,
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this scenario: seed, mail, halt ... May be repeated.",
            show_default=False,
        ),
    ] = None,
    patches: Annotated[
        bool,
        typer.Option(
            "--patches",
            help="Also the designs with some patches of RFC v4, rfc-v4-1 to"
            " rfc-v4-234; --check, --save and --json always have them.",
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Explore all, also what is saved.")
    ] = False,
    checks: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Explore what has changed since it was saved and the scenario seed,"
            " replay every counterexample, and compare.",
        ),
    ] = False,
    saves: Annotated[
        Path | None,
        typer.Option(
            "--save", metavar="DIR", file_okay=False, help="Save the table there."
        ),
    ] = None,
    diagrams: Annotated[
        bool,
        typer.Option(
            "--diagram", help="Print the counterexamples as Mermaid sequence diagrams."
        ),
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Explore N cells at once; as many as there are processors unless"
            " said.",
            show_default=False,
        ),
    ] = os.cpu_count() or 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, and nothing else.")
    ] = False,
) -> None:
    """Print the verdict table: designs down, scenarios across.

    A cell comes from the table that is saved with the package as long as models,
    scenario and engine are what they were; otherwise it is explored. With few cells
    each is shown whole: what goes wrong, the interleaving, and the commands that show
    it again. Ends with 0; with --check 1 if a cell is another one than was saved.
    """
    names = _chosen(design, emulator, scenario)
    if not (patches or design or checks or saves or as_json):
        names = [one for one in names if one.design not in V4_SUBSETS] or names
    _refuse(
        (checks and (again or saves or diagrams or as_json))
        and "--check goes with --design, --emulator and --scenario only",
        (diagrams and as_json) and "--diagram prints text, --json nothing but JSON",
    )
    saved = load()
    known = {CellName.of(cell): cell for cell in saved.cells}
    began = perf_counter()
    if checks:
        with _executor(jobs) as executor:
            raise typer.Exit(_check(names, known, executor))
    fresh = [
        name
        for name in names
        if again or name not in known or known[name].hash != cell_hash(name)
    ]
    with _bar(len(fresh)) as told, _executor(jobs) as executor:
        explored = {
            CellName.of(one.cell): one for one in explore_cells(fresh, executor, told)
        }
    kept = recall(known[name] for name in names if name not in explored)
    explored |= {CellName.of(one.cell): one for one in kept}
    found = [explored[name] for name in names]
    took = perf_counter() - began
    if saves is not None:
        save(merge(found, saves), saves)
    cells = [one.cell for one in found]
    if as_json:
        say_json({"cells": [_as_json(one, saves) for one in found]})
        return
    if diagrams:
        _show_diagrams(found)
        return
    _show(cells)
    if len(cells) <= _SHOWN_WHOLE:
        for one in found:
            _show_whole(one, _file(one, saves))
    else:
        typer.echo(f"\n{_LEGEND}")
    count = f"{len(cells)} cell{'s' * (len(cells) > 1)}"
    typer.echo(f"\n{count}, {len(fresh)} explored now, in {took:.1f} s")


def _refuse(*reasons: object) -> None:
    """Refuse options that do not go together, for the first reason there is."""
    for reason in filter(None, reasons):
        raise typer.BadParameter(str(reason))


def _chosen(
    designs: list[str] | None, emulators: list[str] | None, scenarios: list[str] | None
) -> list[CellName]:
    for option, wanted, known in (
        ("--design", designs, DESIGN_NAMES),
        ("--emulator", emulators, tuple(EMULATORS)),
        ("--scenario", scenarios, tuple(SCENARIOS)),
    ):
        for one in wanted or ():
            if one not in known:
                text = f"{one!r}: expected one of {', '.join(known)}"
                raise typer.BadParameter(text, param_hint=option)
    names = cells_of(designs or (), emulators or (), scenarios or ())
    if not names:
        reason = _why_none(designs, emulators, scenarios)
        raise typer.BadParameter(f"there is no such cell: {reason}")
    return names


def _why_none(
    designs: list[str] | None, emulators: list[str] | None, scenarios: list[str] | None
) -> str:
    """Return why the first of these cells has no meaning."""
    design, scenario = (designs or DESIGN_NAMES)[0], (scenarios or tuple(SCENARIOS))[0]
    wanted: list[EmulatorName] = [
        one for one in EMULATORS if not emulators or one in emulators
    ]
    if not emulators and not SCENARIOS[scenario].has_emulator:
        return CellName(design, None, scenario).no_meaning
    return CellName(design, wanted[0], scenario).no_meaning


@contextmanager
def _executor(jobs: int) -> Generator[Executor]:
    """Have so many cells explored at once, and none any more afterwards."""
    executor = executor_of(jobs)
    try:
        yield executor
    finally:
        stop_now(executor)


def _check(
    names: Sequence[CellName], known: dict[CellName, VerdictCell], executor: Executor
) -> int:
    """Print what is another one than was saved; return the exit code."""
    with _bar(work_of(names, known)) as told:
        found = check(names, known, executor, told)
    for problem in found.problems:
        say(problem)
    typer.echo(
        f"cells explored: {found.explored}, counterexamples replayed: {found.replayed},"
        f" problems: {len(found.problems)}"
    )
    return _ANOTHER if found.problems else _AS_SAVED


def _file(explored: ExploredCell, saves: Path | None) -> Path | None:
    """Return where a cell's counterexample is, None if it is nowhere."""
    for folder in filter(None, (saves, SAVED)):
        path = counterexample_of(explored.cell, folder)
        if path is not None and explored.counterexample is not None:
            return path
    return None


def _as_json(explored: ExploredCell, saves: Path | None) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(explored.cell)
    path = _file(explored, saves)
    return fields | {"counterexample": None if path is None else str(path)}


def _show(cells: Sequence[VerdictCell]) -> None:
    """Print the cells that have an emulator, then those that have none."""
    under = [cell for cell in cells if cell.emulator]
    written = [cell for cell in cells if not cell.emulator]
    for number, part in enumerate(filter(None, (under, written))):
        if number:
            typer.echo()
        _show_grid(part)
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in _scenarios_of(cells):
        table.add_row(one, SCENARIOS[one].title)
    console = new_console()
    console.print()
    console.print(table)


def _scenarios_of(cells: Sequence[VerdictCell]) -> list[str]:
    tried = {cell.scenario for cell in cells}
    return [one for one in SCENARIOS if one in tried]


def _show_grid(cells: Sequence[VerdictCell]) -> None:
    """Print a table, in as many parts as the width of the terminal asks for."""
    console = new_console()
    known = {CellName.of(cell): cell for cell in cells}
    rows: list[tuple[str, EmulatorName | None]] = [
        *dict.fromkeys((cell.design, cell.emulator) for cell in cells)
    ]
    scenarios = _scenarios_of(cells)
    titles = {design: design_row(design).title for design, _ in rows}
    has_emulator = any(emulator for _, emulator in rows)
    heads = ["design", "", *["emulator"] * has_emulator]
    head = sum(max(map(len, names)) + 2 for names in (titles, titles.values()))
    head += 10 * has_emulator
    while scenarios:
        room = console.width - head
        part: list[str] = []
        while scenarios and (not part or room >= max(len(scenarios[0]), 5) + 2):
            room -= max(len(scenarios[0]), 5) + 2
            part.append(scenarios.pop(0))
        table = Table(box=None, pad_edge=False)
        for column in (*heads, *part):
            table.add_column(column, no_wrap=True)
        for design, emulator in rows:
            found = [known.get(CellName(design, emulator, one)) for one in part]
            if any(found):
                first = [design, titles[design], *filter(None, [emulator])]
                table.add_row(*first, *map(_styled, found))
        console.print(table)
        if scenarios:
            console.print()


def _styled(cell: VerdictCell | None) -> Text:
    style = "" if cell is None else _STYLES[cell.verdict]
    return as_text(cell_text(cell), style=style)


def _show_whole(explored: ExploredCell, path: Path | None) -> None:
    """Print what is wrong with a cell, and how to see it again."""
    cell = explored.cell
    console = new_console()
    console.print()
    scenario = SCENARIOS[cell.scenario]
    console.print(as_text(_title(cell)))
    console.print(as_text(f"{cell.scenario}: {scenario.title}. {scenario.summary}"))
    states = f" ({cell.states:,} states)" if cell.verdict == "verified" else ""
    console.print(as_text(f"{cell.verdict}{states}", style=_STYLES[cell.verdict]))
    if cell.why:
        console.print(
            as_text(f"{cell.why} [{share(cell)}]" if share(cell) else cell.why)
        )
    if cell.also:
        console.print(as_text(f"what the scenario is not about: {cell.also}"))
        console.print(as_text(f"shown by: {others(cell)}"), soft_wrap=True)
    if explored.counterexample is not None:
        lines = lines_of(cell, explored.counterexample)
        console.print(_interleaving(lines, console.width))
    console.print(as_text(f"again:  {command(cell)}"), soft_wrap=True)
    if path is not None:
        # Cells share counterexamples, so the file may name another one.
        again = f"{path} --scenario {CellName.of(cell).scenario_name()}"
        console.print(as_text(f"replay: ccw-actors replay {again}"), soft_wrap=True)


def _title(cell: VerdictCell) -> str:
    """Return of which design a cell is, under which emulator."""
    title = f"{cell.design} ({design_row(cell.design).title})"
    if cell.emulator is None:
        return title
    return f"{title} under {cell.emulator} ({EMULATORS[cell.emulator].title})"


def _interleaving(lines: Sequence[Line], width: int) -> Table:
    """Return a table with a column for each who does something, if there is room."""
    columns = columns_of(lines)
    is_wide = width >= _COLUMN_WIDTH * len(columns)
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    for column in columns if is_wide else ("who", "what"):
        table.add_column(as_text(column), overflow="fold")
    for number, line in enumerate(lines, 1):
        if is_wide:
            text = paragraph(line.what.replace("(): ", "()\n"))
            cells = [text if one == line.column else "" for one in columns]
        else:
            cells = [as_text(line.column), as_text(line.what)]
        table.add_row(str(number), *cells)
    return table


def _show_diagrams(explored: Sequence[ExploredCell]) -> None:
    for one in explored:
        cell = one.cell
        if one.counterexample is None:
            say(f"%% {CellName.of(cell)}: {cell.verdict}")
        else:
            lines = lines_of(cell, one.counterexample)
            say(f"%% {CellName.of(cell)}")
            typer.echo(sequence_diagram(lines, cell.why))


@contextmanager
def _bar(count: int) -> Generator[Callable[[int], object]]:
    """Show on a terminal how many cells are done."""
    columns = (
        TextColumn("cells"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    hides = count == 0 or not sys.stderr.isatty()
    with Progress(
        *columns, console=new_console(stderr=True), transient=True, disable=hides
    ) as progress:
        task = progress.add_task("", total=count)
        yield lambda done: progress.update(task, completed=done)
