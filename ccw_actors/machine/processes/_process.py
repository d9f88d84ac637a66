"""PartProcess: one process of a machine as its parent sees it."""

import asyncio
import contextlib
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

import ccw_actors
from ccw_actors.errors import CcwActorsError
from ccw_actors.machine._results import GuestProgress, GuestResult
from ccw_actors.machine.processes._host_parts import HostParts
from ccw_actors.machine.processes._messages import (
    AwaitPartGuest,
    DescribePart,
    EndPart,
    Joined,
    PartEnd,
    asked,
    progress_of,
    result_of,
)
from ccw_actors.machine.processes._plan import SIGNALLED, Part
from ccw_actors.runtime import ActorRef, Request

__all__ = ["PartProcess"]

_TERMINATED: Final = SIGNALLED + signal.SIGTERM
_PATIENCE: Final = 1.0
"""Seconds for a process to describe itself, which a busy guest can keep it from."""

_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[3]); import ccw_actors; del sys.path[0];"
    " from ccw_actors.machine.processes._child import main;"
    " main(sys.argv[1], int(sys.argv[2]))"
)
"""The child has the same code as this process, wherever that was found."""


class PartProcess:
    """A process that runs some guests, from its start to its end.

    It reads its `part` from `file`, and gets the descriptor `folder`. `ended` is called
    with each guest's name and its result, once; not for a guest that `end` has stopped.
    `parts` are the host's parts of guests, which are freed if the process dies.
    `messages` are those that it has handled, by type, as far as is known. `origin` is
    when its System's clock began, None before it has joined.
    """

    def __init__(
        self,
        part: Part,
        file: Path,
        folder: int,
        ended: Callable[[str, GuestResult], None],
        *,
        parts: HostParts,
    ) -> None:
        self.part = part
        self.messages: dict[str, int] = {}
        self.origin: float | None = None
        self.end_report: PartEnd | None = None
        self._file = file
        self._folder = folder
        self._ended = ended
        self._parts = parts
        self._progress: dict[str, GuestProgress] = {}
        self._actor: ActorRef[Any] | None = None
        self._joined = asyncio.Event()
        self._exit: asyncio.Task[int] | None = None
        self._pid = 0
        self._is_ending = False

    @property
    def name(self) -> str:
        """The name of the process in the machine file."""
        return self.part.process

    @property
    def in_the_way(self) -> str:
        """Why it has not stopped although it was told to, "" if it was not or has."""
        if not self._is_ending or self.end_report is not None or not self._is_alive:
            return ""
        return f"process {self.name} ({self._pid}) does not answer"

    @property
    def has_died(self) -> bool:
        """Whether it was ended at once after it had joined, and left its trace open."""
        if self._actor is None or self._exit is None or not self._exit.done():
            return False
        return self._exit.cancelled() or self._exit.result() not in (0, _TERMINATED)

    @property
    def _is_alive(self) -> bool:
        return self._exit is not None and not self._exit.done()

    async def run(self) -> None:
        """Start it, and wait for the end of all its guests.

        When cancelled, or after a failure, call `end` all the same.
        """
        self._file.write_bytes(msgspec.json.encode(self.part))
        life, life_end = os.pipe()
        try:
            self._exit = await self._started(life, life_end)
        except BaseException as error:
            os.close(life_end)
            if not isinstance(error, OSError):
                raise
            self._all_failed(f"cannot be started: {error.strerror}")
            return
        finally:
            os.close(life)
        joined = asyncio.ensure_future(self._joined.wait())
        both: set[asyncio.Future[Any]] = {joined, self._exit}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            joined.cancel()
        async with asyncio.TaskGroup() as group:
            for guest in self.part.guests:
                group.create_task(self._run_guest(guest))

    async def _started(self, life: int, life_end: int) -> asyncio.Task[int]:
        code = Path(ccw_actors.__file__).parent.parent
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _START),
            *(str(self._file), str(life), str(code)),
            pass_fds=(life, self._folder),
        )
        self._pid = child.pid

        async def exited() -> int:
            try:
                return await child.wait()
            finally:
                os.close(life_end)

        return asyncio.create_task(exited())

    def join(self, joined: Joined) -> None:
        """Take what it says when it has started."""
        self.origin, self._actor = joined.origin, joined.part
        self._joined.set()

    async def _run_guest(self, guest: str) -> None:
        if self._actor is not None:
            with contextlib.suppress(CcwActorsError):
                self._ended(guest, await self._result_of(guest, self._actor))
                return
        assert self._exit is not None, "it has started"
        await asyncio.wait({self._exit})
        if not self._is_ending:
            await self._died(guest)

    async def _result_of(self, guest: str, actor: ActorRef[Any]) -> GuestResult:
        """Wait for the result of a guest, or for an actor of the host's part to fail.

        Raises:
            CcwActorsError: The process has ended before.
        """
        asked = asyncio.ensure_future(
            actor.ask(AwaitPartGuest(guest), timeout=math.inf)
        )
        defect = self._parts.defect(guest)
        first: set[asyncio.Future[Any]] = {asked, defect}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if defect.done():
                return GuestResult(error=defect.result())
            return result_of(asked.result())
        finally:
            asked.cancel()

    async def _died(self, guest: str) -> None:
        """Free what the host has of a guest, and say how its process has ended."""
        left = await self._parts.release(guest)
        why = "; ".join([self._why_ended(), *(left or ())])
        self._fail(guest, why, released=UNSET if left is None else not left)

    def _all_failed(self, why: str) -> None:
        for guest in self.part.guests:
            self._fail(guest, why)

    def _fail(
        self, guest: str, why: str, *, released: bool | UnsetType = UNSET
    ) -> None:
        number = f" ({self._pid})" if self._pid else ""
        error = f"process {self.name}{number} {why}"
        self._ended(guest, GuestResult(error=error, released=released))

    def _why_ended(self) -> str:
        """Say how it has ended, although its guests had not."""
        assert self._exit is not None, "it has started"
        with contextlib.suppress(OSError):
            return f"failed: {self._file.with_suffix('.error').read_text()}"
        status = self._exit.result()
        number = -status if status < 0 else status - SIGNALLED
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(number).name}"
        return f"ended with status {status}"

    # -- while it runs -----------------------------------------------------------------

    async def progress(self) -> dict[str, GuestProgress]:
        """Return how far its guests have come; what was last known if it is busy."""
        if self._actor is not None and self._is_alive:
            with contextlib.suppress(CcwActorsError):
                state = await self._actor.ask(DescribePart(), timeout=_PATIENCE)
                self.messages = state.messages
                self._progress = progress_of(state)
        return self._progress

    async def ask(self, request: Request[Any]) -> Any:
        """Have it answer a request about its devices or guests.

        Raises:
            CcwActorsError: It cannot, or has ended.
        """
        if self._actor is None or not self._is_alive:
            ended = self._exit is not None and self._exit.done()
            state = "has ended" if ended else "has not started"
            raise CcwActorsError(f"process {self.name} {state}")
        return await asked(self._actor, request)

    # -- its end -----------------------------------------------------------------------

    async def end(self) -> None:
        """Have it stop its guests where they are, and wait for its end."""
        self._is_ending = True
        if self._exit is None:
            return
        if self._actor is None:
            await self._end_early(self._exit)
            return
        asked = asyncio.ensure_future(self._actor.ask(EndPart(), timeout=math.inf))
        both: set[asyncio.Future[Any]] = {asked, self._exit}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            with contextlib.suppress(CcwActorsError):
                self.end_report = asked.result()
                self.messages = self.end_report.messages
        asked.cancel()
        await asyncio.wait({self._exit})

    async def _end_early(self, exit_: asyncio.Task[int]) -> None:
        """End it before its guests have begun."""
        with contextlib.suppress(ProcessLookupError):
            if not exit_.done():
                os.kill(self._pid, signal.SIGTERM)
        await asyncio.wait({exit_})
