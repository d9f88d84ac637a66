"""The report of a run: tables and lines, for a terminal and as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.cases import CASES
from benchmarks.features import BASE, FEATURES
from benchmarks.goals import Outcome
from benchmarks.libraries import OURS
from benchmarks.measures import Counts
from benchmarks.results import FEATURE_ROW, Cell, Results, ratio

__all__ = ["Section", "report", "show", "to_markdown"]

COSTLY = 1.1
"""The report names features that make a tell more than 10 % slower."""

HOW = (
    "In each round every case of every library runs in its own process, case by case,"
    " and a different library comes first. A process times a fixed loop of plain"
    " Python before and after its case, and times are scaled to the run's median of"
    " that loop, {calibration:.2f} ms. Spread of the middle cell: {spread:.0%}"
    " (second-highest minus second-lowest value, of the median). If other work"
    " leaves no core free, p99 shows the kernel's time slices, and Pykka is faster"
    " because its threads take turns on one core."
)
BRACKETS = (
    "In brackets: how many times better ccw-actors is. Messages consist of three"
    " integers and 16 bytes."
)


class Section(NamedTuple):
    """A title, a table with a header (or none), and lines below it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[str]


def report(
    results: Results,
    outcomes: Sequence[Outcome],
    notes: Mapping[str, str],
    header: str,
    counts: Counts | None = None,
) -> list[Section]:
    """Return the sections of a run; `notes` are on the libraries, by name."""
    cells = results.cells()
    sections = [_comparison(cells, results, notes)]
    sections.append(_what_is_measured(cells, counts or Counts()))
    if FEATURE_ROW.name in cells:
        sections.append(_features(cells[FEATURE_ROW.name]))
    rows = [(one.goal.text, one.shown, one.verdict) for one in outcomes]
    sections.append(Section("Goals", ("goal", "measured", ""), rows, ()))
    if results.reasons:
        sections.append(Section("Missing values", (), (), _absent(results)))
    how = HOW.format(
        calibration=results.calibration if results.samples else 0.0,
        spread=results.spread(),
    )
    sections.append(Section("How it was measured", (), (), (header, how)))
    return sections


def show(sections: Sequence[Section], console: Console) -> None:
    """Print the sections."""
    for section in sections:
        console.rule(section.title, align="left")
        if section.header:
            table = Table()
            for place, name in enumerate(section.header):
                table.add_column(
                    name, justify="right" if place else "left", overflow="fold"
                )
            for row in section.rows:
                table.add_row(*row)
            console.print(table)
        for line in section.lines:
            console.print(line, highlight=False, markup=False)


def to_markdown(sections: Sequence[Section]) -> str:
    """Return the sections as Markdown, for a page below a heading."""
    parts: list[str] = []
    for section in sections:
        parts.append(f"## {section.title}")
        if section.header:
            line = ["---", *["---:"] * (len(section.header) - 1)]
            rows = (section.header, line, *section.rows)
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
        if len(section.lines) > 1:
            parts.append("\n".join(f"- {line}" for line in section.lines))
        else:
            parts.extend(section.lines)
    return "\n\n".join(parts) + "\n"


def number(value: float) -> str:
    """Return a value with about three digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _comparison(
    cells: Mapping[str, Mapping[str, Cell]],
    results: Results,
    notes: Mapping[str, str],
) -> Section:
    libraries = list(notes)
    rows: list[list[str]] = []
    for case in CASES:
        for row in case.rows:
            found = cells.get(row.name, {})
            if not found:
                continue
            line = [f"{row.name}, {row.unit}"]
            line += [_shown(row.name, library, found, results) for library in libraries]
            rows.append(line)
    lines = [BRACKETS, *(f"{library}: {note}" for library, note in notes.items())]
    return Section("Libraries", ("", *libraries), rows, lines)


def _shown(row: str, library: str, found: Mapping[str, Cell], results: Results) -> str:
    cell = found.get(library)
    if cell is None:
        reason = results.reasons.get((row, library), "")
        return "starved" if reason.startswith("starved") else "-"
    ours = found.get(OURS)
    if ours is None or library == OURS:
        return number(cell.median)
    return f"{number(cell.median)} ({number(ratio(row, cell, ours))}x)"


def _absent(results: Results) -> list[str]:
    rows: dict[tuple[str, str], list[str]] = {}
    for (row, library), reason in results.reasons.items():
        rows.setdefault((library, reason), []).append(row)
    return [
        f"{library} ({', '.join(which)}): {reason}"
        for (library, reason), which in rows.items()
    ]


def _what_is_measured(
    cells: Mapping[str, Mapping[str, Cell]], counts: Counts
) -> Section:
    lines = [
        f"{row.name} ({row.unit}): {row.what.format(**asdict(counts))}"
        for case in CASES
        for row in case.rows
        if row.name in cells
    ]
    return Section("What the rows measure", (), (), lines)


def _features(found: Mapping[str, Cell]) -> Section:
    base = found.get(BASE)
    rows: list[tuple[str, str, str]] = []
    costly: list[str] = []
    for name in (name for name in FEATURES if name in found):
        cell = found[name]
        times = cell.median / base.median if base else 0.0
        rows.append((name, number(cell.median), f"{times:.2f}x" if base else "-"))
        if times > COSTLY:
            costly.append(f"{name} {times:.2f}x")
    named = "; ".join(costly) or "none"
    lines = (f"More than 10 % slower than the default: {named}.",)
    header = ("with", "us", "relative to the default")
    return Section("What a feature adds to a tell", header, rows, lines)
