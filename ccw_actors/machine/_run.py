"""Runs a machine, from its start to the result of every guest."""

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

from ccw_actors.control import (
    ControlServer,
    ControlSocket,
    DescribeMachine,
    DeviceDescription,
    DumpActors,
    DumpedActors,
    GuestDescription,
    Handler,
    MachineDescription,
    StopMachine,
    Stopping,
)
from ccw_actors.machine._build import party_of
from ccw_actors.machine._config import GuestConfiguration, Machine, QemuGuest
from ccw_actors.machine._fault_requests import FaultDesk
from ccw_actors.machine._guest_run import Defects, GuestRun
from ccw_actors.machine._host_part import GuestHost, LocalHost
from ccw_actors.machine._live_machine import LiveMachine
from ccw_actors.machine._problems import check_machine
from ccw_actors.machine._results import (
    GuestProgress,
    GuestResult,
    Progress,
    RunResult,
    SystemResult,
)
from ccw_actors.machine._run_trace import RunTrace, begin_trace
from ccw_actors.machine._scratch import scratch_folder
from ccw_actors.machine._wiring import OURS, Layers
from ccw_actors.runtime import FairDispatcher, Request, System
from ccw_actors.trace import TraceTarget

__all__ = [
    "PROGRESS_INTERVAL",
    "STOPPED",
    "MachineRun",
    "Service",
    "describe_devices",
    "run_machine",
]

PROGRESS_INTERVAL = 0.25
"""Seconds between two calls of `on_progress`."""

STOPPED = "stopped by request"
"""The error of a guest that had not ended when its run was stopped."""

log = logging.getLogger("ccw_actors")


async def run_machine(
    machine: Machine,
    *,
    trace: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    control: ControlSocket | None = None,
    layers: Layers = OURS,
    takes_faults: bool = False,
) -> RunResult:
    """Run a machine until the programs of all its guests have ended, or it is stopped.

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
        layers: The classes of its actors, to exchange some for your own.
        takes_faults: Whether every device takes faults while the machine runs.

    Raises:
        MachineFileError: The parts of the machine do not fit together.
        TraceFileError: The trace would replace a file that is not a trace, or cannot be
            written.
    """
    check_machine(machine)
    target = None if trace is None else begin_trace(machine, trace)
    return await MachineRun(
        machine,
        trace=target,
        on_progress=on_progress,
        control=control,
        layers=layers,
        takes_faults=takes_faults,
    ).run()


class Service(Protocol):
    """What else the System of a run has: it is entered while guests run."""

    def serving(
        self, system: System, /
    ) -> AbstractAsyncContextManager[GuestHost | None]:
        """Serve until the end of the context.

        It has the place of the host's part of the guests, None for that System.
        """
        ...


