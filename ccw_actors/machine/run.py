"""Running a machine: from its start to what every guest has found."""

import asyncio
import contextlib
import logging
import math
import shutil
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import UNSET

from ccw_actors.actors.guest import describe
from ccw_actors.actors.protocol import AwaitGuest, GuestReport, ReportProgress
from ccw_actors.actors.write_journal import journal_path
from ccw_actors.errors import CcwActorsError, TraceFileError
from ccw_actors.machine.build import build_guest, guest_path, host_path, party_of
from ccw_actors.machine.config import GuestConfiguration, Machine, QemuGuest
from ccw_actors.machine.machine_file import check_machine
from ccw_actors.machine.qemu_guest import QemuRun
from ccw_actors.machine.results import (
    GuestProgress,
    GuestResult,
    Progress,
    RunResult,
    SystemResult,
)
from ccw_actors.machine.scratch import scratch_folder
from ccw_actors.runtime import FairDispatcher, Observer, System
from ccw_actors.trace import (
    TRACE_SIZE,
    MessageCounter,
    TraceTarget,
    TraceWriter,
    open_trace,
)

__all__ = ["PROGRESS_INTERVAL", "MachineRun", "begin_trace", "run_machine"]

PROGRESS_INTERVAL = 0.25
"""Seconds between two calls of `on_progress`."""

