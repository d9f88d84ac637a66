"""ProcessesRun: runs a machine in several processes, as their parent."""

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import UNSET

from ccw_actors.control import (
    ControlServer,
    ControlSocket,
    DescribeMachine,
    GuestDescription,
    GuestState,
    Handler,
    MachineDescription,
    StopMachine,
    Stopping,
    control_actor,
)
from ccw_actors.machine._attachment import with_faults
from ccw_actors.machine._build import owners_of, party_of
from ccw_actors.machine._config import Machine, Placement
from ccw_actors.machine._host_part import BuildHostPart
from ccw_actors.machine._machine_file import MachineSource
from ccw_actors.machine._results import (
    GuestProgress,
    GuestResult,
    Progress,
    RunResult,
    SystemResult,
)
from ccw_actors.machine._run import PROGRESS_INTERVAL, STOPPED, describe_devices
from ccw_actors.machine._run_trace import begin_trace
from ccw_actors.machine._scratch import scratch_folder
from ccw_actors.machine.processes._host_parts import (
    HostParts,
    SharedHost,
    WithGuests,
)
from ccw_actors.machine.processes._messages import (
    DESK,
    HOST_PARTS,
    LINK,
    PARENT,
    Admitted,
    Joined,
    Notice,
)
from ccw_actors.machine.processes._plan import Part, guests_by_process, placed
from ccw_actors.machine.processes._process import PartProcess
from ccw_actors.machine.processes._requests import Forwarding
from ccw_actors.machine.processes._traces import PartTraces
from ccw_actors.runtime import Actor, FairDispatcher, Request, System, receive
from ccw_actors.trace import TRACE_SIZE, TraceTarget

__all__ = ["ProcessesRun", "run_in_processes"]


async def run_in_processes(
    source: MachineSource,
    *,
    count: int | None = None,
    trace: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    control: ControlSocket | None = None,
    takes_faults: bool = False,
    placement: Placement | None = None,
) -> RunResult:
    """Run a machine as `run_machine` does, each guest in the process that it names.

    With a `count` the guests that name none are dealt out to so many processes; without
    one they share the process "main". A guest whose process dies has that as its error.
    The parts of the trace become one at the end of the run. A `placement` takes the
    place of that in the machine file.

    Raises:
        MachineFileError: Something in the machine file is wrong.
        TraceFileError: The trace would replace a file that is not a trace, or cannot be
            written.
        LinkError: The processes cannot be linked with this one.
    """
    machine = source.machine()
    target = None if trace is None else begin_trace(machine, trace)
    return await ProcessesRun(
        source,
        machine,
        count=count,
        trace=target,
        on_progress=on_progress,
        control=control,
        takes_faults=takes_faults,
        placement=placement,
    ).run()


