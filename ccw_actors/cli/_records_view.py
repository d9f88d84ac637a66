"""What the commands that test a kernel or a QEMU share: options, files, a table."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer
from rich.table import Table

from ccw_actors._suggestions import did_you_mean
from ccw_actors.cli._inputs import UnusableFileError
from ccw_actors.cli._printing import as_text, paragraph, print_table, say
from ccw_actors.kernel.records import ExecutionRecord, junit_of, save_record

__all__ = [
    "UNTESTED",
    "AsJson",
    "Junit",
    "RecordFolder",
    "Tries",
    "check_places",
    "chosen",
    "print_records",
    "status_of",
    "write_records",
]

_REPRODUCED = 1
UNTESTED: Final = 125
"""The exit status of a test that could not be made; git bisect skips it."""
_STYLES: Final = {"reproduced": "red", "undecided": "yellow"}

Tries: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=1000,
        help="Run each scenario N times, each on a machine of its own.",
    ),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the records as JSON, with every step.")
]
Junit: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write the result as JUnit's XML.", show_default=False
    ),
]
RecordFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FOLDER",
        help="Write a record of each scenario into this folder.",
        show_default=False,
    ),
]


def chosen(names: Sequence[str] | None, known: Collection[str]) -> list[str]:
    """Return the scenarios that --scenario names, each once; by default all of them."""
    for name in names or ():
        if name not in known:
            near = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise typer.BadParameter(
                f"no scenario {name!r}; {near}", param_hint="--scenario"
            )
    return list(dict.fromkeys(names or known))


def check_places(junit: Path | None, folder: Path | None) -> None:
    """Refuse places that cannot take files, before anything runs."""
    if junit is not None and (junit.is_dir() or not junit.absolute().parent.is_dir()):
        raise typer.BadParameter(
            f"expected a file in a folder that exists, got {junit}",
            param_hint="--junit",
        )
    if folder is not None and folder.exists() and not folder.is_dir():
        raise typer.BadParameter(
            f"expected a folder, got {folder}", param_hint="--record"
        )


def write_records(
    records: Sequence[ExecutionRecord],
    junit: Path | None,
    folder: Path | None,
    suite: str,
) -> None:
    """Write the files that were asked for; `suite` is the name in JUnit's XML."""
    try:
        if junit is not None:
            junit.write_bytes(junit_of(records, suite))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for record in records:
                save_record(record, folder)
    except OSError as error:
        raise UnusableFileError(f"{error.filename}: {error.strerror}") from error


def print_records(
    records: Sequence[ExecutionRecord], title_of: Callable[[ExecutionRecord], str]
) -> None:
    """Print a table of what was reproduced, with the evidence, and the counts."""
    table = Table("scenario", "outcome", "evidence")
    for record in records:
        table.add_row(
            as_text(title_of(record)),
            as_text(_outcome_of(record), _STYLES.get(record.outcome, "")),
            paragraph("\n".join((record.why, *record.evidence))),
        )
    print_table(table)
    counts = Counter(one.outcome for one in records)
    say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


def status_of(records: Sequence[ExecutionRecord]) -> int:
    """Return the exit status for these records."""
    outcomes = {one.outcome for one in records}
    if "reproduced" in outcomes:
        return _REPRODUCED
    return UNTESTED if "undecided" in outcomes else 0


def _outcome_of(record: ExecutionRecord) -> str:
    if record.outcome != "reproduced":
        return record.outcome
    return f"reproduced {record.reproduced} of {record.tries}"