log = logging.getLogger("ccw_actors")


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
        trace: File to write every message to; None for no trace. Its newest 256 MiB
            are kept.
        on_progress: Called at the start, about four times a second, and at the end.
            It costs a few messages.

    Raises:
        MachineFileError: The parts of the machine do not go together.
        TraceFileError: The trace would take the place of something else, or cannot be
            begun.
    """
    check_machine(machine)
    target = None if trace is None else begin_trace(machine, trace)
    return await MachineRun(machine, trace=target, on_progress=on_progress).run()


def begin_trace(
    machine: Machine,
    path: Path,
    *,
    size_max: int | None = TRACE_SIZE,
    inputs: Iterable[Path] = (),
) -> TraceTarget:
    """Open a file for the trace of a machine; see `open_trace`.

    `inputs` are files that must not be overwritten besides the images.

    Raises:
        TraceFileError: It is an image of the machine, or what belongs to one; or it is
            there, and is no trace, or another run's; or it cannot be written.
    """
    images = [device.image for device in machine.devices]
    for image in images:
        if path.absolute() == journal_path(image).absolute():
            raise TraceFileError(f"{path}: is the place of the journal of {image}")
    return open_trace(path, size_max=size_max, inputs=[*images, *inputs])


class MachineRun:
    """One run of a machine, and what can be said of it while it lasts."""

    def __init__(
        self,
        machine: Machine,
        *,
        trace: TraceTarget | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._machine = machine
        self._trace = trace
        self._on_progress = on_progress
        self._writer: TraceWriter | None = None
        self._trace_error: Exception | None = None
        self._counter = MessageCounter()
        self._system: System | None = None
        self._runs: dict[str, _Run] = {}
        self._scratch: Path | None = None

    async def run(self) -> RunResult:
        """Run it to the end; see `run_machine`."""
        try:
            async with AsyncExitStack() as stack:
                self._scratch = stack.enter_context(scratch_folder())
                dispatcher = FairDispatcher(party_of(self._machine))
                self._system = system = await stack.enter_async_context(
                    System(dispatcher)
                )
                self._observe(system)
                await self._run_guests(system, self._scratch)
        finally:
            self._close_trace()
        return self.so_far("")

    def so_far(self, why: str) -> RunResult:
        """Say what there is by now: a guest that is not over has `why` for its error.

        Any thread may ask.
        """
        system, trace = self._system, self._trace
        error = self._trace_error or (self._writer and self._writer.error)
        return RunResult(
            {
                guest.name: self._result_of(guest.name, why)
                for guest in self._machine.guests
            },
            SystemResult(
                dict(self._counter.by_type), 0.0 if system is None else system.now()
            ),
            None if trace is None else str(trace.path),
            UNSET if error is None else str(error),
            trace.cut if trace is not None and trace.cut else UNSET,
        )

    @property
    def is_any_over(self) -> bool:
        """Whether there is a guest that has come to an end, of whatever kind."""
        return any(run.result is not None for run in self._runs.values())

    @property
    def running(self) -> str:
        """The path of the actor whose message is being handled, "" for none.

        Any thread may ask.
        """
        return "" if self._system is None else self._system.running

    def abandon(self) -> None:
        """Save the trace so far, and remove what was unpacked: the process will end.

        Any thread may ask for it.
        """
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        if self._trace is not None:
            with contextlib.suppress(OSError):
                self._trace.flush()

    def _observe(self, system: System) -> None:
        system.observe(self._counter)
        if self._trace is not None:
            try:
                self._writer = TraceWriter(self._trace)
            except OSError as error:  # a run is worth more than its trace
                self._trace_error = error
            else:
                system.observe(self._writer)

    async def _run_guests(self, system: System, scratch: Path) -> None:
        defects = _Defects()
        system.observe(defects)
        self._runs = runs = {
            guest.name: _Run(system, self._machine, guest, scratch, defects)
            for guest in self._machine.guests
        }
        show = self._on_progress
        interval = None if show is None else PROGRESS_INTERVAL
        async with asyncio.TaskGroup() as group:
            pending = {group.create_task(run.run()) for run in runs.values()}
            while True:
                if show is not None:
                    states = {name: await run.progress() for name, run in runs.items()}
                    show(Progress(system.now(), self._counter.total, states))
                if not pending:
                    break
                _, pending = await asyncio.wait(pending, timeout=interval)

    def _result_of(self, guest: str, why: str) -> GuestResult:
        run = self._runs.get(guest)
        if run is None or run.result is None:
            return GuestResult(error=why)
        return run.result

    def _close_trace(self) -> None:
        if self._trace is None:
            return
        try:
            self._trace.close()
        except OSError as error:
            self._trace_error = error


class _Run:
    """One guest on its way."""

    def __init__(
        self,
        system: System,
        machine: Machine,
        guest: GuestConfiguration | QemuGuest,
        scratch: Path,
        defects: "_Defects",
    ) -> None:
        self._guest = guest
        self._part: _ProgramRun | QemuRun
        if isinstance(guest, QemuGuest):
            self._part = QemuRun(system, machine, guest, scratch)
        else:
            self._part = _ProgramRun(system, machine, guest, scratch)
        self.result: GuestResult | None = None
        self._running = False
        hosts = [host_path(passed.host) for passed in guest.devices]
        self._defect = defects.watch(guest_path(guest), *hosts)

    async def run(self) -> None:
        """Start the guest and wait for its end; whatever that is, it is a result."""
        try:
            await self._part.start()
            self._running = True
            self.result = GuestResult.of(await self._report())
        except CcwActorsError as error:
            self.result = GuestResult(error=describe(error))
        except asyncio.CancelledError:
            await self._part.shut_down()
            raise
        except Exception as error:
            # The machine may have no room for it: no thread, no memory, no file.
            log.exception("guest %s cannot run", self._guest.name)
            self.result = GuestResult(error=describe(error))
        finally:
            await self._part.close()

    async def progress(self) -> GuestProgress:
        """Say how far the guest has come."""
        if self._running and self.result is None:
            try:
                report = await self._part.progress()
            except CcwActorsError:  # it has just failed, or is too busy to answer
                report = None
            if self.result is None:
                return GuestProgress("running", report)
        if self.result is None:
            return GuestProgress("starting")
        return GuestProgress("failed" if self.result.error else "finished")

    async def _report(self) -> GuestReport:
        """Wait for the guest's report, or for one of its actors to fail."""
        ended = asyncio.ensure_future(self._part.report())
        first: set[asyncio.Future[Any]] = {ended, self._defect}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if self._defect.done():
                raise CcwActorsError(self._defect.result())
            return ended.result()
        finally:
            ended.cancel()


class _ProgramRun:
    """A guest that is a program in Python."""

    def __init__(
        self,
        system: System,
        machine: Machine,
        guest: GuestConfiguration,
        scratch: Path,
    ) -> None:
        self._system = system
        self._machine = machine
        self._guest = guest
        self._scratch = scratch

    async def start(self) -> None:
        """Spawn it; it runs then."""
        await build_guest(self._system, self._machine, self._guest, self._scratch)

    async def report(self) -> GuestReport:
        """Wait for its end."""
        emulator = self._system.ref(f"{guest_path(self._guest)}/emulator")
        report: GuestReport = await emulator.ask(AwaitGuest(), timeout=math.inf)
        return report

    async def progress(self) -> GuestReport:
        """Ask how far it is."""
        cpu = self._system.ref(f"{guest_path(self._guest)}/cpu0")
        report: GuestReport = await cpu.ask(ReportProgress())
        return report

    async def shut_down(self) -> None:
        """It is stopped with its System, wherever it is."""

    async def close(self) -> None:
        """It has nothing to give up."""


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
        text = f"{actor} failed on {message}: {describe(error)}"
        for prefixes, future in self._watches:
            if actor.startswith(prefixes) and not future.done():
                future.set_result(text)
