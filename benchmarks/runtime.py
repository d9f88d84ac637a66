"""Compares the runtime with other ways to run actors, in one run.

python benchmarks/runtime.py                     all libraries, seven rounds
python benchmarks/runtime.py --only tell         one case of them
python benchmarks/runtime.py --quick             check that it works; ignore the numbers
python benchmarks/runtime.py --python casty=PATH one library in another interpreter
python benchmarks/runtime.py --before PATH       also another checkout of this package
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.cases import CASES, QUICK, Case
from benchmarks.features import FEATURES
from benchmarks.goals import Outcome, check
from benchmarks.libraries import BEFORE, LIBRARIES, OURS, Library
from benchmarks.machine import describe
from benchmarks.measures import Counts
from benchmarks.plot import draw, missing
from benchmarks.report import report, show, to_markdown
from benchmarks.results import FEATURE_ROW, Results
from benchmarks.rounds import Entry, Process, WorkerError, ask_worker, plan, run

FEATURES_CASE = "features"
QUICK_LIBRARIES = "ccw-actors,asyncio.Queue,call_soon,pykka"
WIDTH_MIN = 160
PROFILED_SHARE = 0.2

Table = tuple[Case, list[Entry]]


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds to run.")] = 7,
    only: Annotated[
        list[str] | None,
        typer.Option(help="A case to run (may be repeated); default: all."),
    ] = None,
    libraries: Annotated[
        str | None, typer.Option(help="Libraries, separated by commas; default: all.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round, to check that it works.")
    ] = False,
    python: Annotated[
        list[str] | None,
        typer.Option(help="LIBRARY=PATH: the interpreter for a library."),
    ] = None,
    before: Annotated[
        Path | None,
        typer.Option(
            help="Another checkout of this package, to compare with this one.",
            exists=True,
            file_okay=False,
            resolve_path=True,
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the medians to this file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a plot (.png, .svg) to this file.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the tables to this file.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if a goal is not met.")
    ] = False,
) -> None:
    """Compare the runtime with other libraries, and check its speed goals."""
    if plot is not None and (reason := missing()):
        raise typer.BadParameter(f"{reason}: pip install 'ccw-actors[bench]'")
    cases = _chosen_cases(only)
    chosen = _chosen_libraries(libraries or (QUICK_LIBRARIES if quick else None))
    counts = QUICK if quick else Counts()
    rounds = 1 if quick else rounds
    results = Results()
    machine = describe()
    entries, notes = _probe(chosen, _interpreters(python), counts, results)
    if before is not None:
        entry, notes[BEFORE] = _before(before, counts)
        entries.append(entry)
    tables: list[Table] = [(case, entries) for case in CASES if case.name in cases]
    if FEATURES_CASE in cases and OURS in notes:
        tables.append((CASES[0], _features(entries, counts)))
    at_once = (os.cpu_count() or 1) if quick else 1
    _run(list(plan(tables, rounds)), results, at_once=at_once)
    cells = results.cells()
    outcomes = check(cells)
    sections = report(results, outcomes, notes, f"{machine}. {_times(rounds)}", counts)
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, WIDTH_MIN))
    show(sections, console)
    if not quick:
        _profile(outcomes, entries, console)
    if json_file is not None:
        json_file.write_text(json.dumps(results.to_json(), indent=2) + "\n")
    if markdown is not None:
        markdown.write_text(f"# How fast the runtime is\n\n{to_markdown(sections)}")
    if plot is not None:
        draw(cells, list(notes), plot)
    if strict and any(outcome.met is False for outcome in outcomes):
        raise typer.Exit(1)


def _times(rounds: int) -> str:
    return "One round." if rounds == 1 else f"Medians of {rounds} rounds."


def _chosen_cases(only: list[str] | None) -> list[str]:
    every = [*(case.name for case in CASES), FEATURES_CASE]
    for name in only or ():
        if name not in every:
            raise typer.BadParameter(
                f"no case {name!r}; the cases are {', '.join(every)}"
            )
    return only or every


def _chosen_libraries(names: str | None) -> list[Library]:
    every = {library.name: library for library in LIBRARIES}
    if names is None:
        return list(every.values())
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in every:
            known = ", ".join(every)
            raise typer.BadParameter(f"no library {name!r}; the libraries are {known}")
    return [library for name, library in every.items() if name in chosen]


def _interpreters(given: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given or ():
        name, equals, path = one.partition("=")
        if not equals or name not in {library.name for library in LIBRARIES}:
            raise typer.BadParameter(f"{one!r} is not LIBRARY=PATH")
        found[name] = path
    return found


def _probe(
    libraries: list[Library],
    pythons: dict[str, str],
    counts: Counts,
    results: Results,
) -> tuple[list[Entry], dict[str, str]]:
    """Return the entries that can run, and a note on each; others get a reason."""
    entries: list[Entry] = []
    notes: dict[str, str] = {}
    for library in libraries:
        name = library.name
        python = pythons.get(name, sys.executable)
        entry = Entry(
            name,
            library.module,
            python,
            counts.shared(library.share, library.crowd),
        )
        try:
            found = ask_worker(entry, distribution=library.distribution)
        except WorkerError as error:
            reason = f"{error}; {library.needs}" if library.needs else str(error)
            results.reasons["every case", name] = reason
            continue
        entries.append(entry)
        notes[name] = _note(library, found, entry.counts, counts)
    return entries, notes


def _before(checkout: Path, counts: Counts) -> tuple[Entry, str]:
    """Return the entry for another checkout, and a note on it."""
    for needed in ("ccw_actors", "benchmarks"):
        if not (checkout / needed).is_dir():
            raise typer.BadParameter(f"{checkout} has no folder {needed}")
    entry = Entry(
        BEFORE, LIBRARIES[0].module, sys.executable, counts, checkout=checkout
    )
    try:
        ask_worker(entry)
    except WorkerError as error:
        raise typer.BadParameter(f"{checkout} cannot be measured: {error}") from error
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h %cs"],  # noqa: S607 - the git on PATH
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return entry, f"this package at {commit}"


def _note(library: Library, found: dict[str, Any], own: Counts, usual: Counts) -> str:
    parts = [found["version"] or found["python"], library.note]
    if found["version"] and library.name != OURS:
        parts.insert(1, found["python"])
    if own.tells != usual.tells:
        parts.append(f"{library.share:.0%} of the others' messages")
    if own.crowd != usual.crowd:
        parts.append(f"{own.crowd:,} actors spawned")
    return "; ".join(parts)


def _features(entries: list[Entry], counts: Counts) -> list[Entry]:
    (ours,) = (entry for entry in entries if entry.name == OURS)
    return [
        Entry(
            feature,
            "benchmarks.features",
            ours.python,
            counts,
            (feature,),
            FEATURE_ROW.name,
        )
        for feature in FEATURES
    ]


def _run(processes: list[Process], results: Results, *, at_once: int) -> None:
    columns = (
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    errors = Console(stderr=True)
    with Progress(
        *columns, console=errors, transient=True, disable=not errors.is_terminal
    ) as progress:
        task = progress.add_task("", total=len(processes))

        def done(process: Process) -> None:
            what = f"{process.case.name}: {process.entry.name}"
            progress.update(task, advance=1, description=f"{what:40.40}")

        run(processes, results, at_once=at_once, done=done)


def _profile(outcomes: list[Outcome], entries: list[Entry], console: Console) -> None:
    """Show profiles of the cases whose goals are not met."""
    missed: dict[str, list[str]] = {}
    for goal, _ in (outcome for outcome in outcomes if outcome.met is False):
        missed.setdefault(goal.case, []).append(goal.text)
    counts = asdict(Counts().shared(PROFILED_SHARE, Counts().crowd))
    for ours in (entry for entry in entries if entry.name == OURS):
        for case, texts in missed.items():
            console.rule(f"Not met: {'; '.join(texts)}", align="left")
            try:
                found = ask_worker(ours, case=case, counts=counts, profile=True)
            except WorkerError as error:
                found = {"profile": str(error)}
            console.print(found["profile"], highlight=False, markup=False)


if __name__ == "__main__":
    typer.run(main)