class ProcessesRun:
    """One run of a machine in several processes; the methods are those of `MachineRun`.

    With `prints_to_stderr`, so goes what guests print. With `uvloop`, the processes run
    on its event loop.
    """

    def __init__(
        self,
        source: MachineSource,
        machine: Machine,
        *,
        count: int | None = None,
        trace: TraceTarget | None = None,
        trace_size: int | None = TRACE_SIZE,
        on_progress: Callable[[Progress], None] | None = None,
        control: ControlSocket | None = None,
        takes_faults: bool = False,
        placement: Placement | None = None,
        uvloop: bool = False,
        prints_to_stderr: bool = False,
    ) -> None:
        self._source = source
        machine = placed(machine, placement, str(source.path))
        self._machine = machine = with_faults(machine) if takes_faults else machine
        self._placement: Placement = machine.placement or "with-guest"
        self._plan = guests_by_process(machine, count)
        self._traces = PartTraces(trace, trace_size)
        self._on_progress = on_progress
        self._control = control
        self._takes_faults = takes_faults
        self._uvloop = uvloop
        self._prints_to_stderr = prints_to_stderr
        self._processes: list[PartProcess] = []
        self._results: dict[str, GuestResult] = {}
        self._stop = asyncio.Event()
        self._system: System | None = None
        self._folder: Path | None = None

    async def run(self) -> RunResult:
        """Run the machine to its end; see `run_in_processes`."""
        async with AsyncExitStack() as stack:
            server = None
            if self._control is not None:
                server = ControlServer(self._control, self._handlers())
                await stack.enter_async_context(server)
            self._folder = stack.enter_context(scratch_folder())
            try:
                await self._run(server, self._folder)
            finally:
                self._traces.merge()
        return self.so_far(STOPPED if self.is_stopped else "")

    def stop(self) -> None:
        """Stop the guests where they are, and end the run; see `MachineRun.stop`."""
        self._stop.set()

    @property
    def is_stopped(self) -> bool:
        """Whether somebody has called `stop`."""
        return self._stop.is_set()

    @property
    def is_any_over(self) -> bool:
        """Whether a guest has ended, with or without an error."""
        return bool(self._results)

    @property
    def running(self) -> str:
        """The path of the actor that is handling a message here, "" for none."""
        return "" if self._system is None else self._system.running

    @property
    def in_the_way(self) -> str:
        """Which processes do not answer although the run is to stop, "" for none."""
        return "; ".join(filter(None, (one.in_the_way for one in self._processes)))

    def so_far(self, why: str) -> RunResult:
        """Return the results so far; the error of guests that have not ended is `why`.

        Any thread may call it.
        """
        return RunResult(
            {
                guest.name: self._results.get(guest.name, GuestResult(error=why))
                for guest in self._machine.guests
            },
            SystemResult(self._handled(), self._now()),
            self._traces.name,
            self._traces.error or UNSET,
            self._traces.cut or UNSET,
        )

    def abandon(self) -> None:
        """Save the traces so far, and free the machine's name; see `MachineRun`."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.release()
        self._traces.merge()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _now(self) -> float:
        return 0.0 if self._system is None else self._system.now()

    def _handled(self) -> dict[str, int]:
        """Return the messages of all processes, by type, as far as is known."""
        counts = [one.messages for one in self._processes]
        if self._system is not None:
            counts.append(self._system.handled_by_type())
        found: dict[str, int] = {}
        for part in counts:
            for name, count in part.items():
                found[name] = found.get(name, 0) + count
        return found

    # -- the run -----------------------------------------------------------------------

    async def _run(self, server: ControlServer | None, folder: Path) -> None:
        async with AsyncExitStack() as stack:
            dispatcher = FairDispatcher(party_of(owners_of(self._machine)))
            made = System(dispatcher, name=PARENT)
            self._system = system = await stack.enter_async_context(made)
            self._traces.observe(system, folder / "part-0.trace")
            system.spawn(_Desk(self._join), DESK)
            fd = stack.enter_context(_opened(folder))
            # So a long path fits into the 107 bytes of an address (unix(7)).
            address = f"unix:/proc/self/fd/{fd}/link.sock"
            await system.listen(address, LINK)
            parts = self._host_parts(system, folder)
            self._processes = [
                self._process(number, address, folder, fd, parts)
                for number in range(1, len(self._plan) + 1)
            ]
            if server is not None:
                await stack.enter_async_context(server.serving(system))
            try:
                await self._run_processes(system)
            finally:
                await self._end_processes()

    def _host_parts(self, system: System, folder: Path) -> HostParts:
        """Make what has the host's parts of guests, here or with these."""
        if self._placement != "shared-host":
            return WithGuests()
        shared = SharedHost(system, self._machine, folder)
        system.spawn(control_actor({BuildHostPart: shared.build}), HOST_PARTS)
        return shared

    def _process(
        self, number: int, address: str, folder: Path, fd: int, parts: HostParts
    ) -> PartProcess:
        """Prepare the process of that number, from 1."""
        name, guests = list(self._plan.items())[number - 1]
        trace = self._traces.add(name, folder / f"part-{number}.trace")
        part = Part(
            name,
            guests,
            address,
            str(self._source.path.absolute()),
            self._source.text,
            takes_faults=self._takes_faults,
            trace=None if trace is None else str(trace),
            trace_size=self._traces.size,
            uvloop=self._uvloop,
            prints_to_stderr=self._prints_to_stderr,
            placement=self._placement,
        )
        file = folder / f"part-{number}.json"
        return PartProcess(part, file, fd, self._guest_ended, parts=parts)

    def _guest_ended(self, guest: str, result: GuestResult) -> None:
        self._results[guest] = result

    def _join(self, joined: Joined) -> None:
        """Take a process that has started, and what its clock shows."""
        assert self._system is not None, "it has been listening"
        process = next(one for one in self._processes if one.name == joined.process)
        origin = asyncio.get_running_loop().time() - self._system.now()
        self._traces.shift(joined.process, joined.origin - origin)
        process.join(joined)

    async def _run_processes(self, system: System) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run()) for one in self._processes]
            over = group.create_task(_all_over(tasks))
            stop = group.create_task(_wait(self._stop))
            await self._watch(system, over, stop)
            for task in (*tasks, over, stop):
                task.cancel()

    async def _watch(self, system: System, *ends: asyncio.Task[None]) -> None:
        """Report progress until one of these tasks is done, and once more then."""
        show = self._on_progress
        interval = None if show is None else PROGRESS_INTERVAL
        while True:
            if show is not None:
                states = await self._states()
                show(Progress(system.now(), sum(self._handled().values()), states))
            if any(task.done() for task in ends):
                break
            await asyncio.wait(
                ends, timeout=interval, return_when=asyncio.FIRST_COMPLETED
            )

    async def _end_processes(self) -> None:
        await asyncio.gather(*(one.end() for one in self._processes))
        for one in self._processes:
            self._traces.ended(one.name, one.end_report, has_died=one.has_died)

    async def _states(self) -> dict[str, GuestProgress]:
        """Return how far each guest has come."""
        found: dict[str, GuestProgress] = {}
        for part in await asyncio.gather(*(one.progress() for one in self._processes)):
            found |= part
        return {
            guest.name: self._state(guest.name, found.get(guest.name))
            for guest in self._machine.guests
        }

    def _state(self, guest: str, told: GuestProgress | None) -> GuestProgress:
        result = self._results.get(guest)
        if result is not None:
            state: GuestState = "failed" if result.error else "finished"
            return GuestProgress(state)
        return told or GuestProgress("starting")

    # -- requests ----------------------------------------------------------------------

    def _handlers(self) -> Mapping[type[Request[Any]], Handler]:
        """Return the handlers of requests at the control socket."""
        is_shared = self._placement == "shared-host"
        forwarding = Forwarding(
            self._machine,
            lambda: self._processes,
            (lambda: self._system) if is_shared else None,
        )
        return {
            DescribeMachine: self._describe,
            StopMachine: self._take_stop,
            **forwarding.handlers(),
        }

    def _take_stop(self, _request: StopMachine) -> Stopping:
        self.stop()
        return Stopping()

    async def _describe(self, _request: DescribeMachine) -> MachineDescription:
        assert self._control is not None, "a socket asks for it"
        states = await self._states()
        return MachineDescription(
            self._control.name,
            os.getpid(),
            self._now(),
            sum(self._handled().values()),
            tuple(GuestDescription(name, one.state) for name, one in states.items()),
            tuple(describe_devices(self._machine)),
        )


class _Desk(Actor[Joined | Notice]):
    """Takes what the processes say."""

    def __init__(self, join: Callable[[Joined], None]) -> None:
        self._join = join

    @receive
    def joined(self, message: Joined) -> Admitted:
        """Admit a process that has started."""
        self._join(message)
        return Admitted()

    @receive
    def notice(self, message: Notice) -> None:
        """Log a line of a process as if it was of this one."""
        logging.getLogger(message.logger).log(message.level, "%s", message.text)


@contextlib.contextmanager
def _opened(folder: Path) -> Generator[int]:
    """Hold a folder open; return its descriptor."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


async def _all_over(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
