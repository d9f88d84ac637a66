"""`ccw-actors qemu test`: tries QEMU's own faults on a real QEMU."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

import typer

from ccw_actors.cli._printing import (
    complain,
    print_no_log,
    say,
    say_json,
)
from ccw_actors.cli._progress import progress_of
from ccw_actors.cli._records_view import (
    UNTESTED,
    AsJson,
    Junit,
    RecordFolder,
    Tries,
    check_places,
    chosen,
    print_records,
    status_of,
    write_records,
)
from ccw_actors.errors import ClientError, UnsupportedHostError
from ccw_actors.kernel.emulators import (
    EMULATOR_SCENARIOS,
    EmulatorTestError,
    open_laboratory,
)
from ccw_actors.kernel.records import ExecutionRecord

__all__ = ["qemu_test"]

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


def qemu_test(
    *,
    program: _Program = None,
    scenarios: _Scenarios = None,
    tries: Tries = 1,
    as_json: AsJson = False,
    junit: Junit = None,
    record: RecordFolder = None,
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
    names = chosen(scenarios, EMULATOR_SCENARIOS)
    check_places(junit, record)
    print_no_log()
    try:
        records = asyncio.run(_run(program, names, tries))
    except _NO_TEST as error:
        complain(error)
        raise typer.Exit(UNTESTED) from error
    write_records(records, junit, record, "ccw-actors qemu test")
    _print(records, as_json=as_json)
    if status := status_of(records):
        raise typer.Exit(status)


async def _run(
    program: str | None, names: list[str], tries: int
) -> list[ExecutionRecord]:
    async with open_laboratory(program) as laboratory:
        records: list[ExecutionRecord] = []
        with progress_of("testing QEMU", len(names)) as show:
            for done, name in enumerate(names):
                show(done)
                records.append(
                    await laboratory.run(name, EMULATOR_SCENARIOS[name], tries)
                )
    return records


def _print(records: Sequence[ExecutionRecord], *, as_json: bool) -> None:
    if as_json:
        say_json(records)
        return
    target = records[0].target
    behind = f" ({target.package})" if target.package else ""
    say(f"QEMU {target.version}{behind}, {target.configuration[0].upper()}")
    print_records(records, _title_of)


def _title_of(record: ExecutionRecord) -> str:
    scenario = EMULATOR_SCENARIOS[record.scenario]
    claim = scenario.claim or f"{scenario.title}: as the architecture asks for"
    return f"{record.scenario}: {claim}"
