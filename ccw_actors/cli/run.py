"""`ccw-actors run`: run a machine, show it working, and say what came of it."""

import asyncio
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from ccw_actors.cli.printing import complain, new_console, say_json
from ccw_actors.cli.run_view import ending, progress_view, result_view
from ccw_actors.cli.signals import SignalWatch, place_of
from ccw_actors.cli.sizes import size_option
from ccw_actors.cli.streams import KeptStreams
from ccw_actors.errors import TraceInUseError
from ccw_actors.machine import (
    SHIPPED_MACHINE,
    Machine,
    MachineRun,
    Progress,
    QemuGuest,
    RunResult,
    begin_trace,
    load_machine,
)
from ccw_actors.trace import TRACE_SIZE, TraceTarget

__all__ = ["run", "run_guest"]

TRACE = Path("ccw-actors.trace")
_TRACES_MAX = 100
_ALL = "all"
_NO_LOG = logging.NullHandler()  # errors are told as results


class _Notices(logging.Handler):
    """Prints what is said of images, such as that a write was undone."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(record.getMessage())


_NOTICES = _Notices(logging.INFO)


def run(
    machine_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="MACHINE.TOML",
            help="The machine to run; without it, one that comes with the package.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, nothing else.")
    ] = False,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace",
            metavar="FILE",
            help=f"Where to write the trace (default: {TRACE}). A file that is there is"
            " replaced if it is a trace.",
            show_default=False,
        ),
    ] = None,
    trace_size: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="How much of the trace to keep, its newest part: bytes, '1 GiB', or"
            f" '{_ALL}'.",
        ),
    ] = f"{TRACE_SIZE >> 20} MiB",
    no_trace: Annotated[
        bool, typer.Option("--no-trace", help="Write no trace.")
    ] = False,
) -> None:
    """Run a machine until the programs of all its guests are over.

    Exit status: 0 if every guest finished, 1 if one did not, 2 if the machine file or
    the place of the trace is wrong, 130 after Ctrl-C, 143 after SIGTERM, 129 after
    SIGHUP. What guests that are over have found is printed even then. A second signal
    ends the process at once.
    """
    if no_trace and trace is not None:
        raise typer.BadParameter("--trace and --no-trace exclude each other")
    size_max = None
    if trace_size != _ALL:
        size_max = size_option(trace_size, "--trace-size", least=1 << 16)
    _prepare_logs()
    machine = load_machine(machine_file or SHIPPED_MACHINE)
    target = None
    if not no_trace:
        inputs = [] if machine_file is None else [machine_file]
        target = _begin_trace(machine, trace, inputs, size_max)
    with KeptStreams(stdout_for_us=as_json) as streams:
        stopped, result = _Running(machine, target, streams, as_json=as_json).run()
    _print(result, stopped, as_json=as_json)
    if stopped is not None:
        raise typer.Exit(128 + stopped)
    if not result.finished:
        raise typer.Exit(1)


def run_guest(machine: Machine, *, trace: Path | None, as_json: bool) -> None:
    """Run a machine of one guest, which has the terminal; say how it has ended."""
    _prepare_logs()
    target = None if trace is None else _begin_trace(machine, trace, [], TRACE_SIZE)
    with KeptStreams(stdout_for_us=as_json) as streams:
        stopped, result = _Running(machine, target, streams, as_json=as_json).run()
    if as_json:
        say_json(result)
    for guest in result.guests.values():
        if guest.error is not None:
            complain(guest.error)
        else:
            complain(ending(guest))
    if stopped is not None:
        raise typer.Exit(128 + stopped)
    if not result.finished:
        raise typer.Exit(1)


def _prepare_logs() -> None:
    logging.getLogger("ccw_actors").addHandler(_NO_LOG)
    images = logging.getLogger("ccw_actors.images")
    images.setLevel(logging.INFO)
    images.addHandler(_NOTICES)


def _begin_trace(
    machine: Machine, trace: Path | None, inputs: list[Path], size_max: int | None
) -> TraceTarget:
    """Open the trace where the user says; else by a name that no other run uses."""
    if trace is not None:
        return begin_trace(machine, trace, size_max=size_max, inputs=inputs)
    for number in range(1, _TRACES_MAX):
        name = TRACE if number == 1 else Path(f"{TRACE.stem}-{number}{TRACE.suffix}")
        with contextlib.suppress(TraceInUseError):
            return begin_trace(machine, name, size_max=size_max, inputs=inputs)
    raise TraceInUseError(
        f"{_TRACES_MAX - 1} other runs write traces here; use --trace"
    )


class _Running:
    """A machine at work, with somebody who waits for signals."""

    def __init__(
        self,
        machine: Machine,
        trace: TraceTarget | None,
        streams: KeptStreams,
        *,
        as_json: bool,
    ) -> None:
        self._streams = streams
        self._as_json = as_json
        self._show: Callable[[Progress], None] = lambda _progress: None
        self._console = new_console()
        has_terminal = any(
            isinstance(guest, QemuGuest) and guest.console and not guest.console.file
            for guest in machine.guests
        )
        self._is_live = not as_json and not has_terminal and self._console.is_terminal
        self._machine_run = MachineRun(
            machine, trace=trace, on_progress=self._tell if self._is_live else None
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[RunResult] | None = None
        self._is_stopping = False
        self._main = threading.get_ident()

    def run(self) -> tuple[signal.Signals | None, RunResult]:
        """Run to the end, or until a signal, which is then returned, too."""
        watch = SignalWatch(
            stop=self._stop,
            is_stopping=lambda: self._is_stopping,
            hint=self._in_the_way,
            last_words=self._last_words,
        )
        with self._live(), watch:
            try:
                return None, asyncio.run(self._work())
            except asyncio.CancelledError:
                assert watch.first is not None, "nothing else cancels it"
                why = f"stopped by {watch.first.name}"
                return watch.first, self._machine_run.so_far(why)

    async def _work(self) -> RunResult:
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

    def _in_the_way(self) -> str:
        """Say who keeps the run from stopping; on the watching thread."""
        if not self._is_stopping:
            path = self._machine_run.running
            place = place_of(self._main)
            if path:
                return f"{_who(path)} spins, at {place}"
            return f"the run does not go on, at {place}"
        threads = [
            f"{_who(thread.name.removeprefix('actor '))} does not end, at"
            f" {place_of(thread.ident or 0)}"
            for thread in threading.enumerate()
            if thread.name.startswith("actor ") and thread.name.endswith("/program")
        ]
        return "; ".join(threads) or "the run is being stopped"

    def _last_words(self, number: signal.Signals) -> None:
        """Print what there is, and say why there is no more; on the watching thread."""
        in_the_way = self._in_the_way()
        self._streams.restore()
        self._machine_run.abandon()
        complain(f"ended by {number.name}: {in_the_way}")
        if self._as_json or self._machine_run.is_any_over:
            why = f"ended by {number.name}: {in_the_way}"
            _print_result(self._machine_run.so_far(why), as_json=self._as_json)
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
    """Say whose actor there is at a path."""
    name, _, rest = path.partition("/")
    return f"guest {name}" if rest in ("cpu0", "program") else f"actor {path}"


def _print(result: RunResult, stopped: signal.Signals | None, *, as_json: bool) -> None:
    why = "" if stopped is None else f"stopped by {stopped.name}"
    if stopped is not None:
        traced = f"; trace in {result.trace}" if result.trace else ""
        complain(f"{why}{traced}")
    is_any_over = any(guest.error != why for guest in result.guests.values())
    if as_json or stopped is None or is_any_over:
        _print_result(result, as_json=as_json)
    if result.trace_error:
        complain(f"{result.trace}: the trace is not whole: {result.trace_error}")
    for name, guest in result.guests.items():
        if guest.error is not None and guest.error != why:
            complain(f"guest {name}: {guest.error}")


def _print_result(result: RunResult, *, as_json: bool) -> None:
    if as_json:
        say_json(result)
    else:
        new_console().print(result_view(result))
