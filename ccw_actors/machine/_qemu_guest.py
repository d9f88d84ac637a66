"""A guest in a QEMU of its own: its actors, its process, its console, its end.

| path | actor |
|---|---|
| alice/emulator | the process, by its system calls |
| alice/storage | its memory, where it lets devices reach it |
| alice/0.0.0190/vfio-ccw | the regions of a device passed through to it |
"""

import asyncio
import contextlib
import logging
import math
import os
import signal
import socket
import sys
import threading
from collections import deque
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ccw_actors.actors import Region, VfioCcwRegions
from ccw_actors.actors.protocol import (
    AwaitGuest,
    CountPins,
    GuestReport,
    RegionsMessage,
    ReportProgress,
    StoreSubchannel,
)
from ccw_actors.errors import ClientError, QmpConnectionError, QmpError
from ccw_actors.machine._build import (
    add_disk,
    add_disks,
    add_host_subchannel,
    base_of,
    guest_path,
    host_path,
    paths_of,
    subchannel_of,
)
from ccw_actors.machine._config import (
    STORAGE_MAX,
    ConsoleTarget,
    Machine,
    PassedThrough,
    QemuGuest,
)
from ccw_actors.machine._wiring import Layers, add_driver
from ccw_actors.runtime import ActorRef, System
from ccw_actors.vfio import (
    AddDevice,
    Client,
    ClientProcess,
    ClientProcessMessage,
    ClientToStorage,
    Console,
    ProcessEnded,
    ProcessStorage,
    ProcessStorageMessage,
    Qmp,
    RemoveDevice,
    ShownFiles,
    SystemCalls,
    command_line,
    device_name,
    device_option,
    devno_of,
    find_qemu,
    raw_terminal,
    spawn_client,
    sysfsdev_of,
)

__all__ = ["QemuRun"]

log = logging.getLogger("ccw_actors.qemu")

_WORDS_MAX: Final = 20
_GRACE: Final = 10.0
"""Seconds that a guest has to shut down."""

_CHPID_FIRST: Final = 0x40
_CHPIDS: Final = 0x80


