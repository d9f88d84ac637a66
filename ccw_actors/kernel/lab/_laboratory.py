"""Tests a kernel: tries scenarios of the verdict table on it, one after the other."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ccw_actors.errors import SymbolsError
from ccw_actors.kernel.boot import BootError
from ccw_actors.kernel.debugger import Symbols, kernel_slide
from ccw_actors.kernel.lab._judgement import judge, not_applicable
from ccw_actors.kernel.lab._kernel_code import KernelCode
from ccw_actors.kernel.lab._kernel_files import KernelFiles
from ccw_actors.kernel.lab._plan import Plan
from ccw_actors.kernel.lab._plans import NOT_REACHED, PLANS
from ccw_actors.kernel.lab._session import KernelTest, Try
from ccw_actors.kernel.records import ExecutionRecord

__all__ = ["KERNEL_SCENARIOS", "examine_kernel"]

_AGAIN: Final = 3
"""How often a try whose order did not run to its end is made again."""

_NOTHING: Final = Plan(
    invariant="", threads=((("", "mark"),),), harm=lambda _seen: None
)
"""A client that is over at once."""

_TORN: Final = "torn"
"""The scenario whose reason is in each kernel's code."""

KERNEL_SCENARIOS: Final = (*PLANS, *NOT_REACHED)
"""The scenarios of the verdict table that a kernel can be tested for, or why not."""


async def examine_kernel(
    kernel: KernelFiles,
    names: Sequence[str],
    *,
    cache: Path,
    plans: Mapping[str, Plan] = PLANS,
    tries: int = 1,
    binary: Path | None = None,
    host: str = "",
    show: Callable[[int], None] = lambda _done: None,
) -> list[ExecutionRecord]:
    """Try scenarios on a kernel, each `tries` times; return a record for each.

    `cache` keeps the compiled client. `plans` has the plan of each scenario: `PLANS`
    force orders, `DELAYED_PLANS` make them likely. `binary` is the QEMU, None for the
    one on PATH, and `host` its version. `show` is told how many scenarios are done.

    Raises:
        BootError: The client cannot be compiled, or misses something in the kernel;
            or the kernel does not boot.
        SymbolsError: The kernel's vmlinux is no ELF file with debug information.
        CcwActorsError: QEMU cannot be started.
    """
    slide = kernel_slide(kernel.configuration)
    symbols = await asyncio.to_thread(Symbols, kernel.vmlinux, slide)
    records: list[ExecutionRecord] = []
    with symbols:
        code = KernelCode(symbols)
        target = code.described(kernel.target)
        test = KernelTest(kernel.image, code, cache, binary)
        await _check_that_it_boots(test)
        for done, name in enumerate(names):
            show(done)
            if missing := _why_not(name, plans, code):
                records.append(not_applicable(name, target, missing))
                continue
            plan = plans[name]
            made = [await _attempt(test, plan) for _ in range(tries)]
            records.append(judge(name, plan, target, host, made))
    return records


async def _check_that_it_boots(test: KernelTest) -> None:
    """Boot once with a client that does nothing.

    Raises:
        BootError: The kernel does not come to its init, or lacks what that needs.
    """
    made = await test.attempt(_NOTHING)
    if made.log.failed:
        raise BootError(f"the client found something missing: {made.log.failed}")
    if not made.log.is_over:
        last = made.console.strip().splitlines()[-1:] or ["nothing"]
        raise BootError(
            "the kernel does not boot to its init"
            f" ({made.error}); the last that it wrote: {last[0][:200]}"
        )


def _why_not(name: str, plans: Mapping[str, Plan], code: KernelCode) -> str:
    """Say why a scenario cannot be tried on a kernel, "" if it can."""
    if name == _TORN:
        return code.copying("vfio_ccw_sch_io_todo", "irb")
    if name in NOT_REACHED:
        return NOT_REACHED[name]
    try:
        for place in plans[name].places:
            code.find(place)
    except SymbolsError as error:
        return str(error)
    return ""


async def _attempt(test: KernelTest, plan: Plan) -> Try:
    """Try a plan, and again if the order did not run to its end without harm."""
    for _ in range(_AGAIN - 1):
        made = await test.attempt(plan)
        if made.harm is not None or made.log.failed or not made.order.failed:
            return made
    return await test.attempt(plan)