class MachineRun:
    """One run of a machine, which can be described and stopped while it lasts.

    With `guests` it runs only those of these names, under the same paths and numbers as
    in a run of all, and ends only when it is stopped. `name` is that of its System, and
    `service` what the System has in addition. The trace is then that of a part.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        trace: TraceTarget | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        control: ControlSocket | None = None,
        layers: Layers = OURS,
        takes_faults: bool = False,
        guests: AbstractSet[str] | None = None,
        name: str | None = None,
        service: Service | None = None,
    ) -> None:
        self._layers = layers
        self._guests = guests
        self._name = name
        self._service = service
        self._begun = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._live = LiveMachine(machine, takes_faults=takes_faults)
        self._trace = RunTrace(trace, of_part=guests is not None)
        self._on_progress = on_progress
        self._control = control
        self._stop = asyncio.Event()
        self._system: System | None = None
        self._scratch: Path | None = None

    async def run(self) -> RunResult:
        """Run the machine to its end; see `run_machine`."""
        async with AsyncExitStack() as stack:
            server = None
            if self._control is not None:
                server = ControlServer(self._control, self._handlers())
                await stack.enter_async_context(server)
            try:
                await self._run(server)
            finally:
                self._trace.close()
        return self.so_far(STOPPED if self.is_stopped else "")

    def stop(self) -> None:
        """Stop the guests where they are, and end the run: `run` returns soon.

        The error of guests that had not ended is `STOPPED`. Call it on the run's event
        loop.
        """
        self._stop.set()

    @property
    def system(self) -> System | None:
        """The actors of the machine, None until it has started."""
        return self._system

    @property
    def is_stopped(self) -> bool:
        """Whether somebody has called `stop`."""
        return self._stop.is_set()

    @property
    def in_the_way(self) -> str:
        """Who keeps the run from stopping, "" for nobody: it has no other process."""
        return ""

    async def result_of(self, guest: str) -> GuestResult:
        """Wait until that guest has ended, and return its result.

        Raises:
            CancelledError: The run has been stopped before that.
        """
        await self._begun.wait()
        await asyncio.wait({self._tasks[guest]})
        result = self._live.runs[guest].result
        if result is None:
            raise asyncio.CancelledError
        return result

    async def progress(self) -> dict[str, GuestProgress]:
        """Return how far each guest has come."""
        runs = self._live.runs.items()
        return {name: await run.progress() for name, run in runs}

    def describe(self, name: str) -> MachineDescription:
        """Return a description of the machine, under that name."""
        machine = self._live.machine
        return MachineDescription(
            name,
            os.getpid(),
            self._now(),
            sum(self._handled().values()),
            tuple(map(self._describe_guest, machine.guests)),
            tuple(describe_devices(machine)),
        )

    def _describe_guest(
        self, guest: GuestConfiguration | QemuGuest
    ) -> GuestDescription:
        run = self._live.runs.get(guest.name)
        return GuestDescription(guest.name, "starting" if run is None else run.state)

    def so_far(self, why: str) -> RunResult:
        """Return the results so far; the error of guests that have not ended is `why`.

        Any thread may call it.
        """
        guests = self._live.machine.guests
        return RunResult(
            {guest.name: self._result_of(guest.name, why) for guest in guests},
            SystemResult(self._handled(), self._now()),
            self._trace.name,
            self._trace.error,
            self._trace.cut,
        )

    def _handled(self) -> dict[str, int]:
        return {} if self._system is None else self._system.handled_by_type()

    def _now(self) -> float:
        return 0.0 if self._system is None else self._system.now()

    @property
    def is_any_over(self) -> bool:
        """Whether a guest has ended, with or without an error."""
        return any(run.result is not None for run in self._live.runs.values())

    @property
    def running(self) -> str:
        """The path of the actor that is handling a message, "" for none.

        Any thread may read it.
        """
        return "" if self._system is None else self._system.running

    def abandon(self) -> None:
        """Save the trace so far, remove unpacked images, and free the machine's name.

        For a process that is about to end. Any thread may call it.
        """
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.release()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._trace.flush()

    async def _run(self, server: ControlServer | None) -> None:
        async with AsyncExitStack() as stack:
            self._scratch = stack.enter_context(scratch_folder())
            dispatcher = FairDispatcher(party_of(self._live.owners))
            made = System(dispatcher, name=self._name)
            self._system = system = await stack.enter_async_context(made)
            self._trace.observe(system)
            host: GuestHost | None = None
            if self._service is not None:
                host = await stack.enter_async_context(self._service.serving(system))
            if server is not None:
                await stack.enter_async_context(server.serving(system))
            machine, layers = self._live.machine, self._layers
            host = host or LocalHost(system, machine, self._scratch, layers)
            await self._run_guests(system, self._scratch, host)

    def flush(self) -> None:
        """Write what is buffered of the trace to its file."""
        self._trace.flush()

    def live_handlers(self) -> Mapping[type[Request[Any]], Handler]:
        """Return the handlers of requests about actors, devices and single guests."""
        desk = FaultDesk(lambda: self._live.machine, lambda: self._system)
        dump: dict[type[Request[Any]], Handler] = {DumpActors: self._dump}
        return {**dump, **self._live.handlers(), **desk.handlers()}

    def _dump(self, _request: DumpActors) -> DumpedActors:
        assert self._system is not None, "it hosts the actor that is asked"
        return DumpedActors(self._system.dump())

    def _handlers(self) -> Mapping[type[Request[Any]], Handler]:
        """Return the handlers of requests at the control socket."""
        assert self._control is not None, "a socket asks for them"
        name = self._control.name

        def stop(_request: StopMachine) -> Stopping:
            self.stop()
            return Stopping()

        return {
            DescribeMachine: lambda _request: self.describe(name),
            StopMachine: stop,
            **self.live_handlers(),
        }

    async def _run_guests(self, system: System, scratch: Path, host: GuestHost) -> None:
        defects = Defects()
        system.observe(defects)
        self._live.runs = runs = {
            guest.name: GuestRun(
                system,
                self._live.machine,
                guest,
                scratch,
                host=host,
                defects=defects,
                layers=self._layers,
            )
            for guest in self._live.machine.guests
            if self._guests is None or guest.name in self._guests
        }
        async with asyncio.TaskGroup() as group:
            for name, run in runs.items():
                self._tasks[name] = group.create_task(run.run())
            tasks = list(self._tasks.values())
            self._begun.set()
            stop = group.create_task(self._stop.wait())
            ends: list[asyncio.Task[Any]] = [stop]
            if self._guests is None:
                ends.append(group.create_task(_all_over(tasks)))
            await self._watch(system, *ends)
            for task in (*tasks, *ends):
                task.cancel()

    async def _watch(self, system: System, *ends: asyncio.Task[Any]) -> None:
        """Report progress until one of these tasks is done, and once more then."""
        show = self._on_progress
        interval = None if show is None else PROGRESS_INTERVAL
        while True:
            if show is not None:
                states = await self.progress()
                show(Progress(system.now(), sum(self._handled().values()), states))
            if any(task.done() for task in ends):
                break
            await asyncio.wait(
                ends, timeout=interval, return_when=asyncio.FIRST_COMPLETED
            )

    def _result_of(self, guest: str, why: str) -> GuestResult:
        run = self._live.runs.get(guest)
        if run is None or run.result is None:
            return GuestResult(error=why)
        return run.result


async def _all_over(tasks: list[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tasks)


def describe_devices(machine: Machine) -> Iterator[DeviceDescription]:
    """Describe the devices, each with its guest and the guest's number for it."""
    owners = {
        passed.host: (guest.name, str(passed.number))
        for guest in machine.guests
        for passed in guest.devices
    }
    for device in machine.devices:
        owner = owners.get(device.number, (None, None))
        yield DeviceDescription(str(device.number), device.device_type, *owner)
