"""`ccw-actors conform`: what real systems observed, against the emulated host."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from ccw_actors.cli._printing import as_text, new_console, say_json, visible
from ccw_actors.cli._sizes import size_option
from ccw_actors.conformance import (
    VECTORS_SIZE_MAX,
    Case,
    Difference,
    Judgement,
    Verdict,
    load,
    run_case,
)

__all__ = ["conform"]

_ALL_AGREE, _ONE_DIFFERS = 0, 1
_STYLES = {Verdict.DIFFER: "red", Verdict.UNEXPLAINED: "yellow"}
_LISTED = (Verdict.UNSUPPORTED, Verdict.UNEXPLAINED, Verdict.DIFFER)
_COMPARED = (Verdict.EXPLAINED, Verdict.UNEXPLAINED, Verdict.DIFFER)
_PIECES = 4


_File: TypeAlias = Annotated[
    Path,
    typer.Argument(
        help="Golden vectors: JSON, gzipped or not.", dir_okay=False, exists=True
    ),
]
_Images: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        exists=True,
        help="Where the images are that the vectors name."
        "  [default: images, beside FILE]",
        show_default=False,
    ),
]
_Category: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="C", help="Run the cases of this category.", show_default=False
    ),
]
_Name: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--case", metavar="NAME", help="Run this case.", show_default=False),
]
_SizeMax: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="The largest file that is read, unpacked: bytes, or as in '1 GiB'."
        " It takes up to thirty times as much memory.",
    ),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else.")
]


def conform(
    file: _File,
    *,
    images: _Images = None,
    category: _Category = None,
    name: _Name = None,
    size_max: _SizeMax = f"{VECTORS_SIZE_MAX >> 20} MiB",
    as_json: _AsJson = False,
) -> None:
    """Run golden vectors of real systems on an emulated host, and compare.

    Prints a table of verdicts by category, and field by field what is different.
    "explained" is a departure from the architecture that a rule predicts completely;
    "unexplained" is marked as one and not equal, and no rule fits. Ends with 1 if a
    case differs, else 0.
    """
    cases = _chosen(
        load(file, size_max=size_option(size_max, "--size-max")),
        category or [],
        name or [],
    )
    found = _judged(cases, file.parent / "images" if images is None else images)
    counts = Counter(judgement.verdict for judgement in found.values())
    if as_json:
        say_json(_as_json(found, counts))
    else:
        _show(cases, found, one=len(found) == 1)
    raise typer.Exit(_ONE_DIFFERS if counts[Verdict.DIFFER] else _ALL_AGREE)


def _judged(cases: list[Case], images: Path) -> dict[str, Judgement]:
    """Run the cases, with a bar on a terminal; return what each of them is."""
    found: dict[str, Judgement] = {}
    with TemporaryDirectory(prefix="ccw-actors-") as scratch:
        for case in track(
            cases,
            "cases",
            console=new_console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        ):
            found[case.name] = run_case(case, images, Path(scratch))
    return found


def _chosen(
    cases: tuple[Case, ...], categories: list[str], names: list[str]
) -> list[Case]:
    _check_names(cases, categories, names)
    return [
        case
        for case in cases
        if (not categories or case.category in categories)
        and (not names or case.name in names)
    ]


def _check_names(
    cases: tuple[Case, ...], categories: list[str], names: list[str]
) -> None:
    """Refuse categories and names that no case has."""
    known = {case.category for case in cases}
    for wanted in categories:
        if wanted not in known:
            text = f"{wanted!r}: expected one of {', '.join(sorted(known))}"
            raise typer.BadParameter(text, param_hint="--category")
    for wanted in names:
        if all(case.name != wanted for case in cases):
            text = f"{wanted!r}: there is no such case"
            raise typer.BadParameter(text, param_hint="--case")


def _as_json(
    found: dict[str, Judgement], counts: Counter[Verdict]
) -> dict[str, object]:
    return {
        **{verdict.value: counts[verdict] for verdict in Verdict},
        "cases": {
            name: {"verdict": judgement.verdict.value, "why": judgement.why}
            for name, judgement in found.items()
        },
    }


def _show(cases: list[Case], found: dict[str, Judgement], *, one: bool) -> None:
    console = new_console()
    console.print(_table(cases, found))
    if one:
        ((name, judgement),) = found.items()
        _tell(console, name, judgement, None)
        return
    for verdict in _LISTED:
        for name, judgement in found.items():
            if judgement.verdict is verdict:
                _tell(console, name, judgement, _PIECES)


def _table(cases: list[Case], found: dict[str, Judgement]) -> Table:
    counts: dict[str, Counter[Verdict]] = {}
    for case in cases:
        verdict = found[case.name].verdict
        counts.setdefault(case.category, Counter())[verdict] += 1
    table = Table(box=None, pad_edge=False, show_footer=len(counts) > 1)
    table.add_column("category", "all", no_wrap=True)
    for verdict in Verdict:
        total = sum(row[verdict] for row in counts.values())
        table.add_column(verdict.value, _number(total), justify="right", no_wrap=True)
    for category, row in counts.items():
        cells = (
            as_text(_number(row[verdict]), _style(row, verdict)) for verdict in Verdict
        )
        table.add_row(as_text(category), *cells)
    return table


def _number(count: int) -> str:
    return f"{count:,}" if count else "-"


def _style(row: Counter[Verdict], verdict: Verdict) -> str:
    return _STYLES.get(verdict, "") if row[verdict] else ""


def _tell(console: Console, name: str, judgement: Judgement, most: int | None) -> None:
    """Say why, and what is different, of one case."""
    verdict = judgement.verdict
    console.print()
    console.print(
        Text.assemble(
            visible(name), ": ", (verdict.value, _STYLES.get(verdict, "bold"))
        ),
        soft_wrap=True,
    )
    if judgement.why and verdict is not Verdict.DIFFER:
        console.print(as_text(judgement.why))
    if verdict in _COMPARED:
        _show_differences(console, name, judgement, most)


def _show_differences(
    console: Console, name: str, judgement: Judgement, most: int | None
) -> None:
    """Print what is different of one case, with so many pieces of storage at most."""
    pieces = [one for one in judgement.differences if one.field == "storage"]
    entries = [one for one in judgement.differences if one.field != "storage"]
    console.print(_compared([*entries, *pieces[:most]]))
    if most is not None and len(pieces) > most:
        left = len(pieces) - most
        console.print(as_text(f"{left:,} more pieces of storage: --case {name}"))


def _compared(differences: Sequence[Difference]) -> Table:
    """Return a table of what is different, which names each place once."""
    table = Table(box=None, pad_edge=False)
    for title in ("where", "field", "observed", "here"):
        table.add_column(title, overflow="fold")
    where = ""
    for one in differences:
        shown = "" if one.where == where else one.where
        where = one.where
        whole = ((one.field, one.expected, one.found),)
        for field, expected, found in one.parts or whole:
            table.add_row(*map(as_text, (shown, field, expected, found)))
            shown = ""
    return table
