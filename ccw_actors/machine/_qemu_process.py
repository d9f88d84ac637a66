"""QemuProcess: the process of a guest's QEMU, its console and its standard error."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections import deque
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple

from ccw_actors.errors import ClientError, QmpConnectionError
from ccw_actors.machine._build import guest_path
from ccw_actors.machine._config import ConsoleTarget, QemuGuest
from ccw_actors.runtime import ActorRef, System
from ccw_actors.vfio import (
    AddDevice,
    Client,
    ClientProcess,
    ClientProcessMessage,
    ClientToStorage,
    Console,
    ProcessEnded,
    Qmp,
    ShownFiles,
    SystemCalls,
    command_line,
    raw_terminal,
    spawn_client,
)

__all__ = ["QemuProcess"]

log = logging.getLogger("ccw_actors.qemu")

_WORDS_MAX: Final = 20


class _Ends(NamedTuple):
    """Our ends of the connections with a QEMU."""

    console: socket.socket
    control: socket.socket
    errors: int

    def close(self) -> None:
        self.console.close()
        self.control.close()
        os.close(self.errors)


class QemuProcess:
    """The process of one guest; the files that describe devices to it are in `folder`.

    `words` are the last lines of its standard error, `qmp` its monitor, None until QEMU
    has greeted.
    """

    def __init__(self, system: System, guest: QemuGuest, folder: Path) -> None:
        self._system = system
        self._guest = guest
        self._folder = folder
        self._stack = AsyncExitStack()
        self._over: asyncio.Future[None] | None = None
        self._reaping: asyncio.Task[None] | None = None
        self.words: deque[str] = deque(maxlen=_WORDS_MAX)
        self.qmp: Qmp | None = None

    @property
    def emulator(self) -> ActorRef[ClientProcessMessage]:
        """The actor that answers for the process."""
        return self._system.ref(f"{guest_path(self._guest)}/emulator")

    async def start(
        self,
        program: Path,
        options: list[str],
        devices: tuple[AddDevice, ...],
        storage: ActorRef[ClientToStorage],
    ) -> None:
        """Start the process with these options, and the actor that answers for it.

        Raises:
            UnsupportedHostError: This computer does not let other processes be guests.
            ClientError: It cannot be started, or its console file cannot be opened.
        """
        output, source = self._open_console()
        client, ends = await self._spawn(program, options)
        calls = SystemCalls(client.listener)
        files = ShownFiles(self._folder, calls)
        self._system.spawn(
            ClientProcess(client.process.pid, calls, storage, files, devices),
            self.emulator.path,
        )
        relay = Console(ends.console, output, source, _interrupt)
        self._stack.callback(relay.close)
        relay.start()
        self._watch(client, ends.errors)
        # If QEMU has ended already, the report will say why.
        with contextlib.suppress(QmpConnectionError):
            self.qmp = await self._stack.enter_async_context(Qmp(ends.control))

    async def _spawn(self, program: Path, options: list[str]) -> tuple[Client, _Ends]:
        """Start the process; return it with our ends of the connections."""
        console, their_console = socket.socketpair()
        control, their_control = socket.socketpair()
        errors, their_errors = os.pipe()
        ends = _Ends(console, control, errors)
        argv = command_line(
            program,
            self._guest,
            options,
            console=their_console.fileno(),
            qmp=their_control.fileno(),
        )
        try:
            with their_console, their_control:
                client = await spawn_client(
                    argv,
                    pass_fds=(their_console.fileno(), their_control.fileno()),
                    stderr=their_errors,
                )
        except OSError as error:
            ends.close()
            raise ClientError(f"{program}: {error.strerror}") from error
        except BaseException:
            ends.close()
            raise
        finally:
            os.close(their_errors)
        return client, ends

    def _watch(self, client: Client, errors: int) -> None:
        """Read the standard error of the process, and report its end to the actor."""
        reader = threading.Thread(target=self._hear, args=(errors,), daemon=True)
        reader.start()
        loop = asyncio.get_running_loop()
        pidfd = os.pidfd_open(client.process.pid)

        async def reap() -> None:
            # The last lines are wanted, but another process may keep the pipe open.
            await asyncio.to_thread(reader.join, 1)
            self.emulator.tell(ProcessEnded(client.process.wait()))

        def ended() -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            over.set_result(None)
            self._reaping = loop.create_task(reap())

        self._over = over = loop.create_future()
        loop.add_reader(pidfd, ended)

    def _open_console(self) -> tuple[int, int | None]:
        """Return the descriptors for the console's output and, if any, its input."""
        target = self._guest.console or ConsoleTarget(Path(os.devnull))
        if target.file is None:
            return 1, self._open_terminal()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            output = os.open(target.file, flags, 0o666)
        except OSError as error:
            raise ClientError(f"{target.file}: {error.strerror}") from error
        self._stack.callback(os.close, output)
        return output, None

    def _open_terminal(self) -> int | None:
        """Return standard input, unbuffered if it is a terminal; None if closed."""
        source: int | None = None
        with contextlib.suppress(OSError, ValueError):
            source = sys.stdin.fileno()
        if source is not None:
            self._stack.enter_context(raw_terminal(source))
        return source

    def _hear(self, errors: int) -> None:
        """Keep and log the lines that QEMU writes; in a thread."""
        with os.fdopen(errors, errors="replace") as file:
            for line in file:
                self.words.append(line.rstrip("\n"))
                log.info("%s: %s", self._guest.name, self.words[-1])

    async def close(self) -> None:
        """End the process, if it is running, and release its resources."""
        self.emulator.stop(drain=False)
        await self.emulator.stopped()
        if self._over is not None:
            await self._over
        if self._reaping is not None:
            await self._reaping
        await self._stack.aclose()


def _interrupt() -> None:
    """Do what Ctrl-C does; from any thread."""
    os.kill(os.getpid(), signal.SIGINT)
