"""Runs a machine for a command: its name, its trace, its end, what the user sees."""

import asyncio
import contextlib
import logging
import resource
import signal
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Annotated, NamedTuple, Self, TypeAlias

import typer
from rich.live import Live

from ccw_actors.cli._loops import LoopFactory
from ccw_actors.cli._printing import complain, new_console, print_no_log, say_json
from ccw_actors.cli._run_view import progress_view, show_result
from ccw_actors.cli._signals import SignalWatch, place_of
from ccw_actors.cli._streams import KeptStreams
from ccw_actors.control import NAME_RULE, ControlSocket, is_name, name_from
from ccw_actors.errors import ControlError, TraceInUseError
from ccw_actors.machine import (
    STOPPED,
    Machine,
    MachineRun,
    MachineSource,
    Placement,
    Progress,
    QemuGuest,
    RunResult,
    begin_trace,
)
from ccw_actors.machine.processes import ProcessesRun, placed
from ccw_actors.trace import TraceTarget

__all__ = [
    "TRACE",
    "End",
    "Processes",
    "TakesFaults",
    "begin_a_trace",
    "check_name",
    "claim_name",
    "print_result",
    "run_shown",
]

TRACE = Path("ccw-actors.trace")
"""The file of a trace, unless the user names another."""

TakesFaults: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--faults", help="Let 'ccw-actors fault' make faults happen to every device."
    ),
]

_TRACES_MAX = 100


class _Notices(logging.Handler):
    """Prints notices of images, such as a write that was undone, and of QEMUs."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(record.getMessage())


_NOTICES = _Notices(logging.INFO)


class Processes(NamedTuple):
    """How a machine runs in several processes; see `ProcessesRun`."""

    source: MachineSource
    number: int | None
    trace_size: int | None
    placement: Placement | None

    @classmethod
    def of(
        cls,
        source: MachineSource,
        machine: Machine,
        number: int | None,
        trace_size: int | None,
        placement: Placement | None,
    ) -> Self | None:
        """Return None if nobody asks for more than one process.

        Refuse a placement without several processes, and one that does not fit.
        """
        if number is None and all(guest.process is None for guest in machine.guests):
            if where := placement or machine.placement:
                raise typer.BadParameter(
                    f"{where} is for guests in several processes, but none names its"
                    " process; expected --processes N, or process in the machine file",
                    param_hint="--placement",
                )
            return None
        placed(machine, placement, str(source.path))
        return cls(source, number, trace_size, placement)


class End(NamedTuple):
    """How a run ended; if something stopped it, as which signal, and why."""

    result: RunResult
    stopped_as: signal.Signals | None = None
    why: str = ""

    @property
    def status(self) -> int:
        """The exit status of the command."""
        if self.stopped_as is not None:
            return 128 + self.stopped_as
        return 0 if self.result.finished else 1


def run_shown(
    machine: Machine,
    trace: TraceTarget | None,
    control: ControlSocket | None,
    *,
    as_json: bool,
    takes_faults: bool = False,
    new_loop: LoopFactory | None = None,
    processes: Processes | None = None,
) -> End:
    """Run a machine to its end, and show it at work on a terminal."""
    # A device takes a few descriptors, and the usual limit is 1024.
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with _notices_printed(), KeptStreams(stdout_for_us=as_json) as streams:
        running = _Running(
            machine,
            trace,
            control,
            streams,
            as_json=as_json,
            takes_faults=takes_faults,
            uvloop=new_loop is not None,
            processes=processes,
        )
        return running.run(new_loop)


@contextlib.contextmanager
def _notices_printed() -> Generator[None]:
    """Print the notices of images and QEMUs while this lasts, and no other log."""
    print_no_log()
    loggers = [logging.getLogger(f"ccw_actors.{name}") for name in ("images", "qemu")]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        logger.addHandler(_NOTICES)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(_NOTICES)


def check_name(name: str | None, option: str = "--name") -> None:
    """Refuse a name that no machine can have, before anything is done."""
    if name is not None and not is_name(name):
        raise typer.BadParameter(
            f"expected {NAME_RULE}, got {name[:80]!r}", param_hint=option
        )


def claim_name(name: str | None, usual: str) -> ControlSocket | None:
    """Claim the user's name, or else the usual one, with a number if it is taken.

    Returns None if the usual name cannot have a socket.
    """
    if name is not None:
        return ControlSocket.claim(name)
    try:
        return ControlSocket.claim(name_from(usual), numbered=True)
    except ControlError as error:
        complain(f"the machine runs without a control socket: {error}")
        return None


def begin_a_trace(
    machine: Machine, trace: Path | None, inputs: list[Path], size_max: int | None
) -> TraceTarget:
    """Open the trace at the user's path, or else at one that no other run uses."""
    if trace is not None:
        return begin_trace(machine, trace, size_max=size_max, inputs=inputs)
    for number in range(1, _TRACES_MAX):
        name = TRACE if number == 1 else Path(f"{TRACE.stem}-{number}{TRACE.suffix}")
        with contextlib.suppress(TraceInUseError):
            return begin_trace(machine, name, size_max=size_max, inputs=inputs)
    raise TraceInUseError(
        f"{_TRACES_MAX - 1} other runs write traces in this folder; use --trace FILE"
    )


