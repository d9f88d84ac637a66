"""`ccw-actors verdicts`: the designs of the thread, scenario by scenario."""

import os
import sys
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, TypeAlias

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

from ccw_actors.cli._printing import new_console, say, say_json
from ccw_actors.cli._verdicts_view import show, show_diagrams
from ccw_actors.explore import executor_of, stop_now
from ccw_actors.verdicts import (
    DESIGN_NAMES,
    EMULATORS,
    SAVED,
    V4_SUBSETS,
    VERDICT_SCENARIOS,
    CellName,
    EmulatorName,
    ExploredCell,
    VerdictCell,
    cell_hash,
    cells_of,
    check,
    counterexample_of,
    explore_cells,
    load,
    merge,
    recall,
    save,
    work_of,
)

__all__ = ["verdicts"]

_AS_SAVED, _ANOTHER = 0, 1
_PROCESSORS = os.cpu_count() or 1

_Design: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only this design: v5.12, 2026, ours ... May be repeated.",
        show_default=False,
    ),
]
_Emulator: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only this emulator: qemu or ours. May be repeated.",
        show_default=False,
    ),
]
_Scenario: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only this scenario: seed, mail, halt ... May be repeated.",
        show_default=False,
    ),
]
_Patches: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--patches",
        help="Also the designs with some patches of RFC v4, rfc-v4-1 to"
        " rfc-v4-234; --check, --save and --json always have them.",
    ),
]
_Again: TypeAlias = Annotated[
    bool, typer.Option("--again", help="Explore all, also what is saved.")
]
_Checks: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Explore what has changed since it was saved and the scenario seed,"
        " replay every counterexample, and compare.",
    ),
]
_Saves: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--save", metavar="DIR", file_okay=False, help="Save the table there."
    ),
]
_Diagrams: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--diagram", help="Print the counterexamples as Mermaid sequence diagrams."
    ),
]
_Jobs: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="Explore N cells at once; as many as there are processors unless said.",
        show_default=False,
    ),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else.")
]


def verdicts(
    *,
    design: _Design = None,
    emulator: _Emulator = None,
    scenario: _Scenario = None,
    patches: _Patches = False,
    again: _Again = False,
    checks: _Checks = False,
    saves: _Saves = None,
    diagrams: _Diagrams = False,
    jobs: _Jobs = _PROCESSORS,
    as_json: _AsJson = False,
) -> None:
    """Print the verdict table: designs down, scenarios across.

    A cell comes from the table that is saved with the package as long as models,
    scenario and engine are what they were; otherwise it is explored. With few cells
    each is shown whole: what goes wrong, the interleaving, and the commands that show
    it again. Ends with 0; with --check 1 if a cell is another one than was saved.
    """
    names = _chosen(design, emulator, scenario)
    if not any((patches, design, checks, saves, as_json)):
        names = _without_patches(names)
    _refuse(
        (
            checks and any((again, saves, diagrams, as_json)),
            "--check goes with --design, --emulator and --scenario only",
        ),
        (diagrams and as_json, "--diagram prints text, --json nothing but JSON"),
    )
    known = {CellName.of(cell): cell for cell in load().cells}
    if checks:
        raise typer.Exit(_check(names, known, jobs))
    began = perf_counter()
    fresh = names if again else _stale(names, known)
    found = _found(names, fresh, known, jobs)
    took = perf_counter() - began
    if saves is not None:
        save(merge(found, saves), saves)
    _print(found, saves, diagrams=diagrams, as_json=as_json)
    if not (diagrams or as_json):
        _show_count(len(found), len(fresh), took)


def _print(
    found: Sequence[ExploredCell], saves: Path | None, *, diagrams: bool, as_json: bool
) -> None:
    """Print the cells as JSON, as diagrams, or as a table."""
    files = [_file(one, saves) for one in found]
    if as_json:
        say_json({"cells": list(map(_as_json, found, files))})
    elif diagrams:
        show_diagrams(found)
    else:
        show(found, files)


def _show_count(cells: int, fresh: int, took: float) -> None:
    """Print how many cells there are, and how many of them took so many seconds."""
    count = f"{cells} cell{'s' * (cells > 1)}"
    typer.echo(f"\n{count}, {fresh} explored now, in {took:.1f} s")


def _without_patches(names: list[CellName]) -> list[CellName]:
    """Leave out the designs with some patches, if there are others."""
    return [one for one in names if one.design not in V4_SUBSETS] or names


def _stale(
    names: Sequence[CellName], known: Mapping[CellName, VerdictCell]
) -> list[CellName]:
    """Return the cells that are not saved, or are of models that are others now."""
    return [
        name
        for name in names
        if name not in known or known[name].hash != cell_hash(name)
    ]


def _found(
    names: Sequence[CellName],
    fresh: Sequence[CellName],
    known: Mapping[CellName, VerdictCell],
    jobs: int,
) -> list[ExploredCell]:
    """Explore the fresh cells, and recall the others."""
    with _bar(len(fresh)) as told, _executor(jobs) as executor:
        explored = {
            CellName.of(one.cell): one for one in explore_cells(fresh, executor, told)
        }
    kept = recall(known[name] for name in names if name not in explored)
    explored |= {CellName.of(one.cell): one for one in kept}
    return [explored[name] for name in names]


def _refuse(*rules: tuple[object, str]) -> None:
    """Refuse options that do not go together: the first rule that applies says why."""
    for applies, reason in rules:
        if applies:
            raise typer.BadParameter(reason)


def _chosen(
    designs: list[str] | None, emulators: list[str] | None, scenarios: list[str] | None
) -> list[CellName]:
    _expect("--design", designs, DESIGN_NAMES)
    _expect("--emulator", emulators, EMULATORS)
    _expect("--scenario", scenarios, VERDICT_SCENARIOS)
    names = cells_of(designs or (), emulators or (), scenarios or ())
    if not names:
        reason = _why_none(designs, emulators, scenarios)
        raise typer.BadParameter(f"there is no such cell: {reason}")
    return names


def _expect(option: str, wanted: Iterable[str] | None, known: Collection[str]) -> None:
    """Refuse what is not known behind an option."""
    for one in wanted or ():
        if one not in known:
            text = f"{one!r}: expected one of {', '.join(known)}"
            raise typer.BadParameter(text, param_hint=option)


def _why_none(
    designs: list[str] | None, emulators: list[str] | None, scenarios: list[str] | None
) -> str:
    """Return why the first of these cells does not exist."""
    design, scenario = (
        (designs or DESIGN_NAMES)[0],
        (scenarios or tuple(VERDICT_SCENARIOS))[0],
    )
    if not emulators and not VERDICT_SCENARIOS[scenario].has_emulator:
        return CellName(design, None, scenario).why_none
    wanted: Iterator[EmulatorName] = (
        one for one in EMULATORS if not emulators or one in emulators
    )
    return CellName(design, next(wanted), scenario).why_none


@contextmanager
def _executor(jobs: int) -> Generator[Executor]:
    """Have so many cells explored at once, and none any more afterwards."""
    executor = executor_of(jobs)
    try:
        yield executor
    finally:
        stop_now(executor)


def _check(
    names: Sequence[CellName], known: dict[CellName, VerdictCell], jobs: int
) -> int:
    """Print what is another one than was saved; return the exit code."""
    with _executor(jobs) as executor, _bar(work_of(names, known)) as told:
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


def _as_json(explored: ExploredCell, file: Path | None) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(explored.cell)
    return fields | {"counterexample": None if file is None else str(file)}


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
