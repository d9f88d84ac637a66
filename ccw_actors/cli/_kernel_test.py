"""`ccw-actors kernel test`: tries the scenarios of the verdict table on a kernel."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ccw_actors.cli._printing import complain, print_no_log, say, say_json
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
from ccw_actors.errors import ClientError, SymbolsError, UnsupportedHostError
from ccw_actors.kernel.boot import BootError
from ccw_actors.kernel.build import default_cache
from ccw_actors.kernel.lab import (
    DELAYED_PLANS,
    KERNEL_SCENARIOS,
    PLANS,
    KernelFileError,
    KernelFiles,
    Plan,
    examine_kernel,
)
from ccw_actors.kernel.records import ExecutionRecord
from ccw_actors.verdicts import VERDICT_SCENARIOS
from ccw_actors.vfio import find_qemu, qemu_version

__all__ = ["examine"]

_NOT_TESTED = (
    *(KernelFileError, SymbolsError, BootError),
    # of a QEMU that is missing, or cannot be started here
    *(ClientError, UnsupportedHostError),
)


def _known_scenarios(incomplete: str) -> list[str]:
    return [name for name in KERNEL_SCENARIOS if name.startswith(incomplete)]


_Kernel: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="KERNEL",
        help="A folder that 'ccw-actors kernel build' has written, or a bzImage with"
        " the vmlinux and the .config of its build.",
        show_default=False,
    ),
]
_Scenarios: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        metavar="NAME",
        help="Try only this scenario of the verdict table. May be repeated.",
        autocompletion=_known_scenarios,
        show_default=False,
    ),
]
_Delays: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--delays",
        help="Use no debugger: delays make an order likely, which is weaker evidence."
        f" Only for {', '.join(DELAYED_PLANS)}; best with a kernel that was built with"
        " --change widen-clear.",
    ),
]
_Program: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--qemu",
        metavar="PROGRAM",
        help="The qemu-system-s390x to boot the kernel on, or the folder where it was"
        " built (default: the one on PATH).",
        show_default=False,
    ),
]


def examine(
    kernel: _Kernel,
    *,
    scenarios: _Scenarios = None,
    tries: Tries = 1,
    delays: _Delays = False,
    program: _Program = None,
    as_json: AsJson = False,
    junit: Junit = None,
    record: RecordFolder = None,
) -> None:
    """Try the scenarios of the verdict table on a kernel.

    Boots the kernel on this package's subchannel, with a client of vfio_ccw as its
    init. A debugger lets one CPU run at a time, so that each order of events happens;
    the interruption or the data come in between. Then it looks for harm: memory that
    was overwritten, pages that stay pinned, wrong status, a report of KASAN. Prints a
    table. Needs s390x-linux-gnu-gcc and qemu-system-s390x.

    Exit status: 0 nothing is reproduced; 1 a scenario is reproduced; 2 usage error, or
    a file cannot be written; 125 the kernel does not boot or lacks what a test needs, a
    program is missing, or nothing is reproduced and an order did not run to its end.
    """
    plans = DELAYED_PLANS if delays else PLANS
    names = chosen(scenarios, tuple(plans) if delays else KERNEL_SCENARIOS)
    check_places(junit, record)
    print_no_log()
    try:
        records = _run(kernel, names, plans, tries, program)
    except _NOT_TESTED as error:
        complain(error)
        raise typer.Exit(UNTESTED) from None
    write_records(records, junit, record, "ccw-actors kernel test")
    if as_json:
        say_json(records)
    else:
        _print(records)
    if status := status_of(records):
        raise typer.Exit(status)


def _run(
    kernel: Path,
    names: list[str],
    plans: Mapping[str, Plan],
    tries: int,
    program: str | None,
) -> list[ExecutionRecord]:
    files = KernelFiles.find(kernel)
    binary = find_qemu(*filter(None, [program]))
    version = qemu_version(binary)
    with progress_of("testing the kernel", len(names)) as show:
        return asyncio.run(
            examine_kernel(
                files,
                names,
                cache=default_cache(),
                plans=plans,
                tries=tries,
                binary=binary,
                host=f"QEMU {version.number}",
                show=show,
            )
        )


def _print(records: Sequence[ExecutionRecord]) -> None:
    target = records[0].target
    more = [target.package, *target.configuration]
    if target.change:
        more.append(f"with {target.change}")
    behind = ", ".join(filter(None, more))
    say(f"Linux {target.version}{f' ({behind})' if behind else ''}")
    print_records(records, _title_of)


def _title_of(record: ExecutionRecord) -> str:
    return f"{record.scenario}: {VERDICT_SCENARIOS[record.scenario].title}"
