"""`ccw-actors run`: run a machine, show it working, and say what came of it."""

import asyncio
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.live import Live

from ccw_actors.cli.printing import complain, new_console, say_json
from ccw_actors.cli.run_view import progress_view, result_view
from ccw_actors.cli.signals import SignalWatch, place_of
from ccw_actors.cli.sizes import size_option
from ccw_actors.cli.streams import KeptStreams
from ccw_actors.control import NAME_RULE, ControlSocket, is_name, name_from
from ccw_actors.errors import ControlError, TraceInUseError
from ccw_actors.machine import (
    SHIPPED_MACHINE,
    STOPPED,
    Machine,
    MachineRun,
    Progress,
    RunResult,
    begin_trace,
    load_machine,
)
from ccw_actors.trace import TRACE_SIZE, TraceTarget

__all__ = ["run"]

TRACE = Path("ccw-actors.trace")
_TRACES_MAX = 100
_ALL = "all"
_NO_LOG = logging.NullHandler()  # errors are told as results


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
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The name by which 'ccw-actors machines' and 'stop' know the machine"
            " (default: that of its file, and a number if it is taken).",
            show_default=False,
        ),
    ] = None,
    no_control: Annotated[
        bool,
        typer.Option("--no-control", help="Listen to no other command meanwhile."),
    ] = False,
) -> None:
    """Run a machine until the programs of all its guests are over.

    Exit status: 0 if every guest finished, 1 if one did not, 2 if the machine file,
    its name or the place of the trace is wrong, 130 after Ctrl-C, 143 after SIGTERM or
    'ccw-actors stop', 129 after SIGHUP. What guests that are over have found is printed
    even then. A second signal ends the process at once.
    """
    if no_trace and trace is not None:
        raise typer.BadParameter("--trace and --no-trace exclude each other")
    if no_control and name is not None:
        raise typer.BadParameter("--name and --no-control exclude each other")
    if name is not None and not is_name(name):
        raise typer.BadParameter(
            f"expected {NAME_RULE}, got {name[:80]!r}", param_hint="--name"
        )
    size_max = None
    if trace_size != _ALL:
        size_max = size_option(trace_size, "--trace-size", least=1 << 16)
    logging.getLogger("ccw_actors").addHandler(_NO_LOG)
    machine = load_machine(machine_file or SHIPPED_MACHINE)
    with contextlib.ExitStack() as stack:
        control = None
        if not no_control:
            control = _claim(name, machine_file or SHIPPED_MACHINE)
        if control is not None:
            stack.callback(control.close)
        target = None
        if not no_trace:
            inputs = [] if machine_file is None else [machine_file]
            target = _begin_trace(machine, trace, inputs, size_max)
        streams = stack.enter_context(KeptStreams(stdout_for_us=as_json))
        end = _Running(machine, target, control, streams, as_json=as_json).run()
    _print(end.result, end.why, as_json=as_json)
    if end.stopped_as is not None:
        raise typer.Exit(128 + end.stopped_as)
    if not end.result.finished:
        raise typer.Exit(1)


def _claim(name: str | None, machine_file: Path) -> ControlSocket | None:
    """Take the name that the user says; else one that no other machine has."""
    if name is not None:
        return ControlSocket.claim(name)
    try:
        return ControlSocket.claim(name_from(machine_file.stem), numbered=True)
    except ControlError as error:  # nobody has asked for it
        complain(f"the machine runs without a control socket: {error}")
        return None


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


class _End(NamedTuple):
    """How a run ended: if something stopped it, as by that signal, and why."""

    result: RunResult
    stopped_as: signal.Signals | None = None
    why: str = ""


class _Running:
    """A machine at work, with somebody who waits for signals."""

    def __init__(
        self,
        machine: Machine,
        trace: TraceTarget | None,
        control: ControlSocket | None,
        streams: KeptStreams,
        *,
        as_json: bool,
    ) -> None:
        self._streams = streams
        self._as_json = as_json
        self._show: Callable[[Progress], None] = lambda _progress: None
        self._console = new_console()
        self._is_live = not as_json and self._console.is_terminal
        self._machine_run = MachineRun(
            machine,
            trace=trace,
            on_progress=self._tell if self._is_live else None,
            control=control,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[RunResult] | None = None
        self._is_stopping = False
        self._main = threading.get_ident()

    def run(self) -> _End:
        """Run to the end, or until a signal or a request to stop."""
        watch = SignalWatch(
            stop=self._stop,
            is_stopping=lambda: self._is_stopping,
            hint=self._in_the_way,
            last_words=self._last_words,
        )
        with self._live(), watch:
            try:
                result = asyncio.run(self._work())
            except asyncio.CancelledError:
                assert watch.first is not None, "nothing else cancels it"
                why = f"stopped by {watch.first.name}"
                return _End(self._machine_run.so_far(why), watch.first, why)
        if self._machine_run.is_stopped:
            return _End(result, signal.SIGTERM, STOPPED)
        return _End(result)

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


def _print(result: RunResult, why: str, *, as_json: bool) -> None:
    """Print a result; `why` says what stopped the run, "" if nothing did."""
    if why:
        traced = f"; trace in {result.trace}" if result.trace else ""
        complain(f"{why}{traced}")
    is_any_over = any(guest.error != why for guest in result.guests.values())
    if as_json or not why or is_any_over:
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