class _Running:
    """A machine at work, and a thread that waits for signals."""

    def __init__(
        self,
        machine: Machine,
        trace: TraceTarget | None,
        control: ControlSocket | None,
        streams: KeptStreams,
        *,
        as_json: bool,
        takes_faults: bool,
        uvloop: bool,
        processes: Processes | None,
    ) -> None:
        self._streams = streams
        self._as_json = as_json
        self._show: Callable[[Progress], None] = lambda _progress: None
        self._console = new_console()
        is_free = not as_json and not _has_terminal(machine)
        self._is_live = is_free and self._console.is_terminal
        on_progress = self._tell if self._is_live else None
        self._machine_run: MachineRun | ProcessesRun
        if processes is None:
            self._machine_run = MachineRun(
                machine,
                trace=trace,
                on_progress=on_progress,
                control=control,
                takes_faults=takes_faults,
            )
        else:
            self._machine_run = ProcessesRun(
                processes.source,
                machine,
                count=processes.number,
                trace=trace,
                trace_size=processes.trace_size,
                on_progress=on_progress,
                control=control,
                takes_faults=takes_faults,
                placement=processes.placement,
                uvloop=uvloop,
                prints_to_stderr=as_json,
            )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[RunResult] | None = None
        self._is_stopping = False
        self._main = threading.get_ident()

    def run(self, new_loop: LoopFactory | None) -> End:
        """Run to the end, or until a signal or a request to stop."""
        watch = SignalWatch(
            stop=self._stop,
            is_stopping=self._goes_on_stopping,
            hint=self._in_the_way,
            last_words=self._last_words,
        )
        with self._live(), watch:
            try:
                with asyncio.Runner(loop_factory=new_loop) as runner:
                    result = runner.run(self._work(watch))
            except asyncio.CancelledError:
                assert watch.first is not None, "only a signal cancels it"
                why = f"stopped by {watch.first.name}"
                return End(self._machine_run.so_far(why), watch.first, why)
        if self._machine_run.is_stopped:
            return End(result, signal.SIGTERM, STOPPED)
        return End(result)

    async def _work(self, watch: SignalWatch) -> RunResult:
        watch.claim()
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        return await self._machine_run.run()

    def _stop(self, _number: signal.Signals) -> None:
        """Cancel the run; on the watching thread."""

        def cancel() -> None:
            self._is_stopping = True
            if self._task is not None:
                self._task.cancel()

        # The signal may come before the loop does, or after it has gone.
        while self._loop is None:
            threading.Event().wait(0.01)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(cancel)

    def _goes_on_stopping(self) -> bool:
        """Whether the first signal had an effect; on the watching thread."""
        return self._is_stopping and not self._machine_run.in_the_way

    def _in_the_way(self) -> str:
        """Return what keeps the run from stopping; on the watching thread."""
        if in_the_way := self._machine_run.in_the_way:
            return in_the_way
        if not self._is_stopping:
            path = self._machine_run.running
            who = f"{_who(path)} spins" if path else "the run is stuck"
            return f"{who}, at {place_of(self._main)}"
        threads = [
            f"{_who(thread.name.removeprefix('actor '))} does not end, at"
            f" {place_of(thread.ident or 0)}"
            for thread in threading.enumerate()
            if _is_of_a_program(thread)
        ]
        return "; ".join(threads) or "the run is being stopped"

    def _last_words(self, number: signal.Signals) -> None:
        """Print the results so far, and why there are no more; on that thread."""
        in_the_way = self._in_the_way()
        self._streams.restore()
        self._machine_run.abandon()
        complain(f"ended by {number.name}: {in_the_way}")
        if self._as_json or self._machine_run.is_any_over:
            why = f"ended by {number.name}: {in_the_way}"
            print_result(self._machine_run.so_far(why), as_json=self._as_json)
            sys.stdout.flush()

    def _tell(self, progress: Progress) -> None:
        self._show(progress)

    @contextlib.contextmanager
    def _live(self) -> Generator[None]:
        if not self._is_live:
            yield
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            self._show = lambda progress: live.update(
                progress_view(progress), refresh=True
            )
            yield


def _who(path: str) -> str:
    """Name the guest, or else the actor, at a path."""
    name, _, rest = path.partition("/")
    return f"guest {name}" if rest in ("cpu0", "program") else f"actor {path}"


def print_result(result: RunResult, *, as_json: bool) -> None:
    """Print a result as tables, or as JSON."""
    if as_json:
        say_json(result)
    else:
        show_result(result)


def _has_terminal(machine: Machine) -> bool:
    """Whether the console of a guest is the terminal."""
    return any(
        isinstance(guest, QemuGuest) and guest.console and not guest.console.file
        for guest in machine.guests
    )


def _is_of_a_program(thread: threading.Thread) -> bool:
    return thread.name.startswith("actor ") and thread.name.endswith("/program")