class QemuRun:
    """One guest of a machine, from the start of its QEMU to its end.

    What is on the disk for it is below `scratch`. `quit_typed` is called, in a thread,
    when its user asks for its end by typing.
    """

    def __init__(
        self,
        system: System,
        machine: Machine,
        guest: QemuGuest,
        scratch: Path,
        layers: Layers,
    ) -> None:
        self._system = system
        self._machine = machine
        self._guest = guest
        self._folder = scratch / guest.name
        self._scratch = scratch
        self._layers = replace(layers, vfio_ccw=VfioCcwRegions)
        self._stack = AsyncExitStack()
        self._words: deque[str] = deque(maxlen=_WORDS_MAX)
        self._base = 0
        self._qmp: Qmp | None = None
        self._over: asyncio.Future[None] | None = None
        self._reaping: asyncio.Task[None] | None = None

    @property
    def emulator(self) -> ActorRef[ClientProcessMessage]:
        """Who answers for the guest."""
        return self._system.ref(f"{guest_path(self._guest)}/emulator")

    @property
    def _storage(self) -> ActorRef[ProcessStorageMessage]:
        return self._system.ref(f"{guest_path(self._guest)}/storage")

    # -- start -------------------------------------------------------------------------

    async def start(self) -> None:
        """Spawn the guest's actors, and start its QEMU.

        Raises:
            ImageError: The image of a device cannot be used.
            UnsupportedHostError: This computer does not let other processes be guests.
            ClientError: There is no such QEMU, or it cannot be started.
        """
        guest = self._guest
        program = await asyncio.to_thread(find_qemu, *filter(None, [guest.binary]))
        await add_disks(self._system, self._machine, guest, self._scratch, self._layers)
        storage = self._system.spawn(
            ProcessStorage(self.emulator), f"{guest_path(guest)}/storage"
        )
        self._base = base_of(self._machine, guest)
        devices = [
            self._pass_through(passed, subchannel_of(self._machine, passed.host))
            for passed in guest.devices
        ]
        options = [
            device_option(
                passed.number,
                sysfsdev_of(self._folder, index, device.subchannel),
                boot=passed.number == guest.boot,
            )
            for index, (passed, device) in enumerate(
                zip(guest.devices, devices, strict=True)
            )
        ]
        await self._start_process(program, options, tuple(devices), storage)

    def _pass_through(self, passed: PassedThrough, number: int) -> AddDevice:
        """Spawn the layers of a device; `number` is that of the host's subchannel."""
        region = Region(self._base, STORAGE_MAX, self._storage, dma=True)
        paths = replace(paths_of(self._guest, passed), emulated=self.emulator.path)
        chpid = _CHPID_FIRST + number % _CHPIDS
        add_host_subchannel(
            self._system,
            paths,
            passed.host,
            number,
            region,
            chpid=chpid,
            layers=self._layers,
        )
        add_driver(
            self._system, paths, self._storage, base=self._base, layers=self._layers
        )
        regions: ActorRef[RegionsMessage] = self._system.ref(paths.vfio_ccw)
        return AddDevice(str(passed.number), number, regions, chpid)

    async def _start_process(
        self,
        program: Path,
        options: list[str],
        devices: tuple[AddDevice, ...],
        storage: ActorRef[ClientToStorage],
    ) -> None:
        output, source = self._open_console()
        console, their_console = socket.socketpair()
        control, their_control = socket.socketpair()
        errors, their_errors = os.pipe()
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
        except BaseException as error:
            console.close()
            control.close()
            os.close(errors)
            if isinstance(error, OSError):
                raise ClientError(f"{program}: {error.strerror}") from error
            raise
        finally:
            os.close(their_errors)
        calls = SystemCalls(client.listener)
        self._system.spawn(
            ClientProcess(
                client.process.pid,
                calls,
                storage,
                ShownFiles(self._folder, calls),
                devices,
            ),
            self.emulator.path,
        )
        relay = Console(console, output, source, _interrupt)
        self._stack.callback(relay.close)
        relay.start()
        self._watch(client, errors)
        # If it has ended already, the report will say why.
        with contextlib.suppress(QmpConnectionError):
            self._qmp = await self._stack.enter_async_context(Qmp(control))

    def _watch(self, client: Client, errors: int) -> None:
        """Keep what the process says, and tell when it is over."""
        reader = threading.Thread(target=self._hear, args=(errors,), daemon=True)
        reader.start()
        loop = asyncio.get_running_loop()
        pidfd = os.pidfd_open(client.process.pid)

        async def reap() -> None:
            # What it has said last is wanted, but another process may keep it open.
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
        """Return where the console is to be shown, and where somebody types."""
        target = self._guest.console or ConsoleTarget(Path(os.devnull))
        if target.file is None:
            source: int | None = None
            with contextlib.suppress(OSError, ValueError):
                source = sys.stdin.fileno()
            if source is not None:
                self._stack.enter_context(raw_terminal(source))
            return 1, source
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            output = os.open(target.file, flags, 0o666)
        except OSError as error:
            raise ClientError(f"{target.file}: {error.strerror}") from error
        self._stack.callback(os.close, output)
        return output, None

    def _hear(self, errors: int) -> None:
        """Keep and log what QEMU says; in a thread."""
        with os.fdopen(errors, errors="replace") as file:
            for line in file:
                self._words.append(line.rstrip("\n"))
                log.info("%s: %s", self._guest.name, self._words[-1])

    # -- devices that come and go ------------------------------------------------------

    async def attach(
        self, machine: Machine, passed: PassedThrough, number: int
    ) -> None:
        """Plug in a device that `machine` has besides, as subchannel `number`.

        Raises:
            CcwActorsError: QEMU does not take it, or there is none of its image.
        """
        qmp = self._monitor
        self._machine = machine
        device = next(one for one in machine.devices if one.number == passed.host)
        try:
            await add_disk(self._system, device, self._scratch, self._layers)
            shown = self._pass_through(passed, number)
            added = await self.emulator.ask(shown)
            await qmp.add_vfio_ccw(
                device_name(passed.number),
                sysfsdev=sysfsdev_of(self._folder, added.index, shown.subchannel),
                devno=devno_of(passed.number),
            )
        except BaseException:
            await self._take_away(passed)
            raise

    async def detach(self, machine: Machine, passed: PassedThrough) -> None:
        """Unplug a device that `machine` does not have; nothing of it is left then.

        Raises:
            CcwActorsError: The guest has not given it up; it has it then.
        """
        await self._monitor.remove_device(device_name(passed.number))
        self._machine = machine
        await self._take_away(passed)

    async def pause(self) -> None:
        """Stop the virtual CPUs."""
        await self._monitor.stop()

    async def resume(self) -> None:
        """Let the virtual CPUs go on."""
        await self._monitor.cont()

    @property
    def _monitor(self) -> Qmp:
        if self._qmp is None:
            raise ClientError(f"the QEMU of guest {self._guest.name} has ended")
        return self._qmp

    async def _take_away(self, passed: PassedThrough) -> None:
        """Stop the actors of a device that the guest does not have (any more)."""
        await self.emulator.ask(RemoveDevice(str(passed.number)))
        host = host_path(passed.host)
        parts = [f"{host}/{name}" for name in ("cio", "subchannel", "device", "volume")]
        for path in (f"{guest_path(self._guest, passed.number)}/vfio-ccw", *parts):
            ref = self._system.ref(path)
            ref.stop()
            await ref.stopped()

    # -- the run and its end -----------------------------------------------------------

    async def progress(self) -> GuestReport:
        """Ask how far it is."""
        report: GuestReport = await self.emulator.ask(ReportProgress())
        return report

    async def report(self) -> GuestReport:
        """Wait for the guest's end, and for its devices to be at rest."""
        report = await self.emulator.ask(AwaitGuest(), timeout=math.inf)
        if report.error and self._words:
            report = replace(report, error=f"{report.error}: {self._words[-1]}")
        left = await self._left()
        result = {**report.result, "released": not left}
        if left and report.error is None:
            report = replace(report, error="; ".join(left))
        return replace(report, result=result)

    async def _left(self) -> list[str]:
        """Say what is left of the guest on our side: nothing should be."""
        left: list[str] = []
        pins = await self._storage.ask(CountPins())
        if pins.owners:
            left.append(f"{pins.pages} pages are pinned for {pins.owners} programs")
        guest = next(g for g in self._machine.guests if g.name == self._guest.name)
        for passed in guest.devices:
            subchannel: ActorRef[StoreSubchannel] = self._system.ref(
                f"{host_path(passed.host)}/subchannel"
            )
            stored = await subchannel.ask(StoreSubchannel())
            scsw = stored.schib.scsw
            if stored.cc == 0 and (scsw.fctl or scsw.actl or scsw.stctl):
                left.append(f"the subchannel of {passed.host} is not idle: {scsw}")
        return left

    async def shut_down(self) -> None:
        """Have the guest end in order; if it does not, end its QEMU."""
        if self._qmp is not None:
            with contextlib.suppress(QmpError):
                await self._qmp.shut_down(grace=_GRACE)
                await self.report()

    async def close(self) -> None:
        """End the process, if it has not, and give up what was taken for the guest."""
        self.emulator.stop(drain=False)
        await self.emulator.stopped()
        if self._over is not None:
            await self._over
        if self._reaping is not None:
            await self._reaping
        await self._stack.aclose()


def _interrupt() -> None:
    """Do as Ctrl-C does, from whatever thread."""
    os.kill(os.getpid(), signal.SIGINT)
