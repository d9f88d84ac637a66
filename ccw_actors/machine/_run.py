"""Running a machine: from its start to what every guest has found."""

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import UNSET

from ccw_actors.actors.hardware.image import journal_path
from ccw_actors.control import (
    ControlServer,
    ControlSocket,
    DescribeMachine,
    DeviceDescription,
    GuestDescription,
    Handler,
    MachineDescription,
    StopMachine,
    Stopping,
)
from ccw_actors.errors import TraceFileError
from ccw_actors.machine._build import party_of
from ccw_actors.machine._config import Machine
from ccw_actors.machine._guest_run import Defects, GuestRun
from ccw_actors.machine._live_machine import LiveMachine
from ccw_actors.machine._machine_file import check_machine
from ccw_actors.machine._results import GuestResult, Progress, RunResult, SystemResult
from ccw_actors.machine._scratch import scratch_folder
from ccw_actors.machine._wiring import OURS, Layers
from ccw_actors.runtime import FairDispatcher, Request, System
from ccw_actors.trace import (
    TRACE_SIZE,
    MessageCounter,
    TraceTarget,
    TraceWriter,
    open_trace,
)

__all__ = ["PROGRESS_INTERVAL", "STOPPED", "MachineRun", "begin_trace", "run_machine"]

PROGRESS_INTERVAL = 0.25
"""Seconds between two calls of `on_progress`."""

STOPPED = "stopped by request"
"""The error of a guest that was not over when its run was stopped."""

log = logging.getLogger("ccw_actors")


async def run_machine(
    machine: Machine,
    *,
    trace: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    control: ControlSocket | None = None,
    layers: Layers = OURS,
) -> RunResult:
    """Run a machine until the programs of all its guests are over, or it is stopped.

    A guest that fails, or whose images cannot be used, does not stop the others: its
    result has the error. When the task is cancelled, guests are stopped where they are
    and the trace is closed.

    Args:
        machine: What to run.
        trace: File to write every message to; None for no trace. Its newest 256 MiB
            are kept.
        on_progress: Called at the start, about four times a second, and at the end.
            It costs a few messages.
        control: Where other processes may describe or stop the machine; closed at the
            end.
        layers: What makes its actors, for a machine with parts of one's own.

    Raises:
        MachineFileError: The parts of the machine do not go together.
        TraceFileError: The trace would take the place of something else, or cannot be
            begun.
    """
    check_machine(machine)
    target = None if trace is None else begin_trace(machine, trace)
    return await MachineRun(
        machine, trace=target, on_progress=on_progress, control=control, layers=layers
    ).run()


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
        control: ControlSocket | None = None,
        layers: Layers = OURS,
    ) -> None:
        self._layers = layers
        self._live = LiveMachine(machine)
        self._trace = trace
        self._on_progress = on_progress
        self._control = control
        self._stop = asyncio.Event()
        self._writer: TraceWriter | None = None
        self._trace_error: Exception | None = None
        self._counter = MessageCounter()
        self._system: System | None = None
        self._scratch: Path | None = None

    async def run(self) -> RunResult:
        """Run it to the end; see `run_machine`."""
        async with AsyncExitStack() as stack:
            server = None
            if self._control is not None:
                server = ControlServer(self._control, self._handlers())
                await stack.enter_async_context(server)
            try:
                await self._run(server)
            finally:
                self._close_trace()
        return self.so_far(STOPPED if self.is_stopped else "")

    def stop(self) -> None:
        """Stop the guests where they are, and end the run: `run` returns soon.

        What they have not come to is then an error, `STOPPED`. It is to be called on
        the run's event loop.
        """
        self._stop.set()

    @property
    def is_stopped(self) -> bool:
        """Whether somebody has called `stop`."""
        return self._stop.is_set()

    def describe(self, name: str) -> MachineDescription:
        """Say what runs, for the control socket of that name."""
        owners = {
            passed.host: (guest.name, str(passed.number))
            for guest in self._live.machine.guests
            for passed in guest.devices
        }
        runs = self._live.runs
        return MachineDescription(
            name,
            os.getpid(),
            0.0 if self._system is None else self._system.now(),
            self._counter.total,
            tuple(
                GuestDescription(
                    guest.name,
                    runs[guest.name].state if guest.name in runs else "starting",
                )
                for guest in self._live.machine.guests
            ),
            tuple(
                DeviceDescription(
                    str(device.number),
                    device.device_type,
                    *owners.get(device.number, (None, None)),
                )
                for device in self._live.machine.devices
            ),
        )

    def so_far(self, why: str) -> RunResult:
        """Say what there is by now: a guest that is not over has `why` for its error.

        Any thread may ask.
        """
        system, trace = self._system, self._trace
        error = self._trace_error or (self._writer and self._writer.error)
        return RunResult(
            {
                guest.name: self._result_of(guest.name, why)
                for guest in self._live.machine.guests
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
        return any(run.result is not None for run in self._live.runs.values())

    @property
    def running(self) -> str:
        """The path of the actor whose message is being handled, "" for none.

        Any thread may ask.
        """
        return "" if self._system is None else self._system.running

    def abandon(self) -> None:
        """Save the trace so far, and remove what was unpacked: the process will end.

        Its name is free for others. Any thread may ask for it.
        """
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.release()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        if self._trace is not None:
            with contextlib.suppress(OSError):
                self._trace.flush()

    async def _run(self, server: ControlServer | None) -> None:
        async with AsyncExitStack() as stack:
            self._scratch = stack.enter_context(scratch_folder())
            dispatcher = FairDispatcher(party_of(self._live.owners))
            self._system = system = await stack.enter_async_context(System(dispatcher))
            self._observe(system)
            if server is not None:
                await stack.enter_async_context(server.serving(system))
            await self._run_guests(system, self._scratch)

    def _handlers(self) -> Mapping[type[Request[Any]], Handler]:
        """Return what answers requests at the control socket."""
        assert self._control is not None, "a socket asks for them"
        name = self._control.name

        def stop(_request: StopMachine) -> Stopping:
            self.stop()
            return Stopping()

        return {
            DescribeMachine: lambda _request: self.describe(name),
            StopMachine: stop,
            **self._live.handlers(),
        }

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
        defects = Defects()
        system.observe(defects)
        self._live.runs = runs = {
            guest.name: GuestRun(
                system, self._live.machine, guest, scratch, defects, layers=self._layers
            )
            for guest in self._live.machine.guests
        }
        show = self._on_progress
        interval = None if show is None else PROGRESS_INTERVAL
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run.run()) for run in runs.values()]
            over = group.create_task(_all_over(tasks))
            stop = group.create_task(self._stop.wait())
            while True:
                if show is not None:
                    states = {name: await run.progress() for name, run in runs.items()}
                    show(Progress(system.now(), self._counter.total, states))
                if over.done() or stop.done():
                    break
                await asyncio.wait(
                    {over, stop},
                    timeout=interval,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            for task in (*tasks, over, stop):
                task.cancel()

    def _result_of(self, guest: str, why: str) -> GuestResult:
        run = self._live.runs.get(guest)
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


async def _all_over(tasks: list[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tasks)
