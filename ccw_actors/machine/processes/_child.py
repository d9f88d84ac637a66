"""One process of a machine: it runs its guests, and answers to the parent.

| event | what happens |
|---|---|
| the parent asks it to end | guests stop where they are, volumes and trace are closed |
| SIGTERM | the same; the exit status is 143 |
| SIGINT, SIGHUP | nothing: a terminal sends them to the parent as well |
| the link, or the pipe, to the parent ends | as the first, but it has two seconds |
"""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from ccw_actors.actors.guest import describe
from ccw_actors.control import Handler, control_actor
from ccw_actors.machine._host_part import GuestHost
from ccw_actors.machine._machine_file import MachineSource
from ccw_actors.machine._run import MachineRun
from ccw_actors.machine.processes._messages import (
    DESK,
    HOST_PARTS,
    LINK,
    AwaitPartGuest,
    DescribePart,
    EndPart,
    Joined,
    Notice,
    PartEnd,
    PartGuestEnded,
    PartState,
)
from ccw_actors.machine.processes._plan import SIGNALLED, Part
from ccw_actors.machine.processes._remote_host import RemoteHost
from ccw_actors.runtime import ActorRef, Request, System
from ccw_actors.trace import open_trace

__all__ = ["main"]

_GRACE: Final = 2.0
"""Seconds for an end in order after the parent has died."""


def main(file: str, life: int) -> None:
    """Do what the file says while the pipe `life` is open; then end the process."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        # Not SIG_IGN, which a QEMU would inherit.
        signal.signal(ignored, lambda _number, _frame: None)
    # What comes when the link has gone is for nobody, not for standard error.
    logging.getLogger("ccw_actors").addHandler(logging.NullHandler())
    path = Path(file)
    part = msgspec.json.decode(path.read_bytes(), type=Part)
    if part.prints_to_stderr:
        sys.stdout = sys.stderr
    try:
        status = _Process(part, life).run()
    except Exception as error:  # noqa: BLE001 - the parent reports it
        status = 1
        with contextlib.suppress(OSError):
            path.with_suffix(".error").write_text(describe(error))
    sys.exit(status)


class _Process:
    """The run of some guests, as the parent's."""

    def __init__(self, part: Part, life: int) -> None:
        self._part = part
        self._life = life
        self._status = 0
        machine = MachineSource(Path(part.path), part.text).machine()
        trace = None
        if part.trace is not None:
            trace = open_trace(Path(part.trace), size_max=part.trace_size)
        self._run = MachineRun(
            machine,
            trace=trace,
            takes_faults=part.takes_faults,
            guests=frozenset(part.guests),
            name=part.process,
            service=self,
        )

    def run(self) -> int:
        """Run to the end; return the exit status."""
        with asyncio.Runner(loop_factory=_loop_factory(self._part)) as runner:
            runner.run(self._work())
        return self._status

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        watch = threading.Thread(target=self._watch, args=(loop,), daemon=True)
        watch.start()
        await self._run.run()

    def _terminate(self) -> None:
        self._status = SIGNALLED + signal.SIGTERM
        self._run.stop()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the end of the parent; on a thread, as a guest may keep the loop."""
        while os.read(self._life, 1):
            pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._run.stop)
        threading.Event().wait(_GRACE)
        self._run.abandon()
        os._exit(1)

    @asynccontextmanager
    async def serving(self, system: System) -> AsyncGenerator[GuestHost | None]:
        """Link the System with the parent's, and answer its requests.

        It has the host that the parent shares, None if each guest has its own part.
        """
        part = self._part
        path = f"{DESK}/{part.process}"
        actor = system.spawn(control_actor(self._handlers()), path)
        link = await system.connect(part.address, LINK)
        desk = await link.ref(DESK)
        origin = asyncio.get_running_loop().time() - system.now()
        await desk.ask(Joined(part.process, os.getpid(), origin, actor))
        notices = _Notices(desk, asyncio.get_running_loop())
        log = logging.getLogger("ccw_actors")
        log.setLevel(logging.INFO)  # the parent's loggers decide
        log.addHandler(notices)
        orphaned = asyncio.create_task(_call_after(link.ended(), self._run.stop))
        host = None
        if part.placement == "shared-host":
            host = RemoteHost(link, await link.ref(HOST_PARTS))
        try:
            yield host
        finally:
            log.removeHandler(notices)
            orphaned.cancel()
            actor.stop(drain=False)
            await actor.stopped()

    def _handlers(self) -> Mapping[type[Request[Any]], Handler]:
        return {
            AwaitPartGuest: self._await_guest,
            DescribePart: self._describe,
            EndPart: self._end,
            **self._run.live_handlers(),
        }

    async def _await_guest(self, request: AwaitPartGuest) -> PartGuestEnded:
        result = await self._run.result_of(request.guest)
        return PartGuestEnded(msgspec.msgpack.encode(result))

    async def _describe(self, _request: DescribePart) -> PartState:
        guests = await self._run.progress()
        messages = self._run.so_far("").system.messages
        return PartState(messages, msgspec.msgpack.encode(guests))

    def _end(self, _request: EndPart) -> PartEnd:
        self._run.flush()
        so_far = self._run.so_far("")
        self._run.stop()
        return PartEnd(
            so_far.system.messages, so_far.trace_cut or 0, so_far.trace_error or ""
        )


class _Notices(logging.Handler):
    """Sends lines of the log to the parent, from any thread."""

    def __init__(self, desk: ActorRef[Notice], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.INFO)
        self._desk = desk
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line."""
        notice = Notice(record.name, record.levelno, record.getMessage())
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._desk.tell, notice)


async def _call_after(event: Any, call: Callable[[], None]) -> None:
    await event
    call()


def _loop_factory(part: Part) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if not part.uvloop:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop]
    factory = importlib.import_module("uvloop").new_event_loop
    return factory
