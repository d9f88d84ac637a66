"""`ccw-actors qemu test`: tries QEMU's own faults on a real QEMU."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer
from rich.table import Table

from ccw_actors._suggestions import did_you_mean
from ccw_actors.cli._inputs import UnusableFileError
from ccw_actors.cli._printing import (
    as_text,
    complain,
    paragraph,
    print_no_log,
    print_table,
    say,
    say_json,
)
from ccw_actors.cli._progress import progress_of
from ccw_actors.errors import ClientError, UnsupportedHostError
from ccw_actors.kernel.emulators import (
    EMULATOR_SCENARIOS,
    EmulatorTestError,
    junit_of,
    open_laboratory,
    save_record,
)
from ccw_actors.kernel.records import Record

__all__ = ["qemu_test", "status_of"]

_REPRODUCED, _UNTESTED = 1, 125
_STYLES: Final = {"reproduced": "red", "undecided": "yellow"}
_NO_TEST: Final = (EmulatorTestError, ClientError, UnsupportedHostError)


def _known_scenarios(incomplete: str) -> list[str]:
    return [name for name in EMULATOR_SCENARIOS if name.startswith(incomplete)]


_Program: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--qemu",
        metavar="PROGRAM",
        help="The qemu-system-s390x to test, or the folder where it was built"
        " (default: the one on PATH).",
        show_default=False,
    ),
]
_Scenarios: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        metavar="NAME",
        help="Run only this scenario. May be repeated.",
        autocompletion=_known_scenarios,
        show_default=False,
    ),
]
_Tries: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=1000,
        help="Run each scenario N times, each in a QEMU of its own.",
    ),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the records as JSON, with every step.")
]
_Junit: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write the result as JUnit's XML.", show_default=False
    ),
]
_Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FOLDER",
        help="Write a record of each scenario into this folder.",
        show_default=False,
    ),
]


def qemu_test(
    *,
    program: _Program = None,
    scenarios: _Scenarios = None,
    tries: _Tries = 1,
    as_json: _AsJson = False,
    junit: _Junit = None,
    record: _Folder = None,
) -> None:
    """Try QEMU's own faults on a real QEMU.

    Compiles a guest that has no operating system, starts the QEMU with a disk of this
    package's, and runs each scenario: the guest executes I/O instructions, and the
    host's interruptions and data come at the moments that the scenario says. What the
    guest sees is held against the architecture, and so is a bare subchannel of this
    package in the same order. Needs s390x-linux-gnu-gcc.

    Exit status: 0 nothing is reproduced; 1 a fault is reproduced; 2 usage error, or a
    file cannot be written; 125 the QEMU or the compiler is missing, a guest does not
    start, or nothing is reproduced and an order did not run to its end.
    """
    names = _checked(scenarios)
    _check_places(junit, record)
    print_no_log()
    try:
        records = asyncio.run(_run(program, names, tries))
    except _NO_TEST as error:
        complain(error)
        raise typer.Exit(_UNTESTED) from error
    _write(records, junit, record)
    _print(records, as_json=as_json)
    if status := status_of(records):
        raise typer.Exit(status)


def _checked(scenarios: Sequence[str] | None) -> list[str]:
    """Return the names of the scenarios to run, each once."""
    for name in scenarios or ():
        if name not in EMULATOR_SCENARIOS:
            known = (
                did_you_mean(name, EMULATOR_SCENARIOS)
                or f"there are {', '.join(EMULATOR_SCENARIOS)}"
            )
            raise typer.BadParameter(
                f"no scenario {name!r}; {known}", param_hint="--scenario"
            )
    return list(dict.fromkeys(scenarios or EMULATOR_SCENARIOS))


def _check_places(junit: Path | None, folder: Path | None) -> None:
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


async def _run(program: str | None, names: list[str], tries: int) -> list[Record]:
    async with open_laboratory(program) as laboratory:
        records: list[Record] = []
        with progress_of("testing QEMU", len(names)) as show:
            for done, name in enumerate(names):
                show(done)
                records.append(
                    await laboratory.run(name, EMULATOR_SCENARIOS[name], tries)
                )
    return records


def status_of(records: Sequence[Record]) -> int:
    """Return the exit status for these records."""
    outcomes = {one.outcome for one in records}
    if "reproduced" in outcomes:
        return _REPRODUCED
    return _UNTESTED if "undecided" in outcomes else 0


def _write(records: Sequence[Record], junit: Path | None, folder: Path | None) -> None:
    """Write the files that were asked for."""
    try:
        if junit is not None:
            junit.write_bytes(junit_of(records))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for record in records:
                save_record(record, folder)
    except OSError as error:
        raise UnusableFileError(f"{error.filename}: {error.strerror}") from error


def _print(records: Sequence[Record], *, as_json: bool) -> None:
    if as_json:
        say_json(records)
        return
    target = records[0].target
    behind = f" ({target.package})" if target.package else ""
    say(f"QEMU {target.version}{behind}, {target.configuration[0].upper()}")
    table = Table("claim", "outcome", "evidence")
    for record in records:
        table.add_row(
            as_text(f"{record.scenario}: {_claim_of(record)}"),
            as_text(_outcome_of(record), _STYLES.get(record.outcome, "")),
            paragraph("\n".join((record.why, *record.evidence))),
        )
    print_table(table)
    counts = Counter(one.outcome for one in records)
    say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


def _claim_of(record: Record) -> str:
    scenario = EMULATOR_SCENARIOS[record.scenario]
    return scenario.claim or f"{scenario.title}: as the architecture asks for"


def _outcome_of(record: Record) -> str:
    if record.outcome != "reproduced":
        return record.outcome
    return f"reproduced {record.reproduced} of {record.tries}"
