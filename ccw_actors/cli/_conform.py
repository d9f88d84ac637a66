"""`ccw-actors conform`: compares the emulated host with what real systems did."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccw_actors.cli._completion import cases as known_cases
from ccw_actors.cli._completion import categories
from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import (
    as_text,
    new_console,
    print_no_log,
    print_table,
    say_json,
    visible,
)
from ccw_actors.cli._progress import progress_of
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

_NONE_DIFFERS, _ONE_DIFFERS = 0, 1
_STYLES = {Verdict.DIFFER: "red", Verdict.UNEXPLAINED: "yellow"}
_LISTED = (Verdict.UNSUPPORTED, Verdict.UNEXPLAINED, Verdict.DIFFER)
_COMPARED = (Verdict.EXPLAINED, Verdict.UNEXPLAINED, Verdict.DIFFER)
_PIECES = 4


_File: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="Golden vectors: JSON, gzipped or not.",
        show_default=False,
    ),
]
_Images: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        exists=True,
        help="The folder of the images that the vectors name."
        "  [default: the folder 'images' next to FILE]",
        show_default=False,
    ),
]
_Category: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CATEGORY",
        help="Run only the cases of this category. May be repeated.",
        autocompletion=categories,
        show_default=False,
    ),
]
_Name: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--case",
        metavar="NAME",
        help="Run only this case. May be repeated.",
        autocompletion=known_cases,
        show_default=False,
    ),
]
_SizeMax: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="The largest file to read, unpacked: bytes, or a size as in '1 GiB'."
        " Reading one takes up to thirty times as much memory.",
    ),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of tables.")
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
    """Compare an emulated host with what real systems did.

    A case of golden vectors has instructions, and what a real system answered. Prints
    how many cases of each category have which verdict, then the cases that do not agree
    with what was observed, field by field. "explained": the real system departs from
    the architecture, as rules predict; "unexplained": the case is marked as departing,
    and no rule applies; "unstable": the values depended on timing; "unsupported": the
    case cannot run here.

    Exit status: 0 no case differs; 1 a case differs; 2 usage error, or FILE cannot be
    used.
    """
    size = size_option(size_max, "--size-max")
    with reading(file, "golden vectors"):
        vectors = load(file, size_max=size)
    cases = _chosen(vectors, category or [], name or [])
    found = _judged(cases, file.parent / "images" if images is None else images)
    counts = Counter(judgement.verdict for judgement in found.values())
    if as_json:
        say_json(_as_json(found, counts))
    else:
        _show(cases, found, one=len(found) == 1)
    raise typer.Exit(_ONE_DIFFERS if counts[Verdict.DIFFER] else _NONE_DIFFERS)


def _judged(cases: list[Case], images: Path) -> dict[str, Judgement]:
    """Run the cases, with progress on a terminal; return the judgement of each."""
    # What is lost on the way is logged, and is no part of any judgement.
    print_no_log()
    found: dict[str, Judgement] = {}
    with (
        TemporaryDirectory(prefix="ccw-actors-") as scratch,
        progress_of("cases", len(cases)) as show,
    ):
        for case in cases:
            found[case.name] = run_case(case, images, Path(scratch))
            show(len(found))
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
            text = f"expected one of {', '.join(sorted(known))}, got {wanted!r}"
            raise typer.BadParameter(text, param_hint="--category")
    for wanted in names:
        if all(case.name != wanted for case in cases):
            text = f"no case is called {wanted!r}"
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
    print_table(_table(cases, found))
    console = new_console()
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
    """Print one case: its verdict, the reason, and what differs."""
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
    """Print what differs in one case, with at most so many pieces of storage."""
    pieces = [one for one in judgement.differences if one.field == "storage"]
    entries = [one for one in judgement.differences if one.field != "storage"]
    console.print(_compared([*entries, *pieces[:most]]))
    if most is not None and len(pieces) > most:
        left = len(pieces) - most
        console.print(as_text(f"{left:,} more pieces of storage: --case {name}"))


def _compared(differences: Sequence[Difference]) -> Table:
    """Return a table of what differs; it names each place once."""
    table = Table(box=None, pad_edge=False)
    for title in ("where", "field", "observed", "found"):
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
