"""Running a machine: from its start to what every guest has found."""

import asyncio
import math
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import UNSET

from ccw_actors.actors.protocol import AwaitGuest, GuestReport, ReportProgress
from ccw_actors.errors import CcwActorsError
from ccw_actors.machine.build import build_guest, guest_path, host_path
from ccw_actors.machine.config import GuestConfiguration, Machine
from ccw_actors.machine.machine_file import check_machine
from ccw_actors.machine.results import (
    GuestProgress,
    GuestResult,
    Progress,
    RunResult,
    SystemResult,
)
from ccw_actors.machine.scratch import scratch_folder
from ccw_actors.runtime import Observer, System
from ccw_actors.trace import MessageCounter, TraceWriter

__all__ = ["PROGRESS_INTERVAL", "run_machine"]

PROGRESS_INTERVAL = 0.25
"""Seconds between two calls of `on_progress`."""


async def run_machine(
    machine: Machine,
    *,
    trace: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunResult:
    """Run a machine until the programs of all its guests are over.

    A guest that fails, or whose images cannot be used, does not stop the others: its
    result has the error. When the task is cancelled, guests are stopped where they are
    and the trace is closed.

    Args:
        machine: What to run.
        trace: File to write every message to; None for no trace.
        on_progress: Called at the start, about four times a second, and at the end.
            It costs a few messages.

    Raises:
        MachineFileError: The parts of the machine do not go together.
        OSError: The trace cannot be written.
    """
    check_machine(machine)
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_folder())
        writer = None
        if trace is not None:
            writer = TraceWriter(stack.enter_context(trace.open("wb")))
        system = await stack.enter_async_context(System())
        counter = MessageCounter()
        system.observe(counter)
        if writer is not None:
            system.observe(writer)
        defects = _Defects()
        system.observe(defects)
        runs = {
            guest.name: _Run(system, machine, guest, scratch, defects)
            for guest in machine.guests
        }
        interval = None if on_progress is None else PROGRESS_INTERVAL
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run.run()) for run in runs.values()]
            pending = set(tasks)
            while True:
                if on_progress is not None:
                    states = {name: await run.progress() for name, run in runs.items()}
                    on_progress(Progress(system.now(), counter.total, states))
                if not pending:
                    break
                _, pending = await asyncio.wait(pending, timeout=interval)
        results = (task.result() for task in tasks)
        return RunResult(
            dict(zip(runs, results, strict=True)),
            SystemResult(dict(counter.by_type), system.now()),
            None if trace is None else str(trace),
            UNSET if writer is None or writer.error is None else str(writer.error),
        )


class _Run:
    """One guest on its way."""

    def __init__(
        self,
        system: System,
        machine: Machine,
        guest: GuestConfiguration,
        scratch: Path,
        defects: "_Defects",
    ) -> None:
        self._system = system
        self._machine = machine
        self._guest = guest
        self._scratch = scratch
        self._result: GuestResult | None = None
        self._running = False
        hosts = [host_path(passed.host) for passed in guest.devices]
        self._defect = defects.watch(guest_path(guest), *hosts)

    async def run(self) -> GuestResult:
        """Start the guest and wait for its end."""
        try:
            await build_guest(self._system, self._machine, self._guest, self._scratch)
            self._running = True
            self._result = GuestResult.of(await self._report())
        except CcwActorsError as error:
            self._result = GuestResult(error=" ".join(str(error).split()))
        return self._result

    async def progress(self) -> GuestProgress:
        """Say how far the guest has come."""
        if self._running and self._result is None:
            cpu = self._system.ref(f"{guest_path(self._guest)}/cpu0")
            try:
                report = await cpu.ask(ReportProgress())
            except CcwActorsError:  # it has just failed, or is too busy to answer
                report = None
            if self._result is None:
                return GuestProgress("running", report)
        if self._result is None:
            return GuestProgress("starting")
        return GuestProgress("failed" if self._result.error else "finished")

    async def _report(self) -> GuestReport:
        """Wait for the guest's report, or for one of its actors to fail."""
        emulator = self._system.ref(f"{guest_path(self._guest)}/emulator")
        ended = asyncio.ensure_future(emulator.ask(AwaitGuest(), timeout=math.inf))
        first: set[asyncio.Future[Any]] = {ended, self._defect}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if self._defect.done():
                raise CcwActorsError(self._defect.result())
            return ended.result()
        finally:
            ended.cancel()


class _Defects(Observer):
    """An observer that tells which guest an actor that has failed worked for."""

    def __init__(self) -> None:
        self._watches: list[tuple[tuple[str, ...], asyncio.Future[str]]] = []

    def watch(self, *paths: str) -> asyncio.Future[str]:
        """Return what will be the first failure of an actor below these paths."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watches.append((tuple(f"{path}/" for path in paths), future))
        return future

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Say what has failed, to whom it concerns."""
        text = f"{actor} failed on {message}: {type(error).__name__}: {error}"
        for prefixes, future in self._watches:
            if actor.startswith(prefixes) and not future.done():
                future.set_result(text)
