"""`ccw-actors verdicts`: the verdict on each design of the thread, by scenario."""

import os
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, TypeAlias

import msgspec
import typer

from ccw_actors._suggestions import did_you_mean
from ccw_actors.cli._completion import designs, emulators, verdict_scenarios
from ccw_actors.cli._printing import say, say_json
from ccw_actors.cli._progress import progress_of
from ccw_actors.cli._verdicts_view import show, show_diagrams
from ccw_actors.cli._where import Cluster, Resume, Where
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

_AS_SAVED, _DIFFERS = 0, 1
_CHECK_TAKES = "--design, --emulator, --scenario, --jobs, --cluster and --resume"
_PROCESSORS = os.cpu_count() or 1

_Design: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only this design: v5.12, 2026, ours ... May be repeated.",
        autocompletion=designs,
        show_default=False,
    ),
]
_Emulator: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only this emulator: qemu or ours. May be repeated.",
        autocompletion=emulators,
        show_default=False,
    ),
]
_Scenario: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only this scenario: seed, mail, halt ... May be repeated.",
        autocompletion=verdict_scenarios,
        show_default=False,
    ),
]
_Patches: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--patches",
        help="Also show the rows of designs with some patches of RFC v4, rfc-v4-1 to"
        " rfc-v4-234. --check, --save and --json always include them.",
    ),
]
_Again: TypeAlias = Annotated[
    bool, typer.Option("--again", help="Explore every cell, also those that are saved.")
]
_Checks: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Compare with the saved table: explore the scenario seed and every cell"
        " whose models have changed, and replay every counterexample.",
    ),
]
_Saves: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="DIR",
        file_okay=False,
        help="Save the table in this folder.",
        show_default=False,
    ),
]
_Diagrams: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--diagram", help="Print the counterexamples as Mermaid sequence diagrams."
    ),
]
_Jobs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Explore N cells at once (default: the number of processors).",
        show_default=False,
    ),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of a table.")
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
    jobs: _Jobs = None,
    cluster: Cluster = "",
    resume: Resume = None,
    as_json: _AsJson = False,
) -> None:
    """Print the verdict on each design of vfio-ccw in each scenario.

    In the table a row is a design under an emulator, a column a scenario. With four
    cells or fewer, also prints for each cell what goes wrong, the interleaving, and the
    commands that explore and replay it. Cells come from the table that is saved with
    the package; cells whose models, scenario or engine have changed since are explored.
    For rows of patch subsets use --patches.

    Exit status: 0 the table was printed, whatever its verdicts; 1 with --check, a cell
    differs from the saved one; 2 usage error; 130 interrupted.
    """
    names = _chosen(design, emulator, scenario)
    if not any((patches, design, checks, saves, as_json)):
        names = _without_patches(names)
    _refuse(
        (
            checks and any((again, saves, diagrams, as_json)),
            f"--check takes {_CHECK_TAKES} only",
        ),
        (diagrams and as_json, "--diagram and --json exclude each other"),
    )
    known = {CellName.of(cell): cell for cell in load().cells}
    where = Where(jobs or (1 if cluster else _PROCESSORS), cluster, resume)
    if checks:
        raise typer.Exit(_check(names, known, where))
    began = perf_counter()
    fresh = names if again else _stale(names, known)
    found = _found(names, fresh, known, where)
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
    """Print the number of cells, and how many were explored in how many seconds."""
    count = f"{cells} cell{'s' * (cells > 1)}"
    typer.echo(f"\n{count}, {fresh} explored now, in {took:.1f} s")


def _without_patches(names: list[CellName]) -> list[CellName]:
    """Leave out the patch subsets, if other designs remain."""
    return [one for one in names if one.design not in V4_SUBSETS] or names


def _stale(
    names: Sequence[CellName], known: Mapping[CellName, VerdictCell]
) -> list[CellName]:
    """Return the cells that are not saved, or whose models have changed since."""
    return [
        name
        for name in names
        if name not in known or known[name].hash != cell_hash(name)
    ]


def _found(
    names: Sequence[CellName],
    fresh: Sequence[CellName],
    known: Mapping[CellName, VerdictCell],
    where: Where,
) -> list[ExploredCell]:
    """Explore the fresh cells, and recall the others."""
    with progress_of("cells", len(fresh)) as show, where.executor() as executor:
        explored = {
            CellName.of(one.cell): one for one in explore_cells(fresh, executor, show)
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
    """Refuse an unknown name behind an option."""
    for one in wanted or ():
        if one not in known:
            hint = did_you_mean(one, known)
            hint = hint or f"expected one of {', '.join(known)}"
            raise typer.BadParameter(f"got {one!r}; {hint}", param_hint=option)


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


def _check(
    names: Sequence[CellName], known: dict[CellName, VerdictCell], where: Where
) -> int:
    """Print which cells differ from the saved ones; return the exit status."""
    count = work_of(names, known)
    with where.executor() as executor, progress_of("cells", count) as show:
        found = check(names, known, executor, show)
    for problem in found.problems:
        say(problem)
    typer.echo(
        f"cells explored: {found.explored}, counterexamples replayed: {found.replayed},"
        f" problems: {len(found.problems)}"
    )
    return _DIFFERS if found.problems else _AS_SAVED


def _file(explored: ExploredCell, saves: Path | None) -> Path | None:
    """Return the file of a cell's counterexample, None if there is no file."""
    for folder in filter(None, (saves, SAVED)):
        path = counterexample_of(explored.cell, folder)
        if path is not None and explored.counterexample is not None:
            return path
    return None


def _as_json(explored: ExploredCell, file: Path | None) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(explored.cell)
    return fields | {"counterexample": None if file is None else str(file)}
